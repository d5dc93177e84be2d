//! The relay against a real broker: what the Java consumer reads is what the store says, once each, whatever happens.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what a case stands on fails the case")]

mod bench;
mod faults;
mod killed;
mod positions;

use std::collections::{BTreeMap, BTreeSet};

use integration_tests::{Kafka, Store};
use serde_json::{Value, json};

use bench::{Bench, HERE, THERE, events, state, told};

/// Every event of the topic is one change, each change is one event, in order within an entity.
pub fn matches_the_changes(bench: &Bench, kafka: &Kafka, after: i64) {
    let read: Vec<Value> = events(&kafka.read_all(&bench.topic("events")));
    let read: Vec<&Value> = read.iter().filter(|event| event["data"]["seq"].as_i64().unwrap() > after).collect();
    let wanted = bench.changes_after(after);
    let ids: BTreeSet<&str> = read.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), read.len(), "an event came twice");
    assert_eq!(ids, wanted.iter().map(|event| event.id.as_str()).collect(), "one event for each change");
    let mut order: BTreeMap<&str, i64> = BTreeMap::new();
    for event in &read {
        let (subject, seq) = (event["subject"].as_str().unwrap(), event["data"]["seq"].as_i64().unwrap());
        assert!(order.insert(subject, seq).is_none_or(|before| before < seq), "out of order: {event}");
    }
    for event in wanted {
        let said = read.iter().find(|read| read["id"] == event.id.as_str()).unwrap();
        assert_eq!(said["data"]["record"], event.data.map_or(Value::Null, |record| record.value()));
    }
}

fn every_change_is_read_exactly_once(store: Store) {
    let bench = Bench::new(store);
    let relay = bench.running();
    bench.caught_up();
    let names: Vec<String> = (0..1_300).map(|number| format!("居民{number}")).collect();
    let people = |from: usize, to: usize| -> Vec<(u32, &str, Option<&str>)> {
        (from..to).map(|n| (u32::try_from(n).unwrap(), HERE, Some(names[n].as_str()))).collect()
    };
    bench.write(&people(0, 700));
    bench.write(&[(1, HERE, Some("改名")), (2, THERE, Some("搬走")), (3, HERE, None), (4, HERE, Some("居民4"))]);
    bench.write(&people(650, 1_300));
    bench.write(&[(2, HERE, Some("搬回")), (1, HERE, Some("再改名"))]);
    bench.caught_up();
    drop(relay);
    let kafka = Kafka::shared();
    matches_the_changes(&bench, kafka, 0);
    let held = state(&kafka.read_all(&bench.topic("state")));
    assert_eq!(held.len(), 1_299);
    assert_eq!(held[&bench.id(1)], json!({"id": bench.id(1), "community": HERE, "name": "再改名"}));
}

#[test]
fn every_change_is_read_exactly_once_on_sqlite() {
    every_change_is_read_exactly_once(Store::Sqlite);
}

#[test]
fn every_change_is_read_exactly_once_on_postgres() {
    every_change_is_read_exactly_once(Store::Postgres);
}

fn a_new_agreement_gets_what_is_there_once(store: Store) {
    let bench = Bench::new(store);
    let people: Vec<_> = (0..1_200).map(|n| (n, if n % 4 == 0 { THERE } else { HERE }, Some("甲"))).collect();
    bench.write(&people);
    bench.write(&[(1, HERE, Some("乙")), (2, HERE, None)]);
    let then = bench.last_seq();
    for _ in 0..3 {
        let relay = bench.running();
        bench.caught_up();
        drop(relay);
    }
    bench.write(&[(3, HERE, Some("丙"))]);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);

    let read = events(&Kafka::shared().read_all(&bench.topic("events")));
    let told = told(&read);
    assert_eq!(told.len(), 899, "all that are in the community, and who has ended is not one of them");
    assert!(!told.contains_key(&bench.id(2)) && !told.contains_key(&bench.id(0)));
    assert!(told.iter().all(|(id, told)| *id == bench.id(3) || told == &["added"]), "{told:?}");
    assert_eq!(told[&bench.id(3)], ["added", "changed"]);
    let first = read.iter().find(|event| event["subject"] == bench.id(1)).unwrap();
    assert_eq!(
        first["data"],
        json!({"version": 2, "seq": then, "record": {"id": bench.id(1), "community": HERE, "name": "乙"}})
    );
    assert_eq!(first["id"], format!("{}-{then}-{}", bench.hub.epoch, bench.id(1)));
}

