//! The whole hub as a process, killed between the relay's last message and its commit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use integration_tests::hub::Agreement;
use integration_tests::world::{Person, registered, registered_residents};
use integration_tests::{Hub, Kafka, Store};
use serde_json::Value;

use super::bench::{PATIENCE, events};
use super::faults::written;

const PAUSE: &str = "HUB_RELAY_PAUSE_BEFORE_COMMIT_MS";
const AGREEMENT: &str = "platform";

fn residents(day: u32, names: &[&str]) -> integration_tests::world::Delivery {
    let rows = names.iter().zip(1..).map(|(name, number)| {
        let person = Person::nth(number).named(name);
        registered(&person, &format!("{number:03}"), "户主")
    });
    registered_residents(&format!("202611{day:02}"), rows)
}

fn relay_has_sent_all(hub: &Hub) {
    let started = Instant::now();
    let mut said = Value::Null;
    while started.elapsed() < PATIENCE * 2 {
        let changes = hub.consumer(AGREEMENT).get("/v1/changes?limit=500").good();
        let last =
            changes["items"].as_array().and_then(|items| items.last()).map_or(0, |last| last["seq"].as_i64().unwrap());
        said = hub.json(&["status"])["relays"][0].clone();
        if said["state"] == "running" && said["message"].is_null() && said["seq"].as_i64().unwrap() >= last {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the relay stays behind: {said}\n{}", hub.log_tail());
}

fn a_hub_killed_between_produce_and_commit_sends_each_change_once(store: Store) {
    let kafka = Kafka::shared();
    let prefix = kafka.prefix();
    let agreement =
        Agreement::new(AGREEMENT).fields("resident", &["name"]).fields("household", &["members"]).communities(&["*"]);
    let mut hub = Hub::on(store).kafka(kafka, &prefix).agreement(agreement).start();
    // The relay has a position before there is a change: then each change is one event.
    relay_has_sent_all(&hub);
    hub.deliver(&residents(1, &["张三", "李四", "王五"]));
    relay_has_sent_all(&hub);

    let topic = format!("{prefix}.{AGREEMENT}.events");
    for (day, names) in [(2, ["张三丰", "李四", "王五"]), (3, ["张三", "李四光", "王五"])] {
        hub.kill9();
        hub.reconfigure(|setup| setup.environment(PAUSE, "600000"));
        hub.start_again();
        let before = written(kafka, &topic);
        hub.deliver(&residents(day, &names));
        let started = Instant::now();
        while written(kafka, &topic) == before {
            assert!(started.elapsed() < PATIENCE, "nothing was produced:\n{}", hub.log_tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        hub.kill9();
        hub.reconfigure(|setup| setup.environment(PAUSE, "0"));
        hub.start_again();
        relay_has_sent_all(&hub);
    }

    let said = hub.consumer(AGREEMENT).get("/v1/changes?limit=500").good();
    let said: BTreeMap<String, Value> = said["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone()))
        .collect();
    let heard = events(&kafka.read_all(&topic));
    assert_eq!(heard.len(), said.len(), "{heard:?}");
    for event in &heard {
        let change = said.get(event["id"].as_str().unwrap()).unwrap_or_else(|| panic!("no change is {event}"));
        assert_eq!(event["data"]["seq"], change["seq"]);
    }
    assert!(heard.iter().any(|event| event["data"]["record"]["name"] == "李四光"));
}

#[test]
fn a_hub_killed_between_produce_and_commit_sends_each_change_once_on_sqlite() {
    a_hub_killed_between_produce_and_commit_sends_each_change_once(Store::Sqlite);
}

#[test]
fn a_hub_killed_between_produce_and_commit_sends_each_change_once_on_postgres() {
    a_hub_killed_between_produce_and_commit_sends_each_change_once(Store::Postgres);
}
