//! Loose records and the people known otherwise, grouped: whom each record is about, or which of them are one resident.
//!
//! What becomes of a record depends on those it is linked with, people and records, directly or in turn, and on no other; so
//! only they are looked at. A person is never grouped with another one. A resident made of loose records alone has no number to
//! be named by and is named after one of the records: its token is that contribution's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::links::Decisions;
use super::pool::{Near, Pool, Whom};
use super::reading::Reading;
use super::working::Working;
use crate::error::Result;
use crate::keyring::Token;
use crate::linkage::block;
use crate::linkage::cluster::{Between, Groups, Link};
use crate::matching::{Candidate, SHOWN, likeliest};
use crate::resolve::Placing;
use crate::store::{Conn, entity};

/// What became of a record.
pub struct Grouped {
    /// By what it is placed.
    pub placing: Placing,
    /// The resident it is about.
    pub resident: Option<Token>,
    /// That one's token, where the resident is made of loose records alone.
    pub token: Option<Token>,
    /// Whom it is like, the likest first; the resident it was placed to comes before all, with the records that were, too.
    pub like: Vec<Candidate>,
}

/// Whom each record is like that was looked at.
type Nearness = BTreeMap<usize, Vec<Near>>;

/// A resident, and its token where it is made of loose records alone.
type Resident = (Token, Option<Token>);

/// What becomes of these records and of all they are linked with. `come` say another thing than before: whoever is like them is
/// told so, too.
pub fn grouped(
    pool: &mut Pool,
    conn: &mut Conn,
    (working, decisions): (&mut Working, &mut Decisions),
    (come, others): (&BTreeSet<usize>, BTreeSet<usize>),
) -> Result<BTreeMap<usize, Grouped>> {
    let near = linked(pool, conn, (&mut *working, &mut *decisions), (come, others))?;
    let residents = residents(pool, conn, (&*working, &*decisions), &near)?;
    let mut grouped = BTreeMap::new();
    for (place, found) in near {
        let resident = residents.get(&place).copied();
        let like = match resident {
            None => found.into_iter().map(|near| near.candidate).collect(),
            Some(resident) => told(pool, working, (place, resident), found, &residents)?,
        };
        let placing = match resident {
            None => Placing::Waits,
            Some((_, None)) => Placing::Like,
            Some((_, Some(_))) => Placing::Group,
        };
        let (resident, token) = resident.map_or((None, None), |(resident, token)| (Some(resident), token));
        grouped.insert(place, Grouped { placing, resident, token, like: shown(like, resident) });
    }
    Ok(grouped)
}

/// The likest candidates, before them the one that is the resident.
fn shown(mut like: Vec<Candidate>, resident: Option<Token>) -> Vec<Candidate> {
    let is_it = |one: &Candidate| one.record.is_none() && Some(one.entity) == resident;
    let first = like.iter().position(is_it).map(|at| like.remove(at));
    // People who are known come before records that nothing else places.
    let (mut people, mut records): (Vec<_>, Vec<_>) = like.into_iter().partition(|one| one.record.is_none());
    likeliest(&mut people);
    likeliest(&mut records);
    let all = first.into_iter().chain(people).chain(records);
    all.take(SHOWN).collect()
}

/// Whom a placed record is like among those it was placed with. A person it is like only through others is told as well.
fn told(
    pool: &Pool,
    working: &Working,
    (place, (resident, token)): (usize, Resident),
    found: Vec<Near>,
    residents: &BTreeMap<usize, Resident>,
) -> Result<Vec<Candidate>> {
    let is_with = |near: &Near| match near.whom {
        Whom::Person(person) => person == resident,
        Whom::Record(other) => residents.get(&other) == Some(&(resident, token)),
    };
    let is_known = token.is_none();
    let mut like: Vec<Candidate> = found.into_iter().filter(is_with).map(|near| near.candidate).collect();
    if is_known && !like.iter().any(|one| one.record.is_none()) {
        let reading = pool.reading(working, place)?;
        let theirs = pool.readings_of(working, resident)?;
        let theirs: Vec<_> = theirs.iter().map(|reading| &reading.values).collect();
        like.push(pool.matcher().through_others(&reading.values, &theirs, resident));
    }
    Ok(like)
}

