//! From changed contributions to changed entities, inside one transaction of the writer: resolve again all that a change may
//! touch, merge the entities it touches, and append a version where the golden document is another.
//!
//! What is stored afterwards is a function of the live contributions alone; the changed ones only say where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::known::{self, Known};
use super::spread::spread;
use super::working::{Fresh, Working};
use crate::contribution::Contribution;
use crate::entity::EntitySchema;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::merge;
use crate::resolve::{self, AliasMeaning, Claims, Link, Standing};
use crate::store::bulk::{self, Writes};
use crate::store::contribution::Row;
use crate::store::entity::{self, Entity, Version};
use crate::store::{Change, Conn, codec};

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

/// Where a change may reach: tokens of contributions before and after it.
#[derive(Debug, Default)]
pub struct Touched {
    keys: BTreeSet<Token>,
    aliases: BTreeSet<Token>,
    households: BTreeSet<Token>,
    /// Entities, each with the person key that makes its id, where that is known.
    entities: BTreeMap<Token, Option<Token>>,
}

impl Touched {
    /// Adds a contribution as it was or as it is.
    fn add(&mut self, row: &Row, aliases: &[Token]) -> Result<()> {
        let read = |token: &Option<Vec<u8>>| token.as_deref().map(Token::from_slice).transpose();
        self.keys.extend(read(&row.key_token)?);
        self.households.extend(read(&row.household)?);
        self.add_id(read(&row.entity)?);
        self.aliases.extend(aliases);
        Ok(())
    }

    fn add_id(&mut self, entity: Option<Token>) {
        if let Some(entity) = entity {
            self.entities.entry(entity).or_default();
        }
    }

    /// Adds an entity whatever contributes to it.
    pub fn add_entity(&mut self, row: &Entity) -> Result<()> {
        if row.kind == "household" {
            self.households.insert(Token::from_slice(&row.token)?);
        } else {
            self.add_id(Some(Token::from_slice(&row.id)?));
        }
        Ok(())
    }
}

/// The id of the entity of a kind and token: opaque, and the same in every store of one secret.
pub fn entity_id(keyring: &Keyring, kind: &str, token: Token) -> Result<Token> {
    keyring.token("entity", &[kind, &token.to_string()])
}

