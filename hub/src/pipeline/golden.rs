//! From changed contributions to changed entities, inside one transaction of the writer: resolve again all that a change may
//! touch, merge the entities it touches, and append a version where the golden document is another.
//!
//! What is stored afterwards is a function of the live contributions alone; the changed ones only say where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::contribution::Contribution;
use crate::entity::EntitySchema;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::merge;
use crate::resolve::{self, AliasMeaning, Claims, Link, Standing};
use crate::store::contribution::{self as stored, Row};
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
}

/// Where a change may reach: tokens of contributions before and after it.
#[derive(Debug, Default)]
pub struct Touched {
    keys: BTreeSet<Vec<u8>>,
    aliases: BTreeSet<Vec<u8>>,
    households: BTreeSet<Vec<u8>>,
    entities: BTreeSet<Vec<u8>>,
    contributions: BTreeSet<Vec<u8>>,
}

impl Touched {
    /// Adds a contribution as it was or as it is.
    pub fn add(&mut self, row: &Row, aliases: &[Token]) {
        self.keys.extend(row.key_token.clone());
        self.households.extend(row.household.clone());
        self.entities.extend(row.entity.clone());
        self.aliases.extend(aliases.iter().map(|alias| alias.to_vec()));
        self.contributions.insert(row.id.clone());
    }

    /// Adds an entity whatever contributes to it.
    pub fn add_entity(&mut self, row: &Entity) {
        if row.kind == "household" {
            self.households.insert(row.token.clone());
        } else {
            self.entities.insert(row.id.clone());
        }
    }
}

/// The id of the entity of a kind and token: opaque, and the same in every store of one secret.
pub fn entity_id(keyring: &Keyring, kind: &str, token: &[u8]) -> Result<Vec<u8>> {
    Ok(keyring.token("entity", &[kind, &Token::from_slice(token)?.to_string()])?.to_vec())
}

/// How a contribution stands: what is stored as its link, and the key of the person it belongs to.
pub fn link_text(link: &Link) -> (&'static str, Option<Token>) {
    match link {
        Link::Key(key) => ("key", Some(*key)),
        Link::Alias(key) => ("alias", Some(*key)),
        Link::None(reason) => (reason, None),
    }
}

/// Resolves and merges all that was touched. Returns how many versions were appended.
pub fn settle(rules: &Rules, change: &mut Change<'_>, mut touched: Touched, delivery: &str) -> Result<u64> {
    let joined = resettle_keys(rules, change.conn, &mut touched)?;
    resettle_aliases(rules, change.conn, &mut touched, &joined)?;
    let residents = merge_residents(rules, change, &touched, delivery)?;
    let households = merge_households(rules, change, &touched, delivery)?;
    Ok(residents + households)
}

/// Agreement under every touched key; says of each contribution under them whether it joined.
fn resettle_keys(rules: &Rules, conn: &mut Conn, touched: &mut Touched) -> Result<HashMap<Vec<u8>, bool>> {
    let keys: Vec<Vec<u8>> = touched.keys.iter().cloned().collect();
    let mut under: BTreeMap<Vec<u8>, Vec<(Row, Contribution)>> = BTreeMap::new();
    for row in stored::live_under_keys(conn, &keys)? {
        let contribution = row.contribution()?;
        under.entry(row.key_token.clone().unwrap_or_default()).or_default().push((row, contribution));
    }
    let mut joined = HashMap::new();
    for (key, group) in under {
        let token = Token::from_slice(&key)?;
        let contributions: Vec<&Contribution> = group.iter().map(|(_, contribution)| contribution).collect();
        let standings = resolve::agreement(rules.resident, &contributions);
        for ((row, contribution), standing) in group.iter().zip(standings) {
            let link = match standing {
                Standing::Joined => Link::Key(token),
                Standing::Waiting(reason) => Link::None(reason),
            };
            joined.insert(row.id.clone(), matches!(link, Link::Key(_)));
            if relink(rules, conn, row, &link, touched)? {
                let claims = resolve::claims(rules.resident, rules.keyring, contribution)?;
                touched.aliases.extend(claims.aliases.into_iter().map(Token::to_vec));
            }
        }
    }
    Ok(joined)
}

