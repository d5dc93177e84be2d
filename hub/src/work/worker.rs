//! Workers: threads that lease a job, run it, and say what came of it. A job that dies with its hub is taken over by the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{clean_up, drop_folder};
use crate::error::{Error, Kind, Policy, Result};
use crate::hub::{Hub, NOT_WRITER};
use crate::instance;
use crate::pipeline::{apply, endings_of, inspect, tune};
use crate::store::delivery;
use crate::store::job::{self, Ending, Job, Leasing};

const IDLE: Duration = Duration::from_millis(50);
/// A retried job waits 1 s, 2 s, 4 s ... and at most this, in microseconds.
const LONGEST_PAUSE: i64 = 300_000_000;
/// After so many attempts a job that keeps failing waits for a person.
const MOST_ATTEMPTS: i64 = 50;

const INSPECTING: &[&str] = &["inspect"];
const APPLYING: &[&str] = &["apply", "endings"];
const TUNING: &[&str] = &[tune::JOB];
const HOUSEKEEPING: &[&str] = &["drop-scan", "arrivals", "clean-up"];

/// The hub's threads.
pub struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts inspectors, the applier (which keeps the writer's lease), and the housekeeper.
    pub fn start(hub: &Arc<Hub>) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        hub.db.write(|conn| job::take_over(conn, hub.now(), &instance::is_dead))?;
        let mut workers = Self { stop: stop.clone(), threads: Vec::new() };
        for number in 0..hub.config.work.inspectors.max(1) {
            workers.spawn(hub, &format!("inspect-{number}"), INSPECTING)?;
        }
        workers.spawn(hub, "apply", APPLYING)?;
        workers.spawn(hub, "tune", TUNING)?;
        workers.spawn(hub, "housekeeping", HOUSEKEEPING)?;
        let lease = hub.clone();
        workers.threads.push(thread("writer-lease", move || keep_lease(&lease, &stop))?);
        Ok(workers)
    }

    fn spawn(&mut self, hub: &Arc<Hub>, name: &str, kinds: &'static [&'static str]) -> Result<()> {
        let (hub, stop) = (hub.clone(), self.stop.clone());
        let applies = kinds == APPLYING || kinds == TUNING;
        self.threads.push(thread(name, move || {
            while !stop.load(Ordering::Relaxed) {
                let worked = if applies && !hub.is_writer() { Ok(false) } else { run_due(&hub, kinds) };
                match worked {
                    Ok(true) => {}
                    Ok(false) => std::thread::sleep(IDLE),
                    Err(error) => {
                        tracing::warn!(error = %error, cause = ?std::error::Error::source(&error), "looking for work failed");
                        std::thread::sleep(IDLE * 20);
                    }
                }
            }
        })?);
        Ok(())
    }

    /// Asks all threads to end and waits at most `patience`; what runs longer is taken over by the next hub.
    pub fn stop(self, patience: Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let mut waited = Duration::ZERO;
        while waited < patience && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(IDLE);
            waited += IDLE;
        }
    }
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| Error::new(Kind::Internal, "starting a thread").because(error))
}

/// Keeps or takes the writer's lease for as long as the hub runs.
fn keep_lease(hub: &Hub, stop: &AtomicBool) {
    let pause = Duration::from_millis((hub.config.work.lease_ms / 4).max(50));
    let mut was_writer = false;
    while !stop.load(Ordering::Relaxed) {
        match hub.writer() {
            Ok(lease) if !was_writer => {
                tracing::info!(generation = lease.generation, "this hub is the writer");
                was_writer = true;
            }
            Ok(_) => {}
            Err(error) => {
                if was_writer || error.code != Some(NOT_WRITER) {
                    tracing::warn!(error = %error, "this hub is not the writer");
                }
                was_writer = false;
            }
        }
        let mut slept = Duration::ZERO;
        while slept < pause && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(IDLE);
            slept += IDLE;
        }
    }
}

