//! The schedule: ticks in Asia/Shanghai that insert a job row, unique per (kind, subject, planned time). A tick does nothing else,
//! so it does not matter how many hubs tick.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use croner::Cron;
use tokio_cron_scheduler::{Job as Tick, JobScheduler};

use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::job;
use crate::time;

/// What is planned, and when.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Kind of job.
    pub kind: &'static str,
    /// Cron expression with seconds, Asia/Shanghai.
    pub cron: String,
}

/// What this hub's configuration plans.
pub fn planned(hub: &Hub) -> Vec<Planned> {
    let mut planned = vec![
        Planned { kind: "arrivals", cron: "0 * * * * *".to_owned() },
        Planned { kind: "clean-up", cron: "0 30 3 * * *".to_owned() },
    ];
    if let Some(drop) = &hub.config.drop {
        planned.push(Planned { kind: "drop-scan", cron: drop.scan.clone() });
    }
    planned
}

/// Catches up what was missed (once, not tick by tick) and starts to tick.
pub async fn start(hub: &Arc<Hub>) -> Result<JobScheduler> {
    let failed = |error: tokio_cron_scheduler::JobSchedulerError| {
        Error::new(Kind::Config, "starting the schedule").because(error)
    };
    let scheduler = JobScheduler::new().await.map_err(failed)?;
    for plan in planned(hub) {
        catch_up(hub, &plan)?;
        let (cron, hub) = (plan.cron.clone(), hub.clone());
        let tick = Tick::new_tz(cron.as_str(), time::shanghai(), move |_, _| {
            if let Err(error) = insert(&hub, &plan) {
                tracing::warn!(error = %error, job.kind = plan.kind, "a tick could not be planned");
            }
        });
        scheduler.add(tick.map_err(failed)?).await.map_err(failed)?;
    }
    scheduler.start().await.map_err(failed)?;
    Ok(scheduler)
}

/// Plans the latest tick that has passed, if it was not planned by then.
pub fn catch_up(hub: &Hub, plan: &Planned) -> Result<()> {
    let last = hub.db.read(|conn| job::last_planned(conn, plan.kind, ""))?;
    let latest = latest_tick(&plan.cron, hub.now())?;
    if last.is_none_or(|last| last < latest) { insert_at(hub, plan, latest) } else { Ok(()) }
}

fn insert(hub: &Hub, plan: &Planned) -> Result<()> {
    insert_at(hub, plan, latest_tick(&plan.cron, hub.now())?)
}

fn insert_at(hub: &Hub, plan: &Planned, planned_at: i64) -> Result<()> {
    hub.db.write(|conn| job::enqueue(conn, plan.kind, "", planned_at, hub.now()))
}

/// The latest moment at or before `now` that the expression names, in microseconds since 1970.
pub fn latest_tick(cron: &str, now: i64) -> Result<i64> {
    let broken = || Error::new(Kind::Config, format!("the cron expression '{cron}' names no moment"));
    let cron = parsed(cron)?;
    let moment = DateTime::from_timestamp_micros(now).ok_or_else(broken)?.with_timezone(&time::shanghai());
    let found: DateTime<FixedOffset> =
        cron.find_previous_occurrence(&moment, true).map_err(|error| broken().because(error))?;
    Ok(found.timestamp() * 1_000_000)
}

fn parsed(cron: &str) -> Result<Cron> {
    Cron::from_str(cron)
        .map_err(|error| Error::new(Kind::Config, format!("the cron expression '{cron}'")).because(error))
}

/// Says in the log which feeds are late or missing; the API computes the same for whoever looks.
pub fn check_arrivals(hub: &Hub) -> Result<()> {
    for feed in crate::arrival::arrivals(hub)? {
        if feed.is_missing() {
            tracing::warn!(feed.name = feed.feed, "a delivery is missing");
        } else if feed.is_late() {
            tracing::info!(feed.name = feed.feed, "a delivery is late");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_tick_is_at_or_before_now_in_shanghai() {
        let now = time::instant("2026-11-22T03:30:00+08:00").expect("a moment");
        assert_eq!(latest_tick("0 30 3 * * *", now).ok(), Some(now));
        assert_eq!(latest_tick("0 30 3 * * *", now - 1_000_000).ok(), Some(now - 86_400_000_000));
    }

    #[test]
    fn a_wrong_expression_is_named() {
        let error = latest_tick("every day", 0).expect_err("no cron");
        assert!(error.context.contains("every day"));
    }
}