/// What every touched alias means now, and where those go that live by it.
fn resettle_aliases(
    rules: &Rules,
    conn: &mut Conn,
    touched: &mut Touched,
    joined: &HashMap<Vec<u8>, bool>,
) -> Result<()> {
    let aliases: Vec<Vec<u8>> = touched.aliases.iter().cloned().collect();
    let carriers = stored::live_with_aliases(conn, &aliases)?;
    let mut keyless: BTreeMap<Vec<u8>, Row> = BTreeMap::new();
    for (_, row) in carriers {
        if row.key_token.is_none() {
            keyless.insert(row.id.clone(), row);
        }
    }
    let mut asked = Vec::new();
    for row in keyless.values() {
        asked.push((row, resolve::claims(rules.resident, rules.keyring, &row.contribution()?)?));
    }
    let theirs: BTreeSet<Vec<u8>> =
        asked.iter().flat_map(|(_, claims)| &claims.aliases).map(|alias| alias.to_vec()).collect();
    let meanings = meanings(conn, theirs.into_iter().collect(), joined)?;
    for (row, claims) in asked {
        let link = resolve::link(&claims, Standing::Joined, &meanings_of(&claims, &meanings));
        relink(rules, conn, row, &link, touched)?;
    }
    Ok(())
}

fn meanings_of(claims: &Claims, meanings: &HashMap<Vec<u8>, AliasMeaning>) -> Vec<AliasMeaning> {
    claims
        .aliases
        .iter()
        .map(|alias| meanings.get(alias.0.as_slice()).copied().unwrap_or(AliasMeaning::Unknown))
        .collect()
}

/// The meaning of each alias, from those that carry it with a key they joined under.
fn meanings(
    conn: &mut Conn,
    aliases: Vec<Vec<u8>>,
    joined: &HashMap<Vec<u8>, bool>,
) -> Result<HashMap<Vec<u8>, AliasMeaning>> {
    let mut teachers: HashMap<Vec<u8>, Vec<Token>> = HashMap::new();
    for (alias, row) in stored::live_with_aliases(conn, &aliases)? {
        let teaches = joined.get(&row.id).copied().unwrap_or(row.link == "key");
        if let Some(key) = row.key_token.filter(|_| teaches) {
            teachers.entry(alias).or_default().push(Token::from_slice(&key)?);
        }
    }
    Ok(teachers.into_iter().map(|(alias, keys)| (alias, resolve::alias(keys.into_iter()))).collect())
}

/// Stores where a contribution belongs, if that is another place; both places are touched then.
fn relink(rules: &Rules, conn: &mut Conn, row: &Row, link: &Link, touched: &mut Touched) -> Result<bool> {
    let (text, key) = link_text(link);
    let entity = key.map(|key| entity_id(rules.keyring, &row.kind, &key.0)).transpose()?;
    let changed = row.link != text || row.entity != entity;
    if changed {
        stored::relink(conn, &row.id, text, entity.as_deref())?;
        touched.entities.extend(row.entity.clone());
    }
    if (changed || touched.contributions.contains(&row.id))
        && let (Some(entity), Some(key)) = (&entity, key)
    {
        touched.entities.insert(entity.clone());
        touched.keys.insert(key.to_vec());
    }
    Ok(changed)
}

fn merge_residents(rules: &Rules, change: &mut Change<'_>, touched: &Touched, delivery: &str) -> Result<u64> {
    let ids: Vec<Vec<u8>> = touched.entities.iter().cloned().collect();
    let mut linked: HashMap<Vec<u8>, Vec<(Contribution, bool)>> = HashMap::new();
    for row in stored::live_of_entities(change.conn, &ids)? {
        let by_key = row.link == "key";
        linked.entry(row.entity.clone().unwrap_or_default()).or_default().push((row.contribution()?, by_key));
    }
    let mut tokens: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for key in &touched.keys {
        tokens.insert(entity_id(rules.keyring, "resident", key)?, key.clone());
    }
    let golden = |id: &[u8]| golden_resident(rules, linked.get(id).map_or(&[], Vec::as_slice));
    append(change, Cause { kind: "resident", delivery }, &ids, &tokens, &golden)
}

