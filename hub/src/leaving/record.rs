//! What of a version leaves: id, community and the agreed attributes, with other people as the scope shows them.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::document::{Document, Record, attribute_may_change, may_change};
use super::people::{People, keys_in};
use super::scope::{COMMUNITY, Scope};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::store::Conn;
use crate::store::codec::{self, corrupt};
use crate::store::entity::Version;

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
) -> Result<Option<Record>> {
    Ok(records(conn, keyring, scope, std::slice::from_ref(version), moment)?.pop().flatten())
}

/// The same of many versions, in their order; the people in them are looked up together.
pub fn records(
    conn: &mut Conn,
    keyring: &Keyring,
    scope: &Scope,
    versions: &[Version],
    moment: Moment,
) -> Result<Vec<Option<Record>>> {
    let (since, seq) = match moment {
        Moment::Now => (None, i64::MAX),
        Moment::Seq(seq) => (Some(seq), seq),
    };
    let mut agreed = Vec::with_capacity(versions.len());
    for version in versions {
        agreed.push(Agreed::of(scope, version)?);
    }
    let people = People::look_up(conn, keyring, scope, &keys_of(&agreed), since)?;
    agreed.into_iter().map(|agreed| agreed.map(|agreed| agreed.shown(&people, scope, seq)).transpose()).collect()
}

/// A version cut to what is agreed, before the people in it are looked up.
#[derive(Debug, Clone)]
pub(super) enum Agreed {
    /// It names nobody: it leaves as it is.
    Whole(Record),
    /// Some of its attributes may name people.
    Naming(Token, Vec<(String, Field)>),
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub(super) enum Field {
    /// As it is stored.
    Same(Box<RawValue>),
    /// With people in it, to be shown as the scope allows.
    Naming(Value),
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Same(text) => text.serialize(serializer),
            Self::Naming(value) => value.serialize(serializer),
        }
    }
}

impl Agreed {
    /// `None` where nothing of the version may be seen.
    pub(super) fn of(scope: &Scope, version: &Version) -> Result<Option<Self>> {
        if version.state != "live" || !scope.shows_kind(&version.kind) {
            return Ok(None);
        }
        let text = codec::text(&version.document)?;
        let mut document = Document::read(&text)?;
        if *scope != Scope::All {
            if !scope.shows_community(document.string(COMMUNITY).as_deref()) {
                return Ok(None);
            }
            document.0.retain(|(name, _)| scope.shows_field(&version.kind, name));
        }
        let id = Token::from_slice(&version.entity)?;
        if !may_change(&text) {
            return Ok(Some(Self::Whole(Record::of(id, &document.0)?)));
        }
        let mut fields = Vec::with_capacity(document.0.len());
        for (name, value) in document.0 {
            let field = if attribute_may_change(&name, value.get()) {
                Field::Naming(serde_json::from_str(value.get()).map_err(|error| corrupt().because(error))?)
            } else {
                Field::Same(value.to_owned())
            };
            fields.push((name.into_owned(), field));
        }
        Ok(Some(Self::Naming(id, fields)))
    }

    /// The record as it leaves, with other people as they stood at `seq`.
    pub(super) fn shown(self, people: &People, scope: &Scope, seq: i64) -> Result<Record> {
        let (id, fields) = match self {
            Self::Whole(record) => return Ok(record),
            Self::Naming(id, fields) => (id, fields),
        };
        let shown = |(name, field): (String, Field)| {
            let field = match field {
                Field::Naming(value) => Field::Naming(people.shown(scope, &name, value, seq)?),
                same @ Field::Same(_) => same,
            };
            Some((name, field))
        };
        Record::of(id, &fields.into_iter().filter_map(shown).collect::<Vec<(String, Field)>>())
    }
}

/// The key tokens in these records.
pub(super) fn keys_of<'a>(agreed: impl IntoIterator<Item = &'a Option<Agreed>>) -> BTreeSet<Token> {
    let mut keys = BTreeSet::new();
    for agreed in agreed.into_iter().flatten() {
        let Agreed::Naming(_, fields) = agreed else { continue };
        for (_, field) in fields {
            if let Field::Naming(value) = field {
                keys_in(value, &mut keys);
            }
        }
    }
    keys
}
