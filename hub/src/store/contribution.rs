//! Contributions as stored: one row per (feed, source key, part), live or a tombstone, and the aliases they carry.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::codec;
use super::conn::Conn;
use super::schema::{contribution, contribution_alias};
use crate::contribution::{AsOf, Contribution};
use crate::error::Result;
use crate::keyring::Token;
use crate::reason::Reason;

/// A stored contribution.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contribution, treat_none_as_default_value = false)]
pub struct Row {
    /// Token of (feed, source key, part).
    pub id: Vec<u8>,
    /// `department/feed`.
    pub feed: String,
    /// Token of the source key.
    pub source_key: Vec<u8>,
    /// Name of the part.
    pub part: String,
    /// Kind of entity it is about.
    pub kind: String,
    /// `live` or `ended`.
    pub state: String,
    /// The newest row of this key was rejected; what stands here is from an older one.
    pub marked: bool,
    /// As-of of the delivery that confirmed or wrote it last.
    pub as_of_instant: i64,
    /// Its sequence.
    pub as_of_sequence: i64,
    /// Its digest.
    pub as_of_digest: Vec<u8>,
    /// The delivery that wrote it last.
    pub delivery: String,
    /// The row's position there.
    pub position: i64,
    /// The rules it was made under.
    pub fingerprint: String,
    /// Hash of the record's mapped columns.
    pub hash: Vec<u8>,
    /// Token of the person key it asserts.
    pub key_token: Option<Vec<u8>>,
    /// Token of the household it belongs to.
    pub household: Option<Vec<u8>>,
    /// `key`, `alias`, or why it has no entity.
    pub link: String,
    /// The entity it belongs to.
    pub entity: Option<Vec<u8>>,
    /// The encoded [`Document`].
    pub document: Vec<u8>,
    /// Since when it belongs where it does and by this link, microseconds since 1970.
    pub linked_at: i64,
}

/// What a contribution keeps besides its keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The decoded source record: mapped columns only.
    pub source: Map<String, Value>,
    /// Mapped attributes.
    pub attributes: Map<String, Value>,
    /// When the attributes' values last changed, microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<i64>,
    /// The same for those that last changed at another moment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed_at: BTreeMap<String, i64>,
    /// Attributes dropped as bad.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Reason>,
    /// The alias tokens it carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Token>,
}

/// A [`Document`] about to be encoded.
#[derive(Debug, Serialize)]
pub struct DocumentRef<'a> {
    /// The decoded source record: mapped columns only.
    pub source: &'a RawValue,
    /// Mapped attributes.
    pub attributes: &'a Map<String, Value>,
    /// When the attributes' values last changed, microseconds since 1970.
    pub changed: Option<i64>,
    /// The same for those that last changed at another moment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub changed_at: &'a BTreeMap<String, i64>,
    /// Attributes dropped as bad.
    #[serde(skip_serializing_if = "<[Reason]>::is_empty")]
    pub issues: &'a [Reason],
    /// The alias tokens it carries.
    #[serde(skip_serializing_if = "<[Token]>::is_empty")]
    pub aliases: &'a [Token],
}

/// A [`Document`] without the source record.
#[derive(Deserialize)]
struct Said {
    attributes: Map<String, Value>,
    changed: Option<i64>,
    #[serde(default)]
    changed_at: BTreeMap<String, i64>,
    #[serde(default)]
    issues: Vec<Reason>,
    #[serde(default)]
    aliases: Vec<Token>,
}

impl Row {
    /// As-of of the delivery that confirmed or wrote it last.
    pub fn as_of(&self) -> Result<AsOf> {
        Ok(AsOf {
            instant: self.as_of_instant,
            sequence: self.as_of_sequence,
            digest: Token::from_slice(&self.as_of_digest)?,
        })
    }

    /// The identity as a token.
    pub fn token(&self) -> Result<Token> {
        Token::from_slice(&self.id)
    }

    /// Decodes what it keeps.
    pub fn document(&self) -> Result<Document> {
        codec::decode(&self.document)
    }

    /// As resolve and merge read it.
    pub fn contribution(&self) -> Result<Contribution> {
        Ok(self.said()?.0)
    }

