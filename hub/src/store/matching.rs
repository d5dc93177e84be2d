//! Likeness as stored: the models, the tags under which records are found, and where each record without a usable number
//! stands.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::codec;
use super::conn::{Conn, each_backend};
use super::contribution::in_parts;
use super::schema::{match_key, matching, model};
use crate::error::Result;
use crate::keyring::Tag;
use crate::matching::{Candidate, Frozen};

/// Rows of one statement: SQLite takes at most 32,766 values.
const ROWS: usize = 5_000;

/// A model as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Listed {
    /// From 1.
    pub version: i64,
    /// `filling` (its keys are being made), `active` or `retired`.
    pub state: String,
    /// Who made it.
    pub made_by: String,
    /// When, microseconds since 1970.
    pub made_at: i64,
    /// What it came to, encoded; `None` until that is known.
    pub effect: Option<Vec<u8>>,
}

/// All models, newest first.
pub fn models(conn: &mut Conn) -> Result<Vec<Listed>> {
    let columns = (model::version, model::state, model::made_by, model::made_at, model::effect);
    Ok(model::table.order(model::version.desc()).select(columns).load(conn)?)
}

/// The versions of the models that are not over, each with whether it is the active one.
pub fn standing_models(conn: &mut Conn) -> Result<Vec<(i64, bool)>> {
    let standing = model::table.filter(model::state.ne("retired"));
    Ok(standing.select((model::version, model::state.eq("active"))).load(conn)?)
}

/// A model's document.
pub fn frozen(conn: &mut Conn, version: i64) -> Result<Frozen> {
    let document: Vec<u8> = model::table.find(version).select(model::document).first(conn)?;
    codec::decode(&document)
}

/// Stores a new model, whose keys are made from now on. Returns its version.
pub fn begin_model(conn: &mut Conn, frozen: &Frozen, by: &str, now: i64) -> Result<i64> {
    let last: Option<i64> = model::table.select(diesel::dsl::max(model::version)).first(conn)?;
    let version = last.unwrap_or(0) + 1;
    let document = codec::encode(frozen)?;
    let row = (
        model::version.eq(version),
        model::state.eq("filling"),
        model::document.eq(document),
        model::made_by.eq(by),
        model::made_at.eq(now),
    );
    each_backend!(conn, |c| diesel::insert_into(model::table).values(row).execute(c))?;
    Ok(version)
}

/// Stores a model whose keys are made as it is from now on.
pub fn finish_model(conn: &mut Conn, version: i64, frozen: &Frozen) -> Result<()> {
    let document = codec::encode(frozen)?;
    diesel::update(model::table.find(version)).set(model::document.eq(document)).execute(conn)?;
    Ok(())
}

/// Notes what a model came to.
pub fn note_effect(conn: &mut Conn, version: i64, effect: &impl Serialize) -> Result<()> {
    let effect = codec::encode(effect)?;
    diesel::update(model::table.find(version)).set(model::effect.eq(effect)).execute(conn)?;
    Ok(())
}

/// Makes a model the active one; the one before is retired.
pub fn activate(conn: &mut Conn, version: i64) -> Result<()> {
    diesel::update(model::table.filter(model::version.ne(version))).set(model::state.eq("retired")).execute(conn)?;
    diesel::update(model::table.find(version)).set(model::state.eq("active")).execute(conn)?;
    Ok(())
}

/// Takes back a model whose keys are being made.
pub fn abandon(conn: &mut Conn) -> Result<()> {
    let filling = model::table.filter(model::state.eq("filling"));
    diesel::update(filling).set(model::state.eq("retired")).execute(conn)?;
    Ok(())
}

/// Forgets some keys of all models but these; how many.
pub fn forget_other_keys(conn: &mut Conn, keep: &[i64]) -> Result<usize> {
    let tags: Vec<Tag> =
        match_key::table.filter(match_key::model.ne_all(keep)).select(match_key::tag).limit(ROWS as i64).load(conn)?;
    Ok(diesel::delete(match_key::table.filter(match_key::model.ne_all(keep)).filter(match_key::tag.eq_any(tags)))
        .execute(conn)?)
}

/// A tag under which a contribution is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable, Insertable)]
#[diesel(table_name = match_key, treat_none_as_default_value = false)]
pub struct Key {
    /// The tag.
    pub tag: Tag,
    /// The contribution.
    pub contribution: Vec<u8>,
    /// The model it was made under.
    pub model: i64,
    /// Whether the contribution is about nobody by its keys.
    pub loose: bool,
}

