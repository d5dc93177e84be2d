//! Crashes, rivals and absent brokers: each change is still read exactly once.

use std::time::{Duration, Instant};

use hub::relay::{Options, Stop, Trouble};
use integration_tests::{Kafka, Store};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::bench::{Bench, HERE, PATIENCE, Running, quick};
use super::matches_the_changes;

/// How many messages, markers too, were written to the topic, committed or not.
pub fn written(kafka: &Kafka, topic: &str) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("isolation.level", "read_uncommitted")
        .create()
        .unwrap();
    let end = |partition| consumer.fetch_watermarks(topic, partition, PATIENCE).map_or(0, |(_, end)| end);
    (0..3).map(end).sum()
}

fn a_relay_killed_between_produce_and_commit_doubles_nothing(store: Store) {
    let kafka = Kafka::shared();
    let bench = Bench::new(store);
    let relay = bench.running();
    bench.caught_up();
    bench.write(&[(1, HERE, Some("甲"))]);
    bench.caught_up();
    drop(relay);
    for round in 0..3_u32 {
        let before = written(kafka, &bench.topic("events"));
        let stuck = bench.running_with(Options { pause_before_commit: PATIENCE * 10, ..quick() });
        bench.write(&[(1, HERE, Some(&format!("改{round}"))), (10 + round, HERE, Some("新"))]);
        let started = Instant::now();
        while written(kafka, &bench.topic("events")) < before + 2 {
            assert!(started.elapsed() < PATIENCE, "nothing was produced");
            std::thread::sleep(Duration::from_millis(20));
        }
        // It goes without commit or abort.
        drop(stuck);
        let relay = bench.running();
        bench.caught_up();
        drop(relay);
    }
    matches_the_changes(&bench, kafka, 0);
    let held = super::state(&kafka.read_all(&bench.topic("state")));
    assert_eq!(held[&bench.id(1)]["name"], "改2");
}

#[test]
fn a_relay_killed_between_produce_and_commit_doubles_nothing_on_sqlite() {
    a_relay_killed_between_produce_and_commit_doubles_nothing(Store::Sqlite);
}

#[test]
fn a_relay_killed_between_produce_and_commit_doubles_nothing_on_postgres() {
    a_relay_killed_between_produce_and_commit_doubles_nothing(Store::Postgres);
}

#[test]
fn a_snapshot_cut_off_goes_on_where_it_was() {
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    let people: Vec<_> = (0..3_200).map(|number| (number, HERE, Some("甲"))).collect();
    bench.write(&people);
    for _ in 0..2 {
        // Each attempt commits a page or two and is cut off in the next.
        let before = written(kafka, &bench.topic("events"));
        let slow = bench.running_with(Options { pause_before_commit: Duration::from_millis(300), ..quick() });
        let started = Instant::now();
        while written(kafka, &bench.topic("events")) < before + 600 {
            assert!(started.elapsed() < PATIENCE, "nothing was produced");
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(slow);
    }
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    let told = super::told(&super::events(&kafka.read_all(&bench.topic("events"))));
    assert_eq!(told.len(), 3_200);
    assert!(told.values().all(|told| told == &["added"]), "{told:?}");
}

#[test]
fn a_second_relay_fences_the_first() {
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    // The first has produced and is about to commit when the second starts.
    bench.write(&[(1, HERE, Some("甲"))]);
    let first = Running::once(bench.relay(Options { pause_before_commit: Duration::from_secs(4), ..quick() }));
    let started = Instant::now();
    while written(kafka, &bench.topic("events")) < 1 {
        assert!(started.elapsed() < PATIENCE, "nothing was produced");
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = bench.running();
    bench.caught_up();
    assert_eq!(first.ended(), Trouble::Stopped(Stop::Fenced));
    bench.write(&[(2, HERE, Some("乙"))]);
    bench.caught_up();
    drop(second);
    let told = super::told(&super::events(&kafka.read_all(&bench.topic("events"))));
    assert!(told.values().all(|told| told == &["added"]) && told.len() == 2, "{told:?}");
}

#[test]
fn a_fenced_relay_says_so_and_takes_back_when_nobody_moves_on() {
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    let relay = bench.running();
    bench.caught_up();
    bench.write(&[(1, HERE, Some("甲"))]);
    bench.caught_up();
    let rival: rdkafka::producer::BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("transactional.id", format!("{}-yuhua", bench.prefix))
        .create()
        .unwrap();
    rdkafka::producer::Producer::init_transactions(&rival, PATIENCE).unwrap();
    bench.write(&[(2, HERE, Some("乙"))]);
    let row = bench.wait_for("stopped", |row| row.state == "relay-stopped");
    assert!(row.message.unwrap().contains("Another relay has taken over"));
    bench.caught_up();
    drop(relay);
    matches_the_changes(&bench, kafka, 0);
}

#[test]
fn a_hub_that_is_not_the_writer_any_more_commits_nothing() {
    let kafka = Kafka::shared();
    let bench = Bench::new(Store::Sqlite);
    bench.write(&[(1, HERE, Some("甲"))]);
    let slow = Running::once(bench.relay(Options { pause_before_commit: Duration::from_secs(3), ..quick() }));
    let started = Instant::now();
    while written(kafka, &bench.topic("events")) < 1 {
        assert!(started.elapsed() < PATIENCE, "nothing was produced");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Another hub takes the row over; this one has not heard of it.
    let far = bench.hub.now() + 3_600_000_000;
    bench.hub.db.lease("another-hub", far, 1, |_| false).unwrap().expect("the lease has run out by then");
    assert!(bench.hub.is_writer());
    assert_eq!(slow.ended(), Trouble::Over);
    assert_eq!(kafka.read_all(&bench.topic("events")), []);
}

fn a_broker_that_is_away_is_waited_for(store: Store) {
    let mut kafka = Kafka::private();
    let prefix = kafka.prefix();
    let bench = Bench::at(store, &kafka, &prefix);
    let relay = bench.running();
    bench.caught_up();
    bench.write(&[(1, HERE, Some("甲"))]);
    bench.caught_up();
    kafka.kill9();
    bench.write(&[(2, HERE, Some("乙"))]);
    let row = bench.wait_for("waiting", |row| row.state == "waiting");
    assert!(row.message.is_some_and(|message| !message.is_empty()), "it says why");
    bench.write(&[(1, HERE, Some("改"))]);
    kafka.start_again();
    let started = Instant::now();
    while !bench.status().is_some_and(|row| bench.is_caught_up(&row)) {
        assert!(started.elapsed() < PATIENCE * 3, "{:?}", bench.status());
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(relay);
    matches_the_changes(&bench, &kafka, 0);
}

#[test]
fn a_broker_that_is_away_is_waited_for_on_sqlite() {
    a_broker_that_is_away_is_waited_for(Store::Sqlite);
}

#[test]
fn a_broker_that_is_away_is_waited_for_on_postgres() {
    a_broker_that_is_away_is_waited_for(Store::Postgres);
}
