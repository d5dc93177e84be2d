//! Records that nothing else places, placed by likeness: which of them a transaction may move, whom they are like, and the
//! keys by which they are found from now on.
//!
//! Where a record goes is a function of the record, of the people known by their numbers and of the active model: a record
//! that is placed so founds nobody, teaches nothing and is no evidence for another. So there are no chains, and the order of
//! arrival does not matter. Records like no such person are left to `groups`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::golden::{Rules, entity_id};
use super::groups::Pool;
use super::links::{self, Decisions, Touched};
use super::reading::Reading;
use super::regroup::{self, is_pooled};
use super::shift::{Keyed, Moved, moved};
use super::standings::Standings;
use super::working::{Groups, Working};
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Tag, Token};
use crate::matching::{CAP, Candidate, Likeness, Matcher, Outcome, Values};
use crate::resolve::{self, Placing};
use crate::store::Conn;
use crate::store::entity::Entity;
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
    let again = touched.contributions().clone();
    let Moved { mut asked, around, turnover, keyed } = moved(rules, &standing, working, &mut changes, &again)?;
    let Some(active) = &standing.active else { return Ok(changes) };
    let loose = matching::under(conn, &working.stored_tags(&around), true)?;
    let ids: BTreeSet<Token> = loose.iter().map(|key| Token::from_slice(&key.contribution)).collect::<Result<_>>()?;
    asked.extend(working.by_ids(conn, &ids)?);
    asked.retain(|place| working.at(*place).row.is_live() && resolve::is_loose(&working.at(*place).row.link));
    let outcomes = outcomes((rules, active), conn, (working, decisions), &keyed, &asked)?;
    let mut standings = Standings::of(conn, working, &asked, (active.version, now))?;
    let mut others = BTreeSet::new();
    for (place, outcome) in &outcomes {
        let stays = resolve::placing(&working.at(*place).row.link) == Some(Placing::Group);
        match outcome {
            Outcome::Joined(candidates) => {
                let entity = candidates.first().map(|candidate| candidate.entity);
                links::relink_loose(working, *place, (Placing::Like, entity, None), touched)?;
            }
            _ if stays => {}
            _ => links::relink_loose(working, *place, (Placing::Waits, None, None), touched)?,
        }
        if standings.by_person(working, *place, outcome)? {
            others.insert(*place);
        }
    }
    let asked = regroup::Asked { turnover, keyed: &keyed, others, again: &again };
    regroup::regroup((rules, active), conn, (working, touched, decisions), asked, &mut standings)?;
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

/// What becomes of the loose records at these places.
pub fn outcomes(
    (rules, matcher): (&Rules, &Matcher),
    conn: &mut Conn,
    (working, decisions): (&mut Working, &mut Decisions),
    keyed: &Keyed,
    asked: &BTreeSet<usize>,
) -> Result<Vec<(usize, Outcome)>> {
    let (mut read, mut tags) = (Vec::with_capacity(asked.len()), BTreeSet::new());
    for place in asked {
        let reading = working.reading(rules.keyring, matcher, *place)?;
        tags.extend(reading.tags.iter().copied());
        read.push((*place, working.at(*place).row.token()?, reading));
    }
    let people = People::under((rules, matcher), conn, working, keyed, &tags)?;
    decisions.learn(conn, read.iter().map(|(_, id, _)| *id))?;
    let mut outcomes = Vec::with_capacity(read.len());
    for (place, id, reading) in read {
        let mut parted = BTreeSet::new();
        for token in decisions.found().parted_from(id) {
            parted.insert(entity_id(rules.keyring, RESIDENT, token)?);
        }
        outcomes.push((place, matcher.outcome(&people.like(matcher, &reading, &parted))));
    }
    Ok(outcomes)
}

/// Whom a record is about that is not stored, and need not be; or which others are like it that nothing places.
pub fn who(rules: &Rules, conn: &mut Conn, matcher: &Matcher, cells: &[String]) -> Result<Outcome> {
    let reading = Reading::of_cells(rules.keyring, matcher, cells)?;
    let tags = reading.tags.iter().copied().collect();
    let mut working = Working::default();
    let people = People::under((rules, matcher), conn, &mut working, &Keyed::new(), &tags)?;
    let outcome = matcher.outcome(&people.like(matcher, &reading, &BTreeSet::new()));
    if outcome != Outcome::Apart {
        return Ok(outcome);
    }
    let mut pool = Pool::stored((rules, matcher), &is_pooled);
    let like = pool.like(conn, &mut working, (None, &reading))?;
    Ok(matcher.among(like.into_iter().map(|(_, candidate)| candidate).collect()))
}

/// The people found under some tags, and what their records say.
pub(super) struct People {
    found: BTreeMap<Tag, BTreeSet<Token>>,
    groups: Groups,
    records: BTreeMap<usize, Arc<Reading>>,
}

