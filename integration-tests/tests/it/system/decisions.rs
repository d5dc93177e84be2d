//! What people decide of held deliveries, over the API and on the command line.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use serde_json::{Value, json};

fn people(date: &str, numbers: std::ops::RangeInclusive<u32>) -> Delivery {
    insured_persons(date, 1, numbers.map(|number| insured(&Person::nth(number), &number.to_string())))
}

/// A delivery that is held because half of the people are gone.
fn held(hub: &Hub, date: &str) -> String {
    let found = hub.deliver(&people(date, 1..=10));
    assert_eq!((&found["state"], &found["reasons"][0]["code"]), (&json!("held"), &json!("shrink-limit")), "{found}");
    assert_eq!((&found["waiting"], &found["applied"]), (&found["received"], &json!(0)), "{found}");
    shape::delivery_id(&found).to_owned()
}

fn residents(hub: &Hub) -> Value {
    hub.json(&["status"])["dataset"]["residents"].clone()
}

fn held_deliveries_are_decided_over_the_api(store: Store) {
    let hub = Hub::started(store);
    assert_eq!(hub.deliver(&people("20261101", 1..=20))["applied"], 20);
    let (administrator, department) = (hub.administrator(), hub.department("social-security"));
    let decide = |id: &str, what: &str| administrator.post(&format!("/v1/deliveries/{id}/{what}"), &json!({}));

    let first = held(&hub, "20261102");
    for what in ["release", "refuse"] {
        let answer = department.post(&format!("/v1/deliveries/{first}/{what}"), &json!({}));
        assert_eq!(answer.refused(403)["code"], "role-forbidden", "{answer}");
    }
    let refused = decide(&first, "refuse").good();
    assert_eq!(refused["state"], "refused", "{refused}");
    assert!(refused["decided_by"].is_string() && refused["decided_at"].is_string(), "{refused}");
    assert_eq!(residents(&hub), 20, "a delivery that is refused has changed nothing");
    assert_eq!(decide(&first, "release").refused(409)["code"], "not-held");

    let second = held(&hub, "20261103");
    assert_eq!(residents(&hub), 20, "a delivery that is held has changed nothing");
    assert_eq!(decide(&second, "release").good()["state"], "ready");
    let applied = hub.decided(&second);
    assert_eq!((&applied["state"], &applied["ended"]), (&json!("applied"), &json!(10)), "{applied}");
    assert_eq!(residents(&hub), 10);
    assert_eq!(decide(&second, "refuse").refused(409)["code"], "not-held");

    let cut = hub.deliver(&people("20261104", 1..=10).cut_at(5));
    let answer = decide(shape::delivery_id(&cut), "release");
    assert_eq!(answer.refused(409)["code"], "not-releasable", "{answer}");
    assert_eq!(decide("00000000-0000-0000-0000-000000000000", "release").refused(404)["code"], "delivery-unknown");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

#[test]
fn held_deliveries_are_decided_over_the_api_on_sqlite() {
    held_deliveries_are_decided_over_the_api(Store::Sqlite);
}

#[test]
fn held_deliveries_are_decided_over_the_api_on_postgres() {
    held_deliveries_are_decided_over_the_api(Store::Postgres);
}

#[test]
fn held_deliveries_are_decided_on_the_command_line() {
    let hub = Hub::started(Store::Sqlite);
    hub.deliver(&people("20261101", 1..=20));
    let (first, second) = (held(&hub, "20261102"), held(&hub, "20261103"));
    let listed = hub.json(&["deliveries", "--state", "held"]);
    let ids: Vec<&str> =
        listed["deliveries"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [second.as_str(), first.as_str()], "{listed}");
    assert_eq!(hub.json(&["status"])["held"].as_array().unwrap().len(), 2);
    assert_eq!(hub.json(&["deliveries", "refuse", &first])["deliveries"][0]["state"], "refused");
    // The server beside it does the work.
    assert_eq!(hub.json(&["deliveries", "release", &second])["deliveries"][0]["state"], "ready");
    assert!(hub.decided(&second)["applied_at"].is_string());
    assert_eq!(residents(&hub), 10);
    let again = hub.command(&["deliveries", "release", &first]);
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("挂起") && said.contains("held"), "{said}");
}
