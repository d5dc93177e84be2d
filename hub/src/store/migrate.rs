//! Migrations: expand first, contract later, so that two hubs of neighbouring releases can share a store meanwhile.
//!
//! Owns which migrations there are, which a store lacks, and who may apply them when: an embedded store and a fresh
//! database by themselves, a database in production only by `hub migrate`. `hub/docs/migrations.md` says how one is written.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use serde::Serialize;

use super::Db;
use super::conn::{Conn, Purpose};
use super::foundation;
use crate::error::{Error, Kind, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// The name of a migration that takes something away begins so.
const CONTRACTS: &str = "contract_";
/// A number of our own under which hubs take turns to migrate one PostgreSQL database.
const TURN: i64 = 0x68_7562_5f6d_6967;
/// A statement that changes a table waits so long for those who use it, and is tried so often.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '3s'";
const TRIES: u32 = 20;

/// A migration that a store lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Its folder's name.
    pub name: String,
    /// Whether it takes something away: older hubs cannot use the store afterwards.
    pub contracts: bool,
}

/// What is wrong with a store's schema for this hub.
enum Fit {
    Fits,
    Fresh,
    Lacks(Vec<Pending>),
    NeedsNewer,
}

impl Db {
    /// What every command does first: an embedded store is brought up to date, a fresh database is set up, and one in
    /// production is refused where it lacks something, or where it has gone on without hubs of this age.
    pub fn prepare(&self) -> Result<()> {
        let mut conn = self.connect(Purpose::Maintaining)?;
        match fit(&mut conn)? {
            Fit::Fits => Ok(()),
            Fit::NeedsNewer => Err(too_old(Kind::Config)),
            Fit::Lacks(_) if matches!(conn, Conn::Sqlite(_)) => apply(&mut conn, false).map(drop),
            Fit::Fresh => {
                take_turn(&mut conn)?;
                apply(&mut conn, false).map(drop)
            }
            Fit::Lacks(pending) => {
                let names: Vec<String> = pending.into_iter().map(|one| one.name).collect();
                Err(Error::new(
                    Kind::Config,
                    format!(
                        "the database lacks {}; run `hub migrate` (hubs at work may go on meanwhile)",
                        names.join(", ")
                    ),
                )
                .coded("migrations-pending", "数据库结构未更新，请先运行 hub migrate（运行中的节点可继续工作）。"))
            }
        }
    }

    /// What the store lacks, in the order in which it is applied.
    pub fn pending(&self) -> Result<Vec<Pending>> {
        pending(&mut self.connect(Purpose::Maintaining)?)
    }

    /// Applies what the store lacks; what takes something away only where `contract` says so. Returns what was applied.
    pub fn migrate(&self, contract: bool) -> Result<Vec<Pending>> {
        let mut conn = self.connect(Purpose::Maintaining)?;
        if let Fit::NeedsNewer = fit(&mut conn)? {
            return Err(too_old(Kind::Config));
        }
        take_turn(&mut conn)?;
        apply(&mut conn, contract)
    }
}

/// The level of this hub: its newest migration.
pub fn level() -> i64 {
    let listed: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().unwrap_or_default();
    listed.iter().filter_map(|one| one.name().version().to_string().parse().ok()).max().unwrap_or(0)
}

/// Refuses a store that has gone on without hubs of this age. To a hub at work that is not a fault of what it does:
/// a newer one may do it.
pub fn new_enough(needs: i64) -> Result<()> {
    if needs > level() { Err(too_old(Kind::Unavailable)) } else { Ok(()) }
}

fn too_old(kind: Kind) -> Error {
    Error::new(kind, "this hub is older than the database allows; install the release that migrated it")
        .coded("hub-too-old", "本程序版本低于数据库要求，请安装迁移数据库时所用的版本。")
}

fn fit(conn: &mut Conn) -> Result<Fit> {
    let pending = pending(conn)?;
    let fresh = pending.len() == migrations_count() && is_empty(conn)?;
    if fresh {
        return Ok(Fit::Fresh);
    }
    // Where the table is not there yet, the store is from before there was anything to need.
    if has_foundation(conn)? && foundation::get(conn)?.needs > level() {
        return Ok(Fit::NeedsNewer);
    }
    let expanding: Vec<Pending> = pending.into_iter().filter(|one| !one.contracts).collect();
    Ok(if expanding.is_empty() { Fit::Fits } else { Fit::Lacks(expanding) })
}