impl Key {
    /// The keys of a contribution under these tags of a model.
    pub fn all<'a>(
        contribution: &'a [u8],
        tags: impl IntoIterator<Item = &'a Tag> + 'a,
        (model, loose): (i64, bool),
    ) -> impl Iterator<Item = Self> + 'a {
        let key = move |tag: &Tag| Self { tag: *tag, contribution: contribution.to_vec(), model, loose };
        tags.into_iter().map(key)
    }
}

/// The keys under these tags, of contributions that are loose or not.
pub fn under(conn: &mut Conn, tags: &[Tag], loose: bool) -> Result<Vec<Key>> {
    in_parts(tags, |tags| {
        let found = match_key::table.filter(match_key::tag.eq_any(tags)).select(Key::as_select());
        Ok(if loose {
            found.filter(match_key::loose).load(conn)?
        } else {
            found.filter(match_key::loose.eq(false)).load(conn)?
        })
    })
}

/// How many loose contributions are under each of these tags, where any are.
pub fn loose_under(conn: &mut Conn, tags: &[Tag]) -> Result<Vec<(Tag, i64)>> {
    in_parts(tags, |tags| {
        Ok(match_key::table
            .filter(match_key::tag.eq_any(tags))
            .filter(match_key::loose)
            .group_by(match_key::tag)
            .select((match_key::tag, diesel::dsl::count_star()))
            .load(conn)?)
    })
}

/// Those of these keys that are stored just so.
pub fn there(conn: &mut Conn, keys: &[Key]) -> Result<BTreeSet<Key>> {
    let tags: BTreeSet<Tag> = keys.iter().map(|key| key.tag).collect();
    let found = in_parts(&tags.into_iter().collect::<Vec<_>>(), |tags| {
        Ok(match_key::table.filter(match_key::tag.eq_any(tags)).select(Key::as_select()).load(conn)?)
    })?;
    let wanted: BTreeSet<&Key> = keys.iter().collect();
    Ok(found.into_iter().filter(|key| wanted.contains(key)).collect())
}

/// How many keys a model has.
pub fn keys_of(conn: &mut Conn, version: i64) -> Result<i64> {
    Ok(match_key::table.filter(match_key::model.eq(version)).count().get_result(conn)?)
}

/// Where a record without a usable number stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = matching, treat_none_as_default_value = false)]
pub struct Matching {
    /// The contribution.
    pub contribution: Vec<u8>,
    /// `joined` or `review`.
    pub state: String,
    /// The likeliest person.
    pub entity: Vec<u8>,
    /// The version of the model that says so.
    pub model: i64,
    /// Since when it says this, microseconds since 1970.
    pub since: i64,
    /// The encoded [`Document`].
    pub document: Vec<u8>,
}

/// What a [`Matching`] keeps besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Whom it may be about, the likeliest first.
    pub candidates: Vec<Candidate>,
}

impl Matching {
    /// Whom it may be about, the likeliest first.
    pub fn candidates(&self) -> Result<Vec<Candidate>> {
        candidates(&self.document)
    }

    /// What is said of a contribution under a model; `None` without a candidate.
    pub fn of(
        contribution: &[u8],
        (state, candidates): (&str, Vec<Candidate>),
        (model, since): (i64, i64),
    ) -> Result<Option<Self>> {
        let Some(best) = candidates.first() else { return Ok(None) };
        Ok(Some(Self {
            contribution: contribution.to_vec(),
            state: state.to_owned(),
            entity: best.entity.to_vec(),
            model,
            since,
            document: codec::encode(&Document { candidates })?,
        }))
    }

    /// Whether two say the same; since when does not count.
    pub fn says(&self, other: &Self) -> bool {
        (&self.state, &self.entity, self.model, &self.document)
            == (&other.state, &other.entity, other.model, &other.document)
    }
}

/// Where these contributions stand.
pub fn standing(conn: &mut Conn, contributions: &[Vec<u8>]) -> Result<Vec<Matching>> {
    in_parts(contributions, |ids| {
        Ok(matching::table.filter(matching::contribution.eq_any(ids)).select(Matching::as_select()).load(conn)?)
    })
}

