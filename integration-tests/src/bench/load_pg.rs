//! A city's night on PostgreSQL: the first load, a second department, the same file again, the next day.

use integration_tests::Postgres;
use integration_tests::postgres::Database;

use super::city::POPULATION;
use super::figure::{Bound, Figure, Target};
use super::install::{Install, Taken};
use super::night::Night;
use super::options::Plan;
use super::statistics::median;
use super::{Result, derived, limit, rows};

const FIRST: Target = Target { key: "first_load_pg", unit: "s", bound: Bound::RatioAtMost(1.5) };
const SECOND: Target = Target { key: "second_feed_pg", unit: "s", bound: Bound::RatioAtMost(1.6) };
const RESEND: Target = Target { key: "resend_pg", unit: "s", bound: Bound::RatioAtMost(1.3) };
const DAY_TWO: Target = Target { key: "day_two_pg", unit: "s", bound: Bound::RatioAtMost(1.2) };

/// What this file measures.
pub const TARGETS: [Target; 4] = [FIRST, SECOND, RESEND, DAY_TWO];

/// What the runs came to, a list for each case and for each limit.
#[derive(Debug, Default)]
struct Seen {
    first: Vec<Taken>,
    first_limit: Vec<f64>,
    second: Vec<Taken>,
    second_limit: Vec<f64>,
    resend: Vec<Taken>,
    resend_limit: Vec<f64>,
    day_two: Vec<Taken>,
}

/// Measures the group.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let night = plan.night()?;
    let secret = plan.secret();
    let empty = Postgres::shared().database();
    let install = |name: &str, database: &Database| {
        Install::new(plan.folder().join(format!("pg-{name}")), &database.url, &secret, "")
    };
    let first = install("empty", &empty)?;
    first.migrate()?;
    let mut seen = Seen::default();
    for run in 1..=plan.runs {
        let store = Postgres::shared().database_like(&empty);
        let hub = install(&format!("run{run}"), &store)?;
        one_run(plan, night, (&hub, &store, &empty), &mut seen)?;
        hub.remove()?;
    }
    figures(night, &seen)
}

fn one_run(
    plan: &Plan,
    night: &Night,
    (hub, store, empty): (&Install, &Database, &Database),
    seen: &mut Seen,
) -> Result<()> {
    let postgres = Postgres::shared();
    store.sql("CHECKPOINT");
    seen.first.push(said(plan, "first load", hub.ingest(&night.insured)?));
    let copy = postgres.database_like(empty);
    if plan.wants_any(&[FIRST.key, SECOND.key]) {
        seen.first_limit.push(rows::store(&copy, &rows::all(store))?);
    }
    rows::settle(store);
    if plan.wants(SECOND.key) {
        rows::settle(&copy);
        // A store of its own, so that the other cases find what the first load has left.
        let second = postgres.database_like(store);
        let (seq, url) = (rows::last_seq(store), &second.url);
        let beside = Install::new(plan.folder().join("pg-second"), url, &plan.secret(), "")?;
        second.sql("CHECKPOINT");
        seen.second.push(said(plan, "second feed", beside.ingest(&night.population)?));
        seen.second_limit.push(rows::store_added(&copy, &rows::added(&second, POPULATION, seq))?);
        beside.remove()?;
    }
    drop(copy);
    if plan.wants_any(&[RESEND.key, DAY_TWO.key]) {
        store.sql("CHECKPOINT");
        seen.resend.push(said(plan, "the same again", hub.ingest(&night.again)?));
        seen.resend_limit.push(limit::decode_and_digest(&night.again)?);
    }
    if plan.wants(DAY_TWO.key) {
        store.sql("CHECKPOINT");
        seen.day_two.push(said(plan, "the next day", hub.ingest(&night.next_day)?));
    }
    Ok(())
}

fn said(plan: &Plan, what: &str, taken: Taken) -> Taken {
    plan.say(&format!("{what}: {:.2} s, {:.0} MB, {:?}", taken.seconds, taken.peak_mb, taken.counts));
    taken
}

fn figures(night: &Night, seen: &Seen) -> Result<Vec<Figure>> {
    let seconds = |taken: &[Taken]| taken.iter().map(|taken| taken.seconds).collect::<Vec<_>>();
    let (first, second) = (seconds(&seen.first), seconds(&seen.second));
    let (resend, day_two) = (seconds(&seen.resend), seconds(&seen.day_two));
    let pace = |rows: u64, taken: &[f64]| format!("{rows} records, {:.0}/s", rows as f64 / median(taken));
    let mut figures = Vec::new();
    if !seen.first_limit.is_empty() {
        let note = pace(night.insured.rows, &first);
        figures.push(Figure::of_pairs(FIRST, &first, &seen.first_limit, note));
    }
    if !second.is_empty() {
        let note = pace(night.population.rows, &second);
        figures.push(Figure::of_pairs(SECOND, &second, &seen.second_limit, note));
    }
    if !resend.is_empty() {
        let note = pace(night.again.rows, &resend);
        figures.push(Figure::of_pairs(RESEND, &resend, &seen.resend_limit, note));
    }
    if let Some(last) = seen.day_two.last() {
        let (share, counts) = (derived::share(&night.insured), last.counts);
        let limit = median(&resend) + share * median(&first);
        let note = format!(
            "{}, {} applied and {} ended ({:.2} %)",
            pace(night.next_day.rows, &day_two),
            counts.applied,
            counts.ended,
            100.0 * share
        );
        figures.push(Figure::of_pairs(DAY_TWO, &day_two, &[limit], note));
    }
    Ok(figures)
}
