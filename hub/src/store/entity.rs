//! Entities and their versions. A version is written once and never changed; changes, relay, history and as-of read it.

use std::collections::HashMap;

use diesel::prelude::*;

use super::conn::Conn;
use super::contribution::in_parts;
use super::foundation;
use super::schema::{entity, entity_version};
use crate::error::{Error, Kind, Result};

/// An entity: its identity and which version stands.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = entity, treat_none_as_default_value = false)]
pub struct Entity {
    /// Opaque and stable, 16 bytes.
    pub id: Vec<u8>,
    /// `resident` or `household`.
    pub kind: String,
    /// Token of the person key or the household number.
    pub token: Vec<u8>,
    /// `live` or `ended`.
    pub state: String,
    /// The version that stands.
    pub version: i64,
    /// Its `seq`.
    pub seq: i64,
    /// Its community, 12 digits.
    pub community: Option<String>,
    /// Microseconds since 1970.
    pub changed_at: i64,
}

/// One version: the golden document at one `seq`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = entity_version, treat_none_as_default_value = false)]
pub struct Version {
    /// The entity.
    pub entity: Vec<u8>,
    /// From 1, without gaps.
    pub version: i64,
    /// Gap-free over all entities, in commit order.
    pub seq: i64,
    /// `resident` or `household`.
    pub kind: String,
    /// `live` or `ended`.
    pub state: String,
    /// Microseconds since 1970.
    pub at: i64,
    /// The delivery that caused it; `rebuild` for a rebuild.
    pub delivery: String,
    /// The encoded golden document.
    pub document: Vec<u8>,
}

/// What is said where there is no resident of an id.
pub fn no_resident() -> Error {
    Error::new(Kind::NotFound, "there is no such resident").coded("resident-unknown", "没有这个居民。")
}

/// Whether there is or ever was an entity.
pub fn is_any(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(entity::table.select(entity::id))).get_result(conn)?)
}

/// These entities with their standing versions.
pub fn current(conn: &mut Conn, ids: &[Vec<u8>]) -> Result<Vec<(Entity, Version)>> {
    in_parts(ids, |ids| {
        Ok(standing().filter(entity::id.eq_any(ids)).select((Entity::as_select(), Version::as_select())).load(conn)?)
    })
}

/// The entities of these tokens, with their standing versions.
pub fn by_tokens(conn: &mut Conn, kind: &str, tokens: &[Vec<u8>]) -> Result<Vec<(Entity, Version)>> {
    in_parts(tokens, |tokens| {
        Ok(standing()
            .filter(entity::kind.eq(kind))
            .filter(entity::token.eq_any(tokens))
            .select((Entity::as_select(), Version::as_select()))
            .load(conn)?)
    })
}

/// What [`page`] looks for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// The kind.
    pub kind: String,
    /// Only of these communities.
    pub communities: Option<Vec<String>>,
    /// Only changed at or after this moment, microseconds since 1970.
    pub changed_since: Option<i64>,
    /// Only after this id.
    pub after: Vec<u8>,
    /// At most so many.
    pub limit: i64,
}

/// Live entities in the order of their ids: a cursor is stable however much is written meanwhile.
pub fn page(conn: &mut Conn, filter: &Filter) -> Result<Vec<(Entity, Version)>> {
    let mut query = standing()
        .filter(entity::kind.eq(filter.kind.clone()))
        .filter(entity::state.eq("live"))
        .filter(beyond(&filter.after))
        .order(entity::id)
        .limit(filter.limit)
        .into_boxed();
    if let Some(communities) = &filter.communities {
        query = query.filter(entity::community.eq_any(communities.clone()));
    }
    if let Some(since) = filter.changed_since {
        query = query.filter(entity::changed_at.ge(since));
    }
    Ok(query.select((Entity::as_select(), Version::as_select())).load(conn)?)
}

/// The latest `seq` at or before a moment; 0 before the first.
pub fn seq_at(conn: &mut Conn, at: i64) -> Result<i64> {
    let found: Option<i64> = entity_version::table
        .filter(entity_version::at.le(at))
        .select(diesel::dsl::max(entity_version::seq))
        .first(conn)?;
    Ok(found.unwrap_or(0))
}

/// All versions of an entity, oldest first.
pub fn history(conn: &mut Conn, id: &[u8]) -> Result<Vec<Version>> {
    Ok(entity_version::table
        .filter(entity_version::entity.eq(id))
        .order(entity_version::version)
        .select(Version::as_select())
        .load(conn)?)
}

