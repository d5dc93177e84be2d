//! One resident by id with provenance, over 64 kept connections, without a load and under one; the limit is the same row
//! by prepared statements of PostgreSQL's own tool.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use integration_tests::Postgres;
use integration_tests::postgres::Database;

use super::figure::{Bound, Figure, Target};
use super::http::Connection;
use super::options::Plan;
use super::serving::{self, Serving};
use super::statistics::percentile;
use super::{Result, derived};

const READ: Target = Target { key: "read_one", unit: "1/s", bound: Bound::RatioAtLeast(0.5) };

/// What this file measures.
pub const TARGETS: [Target; 1] = [READ];

const CONNECTIONS: usize = 64;
/// The 99th percentile under load is at most so many milliseconds.
const SOON: f64 = 20.0;

/// What a stretch of requests came to.
struct Stretch {
    per_second: f64,
    milliseconds: Vec<f64>,
}

/// Measures the case.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let store = serving::loaded(plan)?;
    let serving = Serving::start(plan, &store, "")?;
    let token = serving.hub.token(&["administrator"])?;
    let found = store.sql("SELECT encode(id, 'hex') FROM entity WHERE kind = 'resident' LIMIT 200000");
    let ids: Vec<&str> = found.lines().collect();
    let (mut rates, mut limits, mut calm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        let stretch = stretch(&serving, &token, &ids, plan.pace)?;
        rates.push(stretch.per_second);
        calm.extend(stretch.milliseconds);
        limits.push(by_statements(plan, &store)?);
        plan.say(&format!("read_one: {:.0?}/s, pgbench {:.0?}/s", rates.last(), limits.last()));
    }
    let busy = under_load(plan, &serving, &token, &ids)?;
    let p99 = percentile(&busy.milliseconds, 0.99);
    let note = format!(
        "p50 {:.1} ms, p99 {:.1} ms; under load {:.0}/s, p50 {:.1} ms, p99 {p99:.1} ms (at most {SOON})",
        percentile(&calm, 0.5),
        percentile(&calm, 0.99),
        busy.per_second,
        percentile(&busy.milliseconds, 0.5),
    );
    let figure = Figure::of_pairs(READ, &rates, &limits, note);
    Ok(vec![Figure { missed: p99 > SOON, ..figure }])
}

/// Reads while one delivery after another changes every insured person.
fn under_load(plan: &Plan, serving: &Serving, token: &str, ids: &[&str]) -> Result<Stretch> {
    let done = AtomicBool::new(false);
    let night = plan.night()?;
    let path = plan.folder().join("load.xml");
    std::thread::scope(|scope| {
        let load = scope.spawn(|| -> Result<u64> {
            let mut rows = 0;
            for sequence in 10.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let sent = derived::all_changed(&night.insured, sequence, &path)?;
                rows += serving.hub.ingest(&sent)?.counts.applied;
            }
            Ok(rows)
        });
        let stretch = stretch(serving, token, ids, plan.pace * 3);
        done.store(true, Ordering::Relaxed);
        let rows = load.join().map_err(|_| "the load has panicked")??;
        plan.say(&format!("read_one under load: {rows} records changed meanwhile"));
        stretch
    })
}

fn stretch(serving: &Serving, token: &str, ids: &[&str], pace: Duration) -> Result<Stretch> {
    let connections = (0..CONNECTIONS).map(|_| serving.connect(token)).collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let results: Vec<Result<Vec<f64>>> = std::thread::scope(|scope| {
        let spawn = |(number, connection)| scope.spawn(move || reader(connection, number, ids, started + pace));
        let threads: Vec<_> = connections.into_iter().enumerate().map(spawn).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a reader has panicked".into())))
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let milliseconds = results.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok(Stretch { per_second: milliseconds.len() as f64 / seconds, milliseconds })
}

fn reader(mut connection: Connection, number: usize, ids: &[&str], until: Instant) -> Result<Vec<f64>> {
    let mut seen = Vec::new();
    // Far apart, and each id comes once before one comes again.
    let mut next = number * ids.len() / CONNECTIONS;
    while Instant::now() < until {
        next = (next + 7_919) % ids.len();
        let path = format!("/v1/residents/{}?provenance=1", ids[next]);
        let asked = Instant::now();
        connection.good(&path)?;
        seen.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(seen)
}

/// Rows a second by `pgbench` with prepared statements over as many connections.
fn by_statements(plan: &Plan, store: &Database) -> Result<f64> {
    let script = plan.folder().join("read_one.sql");
    let last = store.sql("SELECT max(seq) FROM entity_version");
    fs::write(
        &script,
        format!(
            "\\set seq random(1, {last})\n\
             SELECT e.*, v.document FROM entity_version v JOIN entity e ON e.id = v.entity WHERE v.seq = :seq;\n"
        ),
    )?;
    let seconds = plan.pace.as_secs().max(1).to_string();
    let mut pgbench = Postgres::shared().program("pgbench");
    pgbench.args(["-n", "-M", "prepared", "-c", &CONNECTIONS.to_string(), "-j", "2", "-T", &seconds, "-f"]);
    let output = pgbench.arg(&script).arg(&store.url).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = printed.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench: {printed}{}", String::from_utf8_lossy(&output.stderr)).into())
}
