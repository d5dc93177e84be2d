//! Positions that do not fit the store: the relay stops, says so, sends nothing, and goes on after a reset.

use std::collections::BTreeMap;

use hub::relay::reset;
use integration_tests::{Kafka, Store};

use super::bench::{AGREEMENT, Bench, HERE, THERE, agreement, events, state, told};
use super::faults::written;
use super::matches_the_changes;

fn a_fresh_store_against_an_old_topic_stops_until_it_is_reset(store: Store) {
    let kafka = Kafka::shared();
    let old = Bench::new(store);
    old.write(&[(1, HERE, Some("甲")), (2, HERE, Some("乙")), (3, HERE, Some("丙"))]);
    let relay = old.running();
    old.caught_up();
    drop(relay);

    let fresh = Bench::at(store, kafka, &old.prefix);
    assert_ne!(fresh.hub.epoch, old.hub.epoch);
    fresh.write(&[(1, HERE, Some("甲"))]);
    let relay = fresh.running();
    let row = fresh.wait_for("stopped", |row| row.state == "relay-stopped");
    let message = row.message.unwrap();
    assert!(message.contains("另一个数据库") && message.contains("hub relay reset yuhua"), "{message}");
    assert_eq!(kafka.read_all(&fresh.topic("events")).len(), 3, "nothing was sent");

    reset(&fresh.hub, AGREEMENT).unwrap();
    fresh.caught_up();
    fresh.write(&[(4, HERE, Some("丁"))]);
    fresh.caught_up();
    drop(relay);
    let held = state(&kafka.read_all(&fresh.topic("state")));
    let wanted: Vec<String> = [1, 4].map(|number| fresh.id(number)).into();
    assert_eq!(held.keys().cloned().collect::<std::collections::BTreeSet<_>>(), wanted.into_iter().collect());
}

#[test]
fn a_fresh_store_against_an_old_topic_stops_until_it_is_reset_on_sqlite() {
    a_fresh_store_against_an_old_topic_stops_until_it_is_reset(Store::Sqlite);
}

#[test]
fn a_fresh_store_against_an_old_topic_stops_until_it_is_reset_on_postgres() {
    a_fresh_store_against_an_old_topic_stops_until_it_is_reset(Store::Postgres);
}

#[test]
fn a_store_that_was_set_back_stops_and_a_reset_tells_only_what_differs() {
    let mut bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲")), (2, HERE, Some("乙"))]);
    let relay = bench.running();
    bench.caught_up();
    let kept = bench.folder().join("kept.db");
    copy_of_store(&bench, &kept);
    bench.write(&[(2, HERE, Some("后来")), (3, HERE, Some("丙"))]);
    bench.caught_up();
    drop(relay);

    let back = format!("sqlite://{}", kept.display());
    bench.reopened(|config| config.database.url = back);
    let relay = bench.running();
    let row = bench.wait_for("stopped", |row| row.state == "relay-stopped");
    assert!(row.message.unwrap().contains("ahead of the store"), "{:?}", bench.status());
    reset(&bench.hub, AGREEMENT).unwrap();
    bench.caught_up();
    drop(relay);
    let told = told(&events(&Kafka::shared().read_all(&bench.topic("events"))));
    assert_eq!(told[&bench.id(1)], ["added"], "what is as it was is not told again");
    assert_eq!(told[&bench.id(2)], ["added", "changed", "changed"]);
    assert_eq!(told[&bench.id(3)], ["added", "removed"]);
}

/// SQLite's own copy: a file beside its write-ahead log is not the store.
fn copy_of_store(bench: &Bench, to: &std::path::Path) {
    for end in ["", "-wal"] {
        let from = bench.folder().join(format!("hub.db{end}"));
        std::fs::copy(from, format!("{}{end}", to.display())).unwrap();
    }
}

#[test]
fn a_running_relay_that_is_reset_starts_anew_and_doubles_nothing() {
    let bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲")), (2, HERE, Some("乙"))]);
    let relay = bench.running();
    bench.caught_up();
    let position = reset(&bench.hub, AGREEMENT).unwrap();
    assert_eq!((position.round, position.snapshot.unwrap().compare), (1, true));
    bench.wait_for("told of the reset", |row| row.state == "running");
    bench.write(&[(3, HERE, Some("丙"))]);
    bench.caught_up();
    drop(relay);
    let told = told(&events(&Kafka::shared().read_all(&bench.topic("events"))));
    assert!(told.values().all(|told| told == &["added"]) && told.len() == 3, "{told:?}");
}

