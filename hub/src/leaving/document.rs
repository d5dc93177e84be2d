//! Stored documents and records as JSON text. What need not be changed on its way out is passed on as it is stored,
//! letter by letter; only values that may name people are read.
//!
//! A record's text is that of the same object written anew: attributes in the order of their names, `id` among them.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Kind, Result};
use crate::keyring::Token;
use crate::store::codec::corrupt;

/// The one attribute that no document holds and every record does.
const ID: &str = "id";

/// A record as it leaves: the text of a JSON object.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Record(Box<RawValue>);

impl Record {
    /// Writes a record of these attributes, which are in the order of their names.
    pub(crate) fn of<N: AsRef<str>, V: Serialize>(id: Token, fields: &[(N, V)]) -> Result<Self> {
        let text = serde_json::value::to_raw_value(&Written { id: &id.to_string(), fields });
        Ok(Self(text.map_err(|error| Error::new(Kind::Internal, "writing a record").because(error))?))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The text in an attribute, if it is one.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>> {
        Ok(Document::read(self.text())?.string(name).map(Cow::into_owned))
    }

    /// The record read again.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_default()
    }
}

/// Records are written in one way only: the same text is the same record.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

struct Written<'a, N, V> {
    id: &'a str,
    fields: &'a [(N, V)],
}

impl<N: AsRef<str>, V: Serialize> Serialize for Written<'_, N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        let before = self.fields.partition_point(|(name, _)| name.as_ref() < ID);
        for (name, value) in &self.fields[..before] {
            map.serialize_entry(name.as_ref(), value)?;
        }
        map.serialize_entry(ID, self.id)?;
        for (name, value) in self.fields[before..].iter().filter(|(name, _)| name.as_ref() != ID) {
            map.serialize_entry(name.as_ref(), value)?;
        }
        map.end()
    }
}

/// The attributes of a stored document, in the order of their names, their values unread.
pub(super) struct Document<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Document<'a> {
    /// Reads the text of a document.
    pub(super) fn read(text: &'a str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| corrupt().because(error))
    }

    /// The text in an attribute, if it is one.
    pub(super) fn string(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        serde_json::from_str::<Name<'a>>(value.get()).ok().map(|Name(text)| text)
    }
}

impl<'de> Deserialize<'de> for Document<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Document<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(24);
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name, value));
                }
                Ok(Document(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A text that is copied only where it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// An object with a key, or a name under which people stand, at any depth; an empty list.
static SIGNS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""(?:key|spouse|father|mother|head|members)"|\[\]"#).ok());

/// Whether anything in a text may come out other than it is: it may name people, or hold an empty list, which is left out.
/// False alarms cost time and nothing else. The codec writes no letter of these names as an escape.
pub(super) fn may_change(text: &str) -> bool {
    SIGNS.as_ref().is_none_or(|signs| signs.is_match(text.as_bytes()))
}

/// The same of one attribute.
pub(super) fn attribute_may_change(name: &str, text: &str) -> bool {
    super::people::NAMING.contains(&name) || may_change(text)
}
