//! The agreement half of the seventh invariant: nothing leaves that an agreement does not allow, by any way.

use std::collections::BTreeSet;

use integration_tests::hub::{Agreement, Client, Hub, shape};
use integration_tests::kafka::{Kafka, Message};
use integration_tests::store::Store;
use integration_tests::world::{
    Person, health_record, health_records, marriage, marriage_registrations, registered, registered_residents,
};
use serde_json::{Value, json};

use super::wait_for;

const HERE: &str = "130108001001";
const THERE: &str = "130108001002";

/// Who lives where: the first three here, the others there.
struct People {
    here: [Person; 3],
    there: [Person; 3],
}

impl People {
    fn new() -> Self {
        let at = |number: u32, name: &str, (community, community_name): (&'static str, &'static str)| Person {
            community,
            community_name,
            ..Person::nth(number).named(name)
        };
        let (here, there) = ((HERE, "八五零社区居委会"), (THERE, "东王社区居委会"));
        Self {
            here: [at(1, "赵看得见", here), at(2, "钱看得见", here), at(3, "孙看得见", here)],
            there: [at(4, "李藏起来", there), at(5, "周藏起来", there), at(6, "吴藏起来", there)],
        }
    }

    /// Households across the line, a couple across the line, phones, and one who moves from there to here and one back.
    fn arrive(&self, hub: &Hub) {
        let [zhao, qian, sun] = &self.here;
        let [li, zhou, wu] = &self.there;
        let register = |moved: bool| {
            let sun = if moved {
                Person { community: THERE, community_name: zhou.community_name, ..sun.clone() }
            } else {
                sun.clone()
            };
            let wu = if moved {
                Person { community: HERE, community_name: zhao.community_name, ..wu.clone() }
            } else {
                wu.clone()
            };
            [
                registered(zhao, "001", "户主"),
                registered(li, "001", "配偶"),
                registered(qian, "002", "户主"),
                registered(&sun, "003", "户主"),
                registered(zhou, "004", "户主"),
                registered(&wu, "005", "户主"),
            ]
        };
        applied(&hub.deliver(&registered_residents("20261101", register(false))));
        let couple = marriage(zhao, li, "J130108-2026-000001", "2026-10-31");
        applied(&hub.deliver(&marriage_registrations("2026-11-01T20:00:00", [couple])));
        let records = [zhao, qian, li, zhou]
            .into_iter()
            .zip(1..)
            .map(|(person, number)| health_record(person, &format!("1301080000000000{number}"), "2026-11-01T08:30:00"));
        applied(&hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 1, records)));
        applied(&hub.deliver(&registered_residents("20261102", register(true))));
    }

    /// What no answer may ever hold: of those there everything, of those here what is not agreed.
    fn hidden(&self) -> Vec<String> {
        let [zhao, qian, sun] = &self.here;
        // Who has moved here is seen now, by the name.
        let there = &self.there[..2];
        let mut hidden: Vec<String> = there.iter().map(|person| person.name.clone()).collect();
        for person in [zhao, qian, sun, &self.there[2]].into_iter().chain(there) {
            hidden.extend([person.id_no.clone(), person.birth_date_iso(), person.phone.clone(), person.street.clone()]);
        }
        hidden.extend([THERE, "东王社区", "裕兴派出所"].map(str::to_owned));
        hidden.extend((1..=4).map(|number| format!("1301080000000000{number}")));
        hidden
    }
}

#[track_caller]
fn applied(delivery: &Value) {
    assert_eq!((&delivery["state"], &delivery["rejected"]), (&json!("applied"), &json!(0)), "{delivery}");
}

fn platform() -> Agreement {
    Agreement::new("platform")
        .fields("resident", &["name", "spouse", "marriages", "marital"])
        .fields("household", &["members", "head"])
        .communities(&[HERE])
}

fn with_agreements(store: Store, kafka: &Kafka, prefix: &str) -> Hub {
    Hub::on(store)
        .kafka(kafka, prefix)
        .agreement(platform())
        .agreement(Agreement::new("empty"))
        .agreement(Agreement::new("nowhere").fields("resident", &["name"]))
        .agreement(Agreement::new("nothing").fields("resident", &[]).everywhere())
        .start()
}

