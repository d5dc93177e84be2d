//! The rows a delivery has left in PostgreSQL, and PostgreSQL's own time to store the same rows: the limit of a load.
//!
//! Rows are copied out in the server's binary form, in the order they lie in, and copied in through one connection in one
//! transaction, into the tables with all their indexes and constraints.

use std::path::PathBuf;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use integration_tests::Postgres;
use integration_tests::postgres::Database;

use super::Result;

/// Tables of a few rows about the work itself, which a copy of the data would not need.
pub const BOOKKEEPING: &str = "'writer', 'foundation', 'feed_state', 'delivery', 'staging', 'job', 'run', 'token', 'relay', '__diesel_schema_migrations'";

/// Rows of one table in a file the server has written.
#[derive(Debug)]
pub struct Copied {
    table: String,
    file: PathBuf,
}

/// What a second feed has done to a store that held a first one.
#[derive(Debug)]
pub struct Added {
    rows: Vec<Copied>,
    /// The entities it has given a new version.
    versioned: Copied,
}

/// Rests the server: pages written, statistics fresh, as hours after a load.
pub fn settle(database: &Database) {
    database.sql("VACUUM ANALYZE");
    database.sql("CHECKPOINT");
}

/// Copies out all tables a load has filled.
pub fn all(database: &Database) -> Vec<Copied> {
    let found = database
        .sql(&format!("SELECT relname FROM pg_stat_user_tables WHERE relname NOT IN ({BOOKKEEPING}) ORDER BY relname"));
    let tables = found.lines().map(str::to_owned);
    let filled = tables.filter(|table| database.sql(&format!("SELECT 1 FROM {table} LIMIT 1")) == "1");
    filled.map(|table| copy_out(database, &table, &format!("SELECT * FROM {table}"))).collect()
}

/// How many changes the store knows.
pub fn last_seq(database: &Database) -> i64 {
    database.sql("SELECT coalesce(max(seq), 0) FROM entity_version").parse().unwrap_or(0)
}

/// Copies out what the newest delivery of a feed has added after a `seq`.
pub fn added(database: &Database, feed: &str, seq: i64) -> Added {
    let delivery =
        database.sql(&format!("SELECT id FROM delivery WHERE feed = '{feed}' ORDER BY received_at DESC LIMIT 1"));
    let of_delivery = format!("SELECT * FROM contribution WHERE delivery = '{delivery}'");
    let queries = [
        ("contribution", of_delivery),
        (
            "contribution_alias",
            format!(
                "SELECT a.* FROM contribution_alias a JOIN contribution c ON c.id = a.contribution \
                 WHERE c.delivery = '{delivery}'"
            ),
        ),
        ("entity", format!("SELECT * FROM entity WHERE seq > {seq} AND version = 1")),
        ("entity_version", format!("SELECT * FROM entity_version WHERE seq > {seq}")),
        ("delivery_issue", format!("SELECT * FROM delivery_issue WHERE delivery = '{delivery}'")),
        ("delivery_rejection", format!("SELECT * FROM delivery_rejection WHERE delivery = '{delivery}'")),
    ];
    let rows = queries.iter().map(|(table, query)| copy_out(database, table, query)).collect();
    let versioned = copy_out(database, "entity", &format!("SELECT * FROM entity WHERE seq > {seq} AND version > 1"));
    Added { rows, versioned }
}

/// Seconds PostgreSQL needs to store these rows in a store that is migrated and empty.
pub fn store(database: &Database, rows: &[Copied]) -> Result<f64> {
    timed(database, &statements(rows))
}

/// Seconds PostgreSQL needs to store what a second feed has added, and to update the entities it has versioned.
pub fn store_added(database: &Database, added: &Added) -> Result<f64> {
    let update = format!(
        "CREATE TEMPORARY TABLE versioned ON COMMIT DROP AS SELECT * FROM entity WITH NO DATA; \
         COPY versioned FROM '{}' (FORMAT binary); \
         UPDATE entity e SET state = v.state, version = v.version, seq = v.seq, community = v.community, \
         changed_at = v.changed_at FROM versioned v WHERE e.id = v.id",
        added.versioned.file.display()
    );
    timed(database, &format!("{}; {update}", statements(&added.rows)))
}

fn statements(rows: &[Copied]) -> String {
    let copy = |copied: &Copied| format!("COPY {} FROM '{}' (FORMAT binary)", copied.table, copied.file.display());
    rows.iter().map(copy).collect::<Vec<_>>().join("; ")
}

fn timed(database: &Database, sql: &str) -> Result<f64> {
    let mut connection = PgConnection::establish(&database.url)?;
    database.sql("CHECKPOINT");
    let started = Instant::now();
    connection.batch_execute(&format!("BEGIN; {sql}; COMMIT"))?;
    Ok(started.elapsed().as_secs_f64())
}

fn copy_out(database: &Database, table: &str, query: &str) -> Copied {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = Postgres::shared().folder().join(format!("copy-{number}-{table}"));
    database.sql(&format!("COPY ({query}) TO '{}' (FORMAT binary)", file.display()));
    Copied { table: table.to_owned(), file }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // The folder goes with the server; until then the files of many runs would fill the disk.
        let _ = std::fs::remove_file(&self.file);
    }
}
