//! Records that nothing else places, placed by likeness: the models, which records a transaction may move, and the keys by
//! which they are found from now on.
//!
//! Where a record goes is a function of the records and people it is linked with, directly or in turn, and of the active
//! model; see `groups`. So the order of arrival does not matter.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::golden::Rules;
use super::links::{self, Decisions, Touched};
use super::pool::{Near, Pool, Whom};
use super::reading::Reading;
use super::shift::moved;
use super::standings::Standings;
use super::working::Working;
use super::{groups, reach};
use crate::error::Result;
use crate::matching::{Matcher, Outcome};
use crate::resolve;
use crate::store::Conn;
use crate::store::matching::{self, Changes, Matching};
use crate::store::past_link::PastLink;

/// Models made ready, kept between transactions: the active one, and one whose keys are being made. Each with whether it is
/// as it will stay.
#[derive(Default)]
pub struct Models(Mutex<Vec<(bool, Arc<Matcher>)>>);

/// The models of one moment.
#[derive(Default, Clone)]
pub struct Standing {
    /// The active one.
    pub active: Option<Arc<Matcher>>,
    /// One whose keys are being made.
    pub filling: Option<Arc<Matcher>>,
}

impl Models {
    /// The models that stand in the store now.
    pub fn standing(&self, conn: &mut Conn) -> Result<Standing> {
        let mut standing = Standing::default();
        for (version, is_active) in matching::standing_models(conn)? {
            // The limits of one whose keys are being made may move until it is active.
            let ready = self.made(conn, version, is_active)?;
            // One of an older release says nothing until there is a new one: `hub tune --apply`.
            let ready = Some(ready).filter(|matcher| matcher.is_of_now());
            if is_active { standing.active = ready } else { standing.filling = ready }
        }
        Ok(standing)
    }

    /// A model made ready, whatever its state.
    pub fn ready(&self, conn: &mut Conn, version: i64) -> Result<Arc<Matcher>> {
        self.made(conn, version, false)
    }

    fn made(&self, conn: &mut Conn, version: i64, is_final: bool) -> Result<Arc<Matcher>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(stays, matcher): &&(bool, Arc<Matcher>)| matcher.version == version && (*stays || !is_final);
        if let Some((_, found)) = known.iter().find(is_it) {
            return Ok(found.clone());
        }
        let made = Arc::new(Matcher::new(version, matching::frozen(conn, version)?));
        if !made.is_of_now() {
            tracing::warn!(version, "this model of likeness is of another release and says nothing; make a new one");
        }
        // Two stand at most.
        known.retain(|(_, matcher)| matcher.version + 1 >= version && matcher.version != version);
        known.push((is_final, made.clone()));
        Ok(made)
    }
}

impl Standing {
    /// Both.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Matcher>> {
        self.active.iter().chain(&self.filling)
    }
}

/// Places again what the transaction may move, and says what is to be stored of keys and standings.
pub fn resettle(
    rules: &Rules,
    conn: &mut Conn,
    (working, touched): (&mut Working, &mut Touched),
    decisions: &mut Decisions,
    now: i64,
) -> Result<Changes> {
    let standing = rules.models.standing(conn)?;
    let mut changes = Changes::default();
    if standing.active.is_none() && standing.filling.is_none() {
        return Ok(changes);
    }
    let mut moved = moved(rules, &standing, working, &mut changes, touched.contributions())?;
    let Some(active) = &standing.active else { return Ok(changes) };
    let mut pool = Pool::new((rules, active), working, (std::mem::take(&mut moved.turnover), &moved.keyed))?;
    let others = reach::others(&mut pool, conn, working, &moved)?;
    let grouped = groups::grouped(&mut pool, conn, (working, decisions), (&moved.asked, others))?;
    let mut standings = Standings::of(conn, working, grouped.keys(), (active.version, now))?;
    for (place, one) in grouped {
        links::relink_loose(working, place, (one.placing, one.resident, one.token), touched)?;
        standings.say(working, place, one)?;
    }
    standings.write(&mut changes);
    gone(conn, working, &mut changes)?;
    Ok(changes)
}

/// What likeness has said, as it still stands in the store, of those that have left where it placed them.
pub(super) fn remember(conn: &mut Conn, left: &mut [PastLink]) -> Result<()> {
    let placed = |of: &&mut PastLink| of.entity.is_some() && resolve::is_loose(&of.link);
    let ids: Vec<Vec<u8>> = left.iter_mut().filter(placed).map(|of| of.contribution.clone()).collect();
    let said = matching::standing(conn, &ids)?.into_iter().map(|said| (said.contribution.clone(), said));
    let mut said: HashMap<Vec<u8>, Matching> = said.collect();
    for of in left.iter_mut().filter(placed) {
        if let Some(said) = said.remove(&of.contribution) {
            (of.model, of.document) = (Some(said.model), Some(said.document));
        }
    }
    Ok(())
}

/// Records that stood somewhere and are placed otherwise now, or have ended.
fn gone(conn: &mut Conn, working: &Working, changes: &mut Changes) -> Result<()> {
    let mut ids = Vec::new();
    for place in working.places() {
        let held = working.at(place);
        let was_loose = held.was.as_ref().is_some_and(|(link, _)| resolve::is_loose(link));
        if was_loose && !(held.row.is_live() && resolve::is_loose(&held.row.link)) {
            ids.push(held.row.id.clone());
        }
    }
    changes.moved.extend(matching::standing(conn, &ids)?.into_iter().map(|found| found.contribution));
    Ok(())
}

/// Whom a record is about that is not stored, and need not be; or which others are like it that nothing places.
pub fn who(rules: &Rules, conn: &mut Conn, matcher: &Matcher, cells: &[String]) -> Result<Outcome> {
    let reading = Reading::of_cells(rules.keyring, matcher, cells)?;
    let (mut working, mut pool) = (Working::default(), Pool::stored((rules, matcher)));
    pool.load(conn, &mut working, &reading.tags.iter().copied().collect())?;
    let near = pool.near(&working, (None, &reading), &BTreeSet::new())?;
    let (people, records): (Vec<Near>, Vec<Near>) =
        near.into_iter().partition(|near| matches!(near.whom, Whom::Person(_)));
    let candidates = |near: Vec<Near>| near.into_iter().map(|near| near.candidate).collect();
    match matcher.among(candidates(people)) {
        Outcome::Apart => Ok(matcher.among(candidates(records))),
        outcome => Ok(outcome),
    }
}
