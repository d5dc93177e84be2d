//! References to other people: {id_no, name} as asserted becomes {key, name} as documents show it.
//!
//! Never an entity id: who the other person is, is looked up when the document is read.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::resolve::citizen_token;

/// Another person as a record names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Token of the citizen number, only where its check digit is right.
    pub(super) key: Option<Token>,
    /// The name as asserted.
    pub(super) name: Option<String>,
}

impl Named {
    /// Reads {id_no?, name?}; anything else names nobody.
    pub(super) fn read(keyring: &Keyring, sent: &Value) -> Result<Self> {
        let text = |field: &str| sent.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let key = text("id_no").map(|number| citizen_token(keyring, number)).transpose()?.flatten();
        Ok(Self { key, name: text("name").map(str::to_owned) })
    }

    /// As documents show it; `None` where it names nobody.
    pub(super) fn shown(&self) -> Option<Value> {
        let mut fields = Map::new();
        fields.extend(self.key.map(|key| ("key".to_owned(), Value::String(key.to_string()))));
        fields.extend(self.name.clone().map(|name| ("name".to_owned(), Value::String(name))));
        Some(fields).filter(|fields| !fields.is_empty()).map(Value::Object)
    }
}

/// A reference attribute as documents show it; `null` stays `null`, one that names nobody says nothing.
pub(super) fn shown(keyring: &Keyring, sent: &Value) -> Result<Option<Value>> {
    if sent.is_null() {
        return Ok(Some(Value::Null));
    }
    Ok(Named::read(keyring, sent)?.shown())
}