fn migrations_count() -> usize {
    let listed: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().unwrap_or_default();
    listed.len()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn counted(conn: &mut Conn, postgres: &str, sqlite: &str) -> Result<i64> {
    let sql = if matches!(conn, Conn::Pg(_)) { postgres } else { sqlite };
    let found: Count = diesel::sql_query(sql).get_result(conn)?;
    Ok(found.count)
}

/// Whether there is no table but the list of migrations.
fn is_empty(conn: &mut Conn) -> Result<bool> {
    let tables = counted(
        conn,
        "SELECT COUNT(*) AS count FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE '\\_\\_diesel%'",
        "SELECT COUNT(*) AS count FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
    )?;
    Ok(tables == 0)
}

fn has_foundation(conn: &mut Conn) -> Result<bool> {
    let found = counted(
        conn,
        "SELECT COUNT(*) AS count FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'foundation'",
        "SELECT COUNT(*) AS count FROM sqlite_master WHERE type = 'table' AND name = 'foundation'",
    )?;
    Ok(found > 0)
}

/// Two hubs that start on one fresh database set it up once. The turn ends with the connection.
fn take_turn(conn: &mut Conn) -> Result<()> {
    if let Conn::Pg(c) = conn {
        diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(TURN).execute(c)?;
        c.batch_execute(LOCK_TIMEOUT)?;
    }
    Ok(())
}

fn pending(conn: &mut Conn) -> Result<Vec<Pending>> {
    let listed = match conn {
        Conn::Pg(c) => named::<Pg>(c.pending_migrations(MIGRATIONS)),
        Conn::Sqlite(c) => named::<Sqlite>(c.pending_migrations(MIGRATIONS)),
    };
    listed.map_err(|error| Error::new(Kind::Unavailable, "reading which migrations the store has").because(error))
}

type Listed<B> = diesel::migration::Result<Vec<Box<dyn Migration<B>>>>;

fn named<B: diesel::backend::Backend>(listed: Listed<B>) -> diesel::migration::Result<Vec<Pending>> {
    Ok(listed?.iter().map(|one| described(&one.name().to_string())).collect())
}

fn described(name: &str) -> Pending {
    let what = name.split_once('_').map_or(name, |(_, what)| what);
    Pending { name: name.to_owned(), contracts: what.starts_with(CONTRACTS) }
}

/// Applies one after the other, each in its own transaction.
fn apply(conn: &mut Conn, contract: bool) -> Result<Vec<Pending>> {
    let mut applied = Vec::new();
    for one in pending(conn)?.into_iter().filter(|one| contract || !one.contracts) {
        if one.contracts {
            // Hubs that still use what goes away stop to write before it goes.
            foundation::set_needs(conn, level())?;
        }
        patiently(|| match conn {
            Conn::Pg(c) => run(c, &one.name),
            Conn::Sqlite(c) => run(c, &one.name),
        })?;
        tracing::info!(migration = one.name, "migrated");
        applied.push(one);
    }
    Ok(applied)
}

fn run<B, C>(conn: &mut C, name: &str) -> diesel::migration::Result<()>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
    EmbeddedMigrations: MigrationSource<B>,
{
    let listed: Vec<Box<dyn Migration<B>>> = conn.pending_migrations(MIGRATIONS)?;
    match listed.iter().find(|one| one.name().to_string() == name) {
        Some(found) => conn.run_migration(found.as_ref()).map(drop),
        None => Ok(()),
    }
}

/// Hubs at work hold locks for as long as a transaction takes; whoever waits for one makes others wait behind it.
fn patiently(mut body: impl FnMut() -> diesel::migration::Result<()>) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Kind::Config, "migrating the store").because(error)
    };
    for _ in 1..TRIES {
        match body() {
            Err(error) if error.to_string().contains("lock timeout") => std::thread::sleep(Duration::from_millis(500)),
            result => return result.map_err(failed),
        }
    }
    body().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_of_a_hub_is_its_newest_migration() {
        assert!(level() >= 20_261_128_000_000, "{}", level());
        assert!(new_enough(level()).is_ok());
        assert_eq!(new_enough(level() + 1).expect_err("older than needed").code, Some("hub-too-old"));
    }

    #[test]
    fn a_migration_that_takes_something_away_says_so_in_its_name() {
        assert!(described("2027-01-01-000000_contract_old_column").contracts);
        assert!(!described("2026-11-28-000000_foundation").contracts);
        assert!(!described("2027-01-01-000000_new_contract_column").contracts);
    }
}
