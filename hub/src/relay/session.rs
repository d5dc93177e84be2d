//! One connected stretch of a relay's work: from finding the position to the first thing that goes wrong.
//!
//! Everything that is sent and the position that says so are one transaction. What became of a transaction is never
//! concluded from an error: the next session reads the position.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::outlet::{Failure, Outlet, Parcel};
use super::position::{Position, Snapshot};
use super::reading::{self, Care, Held, Reader};
use super::source::{Batch, Pages, Ready, Source, name_by_round};
use super::status::{RUNNING, WAITING};
use super::trouble::Trouble;
use super::{Relay, message};
use crate::keyring::Token;
use crate::leaving::{Event, Operation, Scope};

/// So many changes that do not concern the agreement are passed over before the position is written without events.
const PASSED_OVER: i64 = 10_000;
/// How often it is looked for changes that another process may have written; those of this one are heard of at once.
const IDLE: Duration = Duration::from_millis(200);
/// Every so many idle rounds it is asked whether someone has reset the position.
const LISTEN: u32 = 10;

const SENDING: &str = "正在发送全量记录。 Sending full records.";
const COMPARING: &str = "正在与状态主题比对。 Comparing with the state topic.";

pub(super) struct Session<'a> {
    relay: &'a Relay,
    going: &'a dyn Fn() -> bool,
    outlet: Outlet,
    partitions: BTreeMap<String, i32>,
    scope: Scope,
    /// The writer's generation under which this session sends.
    generation: i64,
    /// As committed.
    position: Position,
    /// Changes up to here were read; past the position where they did not concern the agreement.
    read: i64,
    idle: u32,
    /// Read while the transaction before was on its way.
    ahead: Ahead,
}

/// What was made ready for the next transaction.
#[derive(Default)]
enum Ahead {
    #[default]
    Nothing,
    Changes(Batch),
    Pages(Pages),
}

impl<'a> Session<'a> {
    /// Connects and finds the position.
    pub(super) fn open(relay: &'a Relay, going: &'a dyn Fn() -> bool) -> Result<Self, Trouble> {
        let generation = relay.generation()?.ok_or(Trouble::Over)?;
        // A relay that must not run shall fence nobody. What a crash has left open may hide the latest position here.
        relay.look(Care::Glance, going)?;
        let outlet = Outlet::open(&relay.kafka, &relay.transactional_id(), going)?;
        // Only now is what an earlier producer left committed or aborted for good.
        let (partitions, position) = relay.look(Care::Whole, going)?;
        let (read, scope) = (position.seq, Scope::Agreement(relay.agreement.clone()));
        let ahead = Ahead::Nothing;
        Ok(Self { relay, going, outlet, partitions, scope, generation, position, read, idle: 0, ahead })
    }

    /// Sends until something goes wrong.
    pub(super) fn work(&mut self) -> Trouble {
        let bell = self.relay.hub.db.bell().clone();
        loop {
            if !(self.going)() {
                return Trouble::Over;
            }
            let heard = bell.times();
            match self.advance() {
                Ok(true) => self.idle = 0,
                Ok(false) => bell.wait(heard, IDLE),
                Err(trouble) => return trouble,
            }
        }
    }

    /// The round of the position, by which a reset is noticed.
    pub(super) fn round(&self) -> u64 {
        self.position.round
    }

    fn advance(&mut self) -> Result<bool, Trouble> {
        match self.position.snapshot.clone() {
            Some(snapshot) if snapshot.compare => self.compare(&snapshot).map(|()| true),
            Some(snapshot) => self.snapshot(&snapshot).map(|()| true),
            None => self.changes(),
        }
    }

