//! A hub inside the test process: the library itself on a store of its own, so that a case can stop between two stages,
//! take the writer's lease away, or look at what is stored.
//!
//! Owns opening and closing it, delivering what [`crate::world`] builds, and looking. At its end it checks what holds
//! after every case: conservation for every delivery, and a clean verify.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ::hub::config::Config;
use ::hub::error::Result;
use ::hub::hub::Hub;
use ::hub::keyring::Token;
use ::hub::pipeline::dry_run::{self, DryRun};
use ::hub::pipeline::land::{self, Arrival, Landed};
use ::hub::pipeline::replay::{self, Replayed};
use ::hub::pipeline::{self, apply, decide, inspect, verify};
use ::hub::resolve;
use ::hub::store::contribution::Row;
use ::hub::store::delivery::{self, Delivery as Receipt};
use ::hub::store::entity::{Entity, Version};
use ::hub::store::rejection::{self, Rejection, RowDocument};
use ::hub::store::{codec, contribution, entity, schema};
use ::hub::work;
use diesel::prelude::*;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::place;
use crate::postgres::Database;
use crate::store::Store;
use crate::world::Delivery;

/// A golden document.
pub type Document = Map<String, Value>;

/// A hub in this process, closed and checked with this value.
pub struct Inside {
    hub: Arc<Hub>,
    /// Whether the store was damaged on purpose.
    tampered: bool,
    // After the hub: its connections end before what they lead to.
    _database: Option<Database>,
    _folder: TempDir,
}

impl Inside {
    /// A hub on a fresh store.
    pub fn new(store: Store) -> Self {
        Self::with(store, |_| {})
    }

    /// A hub on a fresh store, configured by `change`.
    pub fn with(store: Store, change: impl FnOnce(&mut Config)) -> Self {
        let folder = place::temporary_folder("inside");
        let database = store.database();
        let mut config = Config::in_folder(folder.path());
        if let Some(database) = &database {
            config.database.url.clone_from(&database.url);
        }
        config.database.read_connections = 2;
        // One secret for all, so that the same people have the same tokens in any two hubs of a case.
        config.secret.file = secret().to_owned();
        change(&mut config);
        let hub = Arc::new(Hub::open(config).expect("the hub opens"));
        Self { hub, tampered: false, _database: database, _folder: folder }
    }

    /// The hub itself.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// A second hub on the same store and landing folder.
    pub fn another(&self) -> Hub {
        self.another_with(|_| {})
    }

    /// A second hub on the same store and landing folder, configured by `change`.
    pub fn another_with(&self, change: impl FnOnce(&mut Config)) -> Hub {
        let mut config = self.hub.config.clone();
        change(&mut config);
        Hub::open(config).expect("a second hub opens")
    }

