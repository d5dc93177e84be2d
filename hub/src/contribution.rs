//! What one source record says about one entity, as resolve and merge read it. Owns the shape; decides nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::keyring::Token;
use crate::reason::Reason;

/// One part of a mapped record, before it has tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the part in its feed: `person`, `man`, `woman`.
    pub name: String,
    /// Kind of entity it is about: `resident`.
    pub entity: String,
    /// Mapped attributes by name. Absent: says nothing. JSON `null`: known to be empty (erases).
    pub attributes: Map<String, Value>,
}

/// When a state of the world was told: instant, then the sender's sequence, then the digest of the bytes to break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AsOf {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub instant: i64,
    /// The sender's sequence within the instant; 0 where the sender does not count.
    pub sequence: i64,
    /// Digest of the delivery's decompressed bytes.
    pub digest: Token,
}

/// A live contribution as resolve and merge see it. Everything they do is a function of a set of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Token of (feed, source key, part): identity and last tie-break.
    pub id: Token,
    /// `department/feed`.
    pub feed: String,
    /// Name of the part.
    pub part: String,
    /// Kind of entity it is about.
    pub entity: String,
    /// As-of of the delivery that last wrote it.
    pub as_of: AsOf,
    /// Mapped attributes by name.
    pub attributes: Map<String, Value>,
    /// When the attributes' values last changed, in microseconds since 1970: the source's own update time where the feed
    /// has one, else the as-of of the applied delivery that last changed them. `None`: at the as-of.
    pub changed: Option<i64>,
    /// The same for those attributes whose values last changed at another moment.
    pub changed_at: BTreeMap<String, i64>,
    /// Attributes that were dropped as bad.
    pub issues: Vec<Reason>,
}

impl Contribution {
    /// When the value of this attribute last changed at its source.
    pub fn changed_at(&self, attribute: &str) -> i64 {
        self.changed_at.get(attribute).copied().or(self.changed).unwrap_or(self.as_of.instant)
    }

    /// The department: what stands before the slash of the feed.
    pub fn department(&self) -> &str {
        self.feed.split('/').next().unwrap_or_default()
    }
}