    /// Sends the next changes; false if there are none.
    fn changes(&mut self) -> Result<bool, Trouble> {
        let (hub, from) = (&self.relay.hub, self.read);
        let writer = hub.db.writer()?;
        if writer.holder != hub.instance || writer.generation != self.generation {
            return Err(Trouble::Over);
        }
        if from >= writer.next_seq - 1 {
            return self.rest();
        }
        let batch = match std::mem::take(&mut self.ahead) {
            Ahead::Changes(batch) if batch.from == from && batch.upto > from => batch,
            _ => self.source().changes(from)?,
        };
        let upto = batch.upto;
        if !batch.ready.is_empty() || upto - self.position.seq >= PASSED_OVER {
            let next = Position { seq: upto, ..self.position.clone() };
            self.ahead = match batch.full {
                true => self.ship_and(&batch.ready, next, |source| source.changes(upto).map(Ahead::Changes))?,
                false => self.ship(&batch.ready, next).map(|()| Ahead::Nothing)?,
            };
        }
        self.read = upto;
        self.relay.status.say(RUNNING, None, Some(upto));
        Ok(true)
    }

    fn source(&self) -> Source<'_> {
        Source { hub: &self.relay.hub, scope: &self.scope, most: self.relay.options.batch.max(1) }
    }

    /// Sends a transaction while the next is made ready. What cannot be made ready is read when its turn comes, and told then.
    fn ship_and(
        &mut self,
        ready: &[Ready],
        next: Position,
        read: impl FnOnce(Source<'_>) -> crate::error::Result<Ahead> + Send,
    ) -> Result<Ahead, Trouble> {
        let scope = self.scope.clone();
        let source = Source { hub: &self.relay.hub, scope: &scope, most: self.relay.options.batch.max(1) };
        thread::scope(|threads| {
            let ahead = threads.spawn(move || read(source));
            self.ship(ready, next)?;
            Ok(ahead.join().ok().and_then(Result::ok).unwrap_or_default())
        })
    }

    fn rest(&mut self) -> Result<bool, Trouble> {
        self.relay.status.say(RUNNING, None, Some(self.read));
        self.idle += 1;
        if self.idle.is_multiple_of(LISTEN) && self.relay.status.contradicted()? {
            return Err(Trouble::Away("the state of this relay was set by someone else; looking again".to_owned()));
        }
        Ok(false)
    }

    /// Sends the next pages of full records.
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Trouble> {
        let (at, mut after) = ((snapshot.seq, self.position.round), snapshot.after);
        loop {
            let pages = match std::mem::take(&mut self.ahead) {
                Ahead::Pages(pages) if pages.from == after => pages,
                _ => self.source().pages(at, after)?,
            };
            if !(self.going)() {
                return Err(Trouble::Over);
            }
            if pages.ready.is_empty() && pages.next.is_some() {
                after = pages.next;
                continue;
            }
            let rest = pages.next.map(|next| Snapshot { after: Some(next), ..snapshot.clone() });
            let next = Position { snapshot: rest, ..self.position.clone() };
            self.ahead = match pages.next {
                Some(_) => {
                    self.ship_and(&pages.ready, next, |source| source.pages(at, pages.next).map(Ahead::Pages))?
                }
                None => self.ship(&pages.ready, next).map(|()| Ahead::Nothing)?,
            };
            self.relay.status.say(RUNNING, Some(SENDING), None);
            return Ok(());
        }
    }

    /// Sends what differs from what the state topic holds. Interrupted, it starts again and finds less to send.
    fn compare(&mut self, snapshot: &Snapshot) -> Result<(), Trouble> {
        self.relay.status.say(RUNNING, Some(COMPARING), None);
        let topic = &self.relay.topics.state;
        let partitions = self.partitions.get(topic).copied().unwrap_or(1);
        let reader = Reader { config: &self.relay.kafka, care: Care::Whole, going: self.going };
        let mut held = reading::state(reader, topic, partitions)?;
        let mut after = None;
        loop {
            let (mut events, next) = self.page(snapshot.seq, after)?;
            let mut failed = None;
            events.retain_mut(|event| match differs(event, held.remove(&event.entity)) {
                Ok(differs) => differs,
                Err(error) => failed.replace(error).is_some(),
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            if !events.is_empty() {
                self.ship_events(events)?;
            }
            let Some(next) = next else { break };
            after = Some(next);
        }
        let gone: Vec<Event> =
            held.into_iter().map(|(entity, held)| self.removed(snapshot.seq, entity, &held)).collect();
        for part in gone.chunks(self.source().most) {
            self.ship_events(part.to_vec())?;
        }
        self.ship(&[], Position { snapshot: None, ..self.position.clone() })
    }

    fn page(&self, seq: i64, after: Option<Token>) -> Result<(Vec<Event>, Option<Token>), Trouble> {
        if !(self.going)() {
            return Err(Trouble::Over);
        }
        let (mut events, next) = self.source().page(seq, after)?;
        name_by_round(&mut events, self.position.round);
        Ok((events, next))
    }

    /// Sends events without moving the position.
    fn ship_events(&mut self, events: Vec<Event>) -> Result<(), Trouble> {
        let mut ready = Vec::new();
        self.source().add(&mut ready, events)?;
        self.ship(&ready, self.position.clone())
    }

    fn removed(&self, seq: i64, entity: Token, held: &Held) -> Event {
        Event {
            id: format!("{}-{seq}-{entity}-{}", self.position.epoch, self.position.round),
            seq,
            at: self.relay.hub.now(),
            kind: held.kind.to_string(),
            entity,
            version: 0,
            operation: Operation::Removed,
            data: None,
            merged_into: None,
        }
    }

    /// One transaction: the events, the state they leave, and the position after them.
    fn ship(&mut self, ready: &[Ready], next: Position) -> Result<(), Trouble> {
        match self.try_to_ship(ready, &next) {
            Ok(()) => {
                self.position = next;
                self.relay.shipped();
                Ok(())
            }
            Err(Halt::Trouble(trouble)) => Err(trouble),
            Err(Halt::Failure(Failure::Fenced)) => Err(super::Stop::Fenced.into()),
            Err(Halt::Failure(Failure::Abort(why))) => {
                // Consumers need not wait for the broker to give the transaction up; if even that fails, the next start does it.
                let _given_up = self.outlet.abort();
                Err(Trouble::Away(why))
            }
            Err(Halt::Failure(Failure::Again(why) | Failure::Lost(why))) => Err(Trouble::Away(why)),
        }
    }

    fn try_to_ship(&self, ready: &[Ready], next: &Position) -> Result<(), Halt> {
        let (epoch, topics) = (&self.position.epoch, &self.relay.topics);
        let slow = |why: &str| self.relay.status.say(WAITING, Some(why), None);
        self.outlet.begin()?;
        for Ready { event, message } in ready {
            let (key, headers) = (message::key(event), Some(message::event_headers()));
            self.outlet.send(Parcel { topic: &topics.events, key: &key, value: Some(message), headers })?;
            let headers = Some(message::state_headers(epoch, event));
            self.outlet.send(Parcel { topic: &topics.state, key: &key, value: message::state(event), headers })?;
        }
        let (key, value) = (&self.relay.agreement.id, next.bytes()?);
        self.outlet.send(Parcel { topic: &topics.control, key, value: Some(&value), headers: None })?;
        self.outlet.flush(self.going, &slow)?;
        self.pause_before_commit()?;
        if self.relay.generation()? != Some(self.generation) {
            let _given_up = self.outlet.abort();
            return Err(Halt::Trouble(Trouble::Over));
        }
        Ok(self.outlet.commit(self.going, &slow)?)
    }

    /// For tests: a kill here leaves an open transaction. Asked to end meanwhile, it is left open as a kill would leave it.
    fn pause_before_commit(&self) -> Result<(), Trouble> {
        if self.relay.options.pause_before_commit.is_zero()
            || self.relay.pause(self.relay.options.pause_before_commit, self.going)
        {
            return Ok(());
        }
        Err(Trouble::Over)
    }
}

enum Halt {
    Trouble(Trouble),
    Failure(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<crate::error::Error> for Halt {
    fn from(error: crate::error::Error) -> Self {
        Self::Trouble(error.into())
    }
}

/// Whether a consumer that holds `held` has to be told of the event; says what it is to that consumer.
fn differs(event: &mut Event, held: Option<Held>) -> crate::error::Result<bool> {
    let Some(held) = held else { return Ok(true) };
    event.operation = Operation::Changed;
    Ok(message::state(event).is_none_or(|record| reading::digest(record) != held.digest))
}
