//! The store: diesel on SQLite or PostgreSQL behind two doors.
//!
//! `Db::write` is for short writes any hub may do; `Db::apply` is for all that makes changes and holds the writer's row.
//! Reads have their own pool and never wait for either. Nothing outside this module opens a transaction.

mod backup;
pub mod bell;
pub mod bulk;
pub mod codec;
pub mod conn;
pub mod contribution;
pub mod decision;
pub mod delivery;
pub mod entity;
pub mod feed_state;
pub mod foundation;
pub mod job;
pub mod live_keys;
pub mod matching;
pub mod migrate;
pub mod past_link;
pub mod prune;
pub mod rejection;
pub mod relay;
#[rustfmt::skip]
pub mod schema;
pub mod staging;
#[cfg(test)]
mod tests;
pub mod token;
pub mod transfer;
pub mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{Pool, PooledConnection};
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::config::DatabaseConfig;
use crate::error::{Error, Kind, Result};
pub use bell::Bell;
pub use conn::{Conn, Place};
use conn::{Opener, Purpose};
pub use writer::{Change, Lease};

const TRIES: u32 = 6;

/// The store, cheap to clone.
#[derive(Clone)]
pub struct Db {
    write: Pool<Opener>,
    read: Pool<Opener>,
    config: Arc<DatabaseConfig>,
    instance: Arc<str>,
    /// The epoch the store had when this hub opened it.
    epoch: Arc<OnceLock<String>>,
    /// Rung when the dataset has changed.
    changed: Bell,
}

impl Db {
    /// Opens the pools without touching the schema. `instance` names the hub that does.
    pub fn open(config: &DatabaseConfig, instance: &str) -> Result<Self> {
        let opener = Opener::new(config, Purpose::Writing, instance)?;
        let away = |error: diesel::ConnectionError| Error::new(Kind::Unavailable, "opening the store").because(error);
        if let Place::Sqlite(path) = &opener.place
            && let Some(folder) = std::path::Path::new(path).parent()
        {
            std::fs::create_dir_all(folder)
                .map_err(|error| Error::new(Kind::Config, "the folder of the store").because(error))?;
        }
        // What is wrong is said at once, and not after a pool has tried again and again. SQLite's first writing connection
        // puts the file into WAL mode; readers opened before that would fail.
        opener.open().map_err(away)?;
        let embedded = matches!(opener.place, Place::Sqlite(_));
        let writers = if embedded { 1 } else { config.write_connections.max(2) };
        let pool = |size, opener: Opener| {
            Pool::builder()
                .max_size(size)
                // None is opened ahead: a command that ends must not end in the middle of one.
                .min_idle(Some(0))
                .connection_timeout(Duration::from_secs(config.connect_timeout_s + 5))
                // A read that fails is tried again, on a connection that is looked at first; see `Db::read`.
                .test_on_check_out(!embedded && opener.purpose != Purpose::Reading)
                .build(opener)
                .map_err(|error| Error::new(Kind::Unavailable, "opening the store").because(error))
        };
        let readers = Opener::new(config, Purpose::Reading, instance)?;
        Ok(Self {
            write: pool(writers, opener)?,
            read: pool(config.read_connections.max(1), readers)?,
            config: Arc::new(config.clone()),
            instance: instance.into(),
            epoch: Arc::default(),
            changed: Bell::default(),
        })
    }

    /// A connection of its own, outside the pools.
    fn connect(&self, purpose: Purpose) -> Result<Conn> {
        Opener::new(&self.config, purpose, &self.instance)?
            .open()
            .map_err(|error| Error::new(Kind::Unavailable, "opening the store").because(error))
    }

