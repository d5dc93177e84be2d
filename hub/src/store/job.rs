//! Jobs and their runs: what is to be done, who has leased it, and what each attempt came to. Never runs anything.

use diesel::prelude::*;

use super::conn::{Conn, each_backend};
use super::schema::{job, run};
use crate::error::{Error, Kind, Result};
use crate::id;

/// A unit of work with a lease.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = job)]
pub struct Job {
    /// UUIDv7.
    pub id: String,
    /// `inspect`, `apply`, `endings`, `replay`, `drop-scan`, `arrivals`, `relay`, `clean-up`.
    pub kind: String,
    /// What it is about: a delivery, a rejection, an agreement; empty for the hub as a whole.
    pub subject: String,
    /// When it was to begin; unique with kind and subject. Microseconds since 1970.
    pub planned_at: i64,
    /// `queued`, `running`, `done`, `failed` or `waiting` (for a person).
    pub state: String,
    /// Attempts begun.
    pub attempts: i64,
    /// Not before this. Microseconds since 1970.
    pub run_after: i64,
    /// Who runs it.
    pub holder: Option<String>,
    /// Until when without renewal.
    pub lease_until: Option<i64>,
    /// What the last attempt came to.
    pub message: Option<String>,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub finished_at: Option<i64>,
}

/// One attempt.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = run)]
pub struct Run {
    /// The job.
    pub job: String,
    /// From 1.
    pub attempt: i64,
    /// Who ran it.
    pub holder: String,
    /// Microseconds since 1970.
    pub started_at: i64,
    /// Microseconds since 1970.
    pub finished_at: Option<i64>,
    /// `done`, `retry`, `waiting`, `failed` or `lost` (the lease ended).
    pub outcome: Option<String>,
    /// What went wrong, without personal data.
    pub message: Option<String>,
}

/// Inserts a job unless one of the same (kind, subject, planned time) is there.
pub fn enqueue(conn: &mut Conn, kind: &str, subject: &str, planned_at: i64, now: i64) -> Result<()> {
    let row = Job {
        id: id::of_moment(now)?,
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        planned_at,
        state: "queued".to_owned(),
        attempts: 0,
        run_after: planned_at.min(now),
        holder: None,
        lease_until: None,
        message: None,
        created_at: now,
        finished_at: None,
    };
    each_backend!(conn, |c| diesel::insert_into(job::table)
        .values(&row)
        .on_conflict((job::kind, job::subject, job::planned_at))
        .do_nothing()
        .execute(c))?;
    Ok(())
}

/// Whether a look with [`lease`] may be worth its write: something is due, or a lease has ended.
pub fn anything_due(conn: &mut Conn, kinds: &[&str], now: i64) -> Result<bool> {
    let due = job::state.eq("queued").and(job::run_after.le(now)).and(job::kind.eq_any(kinds));
    let lost = job::state.eq("running").and(job::lease_until.le(now));
    Ok(diesel::select(diesel::dsl::exists(job::table.filter(due.or(lost)))).get_result(conn)?)
}

/// Who leases, when and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Leasing<'a> {
    /// Who.
    pub holder: &'a str,
    /// The moment, microseconds since 1970.
    pub now: i64,
    /// How long without renewal, microseconds.
    pub length: i64,
    /// Says of a holder whether it is known to be gone.
    pub dead: fn(&str) -> bool,
}

/// Leases the oldest job that is due, of one of `kinds`.
pub fn lease(conn: &mut Conn, kinds: &[&str], leasing: Leasing<'_>) -> Result<Option<Job>> {
    let Leasing { holder, now, length, dead } = leasing;
    take_over(conn, now, &dead)?;
    let skip = if matches!(conn, Conn::Pg(_)) { " FOR UPDATE SKIP LOCKED" } else { "" };
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    // Kinds are words of this program; the one thing diesel cannot say for both databases is the skipping.
    let due: Option<Due> = diesel::sql_query(format!(
        "SELECT id FROM job WHERE state = 'queued' AND run_after <= $1 AND kind IN ({}) ORDER BY planned_at, id LIMIT 1{skip}",
        kinds.join(", ")
    ))
    .bind::<diesel::sql_types::BigInt, _>(now)
    .get_result(conn)
    .optional()?;
    let found: Option<Job> = match due {
        Some(due) => Some(job::table.find(&due.id).select(Job::as_select()).first(conn)?),
        None => None,
    };
    let Some(mut found) = found else { return Ok(None) };
    found.state = "running".to_owned();
    found.attempts += 1;
    found.holder = Some(holder.to_owned());
    found.lease_until = Some(now + length);
    diesel::update(job::table.find(&found.id))
        .set((
            job::state.eq("running"),
            job::attempts.eq(found.attempts),
            job::holder.eq(holder),
            job::lease_until.eq(now + length),
        ))
        .execute(conn)?;
    let attempt = Run {
        job: found.id.clone(),
        attempt: found.attempts,
        holder: holder.to_owned(),
        started_at: now,
        finished_at: None,
        outcome: None,
        message: None,
    };
    diesel::insert_into(run::table).values(&attempt).execute(conn)?;
    Ok(Some(found))
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: String,
}

