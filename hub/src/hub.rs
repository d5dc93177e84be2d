//! What every stage of the hub needs, opened once: store, landing store, feeds, secret, and the writer's lease.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::access::RecentTokens;
use crate::config::Config;
use crate::entity::EntitySchema;
use crate::error::{Error, Kind, Result};
use crate::feed::{Catalogue, Feed};
use crate::instance;
use crate::keyring::Keyring;
use crate::landing::Landing;
use crate::pipeline::known::Known;
use crate::pipeline::likeness::Models;
use crate::store::writer::EPOCH_OVER;
use crate::store::{Db, Lease, contribution, entity};

/// The code of the error where another process is the writer.
pub const NOT_WRITER: &str = "not-writer";

/// How long somebody who waits for an answer waits for a feed.
const PATIENCE_MS: u64 = 10_000;
const LOOK_MS: u64 = 5;
/// With these this hub cannot become the writer again as it is.
const FOR_GOOD: [&str; 3] = [EPOCH_OVER, "hub-too-old", "store-sealed"];

/// The hub as one process has it open.
pub struct Hub {
    /// The configuration.
    pub config: Config,
    /// The store.
    pub db: Db,
    /// The landing store.
    pub landing: Landing,
    /// The feeds, schemas and code tables.
    pub catalogue: Catalogue,
    /// The hub secret.
    pub keyring: Keyring,
    /// How residents are keyed and merged.
    pub resident: EntitySchema,
    /// How households are keyed and merged.
    pub household: EntitySchema,
    /// The identity of the store.
    pub epoch: String,
    /// The name of this process in leases.
    pub instance: String,
    /// Tokens that were good a moment ago.
    pub tokens: RecentTokens,
    /// The models of likeness, made ready.
    pub models: Models,
    clock: fn() -> i64,
    lease: Mutex<Option<Lease>>,
    /// Under which generation, and what.
    known: Mutex<(i64, Option<Arc<Known>>)>,
    outdated: AtomicBool,
    feeds: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Hub {
    /// Opens everything. An embedded store is migrated, a fresh database set up; one in production must fit.
    pub fn open(config: Config) -> Result<Self> {
        let catalogue = Catalogue::configured(config.data.folder.as_deref())?;
        let keyring = Keyring::open(&config.secret.file)?;
        let schema = |kind: &str| {
            let missing = || Error::new(Kind::Config, format!("schemas/entities/{kind}.json is missing"));
            EntitySchema::parse(kind, catalogue.entity_schema(kind).ok_or_else(missing)?)
        };
        let (resident, household) = (schema("resident")?, schema("household")?);
        let instance = instance::name()?;
        let db = Db::open(&config.database, &instance)?;
        db.prepare()?;
        let landing = Landing::open(&config.landing.folder)?;
        let rules = format!("{}+{}", resident.version(), household.version());
        let writer = db.found(keyring.id(), landing.marker(), &rules)?;
        if writer.merge_rules != rules {
            tracing::warn!(stored = writer.merge_rules, now = rules, "the merge rules have changed; run `hub rebuild`");
        }
        Ok(Self {
            landing,
            config,
            db,
            catalogue,
            keyring,
            resident,
            household,
            epoch: writer.epoch,
            instance,
            tokens: RecentTokens::default(),
            models: Models::default(),
            clock: system_time,
            lease: Mutex::new(None),
            known: Mutex::new((0, None)),
            outdated: AtomicBool::new(false),
            feeds: Mutex::new(HashMap::new()),
        })
    }

    /// The moment, in microseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// A feed by name.
    pub fn feed(&self, name: &str) -> Result<Arc<Feed>> {
        self.catalogue.get(name).ok_or_else(|| {
            Error::new(Kind::NotFound, "there is no such feed").coded("feed-unknown", "没有这个数据源。")
        })
    }

    /// The length of leases, in microseconds.
    pub fn lease_length(&self) -> i64 {
        i64::try_from(self.config.work.lease_ms).unwrap_or(10_000) * 1_000
    }

    /// The writer's lease: kept, renewed or taken. Fails with `not-writer` while another hub lives and writes.
    pub fn writer(&self) -> Result<Lease> {
        let held = self.db.lease(&self.instance, self.now(), self.lease_length(), instance::is_dead);
        if let Err(error) = &held
            && error.code.is_some_and(|code| FOR_GOOD.contains(&code))
        {
            self.outdated.fetch_or(error.code == Some(EPOCH_OVER), Ordering::Relaxed);
            locked(&self.lease).take();
        }
        let held = held?;
        locked(&self.lease).clone_from(&held);
        let lease = held.ok_or_else(|| {
            Error::new(Kind::Unavailable, "another hub is the writer")
                .coded(NOT_WRITER, "另一节点正在写入，请稍后重试。")
        })?;
        self.begin_to_know(&lease)?;
        Ok(lease)
    }

    /// What the store may hold, if this process has written all of it under the lease it holds.
    pub fn known(&self) -> Option<Arc<Known>> {
        locked(&self.known).1.clone()
    }

    /// Under a new lease looks whether the store is empty: if so, all it will hold is written under this lease.
    fn begin_to_know(&self, lease: &Lease) -> Result<()> {
        let mut known = locked(&self.known);
        if known.0 != lease.generation {
            *known = (lease.generation, None);
            let is_empty = self.db.read(|conn| Ok(!contribution::is_any(conn)? && !entity::is_any(conn)?))?;
            known.1 = is_empty.then(|| Arc::new(Known::default()));
        }
        Ok(())
    }

    /// Gives the writer's lease back, if it is held.
    pub fn give_back(&self) -> Result<()> {
        match locked(&self.lease).take() {
            Some(lease) => self.db.give_back(&lease),
            None => Ok(()),
        }
    }

    /// Whether the store has been restored since this process opened it: what it knows of it is over.
    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Whether this process held the writer's lease when it last asked.
    pub fn is_writer(&self) -> bool {
        locked(&self.lease).is_some()
    }

    /// Runs `body` while nothing else in this process applies the feed; waits for its turn as long as it takes.
    pub fn applying<T>(&self, feed: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let lock = locked(&self.feeds).entry(feed.to_owned()).or_default().clone();
        let _held = locked(&lock);
        body()
    }

    /// As [`Hub::applying`], for somebody who waits for an answer: `feed-busy` after ten seconds.
    pub fn applying_soon<T>(&self, feed: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let lock = locked(&self.feeds).entry(feed.to_owned()).or_default().clone();
        for _ in 0..PATIENCE_MS / LOOK_MS {
            match lock.try_lock() {
                Ok(_held) => return body(),
                Err(TryLockError::Poisoned(_)) => return self.applying(feed, body),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(LOOK_MS)),
            }
        }
        Err(Error::new(Kind::Unavailable, "a large delivery of this feed is being applied; try again")
            .coded("feed-busy", "该数据源正在处理大批量交付，请稍后重试。"))
    }
}

/// A lock whose holder panicked still guards data that is whole: it guards no data of its own.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The moment by the machine's clock, for a command that opens no hub.
#[expect(clippy::disallowed_methods, reason = "the one place where time comes in")]
pub fn system_time() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
