//! Rejections, issues and edits. A delivery keeps what was wrong in it row by row; what is open is folded from that once, at apply.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::conn::{Conn, each_backend};
use super::schema::{delivery_issue, delivery_rejection, edit, rejection};
use crate::error::{Error, Kind, Result};
use crate::reason::Reason;

/// A rejected row as its delivery keeps it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery_rejection)]
pub struct RejectedRow {
    /// The delivery.
    pub delivery: String,
    /// Position of the row.
    pub position: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
    /// Token of its source key; `None` where it cannot be read.
    pub source_key: Option<Vec<u8>>,
    /// Hash of the row.
    pub hash: Vec<u8>,
    /// Codes of the reasons, separated by spaces.
    pub codes: String,
    /// The encoded [`RowDocument`].
    pub document: Vec<u8>,
}

/// What is kept of a rejected row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RowDocument {
    /// Its mapped columns, as far as they could be read.
    pub fields: Map<String, Value>,
    /// Its source key, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub reasons: Vec<Reason>,
}

/// An attribute dropped as bad while its record was used.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery_issue)]
pub struct IssueRow {
    /// The delivery.
    pub delivery: String,
    /// Position of the row.
    pub position: i64,
    /// Number within the row, from 0.
    pub ordinal: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
    /// Code of the reason.
    pub code: String,
    /// The encoded [`IssueDocument`].
    pub document: Vec<u8>,
}

/// What is kept of an issue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueDocument {
    /// The row's source key.
    pub key: String,
    /// What is wrong.
    pub reason: Reason,
}

/// A rejection: the same bad row of a feed, seen in one delivery or on many nights.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = rejection, treat_none_as_null = true)]
pub struct Rejection {
    /// UUIDv7.
    pub id: String,
    /// `department/feed`.
    pub feed: String,
    /// Token of the source key; `None` where it cannot be read.
    pub source_key: Option<Vec<u8>>,
    /// Hash of the row.
    pub hash: Vec<u8>,
    /// `open`, `replayed`, `superseded` or `waived`.
    pub state: String,
    /// Codes of the reasons, separated by spaces.
    pub codes: String,
    /// Where it was seen first.
    pub first_delivery: String,
    /// Where it was seen last.
    pub last_delivery: String,
    /// Position in the last.
    pub position: i64,
    /// Line in the last.
    pub line: Option<i64>,
    /// In how many deliveries.
    pub seen: i64,
    /// Microseconds since 1970.
    pub first_at: i64,
    /// Microseconds since 1970.
    pub last_at: i64,
    /// The encoded [`RowDocument`].
    pub document: Vec<u8>,
    /// Who edited or waived it.
    pub decided_by: Option<String>,
    /// Microseconds since 1970.
    pub decided_at: Option<i64>,
}

/// A clerk's edit; it stands until the source's bytes change.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = edit)]
pub struct Edit {
    /// `department/feed`.
    pub feed: String,
    /// Hash of the row as the source sends it.
    pub hash: Vec<u8>,
    /// The rejection it repairs.
    pub rejection: String,
    /// The encoded columns as edited.
    pub document: Vec<u8>,
    /// Who edited.
    pub edited_by: String,
    /// Microseconds since 1970.
    pub edited_at: i64,
}

/// Appends what was wrong in a delivery.
pub fn insert_rows(conn: &mut Conn, rows: &[RejectedRow], issues: &[IssueRow]) -> Result<()> {
    for rows in rows.chunks(4_000) {
        each_backend!(conn, |c| diesel::insert_into(delivery_rejection::table).values(rows).execute(c))?;
    }
    for issues in issues.chunks(4_000) {
        each_backend!(conn, |c| diesel::insert_into(delivery_issue::table).values(issues).execute(c))?;
    }
    Ok(())
}

/// Forgets what was wrong in a delivery, before it is inspected anew.
pub fn clear(conn: &mut Conn, delivery: &str) -> Result<()> {
    diesel::delete(delivery_rejection::table.filter(delivery_rejection::delivery.eq(delivery))).execute(conn)?;
    diesel::delete(delivery_issue::table.filter(delivery_issue::delivery.eq(delivery))).execute(conn)?;
    Ok(())
}

/// Forgets what is noted of the rows from `first` to `last`.
pub fn clear_between(conn: &mut Conn, delivery: &str, first: i64, last: i64) -> Result<()> {
    let rows = delivery_rejection::table.filter(delivery_rejection::delivery.eq(delivery));
    diesel::delete(rows.filter(delivery_rejection::position.between(first, last))).execute(conn)?;
    let issues = delivery_issue::table.filter(delivery_issue::delivery.eq(delivery));
    diesel::delete(issues.filter(delivery_issue::position.between(first, last))).execute(conn)?;
    Ok(())
}

