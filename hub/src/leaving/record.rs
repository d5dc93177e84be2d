//! What of a version leaves: id, community and the agreed attributes, with other people as the scope shows them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::people::{People, keys_in};
use super::scope::{COMMUNITY, Scope};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::store::entity::Version;
use crate::store::{Conn, codec};

/// At what moment the people in a record are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As they are.
    Now,
    /// As they stood at a `seq`.
    Seq(i64),
}

/// What of this version the scope allows; `None` where it is out of scope or ended, or its kind is not agreed.
pub fn record(
    conn: &mut Conn,
    keyring: &Keyring,
    scope: &Scope,
    version: &Version,
    moment: Moment,
) -> Result<Option<Map<String, Value>>> {
    Ok(records(conn, keyring, scope, std::slice::from_ref(version), moment)?.pop().flatten())
}

/// The same of many versions, in their order; the people in them are looked up together.
pub fn records(
    conn: &mut Conn,
    keyring: &Keyring,
    scope: &Scope,
    versions: &[Version],
    moment: Moment,
) -> Result<Vec<Option<Map<String, Value>>>> {
    let (since, seq) = match moment {
        Moment::Now => (None, i64::MAX),
        Moment::Seq(seq) => (Some(seq), seq),
    };
    let mut agreed = Vec::with_capacity(versions.len());
    for version in versions {
        agreed.push(Agreed::of(scope, version)?);
    }
    let people = People::look_up(conn, keyring, scope, &keys_of(&agreed), since)?;
    Ok(agreed.into_iter().map(|agreed| Some(agreed?.shown(&people, scope, seq))).collect())
}

/// A version cut to what is agreed, before the people in it are looked up.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    id: Token,
    fields: Map<String, Value>,
}

impl Agreed {
    /// `None` where nothing of the version may be seen.
    pub(super) fn of(scope: &Scope, version: &Version) -> Result<Option<Self>> {
        if version.state != "live" || !scope.shows_kind(&version.kind) {
            return Ok(None);
        }
        let mut fields: Map<String, Value> = codec::decode(&version.document)?;
        if !scope.shows_community(fields.get(COMMUNITY).and_then(Value::as_str)) {
            return Ok(None);
        }
        fields.retain(|name, _| scope.shows_field(&version.kind, name));
        Ok(Some(Self { id: Token::from_slice(&version.entity)?, fields }))
    }

    /// The record as it leaves, with other people as they stood at `seq`.
    pub(super) fn shown(self, people: &People, scope: &Scope, seq: i64) -> Map<String, Value> {
        let shown = |(name, value): (String, Value)| {
            let value = people.shown(scope, &name, value, seq)?;
            Some((name, value))
        };
        let mut record: Map<String, Value> = self.fields.into_iter().filter_map(shown).collect();
        record.insert("id".to_owned(), Value::String(self.id.to_string()));
        record
    }
}

/// The key tokens in these records.
pub(super) fn keys_of<'a>(agreed: impl IntoIterator<Item = &'a Option<Agreed>>) -> BTreeSet<Token> {
    let mut keys = BTreeSet::new();
    for agreed in agreed.into_iter().flatten() {
        agreed.fields.values().for_each(|value| keys_in(value, &mut keys));
    }
    keys
}
