//! The people a record names: looked up by key token, shown by entity id, and only where the scope shows them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::document::Document;
use super::scope::{COMMUNITY, Scope};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::pipeline::golden::entity_id;
use crate::store::entity::{self, Version};
use crate::store::{Conn, codec};

const RESIDENT: &str = "resident";
const KEY: &str = "key";
const NAME: &str = "name";

/// Attributes under which a document names people, at any depth. An object with a `key` anywhere else counts too.
pub(super) const NAMING: [&str; 5] = ["spouse", "father", "mother", "head", "members"];

/// Whom the scope shows, of the people that some records name.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Entity id, and from which `seq` on the person is seen or not, by key token.
    known: HashMap<Token, (Token, BTreeMap<i64, bool>)>,
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
        let mut keys_by_id = HashMap::new();
        for key in keys {
            keys_by_id.insert(entity_id(keyring, RESIDENT, *key)?.to_vec(), *key);
        }
        let ids: Vec<Vec<u8>> = keys_by_id.keys().cloned().collect();
        let mut moved_since = Vec::new();
        for row in entity::rows(conn, &ids)? {
            let Some(key) = keys_by_id.get(&row.id) else { continue };
            let seen = row.state == "live" && scope.shows_community(row.community.as_deref());
            let from = if since.is_some() { row.seq } else { 0 };
            people.known.insert(*key, (Token::from_slice(&row.id)?, BTreeMap::from([(from, seen)])));
            if since.is_some_and(|since| since < row.seq) {
                moved_since.push(row.id);
            }
        }
        for version in entity::versions_of(conn, &moved_since)? {
            if let Some((_, seen)) = keys_by_id.get(&version.entity).and_then(|key| people.known.get_mut(key)) {
                seen.insert(version.seq, stood_in(scope, &version)?);
            }
        }
        Ok(people)
    }

    /// Whether none of the people asked for is known, so that it does not matter when they are asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The id of the person of this key, if the scope shows them at `seq`.
    fn seen(&self, key: Token, seq: i64) -> Option<Token> {
        let (id, seen) = self.known.get(&key)?;
        let (_, shown) = seen.range(..=seq).next_back()?;
        shown.then_some(*id)
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
                let shown: Vec<Value> =
                    items.into_iter().filter_map(|item| self.shown(scope, attribute, item, seq)).collect();
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
