//! From changed contributions to changed entities, inside one transaction of the writer: resolve again all that a change may
//! touch, merge the entities it touches, and append a version where the golden document is another.
//!
//! What is stored afterwards is a function of the live contributions and the standing decisions; the changed ones only say
//! where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::known::{self, Known};
use super::likeness::{self, Models};
use super::links::{self, Decisions, Touched};
use super::spread::spread;
use super::working::{Fresh, Working};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, HOUSEHOLD, RESIDENT};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::merge;
use crate::resolve::Decided;
use crate::store::bulk::{self, Writes};
use crate::store::entity::{self, Entity, Version};
use crate::store::{Change, Conn, codec, matching};

/// What the document of a resident who was merged into another says, and all it says: the other's id.
pub const MERGED_INTO: &str = "merged_into";

/// The rules and the secret golden records are made with.
pub struct Rules<'a> {
    /// Makes tokens.
    pub keyring: &'a Keyring,
    /// How residents are keyed and merged.
    pub resident: &'a EntitySchema,
    /// How households are keyed and merged.
    pub household: &'a EntitySchema,
    /// What the store may hold, where that is known.
    pub known: Option<Arc<Known>>,
    /// The models of likeness.
    pub models: &'a Models,
}

impl Rules<'_> {
    /// Whether the store may hold a token; `false` is certain.
    pub fn may_hold(&self, token: &[u8]) -> bool {
        known::may_hold(self.known.as_deref(), token)
    }
}

/// A golden document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// Encoded.
    pub document: Vec<u8>,
    /// The community it names.
    pub community: Option<String>,
}

impl Golden {
    /// Encodes a document, where there is one.
    pub fn made(document: Option<Map<String, Value>>) -> Result<Option<Self>> {
        document.map(|document| Self::of(&document)).transpose()
    }

    /// Encodes a document.
    pub fn of(document: &Map<String, Value>) -> Result<Self> {
        let community = document.get("community").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { document: codec::encode(document)?, community })
    }
}

/// The id of the entity of a kind and token: opaque, and the same in every store of one secret.
pub fn entity_id(keyring: &Keyring, kind: &str, token: Token) -> Result<Token> {
    keyring.token("entity", &[kind, &token.to_string()])
}

/// Resolves and merges all that the fresh contributions and `touched` reach, and stores the outcome. Returns how many
/// versions were appended.
pub fn settle(
    rules: &Rules,
    change: &mut Change<'_>,
    fresh: Vec<Fresh>,
    mut touched: Touched,
    delivery: &str,
) -> Result<u64> {
    for one in &fresh {
        touched.add(&one.row, &one.aliases)?;
        if let Some((before, aliases)) = &one.before {
            touched.add(before, aliases)?;
        }
    }
    let mut working = Working::of(fresh, rules.known.clone())?;
    let (mut decisions, matched) = links::resettle(rules, change.conn, (&mut working, &mut touched), change.now)?;
    let mut appended = merge_residents(rules, change, (&mut working, &mut decisions), &touched, delivery)?;
    appended.extend(merge_households(rules, change, &mut working, &touched, delivery)?);
    let count = appended.len() as u64;
    let mut writes = working.into_writes(change.now);
    likeness::remember(change.conn, &mut writes.left)?;
    appended.into_iter().for_each(|(entity, version)| writes.append(entity, version));
    if let Some(known) = &rules.known {
        note(known, &writes);
        matching::loose_tags(&matched).for_each(|tag| known.note_tag(tag));
    }
    bulk::write(change.conn, &writes)?;
    matching::write(change.conn, matched)?;
    Ok(count)
}

/// Notes all tokens that are looked up by. A transaction that fails leaves some that are not stored, which costs a look-up.
fn note(known: &Known, writes: &Writes) {
    for row in &writes.contributions {
        known.note(&row.source_key);
        [&row.key_token, &row.household, &row.entity].into_iter().flatten().for_each(|token| known.note(token));
    }
    writes.moved.iter().flat_map(|moved| &moved.entity).for_each(|token| known.note(token));
    writes.aliases.iter().for_each(|carried| known.note(&carried.alias));
    writes.entities.iter().for_each(|entity| known.note(&entity.id));
}