/// Those in a state, oldest first, after `after` (since, contribution).
pub fn list(conn: &mut Conn, state: &str, after: Option<(i64, Vec<u8>)>, limit: i64) -> Result<Vec<Matching>> {
    let mut query = matching::table.filter(matching::state.eq(state.to_owned())).into_boxed();
    if let Some((since, contribution)) = after {
        let same = matching::since.eq(since).and(matching::contribution.gt(contribution));
        query = query.filter(matching::since.gt(since).or(same));
    }
    let ordered = query.order((matching::since, matching::contribution)).limit(limit);
    Ok(ordered.select(Matching::as_select()).load(conn)?)
}

/// Some of those in a state, from a place on that is as good as any: ids say nothing of what they are of, so these are a
/// random sample.
pub fn sample(conn: &mut Conn, state: &str, from: &[u8], limit: i64) -> Result<Vec<Matching>> {
    let in_state = || matching::table.filter(matching::state.eq(state.to_owned())).select(Matching::as_select());
    let mut found: Vec<Matching> =
        in_state().filter(matching::contribution.ge(from)).order(matching::contribution).limit(limit).load(conn)?;
    let more = limit - found.len() as i64;
    let before = in_state().filter(matching::contribution.lt(from)).order(matching::contribution).limit(more);
    found.extend(before.load(conn)?);
    Ok(found)
}

/// How many are in a state.
pub fn count(conn: &mut Conn, state: &str) -> Result<i64> {
    Ok(matching::table.filter(matching::state.eq(state)).count().get_result(conn)?)
}

/// Whom a stored [`Document`] names, the likeliest first.
pub fn candidates(document: &[u8]) -> Result<Vec<Candidate>> {
    Ok(codec::decode::<Document>(document)?.candidates)
}

/// What a transaction changes of all this.
#[derive(Debug, Default)]
pub struct Changes {
    /// Contributions whose keys are replaced.
    pub rekeyed: Vec<Vec<u8>>,
    /// All tags under which these were found.
    pub forgotten: Vec<Tag>,
    /// Their keys from now on, and those of new ones.
    pub keys: Vec<Key>,
    /// Contributions that stand nowhere, or elsewhere, from now on.
    pub moved: Vec<Vec<u8>>,
    /// Where those stand that stand somewhere.
    pub standing: Vec<Matching>,
}

impl Changes {
    /// Replaces the keys of a contribution under one model.
    pub fn rekey(&mut self, contribution: &[u8], (before, was_there): (&[Tag], bool), after: &[Tag], of: (i64, bool)) {
        if was_there {
            self.rekeyed.push(contribution.to_vec());
            self.forgotten.extend(before);
        }
        self.keys.extend(Key::all(contribution, after, of));
    }
}

/// Keys that SQLite takes in one statement, which is faster than one by one.
const TOGETHER: usize = 128;

/// Stores the changes.
pub fn write(conn: &mut Conn, mut changes: Changes) -> Result<()> {
    // All that stands under these tags and belongs to one of these goes: both lists are whole.
    for tags in changes.forgotten.chunks(ROWS) {
        let under = match_key::table.filter(match_key::tag.eq_any(tags));
        for ids in changes.rekeyed.chunks(ROWS) {
            diesel::delete(under.clone().filter(match_key::contribution.eq_any(ids))).execute(conn)?;
        }
    }
    for ids in changes.moved.chunks(ROWS) {
        diesel::delete(matching::table.filter(matching::contribution.eq_any(ids))).execute(conn)?;
    }
    // In the order of their index: what is next to each other there is written one after the other.
    changes.keys.sort_unstable();
    match conn {
        Conn::Pg(c) => {
            if !changes.keys.is_empty() {
                diesel::copy_from(match_key::table).from_insertable(&changes.keys).execute(c)?;
            }
            for rows in changes.standing.chunks(ROWS) {
                diesel::insert_into(matching::table).values(rows).execute(c)?;
            }
        }
        Conn::Sqlite(c) => {
            for keys in changes.keys.chunks(TOGETHER) {
                diesel::insert_into(match_key::table).values(keys).execute(c)?;
            }
            for row in &changes.standing {
                diesel::insert_into(matching::table).values(row).execute(c)?;
            }
        }
    }
    Ok(())
}

/// The tags under which loose contributions will be found.
pub fn loose_tags(changes: &Changes) -> impl Iterator<Item = Tag> {
    changes.keys.iter().filter(|key| key.loose).map(|key| key.tag)
}