/// Forgets the issues of rows that were rejected after all.
pub fn clear_issues_at(conn: &mut Conn, delivery: &str, positions: &[i64]) -> Result<()> {
    for positions in positions.chunks(4_000) {
        diesel::delete(
            delivery_issue::table
                .filter(delivery_issue::delivery.eq(delivery))
                .filter(delivery_issue::position.eq_any(positions)),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// Forgets rejected rows that do not count: a later row of the same delta has their key.
pub fn clear_rows_at(conn: &mut Conn, delivery: &str, positions: &[i64]) -> Result<()> {
    for positions in positions.chunks(4_000) {
        let found = delivery_rejection::table.filter(delivery_rejection::delivery.eq(delivery));
        diesel::delete(found.filter(delivery_rejection::position.eq_any(positions))).execute(conn)?;
    }
    Ok(())
}

/// Rejected rows of a delivery after a position, in order.
pub fn rows_after(conn: &mut Conn, delivery: &str, after: i64, limit: i64) -> Result<Vec<RejectedRow>> {
    Ok(delivery_rejection::table
        .filter(delivery_rejection::delivery.eq(delivery))
        .filter(delivery_rejection::position.gt(after))
        .order(delivery_rejection::position)
        .limit(limit)
        .select(RejectedRow::as_select())
        .load(conn)?)
}

/// Issues of a delivery after a (position, ordinal), in order.
pub fn issues_after(conn: &mut Conn, delivery: &str, after: (i64, i64), limit: i64) -> Result<Vec<IssueRow>> {
    let later = delivery_issue::position
        .gt(after.0)
        .or(delivery_issue::position.eq(after.0).and(delivery_issue::ordinal.gt(after.1)));
    Ok(delivery_issue::table
        .filter(delivery_issue::delivery.eq(delivery))
        .filter(later)
        .order((delivery_issue::position, delivery_issue::ordinal))
        .limit(limit)
        .select(IssueRow::as_select())
        .load(conn)?)
}

/// How many rejected rows and issues a delivery has.
pub fn counts(conn: &mut Conn, delivery: &str) -> Result<(i64, i64)> {
    let rows = delivery_rejection::table.filter(delivery_rejection::delivery.eq(delivery)).count().get_result(conn)?;
    let issues = delivery_issue::table.filter(delivery_issue::delivery.eq(delivery)).count().get_result(conn)?;
    Ok((rows, issues))
}

/// One rejection.
pub fn get(conn: &mut Conn, id: &str) -> Result<Rejection> {
    rejection::table.find(id).select(Rejection::as_select()).first(conn).optional()?.ok_or_else(|| {
        Error::new(Kind::NotFound, "there is no such rejection").coded("rejection-unknown", "没有这条拒收记录。")
    })
}

/// Writes a new rejection.
pub fn insert(conn: &mut Conn, row: &Rejection) -> Result<()> {
    diesel::insert_into(rejection::table).values(row).execute(conn)?;
    Ok(())
}

/// Writes a rejection's columns, if it is still in `state`.
pub fn update(conn: &mut Conn, row: &Rejection, state: &str) -> Result<()> {
    match diesel::update(rejection::table.find(&row.id).filter(rejection::state.eq(state))).set(row).execute(conn)? {
        1 => Ok(()),
        _ => Err(Error::new(Kind::Conflict, "the rejection has moved on")
            .coded("rejection-moved", "该拒收记录的状态已改变。")),
    }
}

/// Open and waived rejections of these rows.
pub fn standing(conn: &mut Conn, feed: &str, hashes: &[Vec<u8>]) -> Result<Vec<Rejection>> {
    super::contribution::in_parts(hashes, |hashes| {
        Ok(rejection::table
            .filter(rejection::feed.eq(feed))
            .filter(rejection::hash.eq_any(hashes))
            .filter(rejection::state.eq_any(["open", "waived"]))
            .select(Rejection::as_select())
            .load(conn)?)
    })
}

/// The source keys of a feed's open rejections.
pub fn open_keys(conn: &mut Conn, feed: &str) -> Result<Vec<Vec<u8>>> {
    let open = rejection::table.filter(rejection::feed.eq(feed)).filter(rejection::state.eq("open"));
    Ok(open.filter(rejection::source_key.is_not_null()).select(rejection::source_key.assume_not_null()).load(conn)?)
}

/// Open rejections of these keys, each with the delivery it was last seen in.
pub fn open_of_keys(conn: &mut Conn, feed: &str, keys: &[Vec<u8>]) -> Result<Vec<(String, String)>> {
    super::contribution::in_parts(keys, |keys| {
        Ok(rejection::table
            .filter(rejection::feed.eq(feed))
            .filter(rejection::state.eq("open"))
            .filter(rejection::source_key.eq_any(keys))
            .select((rejection::id, rejection::last_delivery))
            .load(conn)?)
    })
}

/// Supersedes open rejections: their keys have something newer.
pub fn supersede(conn: &mut Conn, ids: &[String], at: i64) -> Result<()> {
    for ids in ids.chunks(4_000) {
        let found = rejection::table.filter(rejection::id.eq_any(ids)).filter(rejection::state.eq("open"));
        diesel::update(found).set((rejection::state.eq("superseded"), rejection::decided_at.eq(at))).execute(conn)?;
    }
    Ok(())
}

/// Open rejections of a feed that were not seen in `delivery`: a newer snapshot no longer holds them.
pub fn supersede_unseen(conn: &mut Conn, feed: &str, delivery: &str, at: i64) -> Result<()> {
    let found = rejection::table
        .filter(rejection::feed.eq(feed))
        .filter(rejection::last_delivery.ne(delivery))
        .filter(rejection::state.eq("open"));
    diesel::update(found).set((rejection::state.eq("superseded"), rejection::decided_at.eq(at))).execute(conn)?;
    Ok(())
}

/// What [`list`] looks for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only of this feed.
    pub feed: Option<String>,
    /// Only of this department.
    pub department: Option<String>,
    /// Only in this state.
    pub state: Option<String>,
    /// Only with this code.
    pub code: Option<String>,
    /// Only older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Rejections, newest first.
pub fn list(conn: &mut Conn, filter: &Filter) -> Result<Vec<Rejection>> {
    let mut query = rejection::table.into_boxed().order(rejection::id.desc()).limit(filter.limit);
    if let Some(feed) = &filter.feed {
        query = query.filter(rejection::feed.eq(feed.clone()));
    }
    if let Some(department) = &filter.department {
        query = query.filter(rejection::feed.like(format!("{department}/%")));
    }
    if let Some(state) = &filter.state {
        query = query.filter(rejection::state.eq(state.clone()));
    }
    if let Some(code) = &filter.code {
        // Codes are stored between spaces, so that a code is never found inside another.
        query = query.filter(rejection::codes.like(format!("% {code} %")));
    }
    if let Some(before) = &filter.before {
        query = query.filter(rejection::id.lt(before.clone()));
    }
    Ok(query.select(Rejection::as_select()).load(conn)?)
}

/// Rejections of a feed by the key they carry, newest first.
pub fn of_key(conn: &mut Conn, feed: &str, source_key: &[u8]) -> Result<Vec<Rejection>> {
    Ok(rejection::table
        .filter(rejection::feed.eq(feed))
        .filter(rejection::source_key.eq(source_key))
        .order(rejection::id.desc())
        .select(Rejection::as_select())
        .load(conn)?)
}

/// Open rejections by feed.
pub fn open_counts(conn: &mut Conn) -> Result<Vec<(String, i64)>> {
    Ok(rejection::table
        .filter(rejection::state.eq("open"))
        .group_by(rejection::feed)
        .select((rejection::feed, diesel::dsl::count_star()))
        .order(rejection::feed)
        .load(conn)?)
}

/// Which of these row hashes have been decided (an edit or a waive) and hold nothing up any more.
pub fn decided(conn: &mut Conn, feed: &str, hashes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<u8>> = super::contribution::in_parts(hashes, |hashes| {
        Ok(rejection::table
            .filter(rejection::feed.eq(feed))
            .filter(rejection::hash.eq_any(hashes))
            .filter(rejection::state.eq_any(["waived", "replayed"]))
            .select(rejection::hash)
            .load(conn)?)
    })?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// The edits of these rows.
pub fn edits(conn: &mut Conn, feed: &str, hashes: &[Vec<u8>]) -> Result<Vec<Edit>> {
    super::contribution::in_parts(hashes, |hashes| {
        Ok(edit::table
            .filter(edit::feed.eq(feed))
            .filter(edit::hash.eq_any(hashes))
            .select(Edit::as_select())
            .load(conn)?)
    })
}

/// Whether the feed has any edit: most have none, and then no row is looked up.
pub fn has_edits(conn: &mut Conn, feed: &str) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(edit::table.filter(edit::feed.eq(feed)))).get_result(conn)?)
}

/// Records an edit over an earlier one of the same row.
pub fn put_edit(conn: &mut Conn, row: &Edit) -> Result<()> {
    each_backend!(conn, |c| diesel::insert_into(edit::table)
        .values(row)
        .on_conflict((edit::feed, edit::hash))
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

/// Rejected rows with this key in these deliveries.
pub fn rows_of_key(conn: &mut Conn, deliveries: &[String], source_key: &[u8]) -> Result<Vec<RejectedRow>> {
    Ok(delivery_rejection::table
        .filter(delivery_rejection::delivery.eq_any(deliveries))
        .filter(delivery_rejection::source_key.eq(source_key))
        .order((delivery_rejection::delivery, delivery_rejection::position))
        .select(RejectedRow::as_select())
        .load(conn)?)
}
