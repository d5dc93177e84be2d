//! A hub without a server for the relay's cases: its store, written to as the pipeline's last stage writes, and its relay
//! in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hub::config::{Agreement, Config, KafkaConfig};
use hub::hub::Hub;
use hub::leaving::{self, Event, Scope};
use hub::relay::{Options, Relay, Trouble};
use hub::store::bulk::{self, Writes};
use hub::store::codec;
use hub::store::entity::{self, Entity, Version};
use hub::store::relay::Relay as Row;
use integration_tests::kafka::Message;
use integration_tests::postgres::Database;
use integration_tests::{Kafka, Postgres, Store, place};
use serde_json::{Value, json};

pub const HERE: &str = "130108001001";
pub const THERE: &str = "130108001002";
pub const AGREEMENT: &str = "yuhua";
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A store and a broker.
pub struct Bench {
    pub hub: Arc<Hub>,
    pub prefix: String,
    pub config: Config,
    _database: Option<Database>,
    folder: tempfile::TempDir,
}

/// An agreement on names of residents of these communities.
pub fn agreement(communities: &[&str]) -> Agreement {
    Agreement {
        id: AGREEMENT.to_owned(),
        title: hub::feed::spec::Text { zh: "裕华区".to_owned(), en: "Yuhua".to_owned() },
        entities: vec!["resident".to_owned()],
        fields: BTreeMap::from([("resident".to_owned(), vec!["name".to_owned()])]),
        communities: communities.iter().map(|&code| code.to_owned()).collect(),
    }
}

impl Bench {
    /// A fresh store, at the shared broker, with an agreement on [`HERE`].
    pub fn new(store: Store) -> Self {
        Self::at(store, Kafka::shared(), &Kafka::shared().prefix())
    }

    /// A fresh store at a broker, with topics that may have been used.
    pub fn at(store: Store, kafka: &Kafka, prefix: &str) -> Self {
        let folder = place::temporary_folder("relay");
        let database = (store == Store::Postgres).then(|| Postgres::shared().database());
        let mut config = Config::in_folder(folder.path());
        if let Some(database) = &database {
            config.database.url.clone_from(&database.url);
        }
        config.work.lease_ms = 500;
        config.agreements = vec![agreement(&[HERE])];
        config.kafka = Some(KafkaConfig {
            brokers: kafka.brokers.clone(),
            prefix: prefix.to_owned(),
            partitions: 3,
            replication: None,
            properties: BTreeMap::new(),
        });
        let hub = opened(&config);
        Self { hub, prefix: prefix.to_owned(), config, _database: database, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the same store again, as a hub that was started again.
    pub fn reopened(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.hub = opened(&self.config);
    }

    /// Gives each of these people a version: `(number, community, name)`; without a name they end. One transaction.
    pub fn write(&self, people: &[(u32, &str, Option<&str>)]) {
        let lease = self.hub.writer().unwrap();
        let now = self.hub.now();
        self.hub
            .db
            .apply(&lease, now, |change| {
                for (number, community, name) in people {
                    let id = self.id(*number);
                    let ids = [hub::keyring::Token::try_from(id).unwrap().to_vec()];
                    let standing = entity::current(change.conn, &ids)?.pop();
                    let number = standing.map_or(0, |(entity, _)| entity.version) + 1;
                    let document =
                        name.map_or(json!({}), |name| json!({"name": name, "sex": "1", "community": community}));
                    let state = if name.is_some() { "live" } else { "ended" };
                    let (id, seq) = (ids[0].clone(), change.take_seq());
                    let row = Entity {
                        id: id.clone(),
                        kind: "resident".to_owned(),
                        token: id.clone(),
                        state: state.to_owned(),
                        version: number,
                        seq,
                        community: name.map(|_| (*community).to_owned()),
                        changed_at: now,
                    };
                    let version = Version {
                        entity: id,
                        version: number,
                        seq,
                        kind: "resident".to_owned(),
                        state: state.to_owned(),
                        at: now,
                        delivery: "d".to_owned(),
                        document: codec::encode(&document)?,
                    };
                    let mut writes = Writes::default();
                    writes.append(row, version);
                    bulk::write(change.conn, &writes)?;
                }
                Ok(())
            })
            .unwrap();
    }

    /// The entity id of a person.
    pub fn id(&self, number: u32) -> String {
        self.hub.keyring.token("test", &[&number.to_string()]).unwrap().to_string()
    }

    pub fn last_seq(&self) -> i64 {
        self.hub.db.writer().unwrap().next_seq - 1
    }

    /// What leaving says of all changes after a `seq`.
    pub fn changes_after(&self, seq: i64) -> Vec<Event> {
        let scope = Scope::Agreement(self.config.agreements[0].clone());
        let hub = &self.hub;
        hub.db
            .read(|conn| {
                let versions = entity::changes(conn, seq, 1_000_000)?;
                leaving::events(conn, &hub.keyring, &hub.epoch, &scope, &versions)
            })
            .unwrap()
    }

    pub fn topic(&self, of: &str) -> String {
        format!("{}.{AGREEMENT}.{of}", self.prefix)
    }

    pub fn relay(&self, options: Options) -> Relay {
        Relay::new(self.hub.clone(), AGREEMENT, options).unwrap()
    }

    /// The relay at work in a thread, with quick second looks.
    pub fn running(&self) -> Running {
        self.running_with(quick())
    }

    pub fn running_with(&self, options: Options) -> Running {
        let (relay, stop) = (self.relay(options), Arc::new(AtomicBool::new(false)));
        // What an earlier one said is not taken for this one's word.
        if let Some(row) = self.status() {
            let row = Row { state: "unknown".to_owned(), ..row };
            self.hub.db.write(|conn| hub::store::relay::put(conn, &row)).unwrap();
        }
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            relay.run(&stopped);
            Trouble::Over
        });
        Running { stop, thread: Some(thread) }
    }

