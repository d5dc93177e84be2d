//! The store: diesel on SQLite or PostgreSQL behind two doors.
//!
//! `Db::write` is for short writes any hub may do; `Db::apply` is for all that makes changes and holds the writer's row.
//! Reads have their own pool and never wait for either. Nothing outside this module opens a transaction.

pub mod bell;
pub mod bulk;
pub mod codec;
pub mod conn;
pub mod contribution;
pub mod delivery;
pub mod entity;
pub mod feed_state;
pub mod job;
pub mod rejection;
pub mod relay;
#[rustfmt::skip]
pub mod schema;
pub mod staging;
#[cfg(test)]
mod tests;
pub mod token;
pub mod writer;

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{Pool, PooledConnection};
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Error, Kind, Policy, Result};
pub use bell::Bell;
pub use conn::{Conn, Place};
use conn::{Opener, each_backend};
pub use writer::{Change, Lease};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
const TRIES: u32 = 6;

/// The store, cheap to clone.
#[derive(Clone)]
pub struct Db {
    write: Pool<Opener>,
    read: Pool<Opener>,
    place: Arc<Place>,
    /// Rung when the dataset has changed.
    changed: Bell,
}

impl Db {
    /// Opens the pools without touching the schema.
    pub fn open(url: &str, read_connections: u32) -> Result<Self> {
        let place = Place::parse(url)?;
        if let Place::Sqlite(path) = &place {
            if let Some(folder) = std::path::Path::new(path).parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|error| Error::new(Kind::Config, "the folder of the store").because(error))?;
            }
            // The first writing connection puts the file into WAL mode; readers opened before that would fail.
            place.open(true).map_err(|error| Error::new(Kind::Unavailable, "opening the store").because(error))?;
        }
        let writers = if matches!(place, Place::Sqlite(_)) { 1 } else { 8 };
        let pool = |size, writes| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(Duration::from_secs(15))
                // A read that fails is tried again, on a connection that is looked at first; see `Db::read`.
                .test_on_check_out(writes && matches!(place, Place::Postgres(_)))
                .build(Opener { place: place.clone(), writes })
                .map_err(|error| Error::new(Kind::Unavailable, "opening the store").because(error))
        };
        let (write, read) = (pool(writers, true)?, pool(read_connections.max(1), false)?);
        Ok(Self { write, read, place: Arc::new(place), changed: Bell::default() })
    }

    /// Brings the schema up to date.
    pub fn migrate(&self) -> Result<()> {
        let mut conn = connection(&self.write)?;
        each_backend!(&mut *conn, |c| c.run_pending_migrations(MIGRATIONS).map(drop))
            .map_err(|error| Error::new(Kind::Config, "migrating the store").because(error))
    }

    /// Whether the store is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(*self.place, Place::Postgres(_))
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
        let value = self.write(|conn| writer::under_lease(conn, lease, now, &body))?;
        self.changed.ring();
        Ok(value)
    }

    /// Heard by who waits for changes of the dataset.
    pub fn bell(&self) -> &Bell {
        &self.changed
    }
}

/// A read of its own snapshot: a page and its total are of one moment. SQLite's transactions always are, PostgreSQL's are by
/// what [`Place::open`] says of connections that do not write; so no statement need say it.
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
            Err(error) if error.kind == Kind::Unavailable && error.kind.policy() == Policy::Retry => {
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
