//! Where records have belonged: one row for every place a record has left, with what likeness said of it there.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Conn;
use super::contribution::in_parts;
use super::schema::{contribution, past_link};
use crate::error::Result;

/// A place that a record has left.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = past_link, treat_none_as_default_value = false)]
pub struct PastLink {
    /// The contribution.
    pub contribution: Vec<u8>,
    /// Until when it stood so, microseconds since 1970; it did not at that moment.
    pub until: i64,
    /// Since when, microseconds since 1970.
    pub since: i64,
    /// `key`, `alias`, or why it had no entity, as a contribution's.
    pub link: String,
    /// The entity it belonged to.
    pub entity: Option<Vec<u8>>,
    /// Of one that likeness had placed, the version of the model.
    pub model: Option<i64>,
    /// And what that said, as [`super::matching::Matching`] keeps it.
    pub document: Option<Vec<u8>>,
}

/// What stood of an entity at a moment and has ended since.
pub fn at(conn: &mut Conn, entity: &[u8], moment: i64) -> Result<Vec<PastLink>> {
    Ok(past_link::table
        .filter(past_link::entity.eq(entity))
        .filter(past_link::since.le(moment))
        .filter(past_link::until.gt(moment))
        .order(past_link::contribution)
        .select(PastLink::as_select())
        .load(conn)?)
}

/// Feed and part of some contributions, live or ended, by id.
pub fn named(conn: &mut Conn, contributions: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, (String, String)>> {
    let named = in_parts(contributions, |ids| {
        let columns = (contribution::id, (contribution::feed, contribution::part));
        Ok(contribution::table.filter(contribution::id.eq_any(ids)).select(columns).load(conn)?)
    })?;
    Ok(named.into_iter().collect())
}

/// Forgets some of the places left by a moment; how many.
pub fn prune(conn: &mut Conn, by: i64) -> Result<usize> {
    let old: Vec<(Vec<u8>, i64)> = past_link::table
        .filter(past_link::until.le(by))
        .order(past_link::until)
        .limit(4_000)
        .select((past_link::contribution, past_link::until))
        .load(conn)?;
    let Some((_, last)) = old.last() else { return Ok(0) };
    Ok(diesel::delete(past_link::table.filter(past_link::until.le(*last))).execute(conn)?)
}