#[test]
fn invariant_7_nothing_leaves_that_an_agreement_does_not_allow_on_sqlite() {
    nothing_leaves_that_an_agreement_does_not_allow(Store::Sqlite);
}

#[test]
fn invariant_7_nothing_leaves_that_an_agreement_does_not_allow_on_postgres() {
    nothing_leaves_that_an_agreement_does_not_allow(Store::Postgres);
}

fn nothing_leaves_that_an_agreement_does_not_allow(store: Store) {
    let kafka = Kafka::shared();
    let prefix = kafka.prefix();
    let hub = with_agreements(store, kafka, &prefix);
    // From the first change on, so that all ways tell the same ones.
    relay_is_done(&hub);
    let people = People::new();
    people.arrive(&hub);

    let ids = Ids::of(&hub, &people);
    let consumer = hub.consumer("platform");
    let mut answers = rest(&consumer, &people, &ids);
    answers.push(("server-sent events".to_owned(), followed(&consumer)));
    answers.extend(exports(&consumer));
    relay_is_done(&hub);
    for topic in ["events", "state"] {
        answers.push((format!("topic {topic}"), said(&kafka.read_all(&format!("{prefix}.platform.{topic}")))));
    }
    sees_what_is_agreed(&answers, &people);
    let hidden = people.hidden();
    for (way, text) in &answers {
        for word in &hidden {
            assert!(!text.contains(word.as_str()), "{way} tells {word}:\n{text}");
        }
        // Neither may those be named by what finds them.
        for id in &ids.there[..2] {
            assert!(!text.contains(id.as_str()), "{way} tells of {id}:\n{text}");
        }
    }
    the_same_events_by_every_way(&consumer, kafka, &prefix);
    for agreement in ["empty", "nowhere", "nothing", "never-made"] {
        means_nothing(&hub, agreement, &people, &ids);
        if agreement != "never-made" {
            for topic in ["events", "state"] {
                let messages = kafka.read_all(&format!("{prefix}.{agreement}.{topic}"));
                assert_eq!(messages, [], "{agreement}, {topic}");
            }
        }
    }
}

/// The entity ids an administrator sees.
struct Ids {
    here: Vec<String>,
    there: Vec<String>,
    households: Vec<String>,
}

impl Ids {
    fn of(hub: &Hub, people: &People) -> Self {
        let administrator = hub.administrator();
        let of = |person: &Person| {
            let found = administrator.post("/v1/residents/search", &json!({"key": {"number": person.id_no}})).good();
            shape::items(&found)[0]["id"].as_str().unwrap().to_owned()
        };
        let households = administrator.get("/v1/households").good();
        let households = shape::items(&households).iter().map(|item| item["id"].as_str().unwrap().to_owned());
        Self {
            here: people.here.iter().map(of).collect(),
            there: people.there.iter().map(of).collect(),
            households: households.collect(),
        }
    }
}

