//! Who is who over the API: clerks decide, readers follow.

use integration_tests::hub::{Agreement, Client, Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{
    Person, insured, insured_persons, marriage, marriage_registrations, registered, registered_residents,
};
use serde_json::{Value, json};

const HERE: (&str, &str) = ("130108001001", "八五零社区居委会");
const THERE: (&str, &str) = ("130108001002", "东王社区居委会");

fn living(number: u32, (community, community_name): (&'static str, &'static str)) -> Person {
    Person { community, community_name, ..Person::nth(number) }
}

fn found(client: &Client, who: &Person) -> Option<String> {
    let found = client.post("/v1/residents/search", &json!({"key": {"number": who.id_no}})).good();
    shape::items(&found).first().map(|item| item["id"].as_str().unwrap().to_owned())
}

fn version(client: &Client, id: &str) -> i64 {
    client.get(&format!("/v1/residents/{id}")).good()["version"].as_i64().unwrap()
}

fn changes(client: &Client) -> Vec<Value> {
    shape::items(&client.get("/v1/changes?limit=1000").good()).to_vec()
}

#[test]
fn a_merge_travels_and_is_taken_back_on_sqlite() {
    a_merge_travels_and_is_taken_back(Store::Sqlite);
}

#[test]
fn a_merge_travels_and_is_taken_back_on_postgres() {
    a_merge_travels_and_is_taken_back(Store::Postgres);
}

fn a_merge_travels_and_is_taken_back(store: Store) {
    let local = || Agreement::new("local").fields("resident", &["name", "id_no"]).communities(&[HERE.0]);
    let hub = Hub::on(store).agreement(local()).start();
    // The same woman twice: married under the one number, insured and moved away under the other.
    let (old, new, husband) = (living(1, HERE), living(2, THERE), living(3, HERE));
    hub.deliver(&registered_residents("20261101", [registered(&old, "001", "户主"), registered(&new, "002", "户主")]));
    hub.deliver(&marriage_registrations(
        "2026-11-01T20:00:00",
        [marriage(&husband, &old, "J130108-2026-000001", "2026-10-31")],
    ));
    hub.deliver(&insured_persons("20261101", 1, [insured(&new, "1002")]));
    let (clerk, local) = (hub.administrator(), hub.consumer("local"));
    let (gone, stays) = (found(&clerk, &old).unwrap(), found(&clerk, &new).unwrap());
    assert_eq!(found(&local, &old), Some(gone.clone()));

    let why = clerk.get(&format!("/v1/residents/{gone}/why")).good();
    let links: Vec<&str> =
        why["contributions"].as_array().unwrap().iter().map(|one| one["link"].as_str().unwrap()).collect();
    assert_eq!(links, ["key", "key"], "{why}");
    assert_eq!((&why["decisions"], &why["version"]), (&json!([]), &json!(version(&clerk, &gone))), "{why}");

    let body = json!({"version": version(&clerk, &stays), "absorb": {"id": gone, "version": version(&clerk, &gone)}, "reason": "换过号码"});
    let path = format!("/v1/residents/{stays}/merge");
    for other in [&local, &hub.department("social-security")] {
        assert_eq!(other.post(&path, &body).refused(403)["code"], "role-forbidden");
        assert_eq!(other.get(&format!("/v1/residents/{gone}/why")).refused(403)["code"], "role-forbidden");
    }
    let stale = json!({"version": 77, "absorb": body["absorb"], "reason": "换过号码"});
    assert_eq!(clerk.post(&path, &stale).refused(409)["code"], "moved-on");
    let silent = json!({"version": body["version"], "absorb": body["absorb"], "reason": " "});
    assert_eq!(clerk.post(&path, &silent).refused(400)["code"], "reason-invalid");

    let seen_before = changes(&clerk).len();
    let decision = clerk.post(&path, &body).good();
    assert_eq!((&decision["resident"], &decision["absorbed"]), (&json!(stays), &json!(gone)), "{decision}");
    assert_eq!(clerk.post(&path, &body).refused(409)["code"], "moved-on", "both have changed by that");

    // Readers find who stays by the old id and the old number.
    let answer = clerk.get(&format!("/v1/residents/{gone}"));
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, Some(format!("/v1/residents/{stays}").as_str())),
        "{answer}"
    );
    assert_eq!(found(&clerk, &old), Some(stays.clone()));
    let spouse = clerk.get(&format!("/v1/residents/{}", found(&clerk, &husband).unwrap())).good();
    assert_eq!(spouse["data"]["marriages"][0]["spouse"]["id"], json!(stays), "{spouse}");
    // Whoever may not see who stays is told only that the other is gone.
    assert_eq!(local.get(&format!("/v1/residents/{gone}")).refused(404)["code"], "resident-unknown");
    let told = changes(&clerk).split_off(seen_before);
    let removed = told.iter().find(|one| one["entity"] == json!(gone)).unwrap();
    assert_eq!((&removed["operation"], &removed["merged_into"]), (&json!("removed"), &json!(stays)), "{removed}");
    let changed = told.iter().find(|one| one["entity"] == json!(stays)).unwrap();
    assert_eq!(changed["operation"], "changed", "{changed}");
    let last = changes(&local).pop().unwrap();
    assert_eq!((&last["operation"], &last["merged_into"]), (&json!("removed"), &Value::Null), "{last}");

    let why = clerk.get(&format!("/v1/residents/{stays}/why")).good();
    assert_eq!(why["contributions"].as_array().unwrap().len(), 4, "{why}");
    assert_eq!(why["decisions"][0]["reason"], "换过号码", "{why}");
    let absorbed = clerk.get(&format!("/v1/residents/{gone}/why")).good();
    assert_eq!((&absorbed["state"], &absorbed["merged_into"]), (&json!("ended"), &json!(stays)), "{absorbed}");

    let revoke = format!("/v1/decisions/{}/revoke", decision["id"].as_str().unwrap());
    assert!(clerk.post(&revoke, &json!({})).good()["revoked_by"].is_string());
    assert_eq!(clerk.post(&revoke, &json!({})).refused(409)["code"], "decision-revoked");
    assert_eq!(found(&clerk, &old), Some(gone.clone()));
    assert_eq!(found(&local, &old), Some(gone.clone()));
    assert_eq!(changes(&local).pop().unwrap()["operation"], "added");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

