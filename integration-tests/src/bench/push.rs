//! The way of one record from the request to a consumer that reads committed messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Result;
use super::city::HEALTH;
use super::figure::{Figure, Target};
use super::http::Connection;
use super::night::Night;
use super::options::Plan;
use super::serving::Serving;
use super::statistics::percentile;
use super::topic::Topics;

/// A post every so often, whether or not the one before has arrived: a slow one makes the next wait, visibly.
const EVERY: Duration = Duration::from_millis(100);
/// An event that has not come so long after the last post is missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the telephone numbers of this case begin with; the city gives no such number.
const MARK: &str = "1880000";
const DIGITS: usize = 11;

/// When a post was due, and when it was answered.
struct Posted {
    due: Instant,
    answered: Instant,
}

/// Posts health records at a steady pace, each about somebody else, and waits for their events.
pub fn measure(plan: &Plan, target: Target, serving: &Serving, events: &Topics) -> Result<Figure> {
    let records = records(plan.night()?, plan.posts)?;
    let token = serving.hub.token(&["department", "--department", "health"])?;
    let mut connection = serving.connect(&token)?;
    events.follow()?;
    let (posted, arrived) = std::thread::scope(|scope| {
        let poster = scope.spawn(|| post(&mut connection, &records));
        let mut arrived = BTreeMap::new();
        let mut quiet = Instant::now();
        while arrived.len() < records.len() && (!poster.is_finished() || quiet.elapsed() < PATIENCE) {
            if let Some(payload) = events.next(EVERY)? {
                quiet = Instant::now();
                if let Some(mark) = mark_in(&String::from_utf8_lossy(&payload)) {
                    arrived.entry(mark).or_insert(quiet);
                }
            }
        }
        let posted = poster.join().map_err(|_| "the poster has panicked")??;
        Ok::<_, super::Fault>((posted, arrived))
    })?;
    let milliseconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1_000.0;
    let answered: Vec<f64> = posted.iter().map(|post| milliseconds(post.due, post.answered)).collect();
    let all = posted.iter().enumerate();
    let whole: Vec<f64> =
        all.filter_map(|(number, post)| Some(milliseconds(post.due, *arrived.get(&mark(number))?))).collect();
    let missing = posted.len() - whole.len();
    let note = format!(
        "p99 of {} posts, {} a second; p50 {:.0} ms; answered p50 {:.1}, p99 {:.1} ms; {missing} without an event",
        posted.len(),
        1_000 / EVERY.as_millis(),
        percentile(&whole, 0.5),
        percentile(&answered, 0.5),
        percentile(&answered, 0.99),
    );
    let value = percentile(&whole, 0.99);
    Ok(Figure { target, value, limit: None, runs: 1, note, missed: missing > 0 })
}

fn post(connection: &mut Connection, records: &[String]) -> Result<Vec<Posted>> {
    let path = format!("/v1/feeds/{HEALTH}/records");
    let mut due = Instant::now();
    let mut posted = Vec::new();
    for record in records {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        connection.post(&path, &format!("[{record}]"))?;
        posted.push(Posted { due, answered: Instant::now() });
        due += EVERY;
    }
    Ok(posted)
}

/// Records of different people with a citizen number, each with a telephone number by which its event is known.
fn records(night: &Night, most: usize) -> Result<Vec<String>> {
    let file = fs::read_to_string(&night.health.path)?;
    let (mut records, mut seen) = (Vec::new(), BTreeSet::new());
    for line in file.lines().map(|line| line.trim_end_matches(',')).filter(|line| line.starts_with('{')) {
        let mut record: Value = serde_json::from_str(line)?;
        let number = record["DE02.01.030.00"].as_str().unwrap_or_default().to_owned();
        if record["DE02.01.031.00"] == "01" && number.len() == 18 && seen.insert(number) {
            record["DE02.01.010.00"] = mark(records.len()).into();
            records.push(record.to_string());
        }
        if records.len() == most {
            break;
        }
    }
    Ok(records)
}

fn mark(number: usize) -> String {
    format!("{MARK}{number:04}")
}

fn mark_in(payload: &str) -> Option<String> {
    let (before, _) = payload.split_once(MARK)?;
    payload.get(before.len()..before.len() + DIGITS).map(str::to_owned)
}
