//! Residents and households read one by one. Those that are asked for while a read is under way are read together by the
//! next, in one snapshot of the store: under many readers the store is asked for many at once, and a lone reader waits
//! for nobody.
//!
//! Nothing is kept from one read to the next: an answer is of a moment after its request came. What one caller's scope
//! shows is told to no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use openssl::sha::sha256;
use tokio::sync::oneshot;

use super::residents::Entity;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::leaving::{self, Moment, Record, Scope};
use crate::store::Conn;
use crate::store::entity::{self, Version};

/// Threads that read. While one waits for the store, another writes answers.
const READERS: usize = 2;
/// Most that are read together: nobody shall wait for a large read that is not the own one.
const MOST: usize = 64;
/// Bytes of an answer with claims that is larger than most.
const LARGE: usize = 8 << 10;

/// Who is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `resident` or `household`.
    pub kind: &'static str,
    /// Its id.
    pub id: Vec<u8>,
    /// Whose eyes.
    pub scope: Scope,
    /// With all claims on the attributes the scope shows.
    pub with_claims: bool,
}

/// An entity as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// JSON.
    pub text: Vec<u8>,
    /// Tells answers apart. What an agreement or another person's record changes, changes it as well.
    pub tag: String,
}

type Answer = Result<Option<Found>>;
type Ask = (Wanted, oneshot::Sender<Answer>);

/// The readers of a server.
pub struct Gather(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<(VecDeque<Ask>, bool)>,
    more: Condvar,
}

impl Gather {
    /// Starts the readers; they end with the value.
    pub fn start(hub: &Arc<Hub>) -> Self {
        let queue = Arc::new(Queue::default());
        for number in 0..READERS {
            let (hub, queue) = (hub.clone(), queue.clone());
            let spawned =
                std::thread::Builder::new().name(format!("read-{number}")).spawn(move || queue.read_until_closed(&hub));
            if let Err(error) = spawned {
                tracing::error!(error = %error, "a reader did not start");
            }
        }
        Self(queue)
    }

    /// Reads one; `None` where the scope shows nothing of that kind and id.
    pub async fn read(&self, wanted: Wanted) -> Answer {
        let (sender, answer) = oneshot::channel();
        self.0.locked().0.push_back((wanted, sender));
        self.0.more.notify_one();
        answer.await.map_err(|error| Error::new(Kind::Internal, "the work of a request broke off").because(error))?
    }
}

impl Drop for Gather {
    fn drop(&mut self) {
        self.0.locked().1 = true;
        self.0.more.notify_all();
    }
}

impl Queue {
    fn locked(&self) -> MutexGuard<'_, (VecDeque<Ask>, bool)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that wait, at most [`MOST`]; `None` once there will be no more.
    fn next(&self) -> Option<Vec<Ask>> {
        let mut waiting = self.locked();
        loop {
            let (asks, closed) = &mut *waiting;
            if !asks.is_empty() {
                let count = asks.len().min(MOST);
                return Some(asks.drain(..count).collect());
            }
            if *closed {
                return None;
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read_until_closed(&self, hub: &Hub) {
        while let Some(mut asks) = self.next() {
            // Who has gone away needs no answer.
            asks.retain(|(_, answer)| !answer.is_closed());
            let (wanted, answers): (Vec<Wanted>, Vec<_>) = asks.into_iter().unzip();
            let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_all(hub, &wanted)));
            // A panic is told by the answers that never come.
            for (answer, result) in answers.into_iter().zip(all.into_iter().flatten()) {
                let _gone = answer.send(result);
            }
        }
    }
}

/// Reads all in one snapshot, or each alone where that fails: what cannot be read of one shall spoil no other's answer.
fn read_all(hub: &Hub, wanted: &[Wanted]) -> Vec<Answer> {
    match together(hub, wanted) {
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(error) if wanted.len() == 1 => vec![Err(error)],
        Err(error) if error.kind == Kind::Unavailable => {
            let same = |_: &Wanted| Err(Error::new(error.kind, error.context.clone()));
            wanted.iter().map(same).collect()
        }
        Err(_) => wanted.chunks(1).flat_map(|one| read_all(hub, one)).collect(),
    }
}

fn together(hub: &Hub, wanted: &[Wanted]) -> Result<Vec<Option<Found>>> {
    let read = hub.db.read(|conn| {
        let mut ids: Vec<Vec<u8>> = wanted.iter().map(|wanted| wanted.id.clone()).collect();
        ids.sort();
        ids.dedup();
        let standing = entity::current(conn, &ids)?.into_iter();
        let standing: HashMap<Vec<u8>, Version> = standing.map(|(row, version)| (row.id, version)).collect();
        let mut found: Vec<Option<Entity>> = wanted.iter().map(|_| None).collect();
        for places in by_scope(wanted) {
            let whose = |place: &usize| {
                let wanted = &wanted[*place];
                let version = standing.get(&wanted.id).filter(|version| version.kind == wanted.kind)?;
                Some((*place, version))
            };
            let seen: Vec<(usize, &Version)> = places.iter().filter_map(whose).collect();
            for (place, entity) in of_scope(conn, hub, wanted, &seen)? {
                found[place] = Some(entity);
            }
        }
        Ok(found)
    })?;
    read.into_iter().map(|entity| entity.as_ref().map(answered).transpose()).collect()
}

/// The places of those who see with the same eyes.
fn by_scope(wanted: &[Wanted]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, one) in wanted.iter().enumerate() {
        match groups.iter_mut().find(|group| wanted[group[0]].scope == one.scope) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// What the one scope of all these shows of them.
fn of_scope(conn: &mut Conn, hub: &Hub, wanted: &[Wanted], seen: &[(usize, &Version)]) -> Result<Vec<(usize, Entity)>> {
    let Some((first, _)) = seen.first() else { return Ok(Vec::new()) };
    let scope = &wanted[*first].scope;
    let versions: Vec<Version> = seen.iter().map(|(_, version)| (*version).clone()).collect();
    let records = leaving::records(conn, &hub.keyring, scope, &versions, Moment::Now)?;
    let shown: Vec<(usize, &Version, Record)> =
        seen.iter().zip(records).filter_map(|((place, version), record)| Some((*place, *version, record?))).collect();
    let claimed = shown.iter().filter(|(place, ..)| wanted[*place].with_claims);
    let claimed: Vec<Vec<u8>> = claimed.map(|(_, version, _)| version.entity.clone()).collect();
    let claims = leaving::claims(conn, hub, scope, &claimed)?;
    let mut entities = Vec::with_capacity(shown.len());
    for (place, version, record) in shown {
        let mut entity = Entity::of(version, record)?;
        if wanted[place].with_claims {
            entity.provenance = claims.get(&version.entity).cloned();
        }
        entities.push((place, entity));
    }
    Ok(entities)
}

fn answered(entity: &Entity) -> Result<Found> {
    let failed = |error| Error::new(Kind::Internal, "writing an answer").because(error);
    let mut text = Vec::with_capacity(LARGE);
    serde_json::to_writer(&mut text, entity).map_err(failed)?;
    let digest = id::hex(&sha256(&text)[..8]);
    Ok(Found { tag: format!("W/\"{}-{digest}\"", entity.version()), text })
}
