//! What grows: memory with the size of a delivery, and the cost of a record with the size of the store.

use integration_tests::Postgres;
use integration_tests::postgres::Database;

use super::city::{self, INSURED, POPULATION, Sent};
use super::figure::{Bound, Figure, Target};
use super::install::{Install, Taken};
use super::options::Plan;
use super::{Result, rows};

const RSS: Target = Target { key: "rss_mb", unit: "MB", bound: Bound::ValueAtMost(300.0) };
const GROWTH: Target = Target { key: "growth", unit: "us/record", bound: Bound::RatioAtMost(1.3) };

/// What this file measures.
pub const TARGETS: [Target; 2] = [RSS, GROWTH];

/// The peak at five times the records may be so many times that at once the records.
const FLAT: f64 = 1.1;

/// A store that holds a city's insured persons, and what loading them took.
struct Loaded {
    database: Database,
    taken: Taken,
    records: u64,
}

/// Measures the group.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let empty = Postgres::shared().database();
    install(plan, &empty)?.migrate()?;
    let big = loaded(plan, &empty, plan.big)?;
    let mut figures = Vec::new();
    if plan.wants(RSS.key) {
        let once = loaded(plan, &empty, plan.residents)?;
        let (value, limit) = (big.taken.peak_mb, once.taken.peak_mb);
        let note = format!("{} records beside {}; at most {FLAT} x as much", big.records, once.records);
        let missed = value > FLAT * limit;
        figures.push(Figure { target: RSS, value: value.max(limit), limit: Some(limit), runs: 1, note, missed });
    }
    if plan.wants(GROWTH.key) {
        figures.push(growth(plan, &empty, &big)?);
    }
    Ok(figures)
}

/// The same delivery, about people both stores know, into a small store and into a big one, by turns.
fn growth(plan: &Plan, empty: &Database, big: &Loaded) -> Result<Figure> {
    let small = loaded(plan, empty, plan.small)?;
    let sent = file(plan, plan.small, POPULATION)?;
    for store in [&small, big] {
        rows::settle(&store.database);
    }
    let (mut values, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        for (store, seen) in [(&small, &mut limits), (big, &mut values)] {
            let copy = Postgres::shared().database_like(&store.database);
            let hub = install(plan, &copy)?;
            copy.sql("CHECKPOINT");
            let taken = hub.ingest(&sent)?;
            plan.say(&format!("{} rows into {}: {:.2} s", sent.rows, store.records, taken.seconds));
            seen.push(1e6 * taken.seconds / sent.rows as f64);
            hub.remove()?;
        }
    }
    let note = format!("{} records into a store of {} and into one of {}", sent.rows, big.records, small.records);
    Ok(Figure::of_pairs(GROWTH, &values, &limits, note))
}

fn loaded(plan: &Plan, empty: &Database, residents: u64) -> Result<Loaded> {
    let sent = file(plan, residents, INSURED)?;
    let database = Postgres::shared().database_like(empty);
    let hub = install(plan, &database)?;
    let taken = hub.ingest(&sent)?;
    plan.say(&format!("{} records: {:.2} s, {:.0} MB", sent.rows, taken.seconds, taken.peak_mb));
    hub.remove()?;
    std::fs::remove_file(&sent.path)?;
    Ok(Loaded { database, taken, records: sent.rows })
}

fn file(plan: &Plan, residents: u64, feed: &'static str) -> Result<Sent> {
    let sent = city::first_day(residents, &[feed], &plan.folder().join("scale"))?;
    sent.into_iter().next().ok_or_else(|| "one file".into())
}

fn install(plan: &Plan, database: &Database) -> Result<Install> {
    Install::new(plan.folder().join("pg-scale"), &database.url, &plan.secret(), "")
}
