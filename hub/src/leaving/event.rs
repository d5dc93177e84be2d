//! Changes as a reader is told them: what came into its scope, changed within it, or left it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::document::{Document, Record};
use super::people::People;
use super::record::{Agreed, Moment, keys_of, records};
use super::scope::{COMMUNITY, Scope};
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::pipeline::golden::MERGED_INTO;
use crate::store::entity::{self, Version};
use crate::store::{Conn, codec};

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
    pub data: Option<Record>,
    /// Of a resident who was removed because people decided that they are another: the other's id, where the scope shows
    /// them now.
    pub merged_into: Option<Token>,
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
    let before = Before::look_up(conn, scope, versions)?;
    let mut after = Vec::with_capacity(versions.len());
    for version in versions {
        after.push(Agreed::of(scope, version)?);
    }
    let keys = keys_of(before.agreed.values().chain(&after));
    let people = People::look_up(conn, keyring, scope, &keys, versions.first().map(|version| version.seq))?;
    // Where nobody is named, it does not matter who stood when.
    let ends = if people.is_empty() { vec![0; versions.len()] } else { ends(conn, versions)? };
    let merged = merged(conn, scope, versions)?;
    let mut events = Vec::with_capacity(versions.len());
    for ((version, after), end) in versions.iter().zip(after).zip(ends) {
        let now = after.map(|agreed| agreed.shown(&people, scope, end)).transpose()?;
        let operation = match (before.was_seen(version), &now) {
            (false, None) => continue,
            (false, Some(_)) => Operation::Added,
            (true, None) => Operation::Removed,
            // Who sees all is told of every version, so that no `seq` is missing.
            (true, Some(_)) if *scope == Scope::All => Operation::Changed,
            (true, Some(now)) => match before.shown(version, &people, scope, end)? {
                Some(earlier) if earlier == *now => continue,
                _ => Operation::Changed,
            },
        };
        events.push(Event {
            id: format!("{epoch}-{}", version.seq),
            seq: version.seq,
            at: version.at,
            kind: version.kind.clone(),
            entity: Token::from_slice(&version.entity)?,
            version: version.version,
            merged_into: merged.get(&version.seq).copied().filter(|_| operation == Operation::Removed),
            operation,
            data: now,
        });
    }
    Ok(events)
}

/// Into whom a resident was merged, as this version says; `None` of any other version.
pub fn merged_into(version: &Version) -> Result<Option<Token>> {
    if version.kind != RESIDENT || version.state != "ended" {
        return Ok(None);
    }
    let into = Document::read(&codec::text(&version.document)?)?.string(MERGED_INTO).map(Cow::into_owned);
    into.map(|id| Token::try_from(id).map_err(|_| codec::corrupt())).transpose()
}

/// Into whom these versions merge residents, by `seq`, as far as the scope shows them now.
fn merged(conn: &mut Conn, scope: &Scope, versions: &[Version]) -> Result<HashMap<i64, Token>> {
    let mut merged = HashMap::new();
    for version in versions {
        if let Some(into) = merged_into(version)? {
            merged.insert(version.seq, into);
        }
    }
    let ids: Vec<Vec<u8>> = merged.values().map(|id| id.to_vec()).collect();
    let rows = entity::rows(conn, &ids)?;
    let is_seen = |id: &Token| {
        let row = rows.iter().find(|row| row.id == id.0);
        row.is_some_and(|row| row.state == "live" && scope.shows_community(row.community.as_deref()))
    };
    merged.retain(|_, into| is_seen(into));
    Ok(merged)
}

/// What the scope saw of the versions just before some others, by entity and version.
#[derive(Default)]
struct Before {
    agreed: HashMap<(Vec<u8>, i64), Option<Agreed>>,
    /// For who sees all, it is enough whether there was something to see.
    live: HashMap<(Vec<u8>, i64), bool>,
}

impl Before {
    fn look_up(conn: &mut Conn, scope: &Scope, versions: &[Version]) -> Result<Self> {
        let mut before = Self::default();
        if *scope == Scope::All {
            let states = entity::previous_states(conn, versions)?;
            before.live.extend(states.into_iter().map(|(entity, version, state)| ((entity, version), state == "live")));
            return Ok(before);
        }
        for version in entity::previous(conn, versions)? {
            let agreed = Agreed::of(scope, &version)?;
            before.agreed.insert((version.entity, version.version), agreed);
        }
        Ok(before)
    }

    fn was_seen(&self, version: &Version) -> bool {
        if version.version <= 1 {
            return false;
        }
        let key = (version.entity.clone(), version.version - 1);
        self.live.get(&key).copied().unwrap_or(false) || self.agreed.get(&key).is_some_and(Option::is_some)
    }

    fn shown(&self, version: &Version, people: &People, scope: &Scope, seq: i64) -> Result<Option<Record>> {
        let agreed = self.agreed.get(&(version.entity.clone(), version.version - 1)).cloned().flatten();
        agreed.map(|agreed| agreed.shown(people, scope, seq)).transpose()
    }
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
    let (versions, next) = entity::page_at_seq(conn, seq, after, limit)?;
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
            merged_into: None,
        });
    }
    Ok(Page { events, next })
}

/// Versions with what is shown of them, and after which entity the next page begins; none after the last.
pub type AsOf = (Vec<(Version, Record)>, Option<Vec<u8>>);

/// One page of the residents or households in scope as of one `seq`, each with its version then, in the order of entity
/// ids. A page may be empty and not the last.
pub fn as_of(conn: &mut Conn, keyring: &Keyring, scope: &Scope, (seq, filter): (i64, &entity::Filter)) -> Result<AsOf> {
    let (mut versions, next) = entity::filtered_at_seq(conn, seq, filter)?;
    // Who has changed since is found by what stands now, and asked for only of what stood then.
    versions.retain(|version| filter.changed_since.is_none_or(|since| version.at >= since));
    let records = records(conn, keyring, scope, &versions, Moment::Seq(seq))?;
    let mut shown = Vec::with_capacity(versions.len());
    for (version, record) in versions.into_iter().zip(records) {
        let Some(record) = record else { continue };
        let wanted = |communities: &Vec<String>| {
            let community = record.string(COMMUNITY)?;
            Ok::<_, crate::error::Error>(community.is_some_and(|code| communities.contains(&code)))
        };
        if filter.communities.as_ref().map(wanted).transpose()?.unwrap_or(true) {
            shown.push((version, record));
        }
    }
    Ok((shown, next))
}
