//! The people a record names: looked up by key token, shown by entity id, and only where the scope shows them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::document::Document;
use super::scope::{COMMUNITY, Scope};
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::pipeline::golden::entity_id;
use crate::resolve::Decided;
use crate::store::entity::{self, Version};
use crate::store::{Conn, codec, decision};

const KEY: &str = "key";
const NAME: &str = "name";

/// Attributes under which a document names people, at any depth. An object with a `key` anywhere else counts too.
pub(super) const NAMING: [&str; 5] = ["spouse", "father", "mother", "head", "members"];

/// Whom the scope shows, of the people that some records name.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Who bears a key: the person of the key, and into whom they were merged.
    known: HashMap<Token, Vec<Bearer>>,
}

#[derive(Debug)]
struct Bearer {
    id: Token,
    /// From which `seq` on the person is seen or not.
    seen: BTreeMap<i64, bool>,
}

impl People {
    /// Looks up people by key token. Where `since` is given, what was so at any `seq` from there on can be asked.
    pub(super) fn look_up(
        conn: &mut Conn,
        keyring: &Keyring,
        scope: &Scope,
        keys: &BTreeSet<Token>,
        since: Option<i64>,
    ) -> Result<Self> {
        let mut people = Self::default();
        if keys.is_empty() || !scope.shows_kind(RESIDENT) {
            return Ok(people);
        }
        let own = keys.iter().map(|key| Ok((*key, entity_id(keyring, RESIDENT, *key)?)));
        let ended = people.add(conn, scope, &own.collect::<Result<Vec<_>>>()?, since)?;
        if ended.is_empty() {
            return Ok(people);
        }
        let mut decided = Decided::default();
        decision::learn(conn, &mut decided, ended.iter().map(|key| key.to_vec()).collect())?;
        let mut merged = Vec::new();
        for key in ended.into_iter().filter(|key| decided.is_merged(*key)) {
            merged.push((key, entity_id(keyring, RESIDENT, decided.person(key))?));
        }
        people.add(conn, scope, &merged, since)?;
        Ok(people)
    }

    /// Adds who bears these keys, by key and entity id. Returns the keys of those who have ended.
    fn add(
        &mut self,
        conn: &mut Conn,
        scope: &Scope,
        bearers: &[(Token, Token)],
        since: Option<i64>,
    ) -> Result<Vec<Token>> {
        let ids: BTreeSet<Vec<u8>> = bearers.iter().map(|(_, id)| id.to_vec()).collect();
        let rows = entity::rows(conn, &ids.into_iter().collect::<Vec<_>>())?;
        let moved_since = rows.iter().filter(|row| since.is_some_and(|since| since < row.seq));
        let moved_since: Vec<Vec<u8>> = moved_since.map(|row| row.id.clone()).collect();
        let mut seen: HashMap<Vec<u8>, (bool, BTreeMap<i64, bool>)> = HashMap::new();
        for row in rows {
            let is_live = row.state == "live";
            let is_seen = is_live && scope.shows_community(row.community.as_deref());
            let from = if since.is_some() { row.seq } else { 0 };
            seen.insert(row.id, (is_live, BTreeMap::from([(from, is_seen)])));
        }
        for version in entity::versions_of(conn, &moved_since)? {
            if let Some((_, seen)) = seen.get_mut(&version.entity) {
                seen.insert(version.seq, stood_in(scope, &version)?);
            }
        }
        let mut ended = Vec::new();
        for (key, id) in bearers {
            let Some((is_live, seen)) = seen.get(id.0.as_slice()) else { continue };
            self.known.entry(*key).or_default().push(Bearer { id: *id, seen: seen.clone() });
            ended.extend((!is_live).then_some(*key));
        }
        Ok(ended)
    }

    /// Whether none of the people asked for is known, so that it does not matter when they are asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The id of the person of this key, if the scope shows them at `seq`.
    fn seen(&self, key: Token, seq: i64) -> Option<Token> {
        let is_seen = |bearer: &&Bearer| bearer.seen.range(..=seq).next_back().is_some_and(|(_, seen)| *seen);
        self.known.get(&key)?.iter().find(is_seen).map(|bearer| bearer.id)
    }

    /// A value with the people in it as the scope shows them at `seq`; `None` where nothing is left of it.
    pub(super) fn shown(&self, scope: &Scope, attribute: &str, value: Value, seq: i64) -> Option<Value> {
        match value {
            Value::Object(fields) if is_person(attribute, &fields) => self.person(scope, fields, seq),
            Value::Object(fields) => {
                let shown = |(name, value): (String, Value)| {
                    let value = self.shown(scope, &name, value, seq)?;
                    Some((name, value))
                };
                Some(Value::Object(fields.into_iter().filter_map(shown).collect()))
            }
            Value::Array(items) => {
                let mut shown: Vec<Value> =
                    items.into_iter().filter_map(|item| self.shown(scope, attribute, item, seq)).collect();
                once_each(&mut shown);
                Some(Value::Array(shown)).filter(|shown| shown.as_array().is_some_and(|items| !items.is_empty()))
            }
            other => Some(other),
        }
    }

    /// `{key?, name?, ...}` becomes `{id?, name?, ...}`. Whom the hub does not know, only who sees all is told of.
    fn person(&self, scope: &Scope, mut fields: Map<String, Value>, seq: i64) -> Option<Value> {
        let key =
            fields.remove(KEY).and_then(|key| key.as_str().and_then(|text| Token::try_from(text.to_owned()).ok()));
        let id = key.and_then(|key| self.seen(key, seq));
        if id.is_none() && *scope != Scope::All {
            return None;
        }
        if !scope.shows_field(RESIDENT, NAME) {
            fields.remove(NAME);
        }
        let more = |(name, value): (String, Value)| Some((name.clone(), self.shown(scope, &name, value, seq)?));
        let mut shown: Map<String, Value> = fields.into_iter().filter_map(more).collect();
        shown.extend(id.map(|id| ("id".to_owned(), Value::String(id.to_string()))));
        Some(shown).filter(|shown| !shown.is_empty()).map(Value::Object)
    }
}

/// Two keys of one person name them twice; the first stays.
fn once_each(items: &mut Vec<Value>) {
    let mut ids = BTreeSet::new();
    items.retain(|item| match item.get("id").and_then(Value::as_str) {
        Some(id) => ids.insert(id.to_owned()),
        None => true,
    });
}

/// Whether [`People::shown`] may show another value than this: one that names people or holds an empty list.
pub(super) fn may_change(attribute: &str, value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            is_person(attribute, fields) || fields.iter().any(|(name, value)| may_change(name, value))
        }
        Value::Array(items) => items.is_empty() || items.iter().any(|item| may_change(attribute, item)),
        _ => false,
    }
}

/// Collects the key tokens in a value.
pub(super) fn keys_in(value: &Value, into: &mut BTreeSet<Token>) {
    match value {
        Value::Object(fields) => {
            let key = fields.get(KEY).and_then(Value::as_str);
            into.extend(key.and_then(|text| Token::try_from(text.to_owned()).ok()));
            fields.values().for_each(|value| keys_in(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| keys_in(item, into)),
        _ => {}
    }
}

fn is_person(attribute: &str, fields: &Map<String, Value>) -> bool {
    NAMING.contains(&attribute) || fields.contains_key(KEY)
}

fn stood_in(scope: &Scope, version: &Version) -> Result<bool> {
    if version.state != "live" {
        return Ok(false);
    }
    let text = codec::text(&version.document)?;
    Ok(scope.shows_community(Document::read(&text)?.string(COMMUNITY).as_deref()))
}