fn merge_residents(
    rules: &Rules,
    change: &mut Change<'_>,
    (working, decisions): (&mut Working, &mut Decisions),
    touched: &Touched,
    delivery: &str,
) -> Result<Vec<(Entity, Version)>> {
    let ids: BTreeSet<Token> = touched.entities().keys().copied().collect();
    let groups = working.of_entities(change.conn, &ids)?;
    let standing = standing(rules, change.conn, touched.entities())?;
    let mut gone = Vec::new();
    for (entity, _) in standing.values() {
        let places = groups.get(&Token::from_slice(&entity.id)?).into_iter().flatten();
        if !places.into_iter().any(|place| links::founds(&working.at(*place).row.link)) {
            gone.push(Token::from_slice(&entity.token)?);
        }
    }
    decisions.learn(change.conn, gone.iter().copied())?;
    working.by_ids(change.conn, &gone.iter().copied().collect())?;
    let working = &*working;
    let mut endings = HashMap::new();
    for token in gone {
        let elsewhere = working.entity_of(&token)?;
        endings.insert(token.to_vec(), ended_resident(rules.keyring, decisions.found(), (token, elsewhere))?);
    }
    let golden = |id: Token| {
        let places = groups.get(&id).map_or(&[][..], Vec::as_slice);
        if let [place] = places
            && let Some(golden) = working.at(*place).golden_alone()
        {
            return Ok(Some(golden.clone()));
        }
        let links = places.iter().map(|place| working.at(*place).row.link.as_str());
        let linked: Vec<Joined> = working.all_said(places)?.into_iter().zip(links).collect();
        Golden::made(golden_resident(rules, &linked)?)
    };
    append(change, Cause { kind: RESIDENT, delivery }, (touched.entities(), &standing), (&golden, &endings))
}

/// A contribution and the link by which it belongs to an entity.
pub type Joined<'a> = (&'a Contribution, &'a str);

/// A resident's golden document; `None` where nobody's contribution founds the person: then there is no such entity.
pub fn golden_resident(rules: &Rules, joined: &[Joined]) -> Result<Option<Map<String, Value>>> {
    if !joined.iter().any(|(_, link)| links::founds(link)) {
        return Ok(None);
    }
    let linked: Vec<merge::Linked> = joined.iter().map(|(said, link)| (*said, links::is_by_key(link))).collect();
    merge::resident(rules.resident, rules.keyring, &linked).map(Some)
}

/// What stands of a resident who has ended (of this token; the contribution they were named after is of an entity
/// `elsewhere` now, where there is one): into whom they were merged or have gone.
pub fn ended_resident(
    keyring: &Keyring,
    decided: &Decided,
    (token, elsewhere): (Token, Option<Token>),
) -> Result<Map<String, Value>> {
    let person = decided.person(token);
    let into = if person == token { elsewhere } else { Some(entity_id(keyring, RESIDENT, person)?) };
    let into = into.map(|into| (MERGED_INTO.to_owned(), Value::String(into.to_string())));
    Ok(into.into_iter().collect())
}

fn merge_households(
    rules: &Rules,
    change: &mut Change<'_>,
    working: &mut Working,
    touched: &Touched,
    delivery: &str,
) -> Result<Vec<(Entity, Version)>> {
    let groups = working.of_households(change.conn, touched.households())?;
    let id = |token: &Token| Ok((entity_id(rules.keyring, HOUSEHOLD, *token)?, Some(*token)));
    let ids: BTreeMap<Token, Option<Token>> = touched.households().iter().map(id).collect::<Result<_>>()?;
    let golden = |id: Token| {
        let token = ids.get(&id).copied().flatten();
        let places = token.and_then(|token| groups.get(&token)).map_or(&[][..], Vec::as_slice);
        Golden::made(golden_household(rules, &working.all_said(places)?)?)
    };
    let standing = standing(rules, change.conn, &ids)?;
    append(change, Cause { kind: HOUSEHOLD, delivery }, (&ids, &standing), (&golden, &Endings::new()))
}

