//! What is to be sent next: read from the store and written as messages. It is a function of the store, the agreement and
//! the place it begins at, so that the next transaction can be made ready while the one before is on its way.

use super::message;
use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::leaving::{self, Event, Scope};
use crate::store::entity;

/// Changes, or entities, that are read at once.
const PAGE: i64 = 500;
/// Most pages that are looked through for one transaction.
const PAGES: usize = 40;

/// Where an agreement's messages come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub hub: &'a Hub,
    pub scope: &'a Scope,
    /// So many changes, or entities, go into one transaction.
    pub most: usize,
}

/// An event with its message.
pub(super) struct Ready {
    pub event: Event,
    pub message: Vec<u8>,
}

/// What one transaction takes.
pub(super) struct Batch {
    /// After which change it begins.
    pub from: i64,
    /// The last change it considers.
    pub upto: i64,
    /// Whether more may be there already.
    pub full: bool,
    pub ready: Vec<Ready>,
}

/// What one transaction takes of a snapshot.
pub(super) struct Pages {
    /// After which entity they begin.
    pub from: Option<Token>,
    /// After which entity the next begin; none after the last.
    pub next: Option<Token>,
    pub ready: Vec<Ready>,
}

impl Source<'_> {
    /// The next changes after `from`.
    pub(super) fn changes(self, from: i64) -> Result<Batch> {
        let mut batch = Batch { from, upto: from, full: false, ready: Vec::new() };
        loop {
            let page = PAGE.min(i64::try_from(self.most).unwrap_or(PAGE));
            let (read, events) = self.hub.db.read(|conn| {
                let versions = entity::changes(conn, batch.upto, page)?;
                let events = leaving::events(conn, &self.hub.keyring, &self.hub.epoch, self.scope, &versions)?;
                Ok((versions.last().map(|version| (version.seq, versions.len())), events))
            })?;
            let Some((upto, count)) = read else { return Ok(batch) };
            batch.upto = upto;
            self.add(&mut batch.ready, events)?;
            if i64::try_from(count).is_ok_and(|count| count < page) {
                return Ok(batch);
            }
            // What does not concern the agreement is not read on and on without a look at what else there is to do.
            if usize::try_from(batch.upto - from).is_ok_and(|considered| considered >= self.most) {
                batch.full = true;
                return Ok(batch);
            }
        }
    }

    /// The next full records as of a `seq` after `from`; perhaps none although there are more, where few are in scope.
    pub(super) fn pages(self, (seq, round): (i64, u64), from: Option<Token>) -> Result<Pages> {
        let mut pages = Pages { from, next: from, ready: Vec::new() };
        for _ in 0..PAGES {
            let (mut events, next) = self.page(seq, pages.next)?;
            name_by_round(&mut events, round);
            self.add(&mut pages.ready, events)?;
            pages.next = next;
            if next.is_none() || pages.ready.len() >= self.most {
                break;
            }
        }
        Ok(pages)
    }

    /// One page of full records as of a `seq`, and after which entity the next begins.
    pub(super) fn page(self, seq: i64, after: Option<Token>) -> Result<(Vec<Event>, Option<Token>)> {
        let (keyring, epoch) = (&self.hub.keyring, &self.hub.epoch);
        let after = after.map(Token::to_vec).unwrap_or_default();
        let page = self.hub.db.read(|conn| leaving::snapshot(conn, keyring, epoch, self.scope, (seq, &after, PAGE)))?;
        Ok((page.events, page.next.map(|next| Token::from_slice(&next)).transpose()?))
    }

    /// Writes messages of events.
    pub(super) fn add(self, ready: &mut Vec<Ready>, events: Vec<Event>) -> Result<()> {
        ready.reserve(events.len());
        for event in events {
            ready.push(Ready { message: message::event(&self.hub.epoch, &event)?, event });
        }
        Ok(())
    }
}

/// The same entity may have been sent as of the same `seq` in an earlier round.
pub(super) fn name_by_round(events: &mut [Event], round: u64) {
    if round > 0 {
        events.iter_mut().for_each(|event| event.id = format!("{}-{round}", event.id));
    }
}
