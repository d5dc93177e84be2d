//! Migrations: expand first, contract later, so that two hubs of neighbouring releases can share a store meanwhile.
//!
//! Owns which migrations there are, which a store lacks, and who may apply them when: an embedded store and a fresh
//! database by themselves, a database in production only by `hub migrate`. `hub/docs/migrations.md` says how one is written.

use std::time::Duration;

use diesel::backend::Backend;
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

/// The migrations this hub has in it.
#[derive(Clone, Copy)]
struct Own;

impl<B: Backend> MigrationSource<B> for Own {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<B>>>> {
        MIGRATIONS.migrations()
    }
}

/// Migrations for both databases: this hub's own, or in tests those of a later release.
trait Source: MigrationSource<Pg> + MigrationSource<Sqlite> + Clone {}
impl<S: MigrationSource<Pg> + MigrationSource<Sqlite> + Clone> Source for S {}

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
        match fit(&mut conn, &Own)? {
            Fit::Fits => Ok(()),
            Fit::NeedsNewer => Err(too_old(Kind::Config)),
            Fit::Lacks(_) if matches!(conn, Conn::Sqlite(_)) => apply(&mut conn, &Own, false).map(drop),
            Fit::Fresh => {
                take_turn(&mut conn)?;
                apply(&mut conn, &Own, false).map(drop)
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
        pending(&mut self.connect(Purpose::Maintaining)?, &Own)
    }

    /// Applies what the store lacks; what takes something away only where `contract` says so. Returns what was applied.
    pub fn migrate(&self, contract: bool) -> Result<Vec<Pending>> {
        let mut conn = self.connect(Purpose::Maintaining)?;
        if let Fit::NeedsNewer = fit(&mut conn, &Own)? {
            return Err(too_old(Kind::Config));
        }
        take_turn(&mut conn)?;
        apply(&mut conn, &Own, contract)
    }
}

/// The level of this hub: its newest migration.
pub fn level() -> i64 {
    level_of(&Own)
}

fn level_of(source: &impl Source) -> i64 {
    listed(source).iter().filter_map(|one| one.name().version().to_string().parse().ok()).max().unwrap_or(0)
}

