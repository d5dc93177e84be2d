//! The same loads on the embedded store; the limit is the SQLite library copying the rows from file to file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};

use super::figure::{Bound, Figure, Target};
use super::install::Install;
use super::options::Plan;
use super::statistics::median;
use super::{Result, limit, rows};

const FIRST: Target = Target { key: "first_load_sqlite", unit: "s", bound: Bound::RatioAtMost(1.6) };
const RESEND: Target = Target { key: "resend_sqlite", unit: "s", bound: Bound::RatioAtMost(1.3) };

/// What this file measures.
pub const TARGETS: [Target; 2] = [FIRST, RESEND];

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Measures the group.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let night = plan.night()?;
    let (empty, _) = installed(plan, "empty")?;
    empty.migrate()?;
    let (mut first, mut first_limit, mut again, mut again_limit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 1..=plan.runs {
        let (hub, file) = installed(plan, &format!("run{run}"))?;
        fs::copy(file_in(&folder(plan, "empty")), &file)?;
        let taken = hub.ingest(&night.insured)?;
        plan.say(&format!("first load on SQLite: {:.2} s, {:.0} MB", taken.seconds, taken.peak_mb));
        first.push(taken.seconds);
        if plan.wants(FIRST.key) {
            let copy = plan.folder().join("copy.db");
            fs::copy(file_in(&folder(plan, "empty")), &copy)?;
            first_limit.push(copied(&file, &copy)?);
            fs::remove_file(copy)?;
        }
        if plan.wants(RESEND.key) {
            let taken = hub.ingest(&night.again)?;
            plan.say(&format!("the same again on SQLite: {:.2} s, {:.0} MB", taken.seconds, taken.peak_mb));
            again.push(taken.seconds);
            again_limit.push(limit::decode_and_digest(&night.again)?);
        }
        hub.remove()?;
    }
    let pace =
        |taken: &[f64]| format!("{} records, {:.0}/s", night.insured.rows, night.insured.rows as f64 / median(taken));
    let mut figures = Vec::new();
    if !first_limit.is_empty() {
        figures.push(Figure::of_pairs(FIRST, &first, &first_limit, pace(&first)));
    }
    if !again.is_empty() {
        figures.push(Figure::of_pairs(RESEND, &again, &again_limit, pace(&again)));
    }
    Ok(figures)
}

fn folder(plan: &Plan, name: &str) -> PathBuf {
    plan.folder().join(format!("sqlite-{name}"))
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("hub.db")
}

fn installed(plan: &Plan, name: &str) -> Result<(Install, PathBuf)> {
    let file = file_in(&folder(plan, name));
    let url = format!("sqlite://{}", file.display());
    Ok((Install::new(folder(plan, name), &url, &plan.secret(), "")?, file))
}

/// Seconds SQLite needs to copy all rows a load has left into a migrated file, under the hub's settings.
fn copied(loaded: &Path, copy: &Path) -> Result<f64> {
    let mut connection = SqliteConnection::establish(&copy.display().to_string())?;
    connection.batch_execute(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; \
         PRAGMA temp_store = MEMORY; ATTACH '{}' AS loaded",
        loaded.display()
    ))?;
    let tables: Vec<Table> = diesel::sql_query(format!(
        "SELECT name FROM loaded.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT IN ({})",
        rows::BOOKKEEPING
    ))
    .load(&mut connection)?;
    let insert = |Table { name }: &Table| format!("INSERT INTO main.{name} SELECT * FROM loaded.{name}");
    let sql = tables.iter().map(insert).collect::<Vec<_>>().join("; ");
    let started = Instant::now();
    connection.batch_execute(&format!("BEGIN IMMEDIATE; {sql}; COMMIT"))?;
    Ok(started.elapsed().as_secs_f64())
}
