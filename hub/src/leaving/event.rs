//! Changes as a reader is told them: what came into its scope, changed within it, or left it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::people::People;
use super::record::{Agreed, Moment, keys_of, records};
use super::scope::Scope;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::store::Conn;
use crate::store::entity::{self, Version};

/// What happened to an entity, as the scope sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It came into sight.
    Added,
    /// What is seen of it is another than before.
    Changed,
    /// It ended or went out of sight.
    Removed,
}

impl Operation {
    /// The word for it: `added`, `changed`, `removed`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// One change as it leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Stable, so that who gets it twice knows: `<epoch>-<seq>`; of a snapshot `<epoch>-<seq>-<entity>`.
    pub id: String,
    /// Its place among all changes; of a snapshot the `seq` it is of.
    pub seq: i64,
    /// When the version was made, microseconds since 1970.
    pub at: i64,
    /// `resident` or `household`.
    pub kind: String,
    /// The entity.
    pub entity: Token,
    /// Its version.
    pub version: i64,
    /// What happened.
    pub operation: Operation,
    /// The full record in scope; `None` where it was removed.
    pub data: Option<Map<String, Value>>,
}

/// What the scope is told of these versions, which are in the order of `seq`. A version that changes nothing it sees
/// makes no event.
pub fn events(
    conn: &mut Conn,
    keyring: &Keyring,
    epoch: &str,
    scope: &Scope,
    versions: &[Version],
) -> Result<Vec<Event>> {
    let mut before: HashMap<(Vec<u8>, i64), Option<Agreed>> = HashMap::new();
    for version in entity::previous(conn, versions)? {
        before.insert((version.entity.clone(), version.version), Agreed::of(scope, &version)?);
    }
    let mut after = Vec::with_capacity(versions.len());
    for version in versions {
        after.push(Agreed::of(scope, version)?);
    }
    let keys = keys_of(before.values().chain(&after));
    let people = People::look_up(conn, keyring, scope, &keys, versions.first().map(|version| version.seq))?;
    let ends = ends(conn, versions)?;
    let mut events = Vec::new();
    for ((version, after), end) in versions.iter().zip(after).zip(ends) {
        let earlier = before.get(&(version.entity.clone(), version.version - 1)).cloned().flatten();
        let earlier = earlier.map(|agreed| agreed.shown(&people, scope, end));
        let now = after.map(|agreed| agreed.shown(&people, scope, end));
        let operation = match (&earlier, &now) {
            (None, Some(_)) => Operation::Added,
            (Some(_), None) => Operation::Removed,
            // Who sees all is told of every version, so that no `seq` is missing.
            (Some(earlier), Some(now)) if earlier != now || *scope == Scope::All => Operation::Changed,
            _ => continue,
        };
        events.push(Event {
            id: format!("{epoch}-{}", version.seq),
            seq: version.seq,
            at: version.at,
            kind: version.kind.clone(),
            entity: Token::from_slice(&version.entity)?,
            version: version.version,
            operation,
            data: now,
        });
    }
    Ok(events)
}

/// The last `seq` of the transaction each version came with: versions side by side with one moment and one cause.
fn ends(conn: &mut Conn, versions: &[Version]) -> Result<Vec<i64>> {
    let mut ends = vec![0; versions.len()];
    for (index, version) in versions.iter().enumerate().rev() {
        ends[index] = match versions.get(index + 1) {
            Some(next) if next.seq == version.seq + 1 => {
                let together = next.at == version.at && next.delivery == version.delivery;
                if together { ends[index + 1] } else { version.seq }
            }
            _ => entity::transaction_end(conn, version)?,
        };
    }
    Ok(ends)
}

/// A page of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Full records, each as if it had just come into sight.
    pub events: Vec<Event>,
    /// After which entity the next page begins; `None` after the last.
    pub next: Option<Vec<u8>>,
}

/// One page of all that is in scope as of one `seq`, in the order of entity ids, after `after` (empty at the beginning).
/// A page may be empty and not the last.
pub fn snapshot(
    conn: &mut Conn,
    keyring: &Keyring,
    epoch: &str,
    scope: &Scope,
    (seq, after, limit): (i64, &[u8], i64),
) -> Result<Page> {
    let versions = entity::page_at_seq(conn, seq, after, limit)?;
    let shown = records(conn, keyring, scope, &versions, Moment::Seq(seq))?;
    let mut events = Vec::new();
    for (version, data) in versions.iter().zip(shown) {
        let Some(data) = data else { continue };
        let entity = Token::from_slice(&version.entity)?;
        events.push(Event {
            id: format!("{epoch}-{seq}-{entity}"),
            seq,
            at: version.at,
            kind: version.kind.clone(),
            entity,
            version: version.version,
            operation: Operation::Added,
            data: Some(data),
        });
    }
    Ok(Page { events, next: entity::page_end(conn, after, limit)? })
}