/// Goes from records to all they are linked with.
fn linked(
    pool: &mut Pool,
    conn: &mut Conn,
    (working, decisions): (&mut Working, &mut Decisions),
    (come, others): (&BTreeSet<usize>, BTreeSet<usize>),
) -> Result<Nearness> {
    let mut near = Nearness::new();
    let mut people = BTreeSet::new();
    let mut next: BTreeSet<usize> = come.iter().copied().chain(others).collect();
    while !next.is_empty() {
        let (mut readings, mut tags) = (Vec::new(), BTreeSet::new());
        for place in std::mem::take(&mut next) {
            let reading = pool.reading(working, place)?;
            tags.extend(reading.tags.iter().copied());
            readings.push((place, working.at(place).row.token()?, reading));
        }
        pool.load(conn, working, &tags)?;
        decisions.learn(conn, readings.iter().map(|(_, id, _)| *id))?;
        let mut reached = BTreeSet::new();
        for (place, id, reading) in readings {
            let found = pool.near(working, (Some(id), &reading), &parted(pool, decisions, id)?)?;
            for near in &found {
                match near.whom {
                    Whom::Person(person) => reached.extend((!near.links.is_empty()).then_some(person)),
                    Whom::Record(other) => {
                        next.extend((!near.links.is_empty() || come.contains(&place)).then_some(other));
                    }
                }
            }
            near.insert(place, found);
        }
        reached.retain(|person| people.insert(*person));
        next.extend(pool.attached(conn, working, &reached)?);
        next.retain(|place| !near.contains_key(place));
    }
    Ok(near)
}

/// The entities of the people a record was parted from.
fn parted(pool: &Pool, decisions: &Decisions, id: Token) -> Result<BTreeSet<Token>> {
    decisions.found().parted_from(id).map(|person| pool.entity_of(person)).collect()
}

/// Who each record is about, by the places of the records.
fn residents(
    pool: &Pool,
    conn: &mut Conn,
    (working, decisions): (&Working, &Decisions),
    near: &Nearness,
) -> Result<BTreeMap<usize, Resident>> {
    let (mut residents, mut unnamed) = (BTreeMap::new(), Vec::new());
    let decided = decisions.found();
    for Component { records, people } in components(near) {
        let mut members = BTreeMap::new();
        for place in records {
            members.insert(working.at(place).row.token()?, place);
        }
        // Whoever was taken out of a resident made so is not put into one again together with whom it is named after.
        let is_parted = |id: &Token| decided.is_parted_from_any(*id, |person| members.contains_key(person));
        let taken_out: BTreeSet<Token> = members.keys().filter(|id| is_parted(id)).copied().collect();
        members.retain(|id, _| !taken_out.contains(id));
        let members = Members::of(pool, working, decisions, (members, &people))?;
        for (person, places) in members.clustered(pool, near) {
            match person {
                Some(person) => residents.extend(places.into_iter().map(|place| (place, (person, None)))),
                None => unnamed.push(places),
            }
        }
    }
    // Whoever was merged stays so when nobody is left to be grouped with.
    let grouped: BTreeSet<usize> = unnamed.iter().flatten().chain(residents.keys()).copied().collect();
    for place in near.keys().filter(|place| !grouped.contains(place)) {
        if decided.is_merged(working.at(*place).row.token()?) {
            unnamed.push(vec![*place]);
        }
    }
    residents.extend(named(pool, conn, working, decisions, unnamed)?);
    Ok(residents)
}

/// Linked records and people.
struct Component {
    records: BTreeSet<usize>,
    people: BTreeSet<Token>,
}