/// Leases and runs one due job of these kinds; false when there is none.
pub fn run_due(hub: &Arc<Hub>, kinds: &[&str]) -> Result<bool> {
    let now = hub.now();
    if !hub.db.read(|conn| job::anything_due(conn, kinds, now))? {
        return Ok(false);
    }
    let leasing = Leasing { holder: &hub.instance, now, length: hub.lease_length(), dead: instance::is_dead };
    let leased = hub.db.write(|conn| job::lease(conn, kinds, leasing))?;
    let Some(leased) = leased else { return Ok(false) };
    let result = with_heartbeat(hub, &leased, || run(hub, &leased));
    finish(hub, &leased, result)?;
    Ok(true)
}

/// Renews the job's lease while `body` runs.
fn with_heartbeat<T>(hub: &Hub, leased: &Job, body: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut since = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(IDLE / 5);
                since += IDLE / 5;
                if since.as_millis() as u64 >= hub.config.work.lease_ms / 3 {
                    since = Duration::ZERO;
                    let renewed = hub.db.write(|conn| job::renew(conn, leased, hub.now(), hub.lease_length()));
                    if !matches!(renewed, Ok(true)) {
                        tracing::warn!(job.id = leased.id, "the job's lease could not be renewed");
                    }
                }
            }
        });
        // Set however the body ends: after a panic the renewals must end too, or the job would never be taken over.
        let _over = Over(&over);
        body()
    })
}

/// Says at its end that something is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What each kind of job does.
fn run(hub: &Arc<Hub>, leased: &Job) -> Result<()> {
    match leased.kind.as_str() {
        "inspect" => {
            let inspected = inspect::inspect(hub, &leased.subject, &|_| ())?;
            // A request with records whose hub died before the answer: nobody waits for it any more.
            if inspected.state == "ready" && inspected.channel == "records" {
                apply::apply(hub, &leased.subject, &|_| ())?;
            }
            Ok(())
        }
        "apply" => apply::apply(hub, &leased.subject, &|_| ()).map(drop),
        "endings" => endings_of(hub, &leased.subject),
        tune::JOB => tune::run(hub, &leased.subject),
        "drop-scan" => drop_folder::scan(hub),
        "arrivals" => super::schedule::check_arrivals(hub),
        "clean-up" => clean_up::clean_up(hub),
        other => Err(Error::new(Kind::Internal, format!("no worker knows jobs of kind '{other}'"))),
    }
}

fn finish(hub: &Hub, leased: &Job, result: Result<()>) -> Result<()> {
    let now = hub.now();
    let Err(error) = result else {
        let done = Ending { outcome: "done", run_after: now, message: None };
        return hub.db.write(|conn| job::finish(conn, leased, done, now));
    };
    tracing::warn!(job.id = leased.id, job.kind = leased.kind, job.subject = leased.subject, attempt = leased.attempts,
        error = %error, cause = ?std::error::Error::source(&error), "a job failed");
    let (outcome, run_after) = match error.kind.policy() {
        Policy::Retry if leased.attempts < MOST_ATTEMPTS => {
            let exponent = u32::try_from(leased.attempts.clamp(1, 20) - 1).unwrap_or(0);
            ("retry", now + (1_000_000_i64 << exponent).min(LONGEST_PAUSE))
        }
        Policy::Retry | Policy::Person => ("waiting", now),
        Policy::GiveUp => ("failed", now),
    };
    let (advice_zh, advice) = error.kind.advice();
    let zh = error.context_zh.as_deref().unwrap_or_default();
    let message = format!("{error} {advice} {zh}{advice_zh}");
    let ending = Ending { outcome, run_after, message: Some(&message) };
    hub.db.write(|conn| job::finish(conn, leased, ending, now))
}

/// Runs everything that is due until nothing is left: the hub without a server, as the command line uses it.
pub fn run_all(hub: &Arc<Hub>) -> Result<()> {
    while run_due(hub, INSPECTING)? || run_due(hub, APPLYING)? {}
    Ok(())
}

/// Waits until a delivery is decided: applied, held or refused.
pub fn followed(hub: &Arc<Hub>, id: &str) -> Result<delivery::Delivery> {
    loop {
        let found = hub.db.read(|conn| delivery::get(conn, id))?;
        if matches!(found.state.as_str(), "applied" | "held" | "refused") {
            return Ok(found);
        }
        std::thread::sleep(IDLE);
    }
}