    /// As resolve and merge read it, and the aliases it carries. The source record is not read.
    pub fn said(&self) -> Result<(Contribution, Vec<Token>)> {
        let said: Said = codec::decode(&self.document)?;
        let contribution = Contribution {
            id: self.token()?,
            feed: self.feed.clone(),
            part: self.part.clone(),
            entity: self.kind.clone(),
            as_of: self.as_of()?,
            attributes: said.attributes,
            changed: said.changed,
            changed_at: said.changed_at,
            issues: said.issues,
        };
        Ok((contribution, said.aliases))
    }

    /// Whether it counts.
    pub fn is_live(&self) -> bool {
        self.state == "live"
    }
}

/// All parts under these source keys of a feed, tombstones too.
pub fn of_keys(conn: &mut Conn, feed: &str, keys: &[Vec<u8>]) -> Result<Vec<Row>> {
    in_parts(keys, |keys| {
        Ok(contribution::table
            .filter(contribution::feed.eq(feed))
            .filter(contribution::source_key.eq_any(keys))
            .select(Row::as_select())
            .load(conn)?)
    })
}

/// The hints inspect needs, without documents: (source key, hash, fingerprint, state, marked, as-of).
pub type Hint = (Vec<u8>, Vec<u8>, String, String, bool, i64, i64, Vec<u8>);

/// Whether anything was ever said; tombstones count.
pub fn is_any(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(contribution::table.select(contribution::id))).get_result(conn)?)
}

/// Whether the feed has ever said anything; tombstones count.
pub fn is_any_of(conn: &mut Conn, feed: &str) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(contribution::table.filter(contribution::feed.eq(feed)))).get_result(conn)?)
}

/// Hints of these source keys.
pub fn hints(conn: &mut Conn, feed: &str, keys: &[Vec<u8>]) -> Result<Vec<Hint>> {
    in_parts(keys, |keys| {
        Ok(contribution::table
            .filter(contribution::feed.eq(feed))
            .filter(contribution::source_key.eq_any(keys))
            .select((
                contribution::source_key,
                contribution::hash,
                contribution::fingerprint,
                contribution::state,
                contribution::marked,
                contribution::as_of_instant,
                contribution::as_of_sequence,
                contribution::as_of_digest,
            ))
            .load(conn)?)
    })
}

/// Live contributions that assert one of these person keys.
pub fn live_under_keys(conn: &mut Conn, tokens: &[Vec<u8>]) -> Result<Vec<Row>> {
    in_parts(tokens, |tokens| {
        Ok(live().filter(contribution::key_token.eq_any(tokens)).select(Row::as_select()).load(conn)?)
    })
}

/// Live contributions of these entities.
pub fn live_of_entities(conn: &mut Conn, entities: &[Vec<u8>]) -> Result<Vec<Row>> {
    in_parts(entities, |entities| {
        Ok(live().filter(contribution::entity.eq_any(entities)).select(Row::as_select()).load(conn)?)
    })
}

/// The ids of the live contributions of these entities.
pub fn live_ids_of_entities(conn: &mut Conn, entities: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    in_parts(entities, |entities| {
        Ok(live().filter(contribution::entity.eq_any(entities)).select(contribution::id).load(conn)?)
    })
}

/// The contributions of these ids.
pub fn by_ids(conn: &mut Conn, ids: &[Vec<u8>]) -> Result<Vec<Row>> {
    in_parts(ids, |ids| {
        Ok(contribution::table.filter(contribution::id.eq_any(ids)).select(Row::as_select()).load(conn)?)
    })
}

/// Live contributions of these households.
pub fn live_of_households(conn: &mut Conn, households: &[Vec<u8>]) -> Result<Vec<Row>> {
    in_parts(households, |households| {
        Ok(live().filter(contribution::household.eq_any(households)).select(Row::as_select()).load(conn)?)
    })
}

/// Live contributions that carry one of these aliases, with the alias.
pub fn live_with_aliases(conn: &mut Conn, aliases: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Row)>> {
    in_parts(aliases, |aliases| {
        Ok(contribution_alias::table
            .inner_join(contribution::table.on(contribution::id.eq(contribution_alias::contribution)))
            .filter(contribution_alias::alias.eq_any(aliases))
            .filter(contribution::state.eq("live"))
            .select((contribution_alias::alias, Row::as_select()))
            .load(conn)?)
    })
}

/// The aliases stored beside these contributions, as (contribution, alias).
pub fn aliases_of(conn: &mut Conn, ids: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    in_parts(ids, |ids| {
        Ok(contribution_alias::table
            .filter(contribution_alias::contribution.eq_any(ids))
            .select((contribution_alias::contribution, contribution_alias::alias))
            .load(conn)?)
    })
}