#[test]
fn a_record_is_placed_over_the_api() {
    let hub = Hub::started(Store::Sqlite);
    let (one, other) = (Person::nth(1), Person::nth(2));
    hub.deliver(&insured_persons("20261101", 1, [insured(&one, "1001"), insured(&other, "1002")]));
    let clerk = hub.administrator();
    let (from, to) = (found(&clerk, &one).unwrap(), found(&clerk, &other).unwrap());
    let why = clerk.get(&format!("/v1/residents/{from}/why")).good();
    let record = &why["contributions"][0];
    assert_eq!(record["says"]["id_no"], json!(one.id_no), "{record}");
    let path = format!("/v1/contributions/{}/place", record["contribution"].as_str().unwrap());
    let place = |from: Value, to: Value| clerk.post(&path, &json!({"from": from, "to": to, "reason": "看过原件"}));

    let seen = json!({"id": to, "version": version(&clerk, &to)});
    assert_eq!(place(Value::Null, seen.clone()).refused(409)["code"], "moved-on");
    let made = place(json!(from), seen).good();
    assert_eq!((&made["kind"], &made["resident"]), (&json!("join"), &json!(to)), "{made}");
    let why = clerk.get(&format!("/v1/residents/{to}/why")).good();
    let placed = why["contributions"].as_array().unwrap().iter().find(|one| one["link"] == "decision").unwrap();
    assert!(placed["why_zh"].as_str().unwrap().contains("认定"), "{placed}");
    assert_eq!(
        clerk.get(&format!("/v1/residents/{from}")).refused(404)["code"],
        "resident-unknown",
        "nothing is left of it"
    );

    let made = place(json!(to), Value::Null).good();
    assert_eq!(made["kind"], "part", "{made}");

    // What stood then is told as it was: before the record was placed, while it was, and before there was anything.
    let why_at = |who: &str, at: &Value| {
        let at = at.as_str().unwrap().replace('+', "%2B");
        clerk.get(&format!("/v1/residents/{who}/why?at={at}"))
    };
    let first = why_at(&from, &record["since"]).good();
    assert_eq!((&first["state"], &first["decisions"]), (&json!("live"), &json!([])), "{first}");
    let part = &first["contributions"][0];
    assert_eq!((&part["link"], &part["until"]), (&json!("key"), &placed["since"]), "{part}");
    assert_eq!((&part["feed"], &part["says"]), (&record["feed"], &Value::Null), "{part}");
    assert_eq!(why_at(&to, &record["since"]).good()["contributions"].as_array().unwrap().len(), 1);
    let then = why_at(&to, &placed["since"]).good();
    let parts = then["contributions"].as_array().unwrap();
    let there = parts.iter().find(|one| one["contribution"] == record["contribution"]).unwrap();
    assert_eq!(there["why_zh"], placed["why_zh"], "{there}");
    assert_eq!(then["decisions"].as_array().unwrap().len(), 1, "what was decided later is not of then: {then}");
    assert_eq!(why_at(&from, &placed["since"]).good()["state"], "ended");
    assert_eq!(why_at(&to, &json!("2001-01-01T00:00:00Z")).refused(404)["code"], "resident-unknown");
    assert_eq!(why_at(&to, &json!("yesterday")).refused(400)["code"], "query-invalid");
    assert_eq!(clerk.get("/v1/contributions/x/place").status, 405);
    assert_eq!(
        clerk.post("/v1/contributions/x/place", &json!({"from": null, "to": null, "reason": "x"})).refused(404)["code"],
        "contribution-unknown"
    );
    assert_eq!(clerk.post("/v1/decisions/x/revoke", &json!({})).refused(404)["code"], "decision-unknown");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

/// Everybody is registered; of every third the insurer has no number.
fn city(hub: &Hub, people: u32) {
    let everybody = || (1..=people).map(Person::nth);
    hub.deliver(&registered_residents("20261101", everybody().map(|who| registered(&who, &who.phone, "户主"))));
    let insured = (1..=people).map(|number| {
        let row = insured(&Person::nth(number), &format!("{}", 5_000 + number));
        match number {
            // Little is said of this one: nobody is joined by that.
            7 => row.with("AAC002", "").with("AAC006", "").with("AAE006", ""),
            _ if number.is_multiple_of(3) => row.with("AAC002", ""),
            _ => row,
        }
    });
    hub.deliver(&insured_persons("20261101", 1, insured.collect::<Vec<_>>()));
}

#[test]
fn records_without_a_number_are_reviewed_over_the_api() {
    let hub = Hub::started(Store::Sqlite);
    city(&hub, 160);
    let clerk = hub.administrator();
    assert_eq!(shape::items(&clerk.get("/v1/reviews?state=joined").good()), &[] as &[Value], "there is no model yet");
    assert_eq!(clerk.post("/v1/models", &json!({"apply": true})).status, 202);
    let model = super::wait_for("a model", || {
        let models = clerk.get("/v1/models").good();
        shape::items(&models).first().filter(|model| model["state"] == "active").cloned()
    });
    assert_eq!(model["tuned"]["effect"]["loose"], 54, "{model}");
    super::wait_for("its joins", || {
        let joined = clerk.get("/v1/reviews?state=joined").good();
        (shape::items(&joined).len() > 45).then_some(())
    });

    // What was joined by itself is explained, and the queue shows what was not.
    let joined = clerk.get("/v1/reviews?state=joined&limit=1").good();
    let one = &shape::items(&joined)[0];
    assert!(
        joined["next"].is_string() && one["candidates"][0]["sentence_zh"].as_str().unwrap().contains("姓名"),
        "{one}"
    );
    let resident = one["candidates"][0]["resident"].as_str().unwrap();
    let why = clerk.get(&format!("/v1/residents/{resident}/why")).good();
    let like = why["contributions"].as_array().unwrap().iter().find(|part| part["link"] == "like/no-key").unwrap();
    assert!(like["like"]["columns"][0]["bits"].as_f64().unwrap() > 3.0, "{like}");
    assert!(like["why_zh"].as_str().unwrap().contains("可能性"), "{like}");

    // Nobody is known twice.
    assert_eq!(shape::items(&clerk.get("/v1/reviews/residents").good()), &[] as &[Value]);
    assert_eq!(hub.json(&["reviews", "--residents"])["items"], json!([]));
    assert_eq!(clerk.get("/v1/reviews/residents?cursor=x").refused(400)["code"], "cursor-invalid");
    assert_eq!(hub.department("social-security").get("/v1/reviews/residents").refused(403)["code"], "role-forbidden");

    // Who is this? Nothing is stored.
    let somebody = Person::nth(20);
    let before = hub.json(&["status"])["dataset"].clone();
    let body = json!({"name": somebody.name, "birth_date": somebody.birth_date_iso(), "sex": somebody.sex_label(), "address": somebody.street});
    let found = clerk.post("/v1/match", &body).good();
    assert_eq!(found["candidates"][0]["resident"], json!(self::found(&clerk, &somebody)), "{found}");
    let found = clerk.post("/v1/match", &json!({"id_no": somebody.id_no})).good();
    assert_eq!(found["by_number"], json!(self::found(&clerk, &somebody)), "{found}");
    assert_eq!(clerk.post("/v1/match", &json!({})).refused(400)["code"], "body-unreadable");
    assert_eq!(hub.json(&["status"])["dataset"], before);

    // A clerk parts what was joined; it does not come back.
    let contribution = one["contribution"].as_str().unwrap();
    let answer = |verdict: &str| {
        let version = version(&clerk, resident);
        let body = json!({"resident": resident, "version": version, "verdict": verdict, "reason": "看过原件"});
        clerk.post(&format!("/v1/reviews/{contribution}/decide"), &body)
    };
    assert_eq!(hub.department("social-security").post("/v1/match", &body).refused(403)["code"], "role-forbidden");
    assert_eq!(answer("different").good()["kind"], "part");
    let joined = clerk.get("/v1/reviews?state=joined&limit=1000").good();
    assert!(shape::items(&joined).iter().all(|other| other["contribution"] != json!(contribution)));
    assert_eq!(answer("unsure").good()["kind"], "unsure");
    assert_eq!(answer("same").good()["kind"], "join");
    assert_eq!(answer("same").refused(409)["code"], "moved-on", "it has its place now");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

#[test]
fn a_model_is_made_to_its_end_whenever_the_hub_is_killed() {
    let mut hub = Hub::started(Store::Sqlite);
    city(&hub, 160);
    for round in 1..=3_u64 {
        let clerk = hub.administrator();
        assert_eq!(clerk.post("/v1/models", &json!({"apply": true})).status, 202);
        std::thread::sleep(std::time::Duration::from_millis(90 * round));
        hub.kill9();
        hub.start_again();
        let clerk = hub.administrator();
        super::wait_for("a model", || {
            let (jobs, models) = (clerk.get("/v1/jobs").good(), clerk.get("/v1/models").good());
            let is_over = |job: &Value| job["kind"] != "tune" || job["state"] == "done";
            let active = shape::items(&models).iter().any(|model| model["state"] == "active");
            (active && shape::items(&jobs).iter().all(is_over)).then_some(())
        });
        let verified = hub.json(&["verify"]);
        assert_eq!(verified["differences"], 0, "{verified}");
        let joined = clerk.get("/v1/reviews?state=joined&limit=1000").good();
        assert!(shape::items(&joined).len() > 45, "{joined}");
    }
    // A command beside a hub that is running leaves it to that one.
    let clerk = hub.administrator();
    let models = || shape::items(&clerk.get("/v1/models").good()).len();
    let before = models();
    assert_eq!(hub.json(&["tune"]), json!({"queued": "look"}));
    super::wait_for("another model", || (models() > before).then_some(()));
    assert_eq!(hub.json(&["tune", "--again"]), json!({"queued": "again"}));
    let id = "00000000000000000000000000000007";
    let refused = hub.command(&["reviews", "decide", id, id, "1", "unsure", "--reason", "看过原件"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("POST /v1/reviews/{id}/decide")), "{said}");
    let is_done = |job: &Value| job["kind"] == "tune" && job["subject"] == "again" && job["state"] == "done";
    super::wait_for("the places", || {
        let jobs = clerk.get("/v1/jobs?limit=1000").good();
        shape::items(&jobs).iter().any(is_done).then_some(())
    });
}