/// Puts back what the dead held.
pub fn take_over(conn: &mut Conn, now: i64, dead: &dyn Fn(&str) -> bool) -> Result<()> {
    let running: Vec<Job> = job::table.filter(job::state.eq("running")).select(Job::as_select()).load(conn)?;
    for lost in running {
        let expired = lost.lease_until.is_none_or(|until| until <= now);
        if !expired && !lost.holder.as_deref().is_some_and(dead) {
            continue;
        }
        diesel::update(run::table.find((&lost.id, lost.attempts)))
            .set((run::finished_at.eq(now), run::outcome.eq("lost")))
            .execute(conn)?;
        diesel::update(job::table.find(&lost.id).filter(job::attempts.eq(lost.attempts)))
            .set((
                job::state.eq("queued"),
                job::run_after.eq(now),
                job::holder.eq(None::<String>),
                job::lease_until.eq(None::<i64>),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Renews a lease; false when it has been lost.
pub fn renew(conn: &mut Conn, held: &Job, now: i64, length: i64) -> Result<bool> {
    let found = job::table.find(&held.id).filter(job::attempts.eq(held.attempts)).filter(job::state.eq("running"));
    Ok(diesel::update(found).set(job::lease_until.eq(now + length)).execute(conn)? == 1)
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// `done`, `retry`, `waiting` or `failed`.
    pub outcome: &'a str,
    /// Where it is tried again, not before this. Microseconds since 1970.
    pub run_after: i64,
    /// What went wrong, without personal data.
    pub message: Option<&'a str>,
}

/// Ends an attempt: the job's new state, when to try again, and what to say. Nothing if the lease was lost.
pub fn finish(conn: &mut Conn, held: &Job, ending: Ending<'_>, now: i64) -> Result<()> {
    let Ending { outcome, run_after, message } = ending;
    let state = match outcome {
        "retry" => "queued",
        other => other,
    };
    let finished = (state != "queued").then_some(now);
    let found = job::table.find(&held.id).filter(job::attempts.eq(held.attempts)).filter(job::state.eq("running"));
    let moved = diesel::update(found)
        .set((
            job::state.eq(state),
            job::run_after.eq(run_after),
            job::holder.eq(None::<String>),
            job::lease_until.eq(None::<i64>),
            job::message.eq(message),
            job::finished_at.eq(finished),
        ))
        .execute(conn)?;
    if moved == 1 {
        diesel::update(run::table.find((&held.id, held.attempts)))
            .set((run::finished_at.eq(now), run::outcome.eq(outcome), run::message.eq(message)))
            .execute(conn)?;
    }
    Ok(())
}

/// What [`list`] looks for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only in this state.
    pub state: Option<String>,
    /// Only about this.
    pub subject: Option<String>,
    /// Only older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Jobs, newest first.
pub fn list(conn: &mut Conn, filter: &Filter) -> Result<Vec<Job>> {
    let mut query = job::table.into_boxed().order(job::id.desc()).limit(filter.limit);
    if let Some(kind) = &filter.kind {
        query = query.filter(job::kind.eq(kind.clone()));
    }
    if let Some(state) = &filter.state {
        query = query.filter(job::state.eq(state.clone()));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(job::subject.eq(subject.clone()));
    }
    if let Some(before) = &filter.before {
        query = query.filter(job::id.lt(before.clone()));
    }
    Ok(query.select(Job::as_select()).load(conn)?)
}

/// One job with its attempts.
pub fn get(conn: &mut Conn, id: &str) -> Result<(Job, Vec<Run>)> {
    let found: Option<Job> = job::table.find(id).select(Job::as_select()).first(conn).optional()?;
    let found = found
        .ok_or_else(|| Error::new(Kind::NotFound, "there is no such job").coded("job-unknown", "没有这个作业。"))?;
    let runs = run::table.filter(run::job.eq(id)).order(run::attempt).select(Run::as_select()).load(conn)?;
    Ok((found, runs))
}

/// Queues a job again that failed or waits for a person.
pub fn retry(conn: &mut Conn, id: &str, now: i64) -> Result<()> {
    let found = job::table.find(id).filter(job::state.eq_any(["failed", "waiting"]));
    let moved = diesel::update(found)
        .set((job::state.eq("queued"), job::run_after.eq(now), job::finished_at.eq(None::<i64>)))
        .execute(conn)?;
    match moved {
        1 => Ok(()),
        _ => Err(Error::new(Kind::Conflict, "only a failed or waiting job can be queued again")
            .coded("job-state", "只有失败或等待的作业可重试。")),
    }
}

/// How many jobs are in each state.
pub fn state_counts(conn: &mut Conn) -> Result<Vec<(String, i64)>> {
    Ok(job::table.group_by(job::state).select((job::state, diesel::dsl::count_star())).order(job::state).load(conn)?)
}

/// The latest planned time of a kind and subject.
pub fn last_planned(conn: &mut Conn, kind: &str, subject: &str) -> Result<Option<i64>> {
    Ok(job::table
        .filter(job::kind.eq(kind))
        .filter(job::subject.eq(subject))
        .select(diesel::dsl::max(job::planned_at))
        .first(conn)?)
}

/// Deletes finished jobs of these kinds that were planned before `before`.
pub fn prune(conn: &mut Conn, kinds: &[&str], before: i64) -> Result<usize> {
    let old: Vec<String> = job::table
        .filter(job::kind.eq_any(kinds))
        .filter(job::state.eq("done"))
        .filter(job::planned_at.lt(before))
        .select(job::id)
        .limit(4_000)
        .load(conn)?;
    diesel::delete(run::table.filter(run::job.eq_any(&old))).execute(conn)?;
    Ok(diesel::delete(job::table.filter(job::id.eq_any(&old))).execute(conn)?)
}
