//! Builders for tests: the project's schemas, a keyring and contributions of people who do not exist.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::EntitySchema;
use crate::contribution::{AsOf, Contribution};
use crate::identity::CitizenNumber;
use crate::keyring::{Keyring, Token};

static RESIDENT: LazyLock<EntitySchema> =
    LazyLock::new(|| parse("resident", include_str!("../../../schemas/entities/resident.json")));
static HOUSEHOLD: LazyLock<EntitySchema> =
    LazyLock::new(|| parse("household", include_str!("../../../schemas/entities/household.json")));
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::new(b"a secret for tests only").expect("a keyring"));

/// The resident schema of this repository.
pub(crate) fn resident() -> &'static EntitySchema {
    &RESIDENT
}

/// The household schema of this repository.
pub(crate) fn household() -> &'static EntitySchema {
    &HOUSEHOLD
}

/// A keyring with a fixed secret.
pub(crate) fn keyring() -> &'static Keyring {
    &KEYRING
}

fn parse(kind: &str, text: &str) -> EntitySchema {
    let json = serde_json::from_str(text).expect("the file is JSON");
    EntitySchema::parse(kind, &json).expect("the file is an entity schema")
}

/// A citizen number with a right check digit, born on `birth_date` (ISO).
pub(crate) fn number(birth_date: &str, sequence: u16) -> String {
    let date = NaiveDate::parse_from_str(birth_date, "%Y-%m-%d").expect("a date");
    CitizenNumber::build("130108", date, sequence).expect("a number").as_str().to_owned()
}

/// A contribution under construction: `says("health/records", "a").at(5).with("name", "张三").build()`.
#[derive(Clone)]
pub(crate) struct Builder(Contribution);

/// Begins a contribution of `feed` with the source key `key`.
pub(crate) fn says(feed: &str, key: &str) -> Builder {
    let id = keyring().token("sample", &[feed, key]).expect("a token");
    Builder(Contribution {
        id,
        feed: feed.to_owned(),
        part: "person".to_owned(),
        entity: "resident".to_owned(),
        as_of: AsOf { instant: 0, sequence: 0, digest: Token([0; 16]) },
        attributes: Map::new(),
        changed: None,
        changed_at: BTreeMap::new(),
        issues: Vec::new(),
    })
}

impl Builder {
    /// Sets the instant for its as-of and all attributes said from here on.
    pub(crate) fn at(mut self, instant: i64) -> Self {
        self.0.as_of.instant = instant;
        self
    }

    /// Says one attribute.
    pub(crate) fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.0.attributes.insert(attribute.to_owned(), value.into());
        self.0.changed_at.insert(attribute.to_owned(), self.0.as_of.instant);
        self
    }

    /// Says number and name.
    pub(crate) fn person(self, number: &str, name: &str) -> Self {
        self.with("id_no", number).with("name", name)
    }

    /// Records an issue.
    pub(crate) fn issue(mut self, reason: crate::reason::Reason) -> Self {
        self.0.issues.push(reason);
        self
    }

    /// The contribution.
    pub(crate) fn build(self) -> Contribution {
        self.0
    }
}