fn listed(source: &impl Source) -> Vec<Box<dyn Migration<Sqlite>>> {
    source.migrations().unwrap_or_default()
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

fn fit(conn: &mut Conn, source: &impl Source) -> Result<Fit> {
    let pending = pending(conn, source)?;
    if pending.len() == listed(source).len() && is_empty(conn)? {
        return Ok(Fit::Fresh);
    }
    // Where the table is not there yet, the store is from before there was anything to need.
    if has_foundation(conn)? && foundation::get(conn)?.needs > level_of(source) {
        return Ok(Fit::NeedsNewer);
    }
    let expanding: Vec<Pending> = pending.into_iter().filter(|one| !one.contracts).collect();
    Ok(if expanding.is_empty() { Fit::Fits } else { Fit::Lacks(expanding) })
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

fn pending(conn: &mut Conn, source: &impl Source) -> Result<Vec<Pending>> {
    let listed = match conn {
        Conn::Pg(c) => named::<Pg>(c.pending_migrations(source.clone())),
        Conn::Sqlite(c) => named::<Sqlite>(c.pending_migrations(source.clone())),
    };
    listed.map_err(|error| Error::new(Kind::Unavailable, "reading which migrations the store has").because(error))
}

type Listed<B> = diesel::migration::Result<Vec<Box<dyn Migration<B>>>>;

fn named<B: Backend>(listed: Listed<B>) -> diesel::migration::Result<Vec<Pending>> {
    Ok(listed?.iter().map(|one| described(&one.name().to_string())).collect())
}

fn described(name: &str) -> Pending {
    let what = name.split_once('_').map_or(name, |(_, what)| what);
    Pending { name: name.to_owned(), contracts: what.starts_with(CONTRACTS) }
}

/// Applies one after the other, each in its own transaction.
fn apply(conn: &mut Conn, source: &impl Source, contract: bool) -> Result<Vec<Pending>> {
    let mut applied = Vec::new();
    for one in pending(conn, source)?.into_iter().filter(|one| contract || !one.contracts) {
        if one.contracts {
            // Hubs that still use what goes away stop to write before it goes.
            foundation::set_needs(conn, level_of(source))?;
        }
        patiently(|| match conn {
            Conn::Pg(c) => run(c, source, &one.name),
            Conn::Sqlite(c) => run(c, source, &one.name),
        })?;
        tracing::info!(migration = one.name, "migrated");
        applied.push(one);
    }
    Ok(applied)
}

fn run<B, C, S>(conn: &mut C, source: &S, name: &str) -> diesel::migration::Result<()>
where
    B: Backend,
    C: MigrationHarness<B>,
    S: MigrationSource<B> + Clone,
{
    let listed: Vec<Box<dyn Migration<B>>> = conn.pending_migrations(source.clone())?;
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
    use diesel_migrations::FileBasedMigrations;

    use super::*;
    use crate::config::DatabaseConfig;

    #[test]
    fn the_level_of_a_hub_is_its_newest_migration() {
        assert!(level() >= 20_261_128_000_000, "{}", level());
        assert!(new_enough(level()).is_ok());
        assert_eq!(new_enough(level() + 1).expect_err("older than needed").code, Some("hub-too-old"));
    }

    /// The migrations of the next releases: one adds, one takes away.
    fn of_later_releases(folder: &std::path::Path) -> FileBasedMigrations {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let migration = |name: &str, sql: &str| {
            std::fs::create_dir(folder.join(name)).expect("a folder");
            std::fs::write(folder.join(name).join("up.sql"), sql).expect("a migration");
        };
        for entry in std::fs::read_dir(here).expect("the migrations").flatten() {
            let sql = std::fs::read_to_string(entry.path().join("up.sql")).expect("a migration");
            migration(&entry.file_name().to_string_lossy(), &sql);
        }
        migration("2099-01-01-000000_contract_marked", "DROP INDEX contribution_marked;");
        migration("2099-02-01-000000_novelty", "ALTER TABLE delivery ADD COLUMN novelty TEXT;");
        FileBasedMigrations::from_path(folder).expect("the migrations of later releases")
    }

    #[test]
    fn a_later_release_expands_beside_this_hub_and_contracts_only_on_demand() {
        let (folder, later) =
            (tempfile::TempDir::new().expect("a folder"), tempfile::TempDir::new().expect("a folder"));
        let later = of_later_releases(later.path());
        let url = format!("sqlite://{}", folder.path().join("hub.db").display());
        let db = Db::open(&DatabaseConfig { url, ..DatabaseConfig::default() }, "test").expect("a store");
        db.prepare().expect("a fresh store is set up");
        db.found("key", "landing", "rules").expect("a writer's row");
        let mut conn = db.connect(Purpose::Maintaining).expect("a connection");
        assert!(matches!(fit(&mut conn, &later).expect("an answer"), Fit::Lacks(pending) if pending.len() == 1));

        let applied = apply(&mut conn, &later, false).expect("the expansion");
        assert_eq!(applied.iter().map(|one| one.contracts).collect::<Vec<_>>(), [false], "{applied:?}");
        assert!(matches!(fit(&mut conn, &later).expect("an answer"), Fit::Fits), "what takes away may wait");
        db.prepare().expect("this hub works on it as before");
        let lease = db.lease("test", 0, 1, |_| false).expect("an answer");
        assert!(lease.is_some());

        let applied = apply(&mut conn, &later, true).expect("the contraction");
        assert_eq!(applied.iter().map(|one| one.contracts).collect::<Vec<_>>(), [true], "{applied:?}");
        assert_eq!(db.prepare().expect_err("too old").code, Some("hub-too-old"));
        assert_eq!(db.migrate(true).expect_err("too old").code, Some("hub-too-old"));
        let error = db.lease("test", 0, 1, |_| false).expect_err("too old to write");
        assert_eq!((error.code, error.kind), (Some("hub-too-old"), Kind::Unavailable));
        assert!(matches!(fit(&mut conn, &later).expect("an answer"), Fit::Fits));
    }

    #[test]
    fn a_migration_that_takes_something_away_says_so_in_its_name() {
        assert!(described("2027-01-01-000000_contract_old_column").contracts);
        assert!(!described("2026-11-28-000000_foundation").contracts);
        assert!(!described("2027-01-01-000000_new_contract_column").contracts);
    }
}