/// Records that links hold together, directly or in turn, with each other or with a person.
fn components(near: &Nearness) -> Vec<Component> {
    let mut with: BTreeMap<Token, Vec<usize>> = BTreeMap::new();
    for (place, found) in near {
        for near in found.iter().filter(|near| !near.links.is_empty()) {
            if let Whom::Person(person) = near.whom {
                with.entry(person).or_default().push(*place);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut components = Vec::new();
    for first in near.keys() {
        let mut component = Component { records: BTreeSet::new(), people: BTreeSet::new() };
        let mut next = vec![*first];
        while let Some(place) = next.pop() {
            if !seen.insert(place) {
                continue;
            }
            component.records.insert(place);
            for near in near.get(&place).into_iter().flatten().filter(|near| !near.links.is_empty()) {
                match near.whom {
                    Whom::Record(other) => next.push(other),
                    Whom::Person(person) => {
                        if component.people.insert(person) {
                            next.extend(with.get(&person).into_iter().flatten());
                        }
                    }
                }
            }
        }
        if component.records.len() > 1 || !component.people.is_empty() {
            components.push(component);
        }
    }
    components
}

/// A person, if one is among them, and the loose records that are about one person.
type Cluster = (Option<Token>, Vec<usize>);

/// Linked records with those by which the people among them are known, in the order of their ids.
#[derive(Default)]
struct Members {
    places: Vec<usize>,
    readings: Vec<Arc<Reading>>,
    /// Who is known by a record; `None` for a loose one.
    people: Vec<Option<Token>>,
    /// The people a record was parted from.
    parted: Vec<BTreeSet<Token>>,
}

impl Members {
    fn of(
        pool: &Pool,
        working: &Working,
        decisions: &Decisions,
        (loose, people): (BTreeMap<Token, usize>, &BTreeSet<Token>),
    ) -> Result<Self> {
        let mut all: BTreeMap<Token, (usize, Option<Token>)> =
            loose.into_iter().map(|(id, place)| (id, (place, None))).collect();
        for person in people {
            for place in pool.records_of(*person) {
                all.insert(working.at(*place).row.token()?, (*place, Some(*person)));
            }
        }
        let mut members = Self::default();
        for (id, (place, person)) in all {
            members.places.push(place);
            members.readings.push(pool.reading(working, place)?);
            members.people.push(person);
            members.parted.push(parted(pool, decisions, id)?);
        }
        Ok(members)
    }

    /// All records of each person together, and every loose record alone.
    fn as_known(&self) -> Groups {
        let mut groups = Groups::alone(self.places.len());
        let mut first: BTreeMap<Token, u32> = BTreeMap::new();
        for (number, person) in self.people.iter().enumerate() {
            if let Some(person) = person {
                groups.join(*first.entry(*person).or_insert(number as u32), number as u32);
            }
        }
        groups
    }

    fn links(&self, near: &Nearness) -> Vec<Link> {
        let numbers: HashMap<usize, u32> =
            self.places.iter().zip(0..).map(|(place, number)| (*place, number)).collect();
        let mut links = Vec::new();
        for (place, number) in self.places.iter().zip(0_u32..) {
            for (other, odds) in near.get(place).into_iter().flatten().flat_map(|near| &near.links) {
                // Two loose records are linked from either side.
                if let Some(other) = numbers.get(other) {
                    links.push(Link { pair: block::pair(number.min(*other), number.max(*other)), odds: *odds });
                }
            }
        }
        links.sort_by(|one, other| one.pair.cmp(&other.pair).then(other.odds.total_cmp(&one.odds)));
        links.dedup_by_key(|link| link.pair);
        links
    }

    fn between(&self, pool: &Pool, one: u32, other: u32) -> Between {
        let (low, high) = (one.min(other) as usize, one.max(other) as usize);
        let is_apart = match (self.people[low], self.people[high]) {
            (Some(person), Some(another)) => person != another,
            (Some(person), None) => self.parted[high].contains(&person),
            (None, Some(person)) => self.parted[low].contains(&person),
            (None, None) => false,
        };
        match is_apart {
            true => Between::Barred,
            false => pool.matcher().between(&self.readings[low].values, &self.readings[high].values),
        }
    }

    /// Groups of at least two.
    fn clustered(&self, pool: &Pool, near: &Nearness) -> Vec<Cluster> {
        let mut groups = self.as_known();
        groups.grow(|_| 0, &self.links(near), [false; 2], |one, other| self.between(pool, one, other));
        let cluster = |group: &[u32]| {
            let numbers = || group.iter().map(|number| *number as usize);
            let person = numbers().find_map(|number| self.people[number]);
            let loose = numbers().filter(|number| self.people[*number].is_none());
            (person, loose.map(|number| self.places[number]).collect())
        };
        groups.all().filter(|group| group.len() > 1).map(cluster).collect()
    }
}

/// Names each group after one of its records: one that was merged, one after whom a resident is named already, or the
/// first by id.
fn named(
    pool: &Pool,
    conn: &mut Conn,
    working: &Working,
    decisions: &Decisions,
    groups: Vec<Vec<usize>>,
) -> Result<BTreeMap<usize, Resident>> {
    let mut names: BTreeMap<Token, Token> = BTreeMap::new();
    for place in groups.iter().flatten() {
        let id = working.at(*place).row.token()?;
        names.insert(id, pool.entity_of(id)?);
    }
    let stored = working.stored(&names.values().copied().collect());
    let known: HashMap<Vec<u8>, bool> =
        entity::rows(conn, &stored)?.into_iter().map(|row| (row.id, row.state == "live")).collect();
    let mut named = BTreeMap::new();
    for group in groups {
        let ids = group.iter().map(|place| working.at(*place).row.token()).collect::<Result<BTreeSet<_>>>()?;
        let known = |id: &Token| names.get(id).and_then(|name| known.get(name.0.as_slice())).copied();
        let first = |is: Option<bool>| ids.iter().find(|id| known(id) == is).copied();
        let merged = ids.iter().find(|id| decisions.found().is_merged(**id)).copied();
        let token = merged.or_else(|| first(Some(true))).or_else(|| first(Some(false))).or_else(|| first(None));
        let Some(token) = token else { continue };
        let token = decisions.found().person(token);
        let resident = (pool.entity_of(token)?, Some(token));
        named.extend(group.into_iter().map(|place| (place, resident)));
    }
    Ok(named)
}
