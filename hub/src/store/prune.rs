//! What is not kept any longer, a few rows at a time. Never a row that stands; `work::prune` says what is old enough.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::{Conn, each_backend};
use super::foundation;
use super::schema::{delivery, delivery_issue, delivery_rejection, rejection};
use crate::error::Result;

/// Forgets the versions that were followed by one whose `seq` is after `from` and at most `to`. All up to `from` must have
/// been pruned before. What stood at any `seq` from `to` on is still there, and what it followed.
pub fn versions(conn: &mut Conn, from: i64, to: i64) -> Result<usize> {
    foundation::prune_to(conn, to)?;
    let pruned = diesel::sql_query(
        "DELETE FROM entity_version WHERE (entity, version) IN \
         (SELECT later.entity, later.version - 1 FROM entity_version later WHERE later.seq > $1 AND later.seq <= $2)",
    )
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(to);
    Ok(each_backend!(conn, |c| pruned.execute(c))?)
}

/// Forgets superseded rejections decided before a moment, a few at a time. Edits and waives stand for the rows of later
/// nights and are never forgotten.
pub fn superseded(conn: &mut Conn, before: i64) -> Result<usize> {
    let old: Vec<String> = rejection::table
        .filter(rejection::state.eq("superseded"))
        .filter(rejection::decided_at.lt(before))
        .limit(4_000)
        .select(rejection::id)
        .load(conn)?;
    Ok(diesel::delete(rejection::table.filter(rejection::id.eq_any(&old))).execute(conn)?)
}

/// The last position of which a delivery's report says something.
pub fn last_reported(conn: &mut Conn, delivery: &str) -> Result<i64> {
    let of_rows: Option<i64> = delivery_rejection::table
        .filter(delivery_rejection::delivery.eq(delivery))
        .select(diesel::dsl::max(delivery_rejection::position))
        .first(conn)?;
    let of_issues: Option<i64> = delivery_issue::table
        .filter(delivery_issue::delivery.eq(delivery))
        .select(diesel::dsl::max(delivery_issue::position))
        .first(conn)?;
    Ok(of_rows.max(of_issues).unwrap_or(0))
}

/// Decided deliveries received before a moment of which the report still has rows.
pub fn reported_before(conn: &mut Conn, before: i64) -> Result<Vec<String>> {
    let rows = delivery_rejection::table.filter(delivery_rejection::delivery.eq(delivery::id));
    let issues = delivery_issue::table.filter(delivery_issue::delivery.eq(delivery::id));
    Ok(delivery::table
        .filter(delivery::received_at.lt(before))
        .filter(delivery::state.eq_any(["applied", "refused"]))
        .filter(delivery::endings.ne("waiting"))
        .filter(diesel::dsl::exists(rows).or(diesel::dsl::exists(issues)))
        .limit(1_000)
        .select(delivery::id)
        .load(conn)?)
}