    /// Ends this hub and opens another on the same store, configured by `change`: an upgrade, or a restart after a crash.
    pub fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.hub.give_back().expect("the lease is given back");
        self.hub = Arc::new(self.another_with(change));
    }

    /// Lands a delivery; panics unless it is accepted as a new one.
    pub fn land(&self, delivery: &Delivery) -> Receipt {
        match self.arrive(delivery).expect("the delivery is accepted") {
            Landed::New(receipt) => receipt,
            Landed::Same(first) => panic!("the delivery is taken for {}", first.id),
        }
    }

    /// Lands a delivery, whatever comes of it.
    pub fn arrive(&self, delivery: &Delivery) -> Result<Landed> {
        let arrival = arrival(delivery);
        land::land(&self.hub, &arrival, Box::new(Cursor::new(delivery.bytes.clone())))
    }

    /// Says what a delivery would do; keeps nothing of it.
    pub fn dry_run(&self, delivery: &Delivery) -> DryRun {
        let body = Box::new(Cursor::new(delivery.bytes.clone()));
        dry_run::dry_run(&self.hub, &arrival(delivery), body).expect("a dry run")
    }

    /// Lands and inspects a delivery.
    pub fn inspect(&self, delivery: &Delivery) -> Receipt {
        inspect::inspect(&self.hub, &self.land(delivery).id, &|_| ()).expect("the delivery is inspected")
    }

    /// Applies an inspected delivery.
    pub fn apply(&self, id: &str) -> Receipt {
        apply::apply(&self.hub, id, &|_| ()).expect("the delivery is applied")
    }

    /// Takes a delivery as far as it goes.
    pub fn process(&self, delivery: &Delivery) -> Receipt {
        pipeline::process(&self.hub, &self.land(delivery).id, &|_| ()).expect("the delivery is processed")
    }

    /// Takes a delivery to its end; panics unless it is applied.
    pub fn deliver(&self, delivery: &Delivery) -> Receipt {
        let receipt = self.process(delivery);
        assert_eq!(receipt.state, "applied", "{:?}", receipt.hold_reasons());
        receipt
    }

    /// Takes a delivery to its end; panics unless it is held, and for these reasons.
    pub fn held(&self, delivery: &Delivery, codes: &[&str]) -> Receipt {
        let receipt = self.process(delivery);
        let why: Vec<String> = receipt.hold_reasons().into_iter().map(|reason| reason.code).collect();
        assert_eq!((receipt.state.as_str(), why), ("held", codes.iter().map(|&code| code.to_owned()).collect()));
        receipt
    }

    /// Runs every job that is due, as the workers would.
    pub fn work(&self) {
        work::run_all(&self.hub).expect("the jobs run");
    }

    /// A delivery as it is now.
    pub fn receipt(&self, id: &str) -> Receipt {
        self.hub.db.read(|conn| delivery::get(conn, id)).expect("the delivery is there")
    }

    /// The contributions of a feed, live ones and tombstones, by source key and part.
    pub fn contributions(&self, feed: &str, key: &str) -> Vec<Row> {
        let token = self.source_key(feed, key);
        let mut rows = self.hub.db.read(|conn| contribution::of_keys(conn, feed, &[token.to_vec()])).expect("a look");
        rows.sort_by(|one, other| one.part.cmp(&other.part));
        rows
    }

    /// The one contribution under a source key.
    pub fn contribution(&self, feed: &str, key: &str) -> Row {
        let mut rows = self.contributions(feed, key);
        assert_eq!(rows.len(), 1, "contributions of {feed} under {key}");
        rows.remove(0)
    }

    fn source_key(&self, feed: &str, key: &str) -> Token {
        self.hub.keyring.token("source-key", &[feed, key]).expect("a token")
    }

    /// The rejections of a feed, oldest first.
    pub fn rejections(&self, feed: &str) -> Vec<Rejection> {
        let filter = rejection::Filter { feed: Some(feed.to_owned()), limit: 1_000, ..rejection::Filter::default() };
        let mut rows = self.hub.db.read(|conn| rejection::list(conn, &filter)).expect("a look");
        rows.reverse();
        rows
    }

    /// The rejections of a feed in a state.
    pub fn rejections_in(&self, feed: &str, state: &str) -> Vec<Rejection> {
        self.rejections(feed).into_iter().filter(|row| row.state == state).collect()
    }

    /// The codes under which the rows of a delivery were rejected, in the order of positions.
    pub fn rejected_rows(&self, delivery: &str) -> Vec<(i64, String)> {
        let rows = self.hub.db.read(|conn| rejection::rows_after(conn, delivery, 0, 1_000)).expect("a look");
        rows.into_iter().map(|row| (row.position, row.codes.trim().to_owned())).collect()
    }

    /// The issues of a delivery: position and code.
    pub fn issues(&self, delivery: &str) -> Vec<(i64, String)> {
        let rows = self.hub.db.read(|conn| rejection::issues_after(conn, delivery, (0, -1), 1_000)).expect("a look");
        rows.into_iter().map(|row| (row.position, row.code)).collect()
    }

    /// The resident of a citizen ID as the hub knows it now; `None` where there is none or it has ended.
    pub fn resident(&self, id_no: &str) -> Option<Document> {
        self.entity_of(id_no).filter(|(entity, _)| entity.state == "live").map(|(_, version)| document(&version))
    }

    /// The entity of a citizen ID and its standing version, ended ones too.
    pub fn entity_of(&self, id_no: &str) -> Option<(Entity, Version)> {
        let token = resolve::citizen_token(&self.hub.keyring, id_no).expect("a token").expect("a good number");
        self.hub.db.read(|conn| entity::by_tokens(conn, "resident", &[token.to_vec()])).expect("a look").pop()
    }

    /// What is live of a kind, each document under its entity's id.
    pub fn golden(&self, kind: &str) -> BTreeMap<String, Document> {
        let filter = entity::Filter { kind: kind.to_owned(), limit: 10_000, ..entity::Filter::default() };
        let page = self.hub.db.read(|conn| entity::page(conn, &filter)).expect("a look");
        page.iter().map(|(entity, version)| (hex(&entity.id), document(version))).collect()
    }

    /// The live households.
    pub fn households(&self) -> Vec<Document> {
        self.golden("household").into_values().collect()
    }

    /// The last `seq`: how many changes there have been.
    pub fn seq(&self) -> i64 {
        self.hub.db.read(|conn| Ok(entity::sequence(conn)?.1)).expect("a look")
    }

    /// All that is stored of contributions, entities and changes, as text: equal means not a byte has changed.
    pub fn dataset(&self) -> String {
        let read = |conn: &mut ::hub::store::Conn| -> Result<String> {
            let contributions: Vec<Row> =
                schema::contribution::table.order(schema::contribution::id).select(Row::as_select()).load(conn)?;
            let aliases: Vec<(Vec<u8>, Vec<u8>)> = schema::contribution_alias::table
                .order((schema::contribution_alias::alias, schema::contribution_alias::contribution))
                .load(conn)?;
            let entities: Vec<Entity> =
                schema::entity::table.order(schema::entity::id).select(Entity::as_select()).load(conn)?;
            let versions = entity::changes(conn, 0, i64::from(i32::MAX))?;
            Ok(format!("{contributions:?}\n{aliases:?}\n{entities:?}\n{versions:?}"))
        };
        self.hub.db.read(read).expect("a look")
    }

    /// Corrects one column of a rejected row, as a clerk would.
    pub fn edit(&self, rejection: &Rejection, column: &str, value: &str) -> Replayed {
        let mut fields = codec::decode::<RowDocument>(&rejection.document).expect("a rejected row").fields;
        fields.insert(column.to_owned(), value.into());
        replay::edit(&self.hub, &rejection.id, fields, "clerk").expect("the edit is taken")
    }

    /// Says that a rejected row need not be repaired, and runs what waits for that.
    pub fn waive(&self, rejection: &Rejection) {
        decide::waive(&self.hub, &rejection.id, "clerk").expect("the waive is taken");
        self.work();
    }

    /// Releases a held delivery and applies it.
    pub fn release(&self, id: &str) -> Receipt {
        decide::release(&self.hub, id, "administrator").expect("it may be released");
        self.apply(id)
    }

    /// Recomputes all that is computed and counts what differs.
    pub fn differences(&self) -> u64 {
        verify::verify(&self.hub).expect("verify reads everything").differences
    }

    /// Damages the store through its own connection; the checks at the end of the case are left out then.
    pub fn tamper(&mut self, body: impl Fn(&mut ::hub::store::Conn) -> Result<()>) {
        self.tampered = true;
        self.hub.db.write(body).expect("the store is damaged");
    }

    /// Says what is not as it must be after any case, a line each.
    fn wrong(&self) -> Vec<String> {
        let filter = delivery::Filter { limit: 10_000, ..delivery::Filter::default() };
        let receipts = self.hub.db.read(|conn| delivery::list(conn, &filter)).expect("a look");
        let mut wrong: Vec<String> = receipts.iter().filter_map(unconserved).collect();
        let verified = verify::verify(&self.hub).expect("verify reads everything");
        wrong.extend((verified.differences > 0).then(|| format!("verify: {verified:?}")));
        wrong
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.tampered {
            assert_eq!(self.wrong(), Vec::<String>::new(), "at the end of the case");
        }
    }
}