/// A resident's golden document; `None` where no contribution joined by key: then there is no such entity.
pub fn golden_resident(rules: &Rules, linked: &[(Contribution, bool)]) -> Result<Option<Map<String, Value>>> {
    if !linked.iter().any(|(_, by_key)| *by_key) {
        return Ok(None);
    }
    let linked: Vec<merge::Linked> = linked.iter().map(|(contribution, by_key)| (contribution, *by_key)).collect();
    merge::resident(rules.resident, rules.keyring, &linked).map(Some)
}

fn merge_households(rules: &Rules, change: &mut Change<'_>, touched: &Touched, delivery: &str) -> Result<u64> {
    let households: Vec<Vec<u8>> = touched.households.iter().cloned().collect();
    let mut members: HashMap<Vec<u8>, Vec<Contribution>> = HashMap::new();
    for row in stored::live_of_households(change.conn, &households)? {
        members.entry(row.household.clone().unwrap_or_default()).or_default().push(row.contribution()?);
    }
    let mut tokens = HashMap::new();
    for token in &households {
        tokens.insert(entity_id(rules.keyring, "household", token)?, token.clone());
    }
    let ids: Vec<Vec<u8>> = tokens.keys().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let golden = |id: &[u8]| {
        let token = tokens.get(id).cloned().unwrap_or_default();
        golden_household(rules, members.get(&token).map_or(&[], Vec::as_slice))
    };
    append(change, Cause { kind: "household", delivery }, &ids, &tokens, &golden)
}

/// A household's golden document; `None` where it has no member.
pub fn golden_household(rules: &Rules, members: &[Contribution]) -> Result<Option<Map<String, Value>>> {
    if members.is_empty() {
        return Ok(None);
    }
    let members: Vec<&Contribution> = members.iter().collect();
    merge::household(rules.household, rules.keyring, rules.resident, &members).map(Some)
}

/// What entities are of, and what changes them.
#[derive(Clone, Copy)]
struct Cause<'a> {
    kind: &'a str,
    delivery: &'a str,
}

/// Tokens by the entity id they give.
type Tokens = HashMap<Vec<u8>, Vec<u8>>;

type Golden<'a> = dyn Fn(&[u8]) -> Result<Option<Map<String, Value>>> + 'a;

/// Appends a version to every entity whose golden document is another than the one that stands.
fn append(change: &mut Change<'_>, cause: Cause<'_>, ids: &[Vec<u8>], tokens: &Tokens, golden: &Golden) -> Result<u64> {
    let Cause { kind, delivery } = cause;
    let standing: HashMap<Vec<u8>, (Entity, Version)> =
        entity::current(change.conn, ids)?.into_iter().map(|pair| (pair.0.id.clone(), pair)).collect();
    let mut appended = 0;
    for id in ids {
        let before = standing.get(id);
        let after = golden(id)?;
        let state = if after.is_some() { "live" } else { "ended" };
        let document = codec::encode(&after.clone().unwrap_or_default())?;
        let same = match before {
            // Compared decoded: the codec may change, the content counts.
            Some((entity, version)) => {
                entity.state == state
                    && codec::decode::<Map<String, Value>>(&version.document)? == after.clone().unwrap_or_default()
            }
            None => after.is_none(),
        };
        if same {
            continue;
        }
        let number = before.map_or(1, |(entity, _)| entity.version + 1);
        let token =
            before.map(|(entity, _)| entity.token.clone()).or_else(|| tokens.get(id).cloned()).unwrap_or_default();
        let community = after.as_ref().and_then(|document| document.get("community")).and_then(Value::as_str);
        let seq = change.take_seq();
        let row = Entity {
            id: id.clone(),
            kind: kind.to_owned(),
            token,
            state: state.to_owned(),
            version: number,
            seq,
            community: community.map(str::to_owned),
            changed_at: change.now,
        };
        let version = Version {
            entity: id.clone(),
            version: number,
            seq,
            kind: kind.to_owned(),
            state: state.to_owned(),
            at: change.now,
            delivery: delivery.to_owned(),
            document,
        };
        entity::put(change.conn, &row, &version)?;
        appended += 1;
    }
    Ok(appended)
}
