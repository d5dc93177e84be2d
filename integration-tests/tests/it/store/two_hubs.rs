//! Two hubs on one database and one landing store: both serve and inspect, one writes; whoever is gone or stands still is
//! taken over from, and writes nothing more.

use integration_tests::hub::{Hub, shape};
use integration_tests::place;
use integration_tests::store::Store;
use serde_json::{Value, json};

use crate::faults::{Slowed, night, wait_for};
use crate::judge::{changes, conserved, is_whole, without_gap};

/// A hub and another one beside it; the first is the writer.
fn two(chunk: u32, lease_ms: u64) -> (Hub, Hub) {
    let hub = Hub::on(Store::Postgres).chunk(chunk).lease_ms(lease_ms).start();
    wait_for("a writer", || writes(&hub).then_some(()));
    let other = Hub::on(Store::Postgres).beside(&hub).chunk(chunk).lease_ms(lease_ms).start();
    hub.administrator();
    other.administrator();
    (hub, other)
}

fn writes(hub: &Hub) -> bool {
    hub.administrator().get("/v1/status").good()["writer"]["here"] == json!(true)
}

/// Who inspected a delivery, as the store names it.
fn inspector(hub: &Hub, delivery: &str) -> String {
    hub.database().sql(&format!(
        "SELECT run.holder FROM run JOIN job ON job.id = run.job WHERE job.kind = 'inspect' AND job.subject = '{delivery}'"
    ))
}

#[test]
fn both_hubs_serve_and_inspect_and_one_writes() {
    let (hub, other) = two(200, 3_000);
    let slowed = Slowed::on(&hub.database().url, "staging", 1_200);
    let department = [&hub, &other].map(|hub| hub.department("social-security"));
    let family = other.department("family-planning");
    let ids: Vec<String> = (1..=4)
        .map(|night| {
            let receipt = department[night % 2].deliver(&super::night(&format!("202611{night:02}"), 400)).good();
            shape::delivery_id(&receipt).to_owned()
        })
        .collect();
    assert_eq!(family.get("/v1/feeds").status, 200);
    let applied: Vec<Value> = ids.iter().map(|id| other.decided(id)).collect();
    slowed.undo();
    conserved(&applied);
    let inspectors: std::collections::BTreeSet<String> = ids.iter().map(|id| inspector(&hub, id)).collect();
    assert_eq!(inspectors.len(), 2, "both inspected: {inspectors:?}");
    let appliers = hub
        .database()
        .sql("SELECT count(DISTINCT run.holder) FROM run JOIN job ON job.id = run.job WHERE job.kind = 'apply'");
    assert_eq!(appliers, "1", "one writes");
    assert!(writes(&hub) && !writes(&other));
    for reader in [&hub, &other] {
        let told = changes(&reader.administrator());
        without_gap(&told);
        assert_eq!(told.len(), 400, "four times the same is told once");
    }
    drop(other);
}

/// A load of a thousand people by `hub`, inside a COPY of a later chunk than the first, as `other` sees it.
fn in_the_middle_of_a_load(hub: &Hub, other: &Hub) -> (Slowed, String) {
    let slowed = Slowed::on(&hub.database().url, "contribution", 2);
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_000)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    wait_for("the first chunk", || {
        let found = other.administrator().get(&shape::delivery_path(&id)).good();
        (found["applied"].as_i64() > Some(0)).then_some(())
    });
    slowed.wait_for_rows();
    (slowed, id)
}

#[test]
fn a_writer_killed_in_the_middle_of_a_load_is_taken_over_from() {
    let (mut hub, other) = two(100, 3_000);
    let (slowed, id) = in_the_middle_of_a_load(&hub, &other);
    hub.kill9();
    wait_for("the other to write", || writes(&other).then_some(()));
    slowed.undo();
    is_whole(&other, &id, 1_000);
    // The dead one comes back as the one that reads.
    hub.start_again();
    assert!(!writes(&hub) && writes(&other));
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    drop(other);
}

#[test]
fn a_writer_that_stood_still_and_wakes_writes_nothing_more() {
    let (hub, other) = two(100, 1_000);
    let (slowed, id) = in_the_middle_of_a_load(&hub, &other);
    // It holds the writer's row, inside a COPY, and does not move.
    hub.signal("STOP");
    wait_for("the other to write", || writes(&other).then_some(()));
    slowed.undo();
    is_whole(&other, &id, 1_000);
    let before = changes(&other.administrator());
    hub.signal("CONT");
    wait_for("the log of the one that woke", || {
        let log = hub.log_text();
        (log.contains("not the writer") || log.contains("another hub has become the writer")).then_some(())
    });
    // Whatever it had in its hands, it may not write now.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!writes(&hub) && writes(&other));
    assert_eq!(changes(&other.administrator()), before);
    is_whole(&hub, &id, 1_000);
    let receipt = hub.department("social-security").deliver(&night("20261102", 1_001)).good();
    assert_eq!(other.decided(shape::delivery_id(&receipt))["applied"], 1, "it lands and reads as before");
    drop(other);
}

#[test]
fn a_hub_with_another_landing_store_is_refused() {
    let hub = Hub::started(Store::Postgres);
    let elsewhere = place::temporary_folder("elsewhere");
    let mut other = Hub::on(Store::Postgres).beside(&hub).start();
    assert!(other.stop().success());
    other.reconfigure(|_| Hub::on(Store::Postgres).beside(&hub).landing(elsewhere.path()));
    let (status, log) = other.start_in_vain();
    assert!(
        !status.success() && log.contains("landing-mismatch") | log.contains("not the landing store of this database"),
        "{log}"
    );
    let said = String::from_utf8_lossy(&other.command(&["status"]).stderr).into_owned();
    assert!(said.contains("落地存储") && said.contains("hub restored"), "{said}");
    assert_eq!(hub.deliver(&night("20261101", 2))["applied"], 2);
    drop(other);
}