    pub fn status(&self) -> Option<Row> {
        self.hub.db.read(hub::store::relay::list).unwrap().into_iter().find(|row| row.agreement == AGREEMENT)
    }

    /// Waits until the relay says it has sent everything.
    pub fn caught_up(&self) {
        self.wait_for("running, with everything sent", |row| self.is_caught_up(row));
    }

    pub fn is_caught_up(&self, row: &Row) -> bool {
        row.state == "running" && row.message.is_none() && row.seq == self.last_seq()
    }

    pub fn wait_for(&self, what: &str, is: impl Fn(&Row) -> bool) -> Row {
        let started = Instant::now();
        loop {
            let row = self.status();
            match row {
                Some(row) if is(&row) => return row,
                row => assert!(started.elapsed() < PATIENCE, "the relay was expected to be {what}: {row:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Tests need not wait as long as administrators may.
pub fn quick() -> Options {
    let (look_again, take_back) = (Duration::from_millis(200), Duration::from_secs(3));
    // Small transactions, so that a few hundred changes are several.
    Options { look_again, take_back, batch: 500, ..Options::default() }
}

fn opened(config: &Config) -> Arc<Hub> {
    let (hub, started) = (Hub::open(config.clone()).unwrap(), Instant::now());
    // The hub before it is in this process too and so not known to be dead: its lease has to run out.
    while let Err(error) = hub.writer() {
        assert!(started.elapsed() < PATIENCE, "{error}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Arc::new(hub)
}

/// A relay in a thread; ends with its value.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Trouble>>,
}

impl Running {
    /// One session of a relay in a thread.
    pub fn once(relay: Relay) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        Self { stop, thread: Some(std::thread::spawn(move || relay.work_once(&stopped))) }
    }

    /// Waits for its own end.
    pub fn ended(mut self) -> Trouble {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The events of a topic, as the Java consumer reads them.
pub fn events(messages: &[Message]) -> Vec<Value> {
    let parse = |message: &Message| {
        let event: Value = serde_json::from_str(message.value.as_deref().expect("an event has a value")).unwrap();
        assert_eq!(message.key.as_deref(), event["subject"].as_str(), "the key is the entity");
        event
    };
    messages.iter().map(parse).collect()
}

/// What a consumer holds that has read the state topic.
pub fn state(messages: &[Message]) -> BTreeMap<String, Value> {
    let mut held = BTreeMap::new();
    for message in messages {
        let key = message.key.clone().expect("a state message has a key");
        match &message.value {
            Some(value) => drop(held.insert(key, serde_json::from_str(value).unwrap())),
            None => drop(held.remove(&key)),
        }
    }
    held
}

/// `(entity, operation)` of events, in order within an entity.
pub fn told(events: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        let (subject, kind) = (event["subject"].as_str().unwrap(), event["type"].as_str().unwrap());
        told.entry(subject.to_owned()).or_default().push(kind.trim_start_matches("resident.").to_owned());
    }
    told
}