#[test]
fn a_new_agreement_gets_what_is_there_once_on_sqlite() {
    a_new_agreement_gets_what_is_there_once(Store::Sqlite);
}

#[test]
fn a_new_agreement_gets_what_is_there_once_on_postgres() {
    a_new_agreement_gets_what_is_there_once(Store::Postgres);
}

#[test]
fn who_leaves_the_scope_is_removed_and_leaves_a_tombstone() {
    let bench = Bench::new(Store::Sqlite);
    let relay = bench.running();
    bench.write(&[(1, HERE, Some("甲")), (2, HERE, Some("乙")), (3, THERE, Some("丙"))]);
    bench.caught_up();
    bench.write(&[(1, THERE, Some("甲")), (2, HERE, None), (3, HERE, Some("丙"))]);
    bench.caught_up();
    drop(relay);
    let kafka = Kafka::shared();
    let read = kafka.read_all(&bench.topic("events"));
    let told = told(&events(&read));
    assert_eq!(told[&bench.id(1)], ["added", "removed"]);
    assert_eq!(told[&bench.id(2)], ["added", "removed"]);
    assert_eq!(told[&bench.id(3)], ["added"]);
    let said: String = read.iter().filter_map(|message| message.value.clone()).collect();
    assert!(!said.contains(THERE), "the other community was not told of");
    let tombstones: Vec<_> = kafka.read_all(&bench.topic("state")).into_iter().filter(|m| m.value.is_none()).collect();
    let gone: BTreeSet<_> = tombstones.into_iter().filter_map(|message| message.key).collect();
    assert_eq!(gone, BTreeSet::from([bench.id(1), bench.id(2)]));
}

#[test]
fn an_event_is_a_cloud_event_and_the_state_says_of_when_it_is() {
    let bench = Bench::new(Store::Sqlite);
    let relay = bench.running();
    bench.caught_up();
    bench.write(&[(1, HERE, Some("甲"))]);
    bench.caught_up();
    drop(relay);
    let message = Kafka::shared().read_all(&bench.topic("events")).remove(0);
    assert_eq!(
        message.headers,
        [("content-type".to_owned(), "application/cloudevents+json; charset=UTF-8".to_owned())]
    );
    let event = events(&[message]).remove(0);
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], format!("/hub/{}", bench.hub.epoch));
    assert_eq!(event["type"], "resident.added");
    assert_eq!(event["datacontenttype"], "application/json");
    assert_eq!(
        event["data"]["record"],
        json!({"id": bench.id(1), "community": HERE, "name": "甲"}),
        "and no other field"
    );
    let message = Kafka::shared().read_all(&bench.topic("state")).remove(0);
    let header = |name: &str| message.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    assert_eq!(header("kind").as_deref(), Some("resident"));
    assert_eq!(header("seq"), Some(bench.last_seq().to_string()));
    assert_eq!(header("version").as_deref(), Some("1"));
    assert_eq!(header("source"), Some(format!("/hub/{}", bench.hub.epoch)));
}

#[test]
fn topics_are_made_with_the_policy_they_need() {
    let bench = Bench::new(Store::Sqlite);
    let relay = bench.running();
    bench.caught_up();
    drop(relay);
    let kafka = Kafka::shared();
    let describe = |topic: &str| kafka.tool("org.apache.kafka.tools.TopicCommand", &["--describe", "--topic", topic]);
    let control = describe(&format!("{}.control", bench.prefix));
    assert!(control.contains("PartitionCount: 1") && control.contains("cleanup.policy=compact"), "{control}");
    let events = describe(&bench.topic("events"));
    assert!(events.contains("PartitionCount: 3") && events.contains("cleanup.policy=delete"), "{events}");
    assert!(events.contains("retention.ms=-1"), "{events}");
    assert!(describe(&bench.topic("state")).contains("cleanup.policy=compact"));
}
