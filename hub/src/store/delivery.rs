//! Deliveries as stored. Owns the row and its state changes; never decides what a delivery comes to.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::conn::Conn;
use super::schema::delivery;
use crate::contribution::AsOf;
use crate::error::{Error, Kind, Result};
use crate::keyring::Token;
use crate::reason::Reason;

/// One arrival of a feed. Counts are rows: received = applied + unchanged + stale + rejected + waiting, always.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = delivery, treat_none_as_null = true)]
pub struct Delivery {
    /// UUIDv7: sorts by arrival.
    pub id: String,
    /// `department/feed`.
    pub feed: String,
    /// `http`, `records`, `drop` or `cli`.
    pub channel: String,
    /// `landed`, `ready`, `held`, `refused` or `applied`.
    pub state: String,
    /// Microseconds since 1970.
    pub received_at: i64,
    /// Name of the token, folder or command line that sent it.
    pub sender: String,
    /// As the sender gave it.
    pub idempotency_key: Option<String>,
    /// As the sender named the file.
    pub file_name: Option<String>,
    /// Digest for sameness, over the decompressed bytes.
    pub digest: Vec<u8>,
    /// Decompressed bytes.
    pub bytes: i64,
    /// Name of the bytes in the landing store; `None` once erased.
    pub landed: Option<String>,
    /// Microseconds since 1970; `None` until it is known.
    pub as_of_instant: Option<i64>,
    /// The sender's sequence within the instant.
    pub as_of_sequence: i64,
    /// How many rows the sender says there are.
    pub declared_total: Option<i64>,
    /// The rules it was inspected under.
    pub fingerprint: Option<String>,
    /// The feed's apply counter when it was inspected.
    pub inspected_counter: Option<i64>,
    /// Position of the last row whose change is applied.
    pub checkpoint: i64,
    /// Rows.
    pub received: i64,
    /// Rows whose contributions were written.
    pub applied: i64,
    /// Rows that say what is stored.
    pub unchanged: i64,
    /// Rows older than what is stored.
    pub stale: i64,
    /// Rows that failed.
    pub rejected: i64,
    /// Attributes dropped as bad.
    pub issues: i64,
    /// Contributions ended by their absence.
    pub ended: i64,
    /// `none`, `waiting` (for rows without a key) or `done`.
    pub endings: String,
    /// Why it is held or refused: JSON list of reasons.
    pub reasons: Option<String>,
    /// Who released or refused it.
    pub decided_by: Option<String>,
    /// Microseconds since 1970.
    pub decided_at: Option<i64>,
    /// Microseconds since 1970.
    pub applied_at: Option<i64>,
}

/// What became of the rows of a delivery, or would: received = applied + unchanged + stale + rejected + those that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Rows.
    pub received: i64,
    /// Rows that are written.
    pub applied: i64,
    /// Rows that say what is stored.
    pub unchanged: i64,
    /// Rows older than what is stored.
    pub stale: i64,
    /// Rows that fail.
    pub rejected: i64,
    /// Attributes dropped as bad.
    pub issues: i64,
    /// Source records that end by their absence.
    pub ended: i64,
}

/// Why a delivery is held or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HoldReason {
    /// Stable code: `rejected-limit`, `shrink-limit`, `zero-rows`, `total-mismatch`, `truncated`, `as-of-missing` ...
    pub code: String,
    /// Chinese sentence.
    pub zh: String,
    /// English sentence.
    pub en: String,
    /// Whether an administrator may release the delivery all the same.
    pub releasable: bool,
}

impl Delivery {
    /// Rows not decided yet.
    pub fn waiting(&self) -> i64 {
        self.received - self.applied - self.unchanged - self.stale - self.rejected
    }

    /// What became of its rows so far.
    pub fn counts(&self) -> Counts {
        Counts {
            received: self.received,
            applied: self.applied,
            unchanged: self.unchanged,
            stale: self.stale,
            rejected: self.rejected,
            issues: self.issues,
            ended: self.ended,
        }
    }

    /// Whether something of it has been written to the dataset.
    pub fn is_begun(&self) -> bool {
        self.checkpoint > 0 || self.ended > 0
    }