/// Every way of REST, each answer whole: status line left out, headers in.
fn rest(consumer: &Client, people: &People, ids: &Ids) -> Vec<(String, String)> {
    let mut paths = vec![
        "/v1/residents".to_owned(),
        "/v1/residents?limit=1".to_owned(),
        format!("/v1/residents?community={HERE}"),
        "/v1/residents?updated_since=2026-01-01T00:00:00%2B08:00".to_owned(),
        "/v1/households".to_owned(),
        format!("/v1/communities/{HERE}"),
        "/v1/changes".to_owned(),
        "/v1/changes?limit=1".to_owned(),
        "/v1/changes?after=now".to_owned(),
        "/v1/feeds".to_owned(),
        "/v1/deliveries".to_owned(),
        "/v1/rejections".to_owned(),
        "/v1/jobs".to_owned(),
        "/v1/status".to_owned(),
        "/v1/agreements".to_owned(),
        "/v1/trace?feed=health/resident-health-records&line=1".to_owned(),
        "/metrics".to_owned(),
    ];
    for id in ids.here.iter().chain(&ids.there) {
        paths.extend([
            format!("/v1/residents/{id}"),
            format!("/v1/residents/{id}?provenance=1"),
            format!("/v1/residents/{id}/history"),
        ]);
    }
    paths.extend(ids.households.iter().map(|id| format!("/v1/households/{id}")));
    // A household's id is no resident's, and a resident's no household's.
    paths.extend(ids.households.iter().map(|id| format!("/v1/residents/{id}/history")));
    paths.extend(ids.there.iter().map(|id| format!("/v1/households/{id}")));
    let mut answers: Vec<(String, String)> = Vec::new();
    for path in paths {
        answers.push((path.clone(), whole(&consumer.get(&path))));
    }
    for person in people.here.iter().chain(&people.there) {
        let answer = consumer.post("/v1/residents/search", &json!({"key": {"number": person.id_no}}));
        assert_eq!(answer.status, 403, "the number is not agreed: {answer}");
        answers.push(("search".to_owned(), whole(&answer)));
        let trace =
            consumer.post("/v1/trace", &json!({"feed": "public-security/registered-residents", "key": person.id_no}));
        answers.push(("trace".to_owned(), whole(&trace)));
    }
    // These name what is asked for in the path; the answer may not add to it.
    for path in [format!("/v1/residents?community={THERE}"), format!("/v1/communities/{THERE}")] {
        let answer = consumer.get(&path);
        assert!(answer.status == 404 || answer.json()["items"] == json!([]), "{answer}");
        answers.push((path, whole(&answer)));
    }
    answers
}

/// The same as NDJSON.
fn exports(consumer: &Client) -> Vec<(String, String)> {
    let export = |path: &str| {
        let answer = consumer.get_as(path, "application/x-ndjson");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")), "{answer}");
        (format!("NDJSON {path}"), whole(&answer))
    };
    let paths =
        ["/v1/residents", "/v1/households", "/v1/changes", "/v1/residents?updated_since=2026-01-01T00:00:00%2B08:00"];
    let mut answers: Vec<(String, String)> = paths.map(export).into();
    answers.push(export(&format!("/v1/residents?community={HERE}")));
    let (_, there) = export(&format!("/v1/residents?community={THERE}"));
    assert!(there.ends_with('\n') && !there.contains('{'), "{there}");
    answers
}

fn whole(answer: &integration_tests::Answer) -> String {
    format!("{:?}\n{}", answer.headers, answer.text())
}

/// Server-sent events up to the last change.
fn followed(consumer: &Client) -> String {
    let changes = consumer.get("/v1/changes?limit=1000").good();
    let last = format!("id: {}", shape::items(&changes).last().unwrap()["id"].as_str().unwrap());
    let (mut text, mut is_last) = (String::new(), false);
    for line in consumer.follow("/v1/changes") {
        is_last |= line == last;
        text += &line;
        text.push('\n');
        // A blank line ends an event; the stream itself goes on.
        if is_last && line.is_empty() {
            break;
        }
    }
    text
}

fn said(messages: &[Message]) -> String {
    messages.iter().map(|message| format!("{:?} {:?} {:?}\n", message.key, message.value, message.headers)).collect()
}

fn relay_is_done(hub: &Hub) {
    let administrator = hub.administrator();
    wait_for("the end of the relay", || {
        let status = administrator.get("/v1/status").good();
        let last = status["last_seq"].as_i64()?;
        let relays = status["relays"].as_array()?;
        let there = |relay: &Value| relay["seq"].as_i64() >= Some(last) && relay["state"] == "running";
        let done = relays.len() == 4 && relays.iter().all(there);
        done.then_some(())
    });
}