/// A household's golden document; `None` where it has no member.
pub fn golden_household(rules: &Rules, members: &[&Contribution]) -> Result<Option<Map<String, Value>>> {
    if members.is_empty() {
        return Ok(None);
    }
    merge::household(rules.household, rules.keyring, rules.resident, members).map(Some)
}

/// What entities are of, and what changes them.
#[derive(Clone, Copy)]
struct Cause<'a> {
    kind: &'a str,
    delivery: &'a str,
}

type Merging<'a> = dyn Fn(Token) -> Result<Option<Golden>> + Sync + 'a;
/// Entities as they stand in the store, by id.
type Stands = HashMap<Vec<u8>, (Entity, Version)>;
/// What stands of entities once they have ended, by token; of others nothing does.
type Endings = HashMap<Vec<u8>, Map<String, Value>>;

fn standing(rules: &Rules, conn: &mut Conn, ids: &BTreeMap<Token, Option<Token>>) -> Result<Stands> {
    let listed: Vec<Vec<u8>> = ids.keys().filter(|id| rules.may_hold(&id.0)).map(|id| id.to_vec()).collect();
    Ok(entity::current(conn, &listed)?.into_iter().map(|pair| (pair.0.id.clone(), pair)).collect())
}

/// Appends a version to every entity (its id, and the token that makes it) whose golden document is another than the one that stands.
fn append(
    change: &mut Change<'_>,
    cause: Cause<'_>,
    (ids, standing): (&BTreeMap<Token, Option<Token>>, &Stands),
    (golden, endings): (&Merging, &Endings),
) -> Result<Vec<(Entity, Version)>> {
    let Cause { kind, delivery } = cause;
    let mut appended = Vec::new();
    let ids: Vec<(&Token, &Option<Token>)> = ids.iter().collect();
    let made = spread(&ids, |(id, _)| {
        let after = golden(**id)?;
        let state = if after.is_some() { "live" } else { "ended" };
        let Some((entity, version)) = standing.get(id.0.as_slice()) else { return Ok(after.map(|news| (state, news))) };
        let after = match after {
            Some(after) => after,
            None => Golden::of(endings.get(&entity.token).unwrap_or(&Map::new()))?,
        };
        Ok(is_news(entity, version, state, &after)?.then_some((state, after)))
    })?;
    for ((id, token), made) in ids.into_iter().zip(made) {
        let Some((state, Golden { document, community })) = made else { continue };
        let before = standing.get(id.0.as_slice());
        let number = before.map_or(1, |(entity, _)| entity.version + 1);
        let token = before.map(|(entity, _)| entity.token.clone()).or_else(|| token.map(Token::to_vec));
        let seq = change.take_seq();
        let entity = Entity {
            id: id.to_vec(),
            kind: kind.to_owned(),
            token: token.unwrap_or_default(),
            state: state.to_owned(),
            version: number,
            seq,
            community,
            changed_at: change.now,
        };
        let version = Version {
            entity: id.to_vec(),
            version: number,
            seq,
            kind: kind.to_owned(),
            state: state.to_owned(),
            at: change.now,
            delivery: delivery.to_owned(),
            document,
        };
        appended.push((entity, version));
    }
    Ok(appended)
}

/// Whether the golden document says another thing than the one that stands.
fn is_news(entity: &Entity, version: &Version, state: &str, golden: &Golden) -> Result<bool> {
    // Other bytes are compared decoded: the codec may change, the content counts.
    let same = entity.state == state
        && (version.document == golden.document
            || codec::decode::<Map<String, Value>>(&version.document)? == codec::decode(&golden.document)?);
    Ok(!same)
}
