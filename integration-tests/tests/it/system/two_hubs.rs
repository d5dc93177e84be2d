//! Two hubs on one PostgreSQL: one writes, the other serves, and takes over when the first is gone.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Person, health_record, health_records, insured, insured_persons};
use serde_json::json;

use super::wait_for;

const RECORDS: &str = "/v1/feeds/health/resident-health-records/records";

#[test]
fn a_second_hub_reads_and_lands_but_does_not_write() {
    let hub = Hub::started(Store::Postgres);
    let other = Hub::on(Store::Postgres).beside(&hub).start();
    let here = |hub: &Hub| hub.administrator().get("/v1/status").good()["writer"]["here"].clone();
    wait_for("a writer", || (here(&hub) == json!(true)).then_some(()));
    assert_eq!(here(&other), json!(false));

    let record = json!([{"DE01.00.009.00": "13010800000000001", "DE02.01.039.00": "张三"}]);
    let answer = other.department("health").post(RECORDS, &record);
    let problem = answer.refused(503);
    assert_eq!(problem["code"], "not-writer", "{answer}");
    assert!(problem["detail_zh"].is_string() && answer.header("retry-after").is_some(), "{answer}");
    assert_eq!(other.administrator().get("/v1/deliveries").good()["items"], json!([]), "nothing of it was accepted");

    let zhang = Person::nth(1);
    let receipt =
        other.department("social-security").deliver(&insured_persons("20261101", 1, [insured(&zhang, "1001")]));
    assert_eq!(receipt.status, 202, "{receipt}");
    let applied = other.decided(shape::delivery_id(&receipt.json()));
    assert_eq!((&applied["state"], &applied["applied"]), (&json!("applied"), &json!(1)), "{applied}");
    for reader in [&hub, &other] {
        let found =
            reader.administrator().post("/v1/residents/search", &json!({"key": {"number": zhang.id_no}})).good();
        assert_eq!(shape::items(&found)[0]["data"]["name"], zhang.name.as_str(), "{found}");
    }
    let taken = hub
        .department("health")
        .post(RECORDS, &json!([{"DE01.00.009.00": "13010800000000001", "DE02.01.039.00": "张三"}]));
    assert_eq!(taken.good()["records"][0]["outcome"], "applied", "{taken}");
    drop(other);
}

#[test]
fn a_second_hub_takes_over_from_a_dead_one() {
    let mut hub = Hub::started(Store::Postgres);
    let other = Hub::on(Store::Postgres).beside(&hub).start();
    wait_for("a writer", || {
        (hub.administrator().get("/v1/status").good()["writer"]["here"] == json!(true)).then_some(())
    });
    let rows = (1..=4_000).map(|number| insured(&Person::nth(number), &number.to_string()));
    let receipt = hub.department("social-security").deliver(&insured_persons("20261101", 1, rows)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    wait_for("the first rows", || {
        let found = other.administrator().get(&shape::delivery_path(&id)).good();
        (found["applied"].as_i64() > Some(0)).then_some(())
    });
    hub.kill9();
    let applied = other.decided(&id);
    assert_eq!((&applied["state"], &applied["applied"]), (&json!("applied"), &json!(4_000)), "{applied}");
    let status = other.administrator().get("/v1/status").good();
    assert_eq!(status["writer"]["here"], true, "{status}");
    assert_eq!(other.json(&["verify"])["differences"], 0);
    let seqs = other.administrator().get("/v1/changes?limit=1000").good();
    let seqs: Vec<i64> = shape::items(&seqs).iter().map(|change| change["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=1_000).collect::<Vec<i64>>());
    let record = health_records(
        "2026-11-01T09:00:00+08:00",
        1,
        [health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00")],
    );
    assert_eq!(other.deliver(&record)["state"], "applied");
    drop(other);
}