/// The version of an entity that stood at a moment; `None` before its first. An error where versions of then are forgotten.
pub fn version_at(conn: &mut Conn, id: &[u8], at: i64) -> Result<Option<Version>> {
    if seq_at(conn, at)? < foundation::get(conn)?.pruned_seq {
        return Err(Error::new(Kind::Gone, "what stood then is not kept any longer")
            .coded("past-not-kept", "该时点的数据已超过保留期限。"));
    }
    Ok(entity_version::table
        .filter(entity_version::entity.eq(id))
        .filter(entity_version::at.le(at))
        .order(entity_version::version.desc())
        .select(Version::as_select())
        .first(conn)
        .optional()?)
}

/// When the version of a `seq` came.
pub fn moment_of(conn: &mut Conn, seq: i64) -> Result<Option<i64>> {
    Ok(entity_version::table.filter(entity_version::seq.eq(seq)).select(entity_version::at).first(conn).optional()?)
}

/// Versions after a `seq`, in its order.
pub fn changes(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Version>> {
    Ok(entity_version::table
        .filter(entity_version::seq.gt(after))
        .order(entity_version::seq)
        .limit(limit)
        .select(Version::as_select())
        .load(conn)?)
}

/// The versions just before the given ones: (entity, version) pairs that exist.
pub fn previous(conn: &mut Conn, of: &[Version]) -> Result<Vec<Version>> {
    let (ids, numbers) = numbers_before(of);
    in_parts(&ids, |ids| {
        Ok(entity_version::table
            .filter(entity_version::entity.eq_any(ids))
            .filter(entity_version::version.eq_any(&numbers))
            .select(Version::as_select())
            .load(conn)?)
    })
}

/// Entity, version and state of the versions just before the given ones, without their documents.
pub fn previous_states(conn: &mut Conn, of: &[Version]) -> Result<Vec<(Vec<u8>, i64, String)>> {
    let (ids, numbers) = numbers_before(of);
    in_parts(&ids, |ids| {
        Ok(entity_version::table
            .filter(entity_version::entity.eq_any(ids))
            .filter(entity_version::version.eq_any(&numbers))
            .select((entity_version::entity, entity_version::version, entity_version::state))
            .load(conn)?)
    })
}

/// Whose earlier versions are looked for, and their numbers, each once.
fn numbers_before(of: &[Version]) -> (Vec<Vec<u8>>, Vec<i64>) {
    let later = || of.iter().filter(|version| version.version > 1);
    let mut numbers: Vec<i64> = later().map(|version| version.version - 1).collect();
    numbers.sort_unstable();
    numbers.dedup();
    (later().map(|version| version.entity.clone()).collect(), numbers)
}

/// The version of each entity that stood at a `seq`, in the order of ids, after `after`; and the last id that was looked
/// at, none past the end.
pub fn page_at_seq(conn: &mut Conn, seq: i64, after: &[u8], limit: i64) -> Result<(Vec<Version>, Option<Vec<u8>>)> {
    let page: Vec<Version> =
        standing().filter(beyond(after)).order(entity::id).limit(limit).select(Version::as_select()).load(conn)?;
    let last = page.last().map(|version| version.entity.clone());
    Ok((stood_at(conn, seq, page)?, last))
}

/// As [`page_at_seq`], of what [`page`] looks for. Who was of another community then, or changed later, is among them if
/// it has changed since; the caller looks at what stood.
pub fn filtered_at_seq(conn: &mut Conn, seq: i64, filter: &Filter) -> Result<(Vec<Version>, Option<Vec<u8>>)> {
    let since = entity::seq.gt(seq);
    let mut query = standing()
        .filter(entity::kind.eq(filter.kind.clone()))
        .filter(entity::state.eq("live").or(since))
        .filter(beyond(&filter.after))
        .order(entity::id)
        .limit(filter.limit)
        .into_boxed();
    if let Some(communities) = &filter.communities {
        query = query.filter(entity::community.eq_any(communities.clone()).or(since));
    }
    if let Some(moment) = filter.changed_since {
        query = query.filter(entity::changed_at.ge(moment));
    }
    let page: Vec<Version> = query.select(Version::as_select()).load(conn)?;
    let last = page.last().map(|version| version.entity.clone());
    Ok((stood_at(conn, seq, page)?, last))
}

/// The versions that stood at a `seq`, given those that stand now, in the same order. Who came later is left out.
fn stood_at(conn: &mut Conn, seq: i64, standing: Vec<Version>) -> Result<Vec<Version>> {
    let moved: Vec<Vec<u8>> =
        standing.iter().filter(|version| version.seq > seq).map(|version| version.entity.clone()).collect();
    if moved.is_empty() {
        return Ok(standing);
    }
    let earlier: Vec<Version> = in_parts(&moved, |ids| {
        Ok(entity_version::table
            .filter(entity_version::entity.eq_any(ids))
            .filter(entity_version::seq.le(seq))
            .select(Version::as_select())
            .load(conn)?)
    })?;
    let mut stood: HashMap<Vec<u8>, Version> = HashMap::new();
    for version in earlier {
        let later = stood.get(&version.entity).is_none_or(|known| known.version < version.version);
        if later {
            stood.insert(version.entity.clone(), version);
        }
    }
    let at_seq = |version: Version| if version.seq > seq { stood.remove(&version.entity) } else { Some(version) };
    Ok(standing.into_iter().filter_map(at_seq).collect())
}

/// Live entities of a kind, in all or in one community.
pub fn count(conn: &mut Conn, kind: &str, community: Option<&str>) -> Result<i64> {
    let mut query = entity::table.filter(entity::kind.eq(kind)).filter(entity::state.eq("live")).into_boxed();
    if let Some(community) = community {
        query = query.filter(entity::community.eq(community));
    }
    Ok(query.count().get_result(conn)?)
}

/// How many communities have a live resident.
pub fn communities(conn: &mut Conn) -> Result<i64> {
    Ok(entity::table
        .filter(entity::kind.eq("resident"))
        .filter(entity::state.eq("live"))
        .select(diesel::dsl::count(entity::community).aggregate_distinct())
        .first(conn)?)
}

/// All entities with their standing versions, ended ones too, in the order of their ids.
pub fn all_after(conn: &mut Conn, after: &[u8], limit: i64) -> Result<Vec<(Entity, Version)>> {
    Ok(standing()
        .filter(beyond(after))
        .order(entity::id)
        .limit(limit)
        .select((Entity::as_select(), Version::as_select()))
        .load(conn)?)
}

/// How many versions there have been, and the last `seq`. What may have been pruned counts as it was.
pub fn sequence(conn: &mut Conn) -> Result<(i64, i64)> {
    let pruned = foundation::get(conn)?.pruned_seq;
    let count: i64 = entity_version::table.filter(entity_version::seq.gt(pruned)).count().get_result(conn)?;
    let last: Option<i64> = entity_version::table.select(diesel::dsl::max(entity_version::seq)).first(conn)?;
    Ok((pruned + count, last.unwrap_or(0).max(pruned)))
}

type Standing = diesel::dsl::InnerJoin<entity::table, diesel::dsl::On<entity_version::table, SameVersion>>;
type SameVersion = diesel::dsl::And<
    diesel::dsl::Eq<entity_version::entity, entity::id>,
    diesel::dsl::Eq<entity_version::version, entity::version>,
>;

type Beyond = diesel::dsl::And<diesel::dsl::Gt<entity::id, Vec<u8>>, diesel::dsl::Gt<entity_version::entity, Vec<u8>>>;

/// What comes after an id in [`standing`]. Said of both tables: PostgreSQL does not conclude the one from the other, and would
/// go through all versions from the first for each page of a merge join.
fn beyond(id: &[u8]) -> Beyond {
    entity::id.gt(id.to_vec()).and(entity_version::entity.gt(id.to_vec()))
}

fn standing() -> Standing {
    entity::table.inner_join(
        entity_version::table
            .on(entity_version::entity.eq(entity::id).and(entity_version::version.eq(entity::version))),
    )
}

/// These entities, without their documents.
pub fn rows(conn: &mut Conn, ids: &[Vec<u8>]) -> Result<Vec<Entity>> {
    in_parts(ids, |ids| Ok(entity::table.filter(entity::id.eq_any(ids)).select(Entity::as_select()).load(conn)?))
}

/// All versions of these entities, in no order.
pub fn versions_of(conn: &mut Conn, ids: &[Vec<u8>]) -> Result<Vec<Version>> {
    in_parts(ids, |ids| {
        Ok(entity_version::table.filter(entity_version::entity.eq_any(ids)).select(Version::as_select()).load(conn)?)
    })
}

/// The last `seq` of the transaction that appended this version: those after it with the same moment and cause.
pub fn transaction_end(conn: &mut Conn, of: &Version) -> Result<i64> {
    let other: Option<i64> = entity_version::table
        .filter(entity_version::seq.gt(of.seq))
        .filter(entity_version::at.ne(of.at).or(entity_version::delivery.ne(&of.delivery)))
        .order(entity_version::seq)
        .select(entity_version::seq)
        .first(conn)
        .optional()?;
    if let Some(other) = other {
        return Ok(other - 1);
    }
    let last: Option<i64> = entity_version::table.select(diesel::dsl::max(entity_version::seq)).first(conn)?;
    Ok(last.unwrap_or(of.seq))
}

/// The last `seq`; 0 before the first.
pub fn last_seq(conn: &mut Conn) -> Result<i64> {
    let last: Option<i64> = entity_version::table.select(diesel::dsl::max(entity_version::seq)).first(conn)?;
    Ok(last.unwrap_or(0))
}

/// One version of an entity.
pub fn version(conn: &mut Conn, id: &[u8], number: i64) -> Result<Option<Version>> {
    Ok(entity_version::table.find((id, number)).select(Version::as_select()).first(conn).optional()?)
}