/// How a contribution stands: what is stored as its link, and the key of the person it belongs to.
pub fn link_text(link: &Link) -> (&'static str, Option<Token>) {
    match link {
        Link::Key(key) => ("key", Some(*key)),
        Link::Alias(key) => ("alias", Some(*key)),
        Link::None(reason) => (reason, None),
    }
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
    resettle_keys(rules, change.conn, &mut working, &mut touched)?;
    resettle_aliases(rules, change.conn, &mut working, &mut touched)?;
    let mut appended = merge_residents(rules, change, &mut working, &touched, delivery)?;
    appended.extend(merge_households(rules, change, &mut working, &touched, delivery)?);
    let count = appended.len() as u64;
    let mut writes = working.into_writes();
    appended.into_iter().for_each(|(entity, version)| writes.append(entity, version));
    if let Some(known) = &rules.known {
        note(known, &writes);
    }
    bulk::write(change.conn, &writes)?;
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

/// Agreement under every touched key: who joined and who waits.
fn resettle_keys(rules: &Rules, conn: &mut Conn, working: &mut Working, touched: &mut Touched) -> Result<()> {
    for (key, places) in working.under_keys(conn, &touched.keys)? {
        let standings = standings(rules, working, &places)?;
        for (place, standing) in places.into_iter().zip(standings) {
            let link = match standing {
                Standing::Joined => Link::Key(key),
                Standing::Waiting(reason) => Link::None(reason),
            };
            if relink(rules, working, place, &link, touched)? {
                touched.aliases.extend(&working.at(place).aliases);
            }
        }
    }
    Ok(())
}

/// The standing of each of the contributions under one key.
fn standings(rules: &Rules, working: &Working, places: &[usize]) -> Result<Vec<Standing>> {
    if let [place] = places
        && let Some(alone) = &working.at(*place).alone
    {
        return Ok(vec![alone.standing]);
    }
    Ok(resolve::agreement(rules.resident, &working.all_said(places)?))
}

/// What every touched alias means now, and where those go that live by it.
fn resettle_aliases(rules: &Rules, conn: &mut Conn, working: &mut Working, touched: &mut Touched) -> Result<()> {
    let carriers = working.carrying(conn, &touched.aliases)?;
    let keyless: BTreeSet<usize> =
        carriers.into_values().flatten().filter(|place| working.at(*place).row.key_token.is_none()).collect();
    let mut asked = Vec::with_capacity(keyless.len());
    for place in keyless {
        asked.push((place, resolve::claims(rules.resident, rules.keyring, working.said(place)?)?));
    }
    let theirs: BTreeSet<Token> = asked.iter().flat_map(|(_, claims)| &claims.aliases).copied().collect();
    let meanings = meanings(conn, working, &theirs)?;
    for (place, claims) in asked {
        let link = resolve::link(&claims, Standing::Joined, &meanings_of(&claims, &meanings));
        relink(rules, working, place, &link, touched)?;
    }
    Ok(())
}

fn meanings_of(claims: &Claims, meanings: &HashMap<Token, AliasMeaning>) -> Vec<AliasMeaning> {
    claims.aliases.iter().map(|alias| meanings.get(alias).copied().unwrap_or(AliasMeaning::Unknown)).collect()
}

/// The meaning of each alias, from those that carry it with a key they joined under.
fn meanings(conn: &mut Conn, working: &mut Working, aliases: &BTreeSet<Token>) -> Result<HashMap<Token, AliasMeaning>> {
    let mut meanings = HashMap::new();
    for (alias, places) in working.carrying(conn, aliases)? {
        let mut keys = Vec::new();
        for row in places.into_iter().map(|place| &working.at(place).row) {
            if let Some(key) = row.key_token.as_ref().filter(|_| row.link == "key") {
                keys.push(Token::from_slice(key)?);
            }
        }
        if !keys.is_empty() {
            meanings.insert(alias, resolve::alias(keys.into_iter()));
        }
    }
    Ok(meanings)
}

/// Says where a contribution belongs, if that is another place; both places are touched then.
fn relink(rules: &Rules, working: &mut Working, place: usize, link: &Link, touched: &mut Touched) -> Result<bool> {
    let (text, key) = link_text(link);
    let row = &working.at(place).row;
    let entity = key.map(|key| entity_id(rules.keyring, &row.kind, key)).transpose()?;
    let changed = row.link != text || row.entity.as_deref() != entity.as_ref().map(|entity| entity.0.as_slice());
    if changed {
        touched.add_id(row.entity.as_deref().map(Token::from_slice).transpose()?);
    }
    if (changed || working.is_fresh(place))
        && let Some(entity) = entity
    {
        touched.entities.insert(entity, key);
    }
    if changed {
        working.relink(place, text, entity);
    }
    Ok(changed)
}

fn merge_residents(
    rules: &Rules,
    change: &mut Change<'_>,
    working: &mut Working,
    touched: &Touched,
    delivery: &str,
) -> Result<Vec<(Entity, Version)>> {
    let ids: BTreeSet<Token> = touched.entities.keys().copied().collect();
    let groups = working.of_entities(change.conn, &ids)?;
    let golden = |id: Token| {
        let places = groups.get(&id).map_or(&[][..], Vec::as_slice);
        if let [place] = places
            && let Some(golden) = working.at(*place).golden_alone()
        {
            return Ok(Some(golden.clone()));
        }
        let by_key = places.iter().map(|place| working.at(*place).row.link == "key");
        let linked: Vec<merge::Linked> = working.all_said(places)?.into_iter().zip(by_key).collect();
        Golden::made(golden_resident(rules, &linked)?)
    };
    append(rules, change, Cause { kind: "resident", delivery }, &touched.entities, &golden)
}

/// A resident's golden document; `None` where no contribution joined by key: then there is no such entity.
pub fn golden_resident(rules: &Rules, linked: &[merge::Linked]) -> Result<Option<Map<String, Value>>> {
    if !linked.iter().any(|(_, by_key)| *by_key) {
        return Ok(None);
    }
    merge::resident(rules.resident, rules.keyring, linked).map(Some)
}

fn merge_households(
    rules: &Rules,
    change: &mut Change<'_>,
    working: &mut Working,
    touched: &Touched,
    delivery: &str,
) -> Result<Vec<(Entity, Version)>> {
    let groups = working.of_households(change.conn, &touched.households)?;
    let id = |token: &Token| Ok((entity_id(rules.keyring, "household", *token)?, Some(*token)));
    let ids: BTreeMap<Token, Option<Token>> = touched.households.iter().map(id).collect::<Result<_>>()?;
    let golden = |id: Token| {
        let token = ids.get(&id).copied().flatten();
        let places = token.and_then(|token| groups.get(&token)).map_or(&[][..], Vec::as_slice);
        Golden::made(golden_household(rules, &working.all_said(places)?)?)
    };
    append(rules, change, Cause { kind: "household", delivery }, &ids, &golden)
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

/// Appends a version to every entity (its id, and the token that makes it) whose golden document is another than the one that stands.
fn append(
    rules: &Rules,
    change: &mut Change<'_>,
    cause: Cause<'_>,
    ids: &BTreeMap<Token, Option<Token>>,
    golden: &Merging,
) -> Result<Vec<(Entity, Version)>> {
    let Cause { kind, delivery } = cause;
    let mut appended = Vec::new();
    let listed: Vec<Vec<u8>> = ids.keys().filter(|id| rules.may_hold(&id.0)).map(|id| id.to_vec()).collect();
    let standing: HashMap<Vec<u8>, (Entity, Version)> =
        entity::current(change.conn, &listed)?.into_iter().map(|pair| (pair.0.id.clone(), pair)).collect();
    let ids: Vec<(&Token, &Option<Token>)> = ids.iter().collect();
    let made = spread(&ids, |(id, _)| {
        let after = golden(**id)?;
        let state = if after.is_some() { "live" } else { "ended" };
        Ok(news(standing.get(id.0.as_slice()), state, after)?.map(|news| (state, news)))
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

/// The golden document, where it says another thing than the one that stands.
fn news(before: Option<&(Entity, Version)>, state: &str, after: Option<Golden>) -> Result<Option<Golden>> {
    let Some((entity, version)) = before else { return Ok(after) };
    let golden = after.map_or_else(|| Golden::of(&Map::new()), Ok)?;
    // Other bytes are compared decoded: the codec may change, the content counts.
    let same = entity.state == state
        && (version.document == golden.document
            || codec::decode::<Map<String, Value>>(&version.document)? == codec::decode(&golden.document)?);
    Ok((!same).then_some(golden))
}