/// The test would be worth nothing if nothing came through.
fn sees_what_is_agreed(answers: &[(String, String)], people: &People) {
    let ways = ["/v1/residents", "/v1/changes", "server-sent events", "topic events", "topic state"];
    for way in ways.into_iter().chain(["NDJSON /v1/residents", "NDJSON /v1/changes"]) {
        let (_, text) = answers.iter().find(|(found, _)| found == way).unwrap();
        for person in [&people.here[0], &people.here[1], &people.there[2]] {
            assert!(text.contains(&person.name), "{way} lacks {}:\n{text}", person.name);
        }
    }
    let (_, households) = answers.iter().find(|(found, _)| found == "/v1/households").unwrap();
    assert!(households.contains(&people.here[0].name), "{households}");
}

/// What the consumer is told is the same by cursor, as a stream and by Kafka.
fn the_same_events_by_every_way(consumer: &Client, kafka: &Kafka, prefix: &str) {
    let told = |items: &[Value]| -> BTreeSet<(String, String)> {
        let pair = |item: &Value| (item["id"].as_str().unwrap().to_owned(), item["data"].to_string());
        items.iter().map(pair).collect()
    };
    let changes = consumer.get("/v1/changes?limit=1000").good();
    let by_cursor = told(shape::items(&changes));
    let stream = followed(consumer);
    let streamed: Vec<Value> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(told(&streamed), by_cursor);
    let export = consumer.get_as("/v1/changes", "application/x-ndjson").text();
    let lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told(&lines), by_cursor);
    let produced = kafka.read_all(&format!("{prefix}.platform.events"));
    let produced: BTreeSet<(String, String)> = produced
        .iter()
        .map(|message| {
            let event: Value = serde_json::from_str(message.value.as_deref().unwrap()).unwrap();
            (event["id"].as_str().unwrap().to_owned(), event["data"]["record"].to_string())
        })
        .collect();
    assert_eq!(produced, by_cursor);
}

fn means_nothing(hub: &Hub, agreement: &str, people: &People, ids: &Ids) {
    let consumer = hub.consumer(agreement);
    for path in ["/v1/residents", "/v1/households", "/v1/changes"] {
        assert_eq!(consumer.get(path).good()["items"], json!([]), "{agreement}: {path}");
        let export = consumer.get_as(path, "application/x-ndjson");
        assert_eq!((export.status, export.text().as_str()), (200, ""), "{agreement}: {path} as NDJSON");
    }
    for id in ids.here.iter().chain(&ids.there) {
        for rest in ["", "?provenance=1", "/history"] {
            let answer = consumer.get(&format!("/v1/residents/{id}{rest}"));
            assert_eq!(answer.status, 404, "{agreement}: {answer}");
        }
    }
    for id in &ids.households {
        assert_eq!(consumer.get(&format!("/v1/households/{id}")).status, 404, "{agreement}");
    }
    let search = consumer.post("/v1/residents/search", &json!({"key": {"number": people.here[0].id_no}}));
    assert_eq!(search.status, 403, "{agreement}: {search}");
    let community = consumer.get(&format!("/v1/communities/{HERE}"));
    let counts = community.status == 404 || community.json().get("residents").is_none();
    assert!(counts, "{agreement}: {community}");
}

/// Where the number is agreed, only those in the agreed communities are found by it.
#[test]
fn a_number_finds_only_who_is_in_the_agreement() {
    let numbers = platform().fields("resident", &["id_no", "name"]);
    let hub = Hub::on(Store::Sqlite).agreement(numbers).start();
    let people = People::new();
    people.arrive(&hub);
    let consumer = hub.consumer("platform");
    let find =
        |person: &Person| consumer.post("/v1/residents/search", &json!({"key": {"number": person.id_no}})).good();
    let found = find(&people.here[0]);
    assert_eq!(shape::items(&found)[0]["data"]["name"], people.here[0].name.as_str(), "{found}");
    for hidden in [&people.there[0], &people.there[1], &people.here[2]] {
        assert_eq!(find(hidden)["items"], json!([]), "{}", hidden.name);
    }
    let alias = json!({"alias": {"department": "health", "kind": "health-record-no", "number": "13010800000000001"}});
    assert_eq!(consumer.post("/v1/residents/search", &alias).status, 403, "that number is not agreed");
}
