//! Jobs and their runs, for who watches the hub.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, after, blocking, limit};
use super::problem::Answer;
use crate::hub::Hub;
use crate::store::job::{self, Job as Row, Run as RunRow};
use crate::time;

/// A unit of work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    id: String,
    /// What is done: `inspect`, `apply`, `endings`, `tune`, `drop-scan`, `arrivals`, `clean-up`.
    kind: String,
    /// What it is about: a delivery, an agreement; empty for the hub as a whole.
    subject: String,
    /// `queued`, `running`, `done`, `failed` or `waiting` (for a person).
    state: String,
    /// Attempts begun.
    attempts: i64,
    /// When it was to begin.
    planned_at: String,
    /// Not before this.
    run_after: String,
    /// Until when its lease lasts without renewal, while it runs.
    lease_until: Option<String>,
    /// What the last attempt came to.
    message: Option<String>,
    created_at: String,
    finished_at: Option<String>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// From 1.
    attempt: i64,
    started_at: String,
    finished_at: Option<String>,
    /// `done`, `retry`, `waiting`, `failed` or `lost` (the lease ended).
    outcome: Option<String>,
    /// What went wrong.
    message: Option<String>,
}

/// A job with its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    job: Job,
    runs: Vec<Run>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            subject: row.subject,
            state: row.state,
            attempts: row.attempts,
            planned_at: time::text(row.planned_at),
            run_after: time::text(row.run_after),
            lease_until: row.lease_until.map(time::text),
            message: row.message,
            created_at: time::text(row.created_at),
            finished_at: row.finished_at.map(time::text),
        }
    }
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            attempt: row.attempt,
            started_at: time::text(row.started_at),
            finished_at: row.finished_at.map(time::text),
            outcome: row.outcome,
            message: row.message,
        }
    }
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only of this kind.
    kind: Option<String>,
    /// Only in this state.
    state: Option<String>,
    /// Only about this.
    subject: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(Wanted), responses((status = 200, body = Page<Job>)))]
pub async fn list(hub: web::Data<Hub>, caller: Caller, wanted: web::Query<Wanted>) -> Answer<web::Json<Page<Job>>> {
    caller.administrator()?;
    let wanted = wanted.into_inner();
    let most = limit(wanted.limit)?;
    let before = after(wanted.cursor.as_deref())?;
    let filter =
        job::Filter { kind: wanted.kind, state: wanted.state, subject: wanted.subject, before, limit: most + 1 };
    let rows = blocking(&hub, move |hub| hub.db.read(|conn| job::list(conn, &filter))).await?;
    Ok(web::Json(Page::cut(rows, most, |row| row.id.clone()).map(Job::from)))
}

/// One job with its attempts.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDetail), (status = 404, body = super::problem::Problem)))]
pub async fn get(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<JobDetail>> {
    caller.administrator()?;
    let (row, runs) = blocking(&hub, move |hub| hub.db.read(|conn| job::get(conn, &id))).await?;
    Ok(web::Json(JobDetail { job: row.into(), runs: runs.into_iter().map(Run::from).collect() }))
}

/// Queues a job again that failed or waits for a person.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDetail), (status = 409, body = super::problem::Problem, description = "It neither failed nor waits")))]
pub async fn retry(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<JobDetail>> {
    caller.administrator()?;
    let (row, runs) = blocking(&hub, move |hub| {
        hub.db.write(|conn| {
            job::get(conn, &id)?;
            job::retry(conn, &id, hub.now())?;
            job::get(conn, &id)
        })
    })
    .await?;
    Ok(web::Json(JobDetail { job: row.into(), runs: runs.into_iter().map(Run::from).collect() }))
}