#[test]
fn an_agreement_that_was_changed_tells_what_came_into_sight_and_what_went() {
    let mut bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲")), (2, THERE, Some("乙"))]);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    let before = bench.last_seq();
    bench.write(&[(3, THERE, Some("丙")), (4, HERE, Some("丁"))]);
    bench.reopened(|config| config.agreements = vec![agreement(&[THERE])]);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    bench.reopened(|config| config.agreements = vec![agreement(&[HERE, THERE])]);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    let read = events(&Kafka::shared().read_all(&bench.topic("events")));
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    read.iter().for_each(|event| *ids.entry(event["id"].as_str().unwrap()).or_default() += 1);
    assert!(ids.values().all(|times| *times == 1), "{ids:?}");
    let told = told(&read);
    assert_eq!(told[&bench.id(1)], ["added", "removed", "added"]);
    assert_eq!(told[&bench.id(2)], ["added"]);
    assert_eq!(told[&bench.id(3)], ["added"]);
    assert_eq!(told[&bench.id(4)], ["added"]);
    let third = read.iter().find(|event| event["subject"] == bench.id(3)).unwrap();
    assert_eq!(third["id"], format!("{}-{}", bench.hub.epoch, before + 1), "a change after the position stays one");
}

#[test]
fn a_lost_control_topic_stops_instead_of_sending_all_again() {
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲"))]);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    let control = format!("{}.control", bench.prefix);
    kafka.tool("org.apache.kafka.tools.TopicCommand", &["--delete", "--topic", &control]);
    let relay = bench.running();
    bench.wait_for("stopped", |row| {
        row.state == "relay-stopped" && row.message.as_ref().unwrap().contains("not in the control topic")
    });
    reset(&bench.hub, AGREEMENT).unwrap();
    bench.write(&[(2, HERE, Some("乙"))]);
    bench.caught_up();
    drop(relay);
    let told = told(&events(&kafka.read_all(&bench.topic("events"))));
    assert!(told.values().all(|told| told == &["added"]) && told.len() == 2, "{told:?}");
}

#[test]
fn a_topic_that_forgets_is_refused() {
    let bench = Bench::new(Store::Sqlite);
    let topic = bench.topic("state");
    let create = ["--create", "--topic", &topic, "--config", "cleanup.policy=delete"];
    Kafka::shared().tool("org.apache.kafka.tools.TopicCommand", &create);
    let relay = bench.running();
    let row = bench.wait_for("stopped", |row| row.state == "relay-stopped");
    assert!(row.message.unwrap().contains("cleanup.policy"), "{:?}", bench.status());
    drop(relay);
}

#[test]
fn a_position_behind_an_open_transaction_of_another_agreement_is_found() {
    use rdkafka::producer::{BaseRecord, Producer as _};
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲"))]);
    let relay = bench.running();
    bench.caught_up();
    let control = format!("{}.control", bench.prefix);
    let other: rdkafka::producer::BaseProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("transactional.id", format!("{}-other", bench.prefix))
        .create()
        .unwrap();
    other.init_transactions(super::bench::PATIENCE).unwrap();
    other.begin_transaction().unwrap();
    other.send(BaseRecord::to(&control).key("other").payload("{}")).unwrap();
    other.flush(super::bench::PATIENCE).unwrap();
    bench.write(&[(2, HERE, Some("乙"))]);
    bench.caught_up();
    drop(relay);

    // A reader that ends before the open transaction finds the older position and sends the second change again.
    let before = written(kafka, &bench.topic("events"));
    let (relay, started) = (bench.running(), std::time::Instant::now());
    while written(kafka, &bench.topic("events")) == before && started.elapsed().as_secs() < 8 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bench.write(&[(3, HERE, Some("丙"))]);
    other.abort_transaction(super::bench::PATIENCE).unwrap();
    bench.caught_up();
    drop(relay);
    matches_the_changes(&bench, kafka, 1);
}
