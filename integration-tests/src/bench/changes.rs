//! All changes read whole (NDJSON) and page by page; the limit is the server's COPY of the documents to its own client.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Instant;

use integration_tests::Postgres;
use integration_tests::postgres::Database;

use super::Result;
use super::figure::{Bound, Figure, Target};
use super::options::Plan;
use super::serving::{self, Serving};

const READ: Target = Target { key: "read_changes", unit: "MB/s", bound: Bound::RatioAtLeast(0.5) };

/// What this file measures.
pub const TARGETS: [Target; 1] = [READ];

/// What was read in how many seconds.
#[derive(Clone, Copy)]
struct Read {
    rows: usize,
    bytes: usize,
    seconds: f64,
}

impl Read {
    fn mb(self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }
}

/// Measures the case.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let store = serving::loaded(plan)?;
    let serving = Serving::start(plan, &store, "")?;
    let token = serving.hub.token(&["administrator"])?;
    let (mut values, mut limits, mut note) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..plan.runs {
        let (paged, copied) = (pages(&serving, &token)?, copy(&store)?);
        let (told, residents) = (whole(&serving, &token, "/v1/changes")?, whole(&serving, &token, "/v1/residents")?);
        note = format!(
            "{} changes as NDJSON, {:.0}/s beside {:.0}/s; {} bytes of JSON each beside {} of a packed document as text; \
             by pages {:.1} MB/s, {} residents as NDJSON {:.1} MB/s",
            told.rows,
            told.rows as f64 / told.seconds,
            copied.rows as f64 / copied.seconds,
            told.bytes / told.rows.max(1),
            copied.bytes / copied.rows.max(1),
            paged.mb(),
            residents.rows,
            residents.mb(),
        );
        plan.say(&format!("read_changes: {note}"));
        values.push(told.mb());
        limits.push(copied.mb());
    }
    Ok(vec![Figure::of_pairs(READ, &values, &limits, note)])
}

fn whole(serving: &Serving, token: &str, path: &str) -> Result<Read> {
    let mut connection = serving.connect(token)?;
    let mut read = Read { rows: 0, bytes: 0, seconds: 0.0 };
    let started = Instant::now();
    connection.stream(path, "application/x-ndjson", &mut |piece| {
        read.bytes += piece.len();
        read.rows += piece.iter().filter(|byte| **byte == b'\n').count();
    })?;
    read.seconds = started.elapsed().as_secs_f64();
    Ok(read)
}

fn pages(serving: &Serving, token: &str) -> Result<Read> {
    let mut connection = serving.connect(token)?;
    let (mut read, mut after) = (Read { rows: 0, bytes: 0, seconds: 0.0 }, String::new());
    let started = Instant::now();
    loop {
        connection.good(&format!("/v1/changes?limit=1000&after={after}"))?;
        read.bytes += connection.body.len();
        // The rest of a page is not looked at: what the client needs is not to be measured.
        let body = String::from_utf8_lossy(&connection.body);
        read.rows += body.matches("\"operation\":").count();
        let (_, next) = body.rsplit_once("\"next\":\"").ok_or("a page without its next")?;
        after = next.split('"').next().unwrap_or_default().to_owned();
        if !body.contains("\"more\":true") {
            break;
        }
    }
    read.seconds = started.elapsed().as_secs_f64();
    Ok(read)
}

fn copy(store: &Database) -> Result<Read> {
    let mut psql = Postgres::shared().program("psql");
    psql.args(["-X", "-q", "-d", &store.url, "-c", "COPY (SELECT document FROM entity_version) TO STDOUT"]);
    let started = Instant::now();
    let mut child = psql.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let (mut bytes, mut rows, mut buffer) = (0, 0, vec![0; 1 << 16]);
    if let Some(output) = &mut child.stdout {
        loop {
            let count = output.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            bytes += count;
            rows += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
        }
    }
    child.wait()?;
    Ok(Read { rows, bytes, seconds: started.elapsed().as_secs_f64() })
}