/// Live contributions ordered by id, after `after`: a page of all there is.
pub fn page(conn: &mut Conn, after: &[u8], limit: i64) -> Result<Vec<Row>> {
    Ok(contribution::table
        .filter(contribution::state.eq("live"))
        .filter(contribution::id.gt(after))
        .order(contribution::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?)
}

/// The source keys of a feed's marked contributions.
pub fn marked_keys(conn: &mut Conn, feed: &str) -> Result<Vec<Vec<u8>>> {
    let marked = contribution::table.filter(contribution::feed.eq(feed)).filter(contribution::marked);
    Ok(marked.select(contribution::source_key).distinct().load(conn)?)
}

/// Clears the marks of these source keys.
pub fn unmark(conn: &mut Conn, feed: &str, keys: &[Vec<u8>]) -> Result<()> {
    for keys in keys.chunks(4_000) {
        let marked = contribution::table.filter(contribution::feed.eq(feed)).filter(contribution::marked);
        diesel::update(marked.filter(contribution::source_key.eq_any(keys)))
            .set(contribution::marked.eq(false))
            .execute(conn)?;
    }
    Ok(())
}

/// What a row that came again unchanged sets.
#[diesel::dsl::auto_type(no_type_alias)]
fn confirmed<'a>(as_of: &'a AsOf) -> _ {
    let instant: i64 = as_of.instant;
    let sequence: i64 = as_of.sequence;
    let digest: &'a [u8] = as_of.digest.0.as_slice();
    (
        contribution::as_of_instant.eq(instant),
        contribution::as_of_sequence.eq(sequence),
        contribution::as_of_digest.eq(digest),
        contribution::marked.eq(false),
    )
}

/// Marks the live contributions of these keys that are older than `as_of`: a bad row in a late delivery says nothing of
/// what is newer, nor does one of the delivery that wrote them.
pub fn mark_older(conn: &mut Conn, feed: &str, keys: &[Vec<u8>], as_of: &AsOf) -> Result<()> {
    for keys in keys.chunks(4_000) {
        let found = contribution::table
            .filter(contribution::feed.eq(feed))
            .filter(contribution::source_key.eq_any(keys))
            .filter(contribution::state.eq("live"))
            .filter(older_than(as_of));
        diesel::update(found).set(contribution::marked.eq(true)).execute(conn)?;
    }
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn older_than<'a>(as_of: &'a AsOf) -> _ {
    let sequence: i64 = as_of.sequence;
    let instant: i64 = as_of.instant;
    let digest: &'a [u8] = as_of.digest.0.as_slice();
    let tied = contribution::as_of_sequence.eq(sequence).and(contribution::as_of_digest.lt(digest));
    let same_instant = contribution::as_of_instant.eq(instant).and(contribution::as_of_sequence.lt(sequence).or(tied));
    contribution::as_of_instant.lt(instant).or(same_instant)
}

/// Gives the contributions of these keys a newer as-of: their rows came again unchanged.
pub fn confirm(conn: &mut Conn, feed: &str, keys: &[Vec<u8>], as_of: &AsOf) -> Result<()> {
    for keys in keys.chunks(4_000) {
        diesel::update(
            contribution::table.filter(contribution::feed.eq(feed)).filter(contribution::source_key.eq_any(keys)),
        )
        .set(confirmed(as_of))
        .execute(conn)?;
    }
    Ok(())
}

/// How many live contributions have no entity.
pub fn unresolved(conn: &mut Conn) -> Result<i64> {
    Ok(live().filter(contribution::entity.is_null()).count().get_result(conn)?)
}

/// How many there are, live or ended.
pub fn total(conn: &mut Conn) -> Result<i64> {
    Ok(contribution::table.count().get_result(conn)?)
}

type Live = diesel::dsl::Filter<contribution::table, diesel::dsl::Eq<contribution::state, &'static str>>;

fn live() -> Live {
    contribution::table.filter(contribution::state.eq("live"))
}

/// SQLite takes at most 32,766 values in a statement.
pub(super) fn in_parts<V, T>(values: &[V], mut load: impl FnMut(&[V]) -> Result<Vec<T>>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    for part in values.chunks(8_000) {
        all.append(&mut load(part)?);
    }
    Ok(all)
}