    /// Whether the store is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.config.is_postgres()
    }

    /// Reads under one consistent snapshot. The first try takes a connection on trust; after one that was broken, each is
    /// looked at before it is used.
    pub fn read<T>(&self, body: impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
        let mut trusted = true;
        retried(|| {
            let mut conn = loop {
                let mut conn = connection(&self.read)?;
                if trusted || conn.batch_execute("SELECT 1").is_ok() {
                    break conn;
                }
                // Given back broken, it is dropped by the pool and another is opened in its place.
            };
            trusted = false;
            of_one_moment(&mut conn, &body)
        })
    }

    /// A short write of its own; may run more than once.
    pub fn write<T>(&self, body: impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
        retried(|| {
            let mut conn = connection(&self.write)?;
            write_transaction(&mut conn, &body)
        })
    }

    /// A short write of what can be made again. A power cut may take it until the next other write has been answered;
    /// nothing else of the store is ever lost with it.
    pub fn write_disposable<T>(&self, body: impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
        retried(|| {
            let mut conn = connection(&self.write)?;
            if let Conn::Pg(_) = &*conn {
                return write_transaction(&mut conn, &|conn: &mut Conn| {
                    conn.batch_execute("SET LOCAL synchronous_commit = off")?;
                    body(conn)
                });
            }
            conn.batch_execute("PRAGMA synchronous = NORMAL")?;
            let result = write_transaction(&mut conn, &body);
            conn.batch_execute("PRAGMA synchronous = FULL")?;
            result
        })
    }

    /// A write of the dataset under the writer's row: locks it, compares the lease's generation, and gives `seq`s gap-free in
    /// commit order. May run more than once; the caller's checkpoint tells whether an unclear commit went through.
    pub fn apply<T>(&self, lease: &Lease, now: i64, body: impl Fn(&mut Change<'_>) -> Result<T>) -> Result<T> {
        let value = self.write(|conn| writer::under_lease(conn, (lease, self.epoch.get()), now, &body))?;
        self.changed.ring();
        Ok(value)
    }

    /// Heard by who waits for changes of the dataset.
    pub fn bell(&self) -> &Bell {
        &self.changed
    }
}

/// A read of its own snapshot: a page and its total are of one moment. SQLite's transactions always are, PostgreSQL's are by
/// what [`Opener::new`] says of connections that do not write; so no statement need say it.
#[expect(clippy::disallowed_methods, reason = "one of the doors: it only reads")]
fn of_one_moment<T>(conn: &mut Conn, body: &dyn Fn(&mut Conn) -> Result<T>) -> Result<T> {
    conn.transaction(|conn| body(conn))
}

#[expect(clippy::disallowed_methods, reason = "one of the doors")]
/// SQLite takes its write lock at once: a plain transaction that reads first fails when another writes in between.
fn write_transaction<T>(conn: &mut Conn, body: &dyn Fn(&mut Conn) -> Result<T>) -> Result<T> {
    if let Conn::Sqlite(c) = conn {
        AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?;
    } else {
        return conn.transaction(|conn| body(conn));
    }
    let result = body(conn);
    let Conn::Sqlite(c) = conn else { return result };
    match result {
        // A commit that fails rolls back; the connection never stays inside the failed transaction.
        Ok(value) => Ok(AnsiTransactionManager::commit_transaction(c).map(|()| value)?),
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(c)?;
            Err(error)
        }
    }
}

fn connection(pool: &Pool<Opener>) -> Result<PooledConnection<Opener>> {
    pool.get().map_err(|error| Error::new(Kind::Unavailable, "no connection to the store").because(error))
}

fn retried<T>(mut body: impl FnMut() -> Result<T>) -> Result<T> {
    let mut pause = Duration::from_millis(10);
    for _ in 1..TRIES {
        match body() {
            // What has a code of its own stays as it is for longer than this.
            Err(error) if error.kind == Kind::Unavailable && error.code.is_none() => {
                std::thread::sleep(pause);
                pause *= 3;
            }
            result => return result,
        }
    }
    body()
}

// The enum needs both so that the compiler sees the pair it is made of.
const _: fn() = || {
    fn backends<T: Connection>() {}
    backends::<PgConnection>();
    backends::<SqliteConnection>();
};
