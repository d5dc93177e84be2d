//! The schedule: ticks in Asia/Shanghai that insert a job row, unique per (kind, subject, planned time). A tick does nothing else,
//! so it does not matter how many hubs tick.

use std::sync::Arc;

use tokio_cron_scheduler::{Job as Tick, JobScheduler};

use crate::cron::{self, Side};
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
    let latest = cron::tick(&plan.cron, hub.now(), Side::AtOrBefore)?;
    if last.is_none_or(|last| last < latest) { insert_at(hub, plan, latest) } else { Ok(()) }
}

fn insert(hub: &Hub, plan: &Planned) -> Result<()> {
    insert_at(hub, plan, cron::tick(&plan.cron, hub.now(), Side::AtOrBefore)?)
}

fn insert_at(hub: &Hub, plan: &Planned, planned_at: i64) -> Result<()> {
    hub.db.write(|conn| job::enqueue(conn, plan.kind, "", planned_at, hub.now()))
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