    /// Its as-of, once known.
    pub fn as_of(&self) -> Result<Option<AsOf>> {
        let digest = Token::from_slice(&self.digest)?;
        Ok(self.as_of_instant.map(|instant| AsOf { instant, sequence: self.as_of_sequence, digest }))
    }

    /// Why it is held or refused.
    pub fn hold_reasons(&self) -> Vec<HoldReason> {
        self.reasons.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

impl HoldReason {
    /// A reason an administrator may overrule.
    pub fn releasable(reason: Reason) -> Self {
        Self { code: reason.code, zh: reason.zh, en: reason.en, releasable: true }
    }

    /// A reason nobody may overrule: the delivery cannot be applied as it is.
    pub fn fatal(reason: Reason) -> Self {
        Self { code: reason.code, zh: reason.zh, en: reason.en, releasable: false }
    }
}

/// One delivery.
pub fn get(conn: &mut Conn, id: &str) -> Result<Delivery> {
    find(conn, id)?.ok_or_else(|| {
        Error::new(Kind::NotFound, "there is no such delivery").coded("delivery-unknown", "没有这个交付批次。")
    })
}

/// One delivery, if it is there.
pub fn find(conn: &mut Conn, id: &str) -> Result<Option<Delivery>> {
    Ok(delivery::table.find(id).select(Delivery::as_select()).first(conn).optional()?)
}

/// Writes a new delivery.
pub fn insert(conn: &mut Conn, row: &Delivery) -> Result<()> {
    diesel::insert_into(delivery::table).values(row).execute(conn)?;
    Ok(())
}

/// Writes all of a delivery's columns, if its state and checkpoint are still `state` and `checkpoint`.
pub fn update(conn: &mut Conn, row: &Delivery, state: &str, checkpoint: i64) -> Result<()> {
    let found = delivery::table
        .filter(delivery::id.eq(&row.id))
        .filter(delivery::state.eq(state))
        .filter(delivery::checkpoint.eq(checkpoint));
    match diesel::update(found).set(row).execute(conn)? {
        1 => Ok(()),
        _ => {
            Err(Error::new(Kind::Conflict, "the delivery has moved on").coded("delivery-moved", "该批次的状态已改变。"))
        }
    }
}

/// The delivery with this idempotency key.
pub fn by_idempotency_key(conn: &mut Conn, feed: &str, key: &str) -> Result<Option<Delivery>> {
    Ok(delivery::table
        .filter(delivery::feed.eq(feed))
        .filter(delivery::idempotency_key.eq(key))
        .select(Delivery::as_select())
        .first(conn)
        .optional()?)
}

/// A delivery landed, held or applied with the same as-of, digest and fingerprint (or not yet inspected) as `fresh`.
///
/// Where the content tells the as-of, `fresh` does not know its own yet: the same bytes tell the same one. `counted_inside`
/// says that the content tells the sequence too.
pub fn same(conn: &mut Conn, fresh: &Delivery, counted_inside: bool, fingerprint: &str) -> Result<Option<Delivery>> {
    let mut query = delivery::table
        .filter(delivery::feed.eq(&fresh.feed))
        .filter(delivery::digest.eq(&fresh.digest))
        .filter(delivery::state.ne("refused"))
        .filter(delivery::channel.ne("records"))
        .filter(delivery::fingerprint.eq(fingerprint).or(delivery::fingerprint.is_null()))
        .order(delivery::id)
        .into_boxed();
    if let Some(instant) = fresh.as_of_instant {
        query = query.filter(delivery::as_of_instant.eq(instant));
    }
    if !counted_inside {
        query = query.filter(delivery::as_of_sequence.eq(fresh.as_of_sequence));
    }
    Ok(query.select(Delivery::as_select()).first(conn).optional()?)
}

/// Another delivery of the feed whose apply has begun (with its rows, or where none had changed, with its endings) and is
/// not over.
pub fn half_applied(conn: &mut Conn, feed: &str, besides: &str) -> Result<Option<String>> {
    Ok(delivery::table
        .filter(delivery::feed.eq(feed))
        .filter(delivery::state.eq("ready"))
        .filter(delivery::checkpoint.gt(0).or(delivery::ended.gt(0)))
        .filter(delivery::id.ne(besides))
        .select(delivery::id)
        .first(conn)
        .optional()?)
}

/// What [`list`] looks for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only of this feed.
    pub feed: Option<String>,
    /// Only in this state.
    pub state: Option<String>,
    /// Only of this department.
    pub department: Option<String>,
    /// Only older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Deliveries, newest first.
pub fn list(conn: &mut Conn, filter: &Filter) -> Result<Vec<Delivery>> {
    let mut query = delivery::table.into_boxed().order(delivery::id.desc()).limit(filter.limit);
    if let Some(feed) = &filter.feed {
        query = query.filter(delivery::feed.eq(feed.clone()));
    }
    if let Some(state) = &filter.state {
        query = query.filter(delivery::state.eq(state.clone()));
    }
    if let Some(department) = &filter.department {
        query = query.filter(delivery::feed.like(format!("{department}/%")));
    }
    if let Some(before) = &filter.before {
        query = query.filter(delivery::id.lt(before.clone()));
    }
    Ok(query.select(Delivery::as_select()).load(conn)?)
}

/// Deliveries that wait for their endings, of one feed.
pub fn endings_waiting(conn: &mut Conn, feed: &str) -> Result<Vec<Delivery>> {
    Ok(delivery::table
        .filter(delivery::feed.eq(feed))
        .filter(delivery::endings.eq("waiting"))
        .select(Delivery::as_select())
        .load(conn)?)
}

/// Applied and refused deliveries received before a moment whose bytes are still there.
pub fn decided_before(conn: &mut Conn, before: i64) -> Result<Vec<Delivery>> {
    Ok(delivery::table
        .filter(delivery::received_at.lt(before))
        .filter(delivery::state.eq_any(["applied", "refused"]))
        .filter(delivery::endings.ne("waiting"))
        .filter(delivery::landed.is_not_null())
        .limit(1_000)
        .select(Delivery::as_select())
        .load(conn)?)
}

/// Deliveries that are not decided yet, each with the name of its bytes.
pub fn undecided(conn: &mut Conn) -> Result<Vec<(String, String)>> {
    Ok(delivery::table
        .filter(delivery::state.eq_any(["landed", "ready", "held"]))
        .filter(delivery::landed.is_not_null())
        .order(delivery::id)
        .select((delivery::id, delivery::landed.assume_not_null()))
        .load(conn)?)
}

/// Notes that a delivery's bytes are gone.
pub fn erased(conn: &mut Conn, id: &str) -> Result<()> {
    diesel::update(delivery::table.find(id)).set(delivery::landed.eq(None::<String>)).execute(conn)?;
    Ok(())
}

/// Applied requests with records, received before a moment, whose staging is still there.
pub fn answered_before(conn: &mut Conn, before: i64) -> Result<Vec<String>> {
    use super::schema::staging;
    Ok(delivery::table
        .filter(delivery::channel.eq("records"))
        .filter(delivery::state.eq("applied"))
        .filter(delivery::received_at.lt(before))
        .filter(diesel::dsl::exists(staging::table.filter(staging::delivery.eq(delivery::id))))
        .limit(1_000)
        .select(delivery::id)
        .load(conn)?)
}

/// The newest delivery of each feed that was not refused.
pub fn newest(conn: &mut Conn) -> Result<Vec<Delivery>> {
    let ids: Vec<Option<String>> = delivery::table
        .filter(delivery::state.ne("refused"))
        .group_by(delivery::feed)
        .select(diesel::dsl::max(delivery::id))
        .load(conn)?;
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    Ok(delivery::table.filter(delivery::id.eq_any(ids)).select(Delivery::as_select()).load(conn)?)
}

/// How many deliveries are in each state.
pub fn state_counts(conn: &mut Conn) -> Result<Vec<(String, i64)>> {
    Ok(delivery::table
        .group_by(delivery::state)
        .select((delivery::state, diesel::dsl::count_star()))
        .order(delivery::state)
        .load(conn)?)
}

/// Whether a delivery's bytes have this name.
pub fn has_landed(conn: &mut Conn, name: &str) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(delivery::table.filter(delivery::landed.eq(name)))).get_result(conn)?)
}