/// Why the counts of a delivery do not add up.
fn unconserved(row: &Receipt) -> Option<String> {
    let decided = [row.applied, row.unchanged, row.stale, row.rejected];
    let waiting = row.received - decided.iter().sum::<i64>();
    let good = match row.state.as_str() {
        "applied" => waiting == 0,
        "landed" => row.received == 0 && waiting == 0,
        // Of a delivery that was never begun, no row may count as decided unless it failed.
        "held" | "refused" => waiting >= 0 && waiting == row.received - row.rejected,
        _ => waiting >= 0,
    };
    let known = decided.iter().all(|count| *count >= 0);
    (!good || !known).then(|| format!("{} delivery of {}: {} received, {decided:?}", row.state, row.feed, row.received))
}

/// What a delivery's headers say.
fn arrival(delivery: &Delivery) -> Arrival {
    let mut arrival = Arrival::new(delivery.feed, "http", delivery.department());
    for (name, value) in delivery.headers() {
        let value = value.to_owned();
        match name {
            "Hub-As-Of" => arrival.as_of = Some(value),
            "Hub-Sequence" => arrival.sequence = value.parse().ok(),
            "Hub-Total" => arrival.total = value.parse().ok(),
            "Hub-File-Name" => arrival.file_name = Some(value),
            "Idempotency-Key" => arrival.idempotency_key = Some(value),
            _ => {}
        }
    }
    arrival
}

fn document(version: &Version) -> Document {
    codec::decode(&version.document).expect("a golden document")
}

fn hex(bytes: &[u8]) -> String {
    Token::from_slice(bytes).expect("an entity's id").to_string()
}

/// The secret of every hub in this process.
fn secret() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let file = place::temporary_folder("secret").keep().join("hub.secret");
        ::hub::keyring::Keyring::open(&file).expect("a secret");
        file
    })
}

/// The id of the delivery an arrival was taken for; `None` where it is a new one.
pub fn landed_as_same(outcome: Result<Landed>) -> Option<String> {
    match outcome.expect("the delivery is accepted") {
        Landed::New(_) => None,
        Landed::Same(first) => Some(first.id),
    }
}
