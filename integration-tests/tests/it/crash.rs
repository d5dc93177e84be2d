//! kill -9 at random moments of a load, on both stores, with a real broker: nothing is lost, nothing is doubled.
//!
//! Departments send a city of 2,000 for two days, each file again and again under its idempotency key until the hub says
//! 2xx. Meanwhile the hub is killed twenty times. What was acknowledged is the obligation; the store, the changes and
//! the Kafka topic are judged by it afterwards.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hub::city::{City, CityDelivery, CityOptions};
use integration_tests::hub::{Agreement, Client, Hub};
use integration_tests::kafka::Kafka;
use integration_tests::store::Store;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::judge::{changes, conserved, without_gap};

const RESIDENTS: u64 = 2_000;
const KILLS: usize = 20;
const AGREEMENT: &str = "platform";

#[test]
fn nothing_is_lost_or_doubled_when_the_hub_is_killed_twenty_times_on_sqlite() {
    killed_twenty_times(Store::Sqlite, 11);
}

#[test]
fn nothing_is_lost_or_doubled_when_the_hub_is_killed_twenty_times_on_postgres() {
    killed_twenty_times(Store::Postgres, 12);
}

fn killed_twenty_times(store: Store, seed: u64) {
    let kafka = Kafka::shared();
    let prefix = kafka.prefix();
    let agreement = Agreement::new(AGREEMENT)
        .fields("resident", &["name", "sex", "birth_date", "current_address", "marital", "phones"])
        .fields("household", &["address", "members"])
        .communities(&["*"]);
    let mut hub = Hub::on(store).kafka(kafka, &prefix).agreement(agreement).rejections_allowed().start();
    let city = City::new(CityOptions { residents: RESIDENTS, seed: 7, start: "2026-11-01".parse().expect("a date") });
    let departments = Departments::of(&hub, &city);

    // The topic begins with the first change and not with a snapshot, so that it can be compared one to one.
    relay_has_reached(&hub, 0);
    let sender = departments.send_all();
    kill_at_random(&mut hub, &sender, seed);
    let acknowledged = sender.join();

    hub.administrator();
    let deliveries: Vec<Value> = acknowledged.iter().map(|id| hub.decided(id)).collect();
    conserved(&deliveries);
    let verified = hub.json(&["verify"]);
    assert_eq!(verified["differences"], 0, "{verified}");
    as_the_city_knows(&hub, &city);
    let told = changes(&hub.administrator());
    without_gap(&told);
    topic_has_each_change_once(&hub, kafka, &prefix);
}

/// What the departments send, in order, and with whose token.
struct Departments {
    deliveries: Vec<CityDelivery>,
    clients: BTreeMap<String, Client>,
}

/// The sending, on a thread of its own.
struct Sending {
    thread: thread::JoinHandle<()>,
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    acknowledged: Arc<Mutex<Vec<String>>>,
}

impl Departments {
    fn of(hub: &Hub, city: &City) -> Self {
        let deliveries: Vec<CityDelivery> = (1..=2).flat_map(|day| city.deliveries(day)).collect();
        let mut clients = BTreeMap::new();
        for delivery in &deliveries {
            let department = delivery.feed.split('/').next().unwrap_or_default();
            clients.entry(department.to_owned()).or_insert_with(|| hub.department(department));
        }
        Self { deliveries, clients }
    }

    fn send_all(self) -> Sending {
        let over = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let (done, count, ids) = (over.clone(), sent.clone(), acknowledged.clone());
        let thread = thread::spawn(move || {
            for (number, delivery) in self.deliveries.iter().enumerate() {
                let department = delivery.feed.split('/').next().unwrap_or_default();
                let id = send_until_acknowledged(&self.clients[department], delivery, number);
                let mut ids = ids.lock().expect("the list of ids");
                if !ids.contains(&id) {
                    ids.push(id);
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
            done.store(true, Ordering::SeqCst);
        });
        Sending { thread, over, sent, acknowledged }
    }
}

impl Sending {
    fn join(self) -> Vec<String> {
        self.thread.join().expect("the departments");
        self.acknowledged.lock().expect("the list of ids").clone()
    }
}

fn send_until_acknowledged(client: &Client, delivery: &CityDelivery, number: usize) -> String {
    let mut bytes = Vec::new();
    delivery.write(&mut bytes).expect("a file of the city");
    let key = format!("file-{number}");
    let mut headers = delivery.headers();
    headers.push(("Idempotency-Key", key));
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/v1/feeds/{}/deliveries", delivery.feed);
    let started = Instant::now();
    loop {
        match client.try_post(&path, &headers, &bytes) {
            Ok(answer) if (200..300).contains(&answer.status) => {
                return answer.json()["id"].as_str().expect("an id").to_owned();
            }
            // A hub that is starting may say that it cannot yet; anything else is a wrong answer.
            Ok(answer) => assert!(answer.status >= 500, "{answer}"),
            Err(_) => {}
        }
        assert!(started.elapsed() < Duration::from_secs(180), "file {number} was never acknowledged");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Kills the hub at random moments, so spread that it happens through the whole load.
fn kill_at_random(hub: &mut Hub, sending: &Sending, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for kill in 0..KILLS {
        thread::sleep(Duration::from_millis(random.random_range(50..1_500)));
        hub.kill9();
        // Half of the time it stays away for a while.
        if kill % 2 == 0 {
            thread::sleep(Duration::from_millis(random.random_range(0..200)));
        }
        hub.start_again();
    }
    assert!(sending.sent.load(Ordering::SeqCst) > 0 || !sending.over.load(Ordering::SeqCst));
}

fn as_the_city_knows(hub: &Hub, city: &City) {
    let dataset = &hub.json(&["status"])["dataset"];
    let expected = serde_json::to_value(city.expected(2)).expect("what the city knows");
    assert_eq!(dataset, &expected);
}

/// The topic, read by Kafka's own consumer, against what `/v1/changes` tells under the same agreement.
fn topic_has_each_change_once(hub: &Hub, kafka: &Kafka, prefix: &str) {
    let told: Vec<Value> = changes(&hub.consumer(AGREEMENT));
    let last = told.last().map_or(0, |change| change["seq"].as_i64().expect("a seq"));
    relay_has_reached(hub, last);
    let messages = kafka.read_all(&format!("{prefix}.{AGREEMENT}.events"));
    let mut heard: Vec<(String, String)> = messages
        .iter()
        .map(|message| {
            let event: Value = serde_json::from_str(message.value.as_deref().expect("a value")).expect("a CloudEvent");
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (text(&event["id"]), text(&event["subject"]))
        })
        .collect();
    heard.sort();
    let mut said: Vec<(String, String)> = told
        .iter()
        .map(|change| {
            (change["id"].as_str().expect("an id").to_owned(), change["entity"].as_str().expect("an entity").to_owned())
        })
        .collect();
    said.sort();
    assert_eq!(heard.len(), said.len(), "events in the topic and changes told");
    assert_eq!(heard, said);
}

fn relay_has_reached(hub: &Hub, seq: i64) {
    let started = Instant::now();
    loop {
        let status = hub.json(&["status"]);
        let relay = status["relays"].as_array().and_then(|relays| relays.first()).cloned().unwrap_or_default();
        if relay["seq"].as_i64().unwrap_or(-1) >= seq && relay["state"] == "running" {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the relay stays behind {seq}: {status}");
        thread::sleep(Duration::from_millis(200));
    }
}