impl People {
    /// Finds them, as they will stand.
    pub(super) fn under(
        (rules, matcher): (&Rules, &Matcher),
        conn: &mut Conn,
        working: &mut Working,
        keyed: &Keyed,
        tags: &BTreeSet<Tag>,
    ) -> Result<Self> {
        let found = people_under(conn, working, keyed, tags)?;
        let all: BTreeSet<Token> = found.values().flatten().copied().collect();
        let groups = working.of_entities(conn, &all)?;
        let mut records: BTreeMap<usize, Arc<Reading>> = BTreeMap::new();
        for place in groups.values().flatten() {
            if is_strong(&working.at(*place).row.link) && !records.contains_key(place) {
                records.insert(*place, working.reading(rules.keyring, matcher, *place)?);
            }
        }
        Ok(Self { found, groups, records })
    }

    /// Who comes after a person, by id, and may be the same one.
    pub(super) fn beside(&self, matcher: &Matcher, person: Token) -> Vec<Candidate> {
        let ours: Vec<&Reading> = self.read(person).collect();
        let tags = ours.iter().flat_map(|reading| &reading.tags);
        let others: BTreeSet<Token> = tags.filter_map(|tag| self.found.get(tag)).flatten().copied().collect();
        let ours: Vec<&Values> = ours.iter().map(|reading| &reading.values).collect();
        let others = others.into_iter().filter(|other| *other > person);
        let twice = |other| {
            let theirs: Vec<&Values> = self.read(other).map(|reading| &reading.values).collect();
            matcher.twice(&ours, &theirs, other)
        };
        others.filter_map(twice).collect()
    }

    fn read(&self, person: Token) -> impl Iterator<Item = &Reading> {
        let places = self.groups.get(&person).into_iter().flatten();
        places.filter_map(|place| self.records.get(place)).map(|reading| &**reading)
    }

    /// The ids of the records that are evidence of what a person is like.
    pub(super) fn records_of(&self, working: &Working, person: &Entity) -> Result<Vec<Vec<u8>>> {
        let places = self.groups.get(&Token::from_slice(&person.id)?).into_iter().flatten();
        let strong = places.filter(|place| self.records.contains_key(place));
        Ok(strong.map(|place| working.at(*place).row.id.clone()).collect())
    }

    /// How like a record is to the people under its keys, but those it was parted from.
    fn like(&self, matcher: &Matcher, reading: &Reading, parted: &BTreeSet<Token>) -> BTreeMap<Token, Likeness> {
        let people: BTreeSet<&Token> = reading.tags.iter().filter_map(|key| self.found.get(key)).flatten().collect();
        let mut like = BTreeMap::new();
        for entity in people.into_iter().filter(|entity| !parted.contains(entity)) {
            let records = self.groups.get(entity).into_iter().flatten().filter_map(|place| self.records.get(place));
            let values = records.map(|record| &record.values);
            like.extend(matcher.likeness(&reading.values, values).map(|likeness| (*entity, likeness)));
        }
        like
    }
}

/// Whether a record with this link is evidence of what its person is like.
fn is_strong(link: &str) -> bool {
    !resolve::is_loose(link)
}

/// The people found under each tag, as they will stand; none under one that too many share.
fn people_under(
    conn: &mut Conn,
    working: &mut Working,
    keyed: &Keyed,
    tags: &BTreeSet<Tag>,
) -> Result<BTreeMap<Tag, BTreeSet<Token>>> {
    let mut under: BTreeMap<Tag, BTreeSet<Token>> = BTreeMap::new();
    let stored = matching::under(conn, &tags.iter().copied().collect::<Vec<_>>(), false)?;
    let mut owners = BTreeSet::new();
    for key in &stored {
        let owner = Token::from_slice(&key.contribution)?;
        owners.insert(owner);
        under.entry(key.tag).or_default().insert(owner);
    }
    working.by_ids(conn, &owners)?;
    // What this transaction moves is found as it will stand, and not as it stands.
    let moved = keyed.keys().map(|place| working.at(*place).row.token()).collect::<Result<HashSet<Token>>>()?;
    under.values_mut().for_each(|ids| ids.retain(|id| !moved.contains(id)));
    for (place, now) in keyed {
        let row = &working.at(*place).row;
        if row.is_live() && is_strong(&row.link) {
            let id = row.token()?;
            for tag in now.intersection(tags) {
                under.entry(*tag).or_default().insert(id);
            }
        }
    }
    let mut people = BTreeMap::new();
    for (tag, ids) in under {
        let mut entities = BTreeSet::new();
        for id in &ids {
            if let Some(entity) = working.entity_of(id)? {
                entities.insert(entity);
            }
        }
        if entities.len() <= CAP {
            people.insert(tag, entities);
        }
    }
    Ok(people)
}
