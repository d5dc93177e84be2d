//! Records that nothing else places and that are like each other: which of them are one resident.
//!
//! What becomes of a record depends on those it is linked with, directly or in turn, and on no other; so only they are
//! looked at. A resident made so has no number to be named by and is named after one of the records: its token is that
//! contribution's.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::golden::{Rules, entity_id};
use super::links::Decisions;
use super::reading::Reading;
use super::shift::Keyed;
use super::working::{Held, Working};
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Tag, Token};
use crate::linkage::block;
use crate::linkage::cluster::{Between, Link, cluster};
use crate::matching::{CAP, Candidate, Matcher, likeliest};
use crate::resolve;
use crate::store::{Conn, entity, matching};

/// How the number of loose records under each tag changes in a transaction: ended or gone elsewhere, and come.
pub type Turnover = HashMap<Tag, (usize, usize)>;

/// The records of one moment that nothing else places.
pub struct Pool<'a> {
    rules: &'a Rules<'a>,
    matcher: &'a Matcher,
    turnover: Turnover,
    is_in: &'a dyn Fn(&Held) -> bool,
    /// Loose records that the transaction moves, by tag.
    moved: HashMap<Tag, Vec<usize>>,
    moved_ids: HashSet<Token>,
    /// Those in the pool, by tag; nobody under one that too many share.
    under: HashMap<Tag, Vec<usize>>,
    /// All under tags that too many share now and did not before, or the other way round.
    crossing: BTreeSet<usize>,
}

/// What became of a record.
pub struct Grouped {
    /// The resident it is of, and that one's token.
    pub resident: Option<(Token, Token)>,
    /// The records like it, the likest first; of those of its resident only.
    pub like: Vec<Candidate>,
}

struct Near {
    place: usize,
    candidate: Candidate,
    odds: f64,
    is_sure: bool,
}

impl<'a> Pool<'a> {
    /// The pool as it is stored. `is_in` says who is in it.
    pub fn stored((rules, matcher): (&'a Rules<'a>, &'a Matcher), is_in: &'a dyn Fn(&Held) -> bool) -> Self {
        Self {
            rules,
            matcher,
            turnover: Turnover::new(),
            is_in,
            moved: HashMap::new(),
            moved_ids: HashSet::new(),
            under: HashMap::new(),
            crossing: BTreeSet::new(),
        }
    }

    /// The pool as it stands once the transaction commits.
    pub fn new(
        (rules, matcher): (&'a Rules<'a>, &'a Matcher),
        working: &Working,
        (turnover, keyed): (Turnover, &Keyed),
        is_in: &'a dyn Fn(&Held) -> bool,
    ) -> Result<Self> {
        let mut pool = Self { turnover, ..Self::stored((rules, matcher), is_in) };
        for (place, tags) in keyed {
            let row = &working.at(*place).row;
            pool.moved_ids.insert(row.token()?);
            if row.is_live() && resolve::is_loose(&row.link) {
                tags.iter().for_each(|tag| pool.moved.entry(*tag).or_default().push(*place));
            }
        }
        Ok(pool)
    }

    fn reading(&self, working: &Working, place: usize) -> Result<Arc<Reading>> {
        working.reading(self.rules.keyring, self.matcher, place)
    }

    /// Finds who is under these tags.
    fn load(&mut self, conn: &mut Conn, working: &mut Working, tags: &BTreeSet<Tag>) -> Result<()> {
        let fresh: BTreeSet<Tag> = tags.iter().filter(|tag| !self.under.contains_key(tag)).copied().collect();
        let mut stored: HashMap<Tag, usize> = HashMap::new();
        for (tag, count) in matching::loose_under(conn, &working.stored_tags(&fresh))? {
            stored.insert(tag, usize::try_from(count).unwrap_or(usize::MAX));
        }
        let (mut few, mut crossing) = (BTreeSet::new(), BTreeSet::new());
        for tag in &fresh {
            let before = stored.get(tag).copied().unwrap_or_default();
            let (gone, come) = self.turnover.get(tag).copied().unwrap_or_default();
            let after = (before + come).saturating_sub(gone);
            if after <= CAP {
                few.insert(*tag);
            }
            if (after <= CAP) != (before <= CAP) {
                crossing.insert(*tag);
            }
            self.under.entry(*tag).or_default();
        }
        let mut found: BTreeMap<Tag, BTreeSet<Token>> = BTreeMap::new();
        for key in matching::under(conn, &working.stored_tags(&few.union(&crossing).copied().collect()), true)? {
            let id = Token::from_slice(&key.contribution)?;
            if !self.moved_ids.contains(&id) {
                found.entry(key.tag).or_default().insert(id);
            }
        }
        working.by_ids(conn, &found.values().flatten().copied().collect())?;
        for tag in few.union(&crossing) {
            let mut places = self.moved.get(tag).cloned().unwrap_or_default();
            places.extend(found.get(tag).into_iter().flatten().filter_map(|id| working.place_of(id)));
            places.retain(|place| working.at(*place).row.is_live() && (self.is_in)(working.at(*place)));
            if crossing.contains(tag) {
                self.crossing.extend(&places);
            }
            if few.contains(tag) {
                self.under.insert(*tag, places);
            }
        }
        Ok(())
    }

    /// Who in the pool is like a record that need not be in it.
    pub fn like(
        &mut self,
        conn: &mut Conn,
        working: &mut Working,
        (id, reading): (Option<Token>, &Reading),
    ) -> Result<Vec<(usize, Candidate)>> {
        self.load(conn, working, &reading.tags.iter().copied().collect())?;
        let near = self.compared(working, (id, reading))?;
        Ok(near.into_iter().map(|near| (near.place, near.candidate)).collect())
    }

    fn compared(&self, working: &Working, (id, reading): (Option<Token>, &Reading)) -> Result<Vec<Near>> {
        let places: BTreeSet<usize> =
            reading.tags.iter().filter_map(|tag| self.under.get(tag)).flatten().copied().collect();
        let mut near = Vec::new();
        for place in places {
            let other = working.at(place).row.token()?;
            if id == Some(other) {
                continue;
            }
            let theirs = self.reading(working, place)?;
            // The same pair is compared the same way round, whoever asks.
            let is_first = id.is_some_and(|id| id < other);
            let (one, two) = if is_first { (reading, &*theirs) } else { (&*theirs, reading) };
            let Some((mut candidate, odds)) = self.matcher.alike(&one.values, &two.values, other) else { continue };
            candidate.entity = entity_id(self.rules.keyring, RESIDENT, other)?;
            near.push(Near { place, is_sure: self.matcher.is_sure(&candidate), odds, candidate });
        }
        Ok(near)
    }

    /// Records that may be placed otherwise because a number of others under their tags have come or gone.
    pub fn crossing(&mut self, conn: &mut Conn, working: &mut Working) -> Result<BTreeSet<usize>> {
        let tags = self.turnover.keys().copied().collect();
        self.load(conn, working, &tags)?;
        Ok(self.crossing.clone())
    }

    /// What becomes of these records and of all they are linked with. `come` have come into the pool: whoever is like them is
    /// told so, too.
    pub fn regrouped(
        &mut self,
        conn: &mut Conn,
        (working, decisions): (&mut Working, &mut Decisions),
        (come, others): (&BTreeSet<usize>, BTreeSet<usize>),
    ) -> Result<BTreeMap<usize, Grouped>> {
        let mut near: BTreeMap<usize, Vec<Near>> = BTreeMap::new();
        let mut next: BTreeSet<usize> = come.iter().copied().chain(others).collect();
        while !next.is_empty() {
            let (mut readings, mut tags) = (Vec::new(), BTreeSet::new());
            for place in std::mem::take(&mut next) {
                let reading = self.reading(working, place)?;
                tags.extend(reading.tags.iter().copied());
                readings.push((place, reading));
            }
            self.load(conn, working, &tags)?;
            for (place, reading) in readings {
                let found = self.compared(working, (Some(working.at(place).row.token()?), &reading))?;
                next.extend(found.iter().filter(|near| near.is_sure || come.contains(&place)).map(|near| near.place));
                near.insert(place, found);
            }
            next.retain(|place| !near.contains_key(place));
        }
        let groups = self.groups(conn, (working, decisions), &near)?;
        let mut grouped = BTreeMap::new();
        for (place, found) in near {
            let resident = groups.get(&place).copied();
            let is_told = |near: &Near| resident.is_none() || groups.get(&near.place).copied() == resident;
            let mut like = found.into_iter().filter(is_told).map(|near| near.candidate).collect();
            likeliest(&mut like);
            grouped.insert(place, Grouped { resident, like });
        }
        Ok(grouped)
    }

    /// The residents that records make together, each with its token, by the places of the records.
    fn groups(
        &mut self,
        conn: &mut Conn,
        (working, decisions): (&Working, &mut Decisions),
        near: &BTreeMap<usize, Vec<Near>>,
    ) -> Result<BTreeMap<usize, (Token, Token)>> {
        let mut ids = BTreeMap::new();
        for place in near.keys() {
            ids.insert(*place, working.at(*place).row.token()?);
        }
        decisions.learn(conn, ids.values().copied())?;
        let mut linked = Vec::new();
        for places in components(near) {
            let mut members: BTreeMap<Token, usize> = places.iter().map(|place| (ids[place], *place)).collect();
            // Whoever was taken out of a resident made so is not put into one again together with whom it is named after.
            let decided = decisions.found();
            let parted: BTreeSet<Token> = members
                .keys()
                .filter(|id| decided.is_parted_from_any(**id, |person| members.contains_key(person)))
                .copied()
                .collect();
            members.retain(|id, _| !parted.contains(id));
            linked.extend(self.clustered(working, &members, near)?);
        }
        // Whoever was merged stays so when nobody is left to be grouped with.
        let grouped: BTreeSet<usize> = linked.iter().flatten().copied().collect();
        let is_merged = |place: &usize| !grouped.contains(place) && decisions.found().is_merged(ids[place]);
        linked.extend(near.keys().filter(|place| is_merged(place)).map(|place| vec![*place]));
        self.named(conn, working, decisions, linked)
    }

    /// Groups of at least two among linked records, given and returned by place, in the order of their ids.
    fn clustered(
        &self,
        working: &Working,
        members: &BTreeMap<Token, usize>,
        near: &BTreeMap<usize, Vec<Near>>,
    ) -> Result<Vec<Vec<usize>>> {
        let places: Vec<usize> = members.values().copied().collect();
        let number: HashMap<usize, u32> =
            places.iter().enumerate().map(|(number, place)| (*place, number as u32)).collect();
        let mut links = Vec::new();
        for (number_of, place) in places.iter().enumerate() {
            for near in near.get(place).into_iter().flatten().filter(|near| near.is_sure) {
                if let Some(other) = number.get(&near.place).filter(|other| **other > number_of as u32) {
                    links.push(Link { pair: block::pair(number_of as u32, *other), odds: near.odds });
                }
            }
        }
        let readings = places.iter().map(|place| self.reading(working, *place)).collect::<Result<Vec<_>>>()?;
        let values = |number: u32| &readings[number as usize].values;
        let between =
            |one: u32, other: u32| -> Between { self.matcher.between(values(one.min(other)), values(one.max(other))) };
        let groups = cluster(places.len(), |_| 0, &links, [false; 2], between);
        let several = groups.all().filter(|group| group.len() > 1);
        Ok(several.map(|group| group.iter().map(|number| places[*number as usize]).collect()).collect())
    }

    /// Names each group after one of its records: one that was merged, one after whom a resident is named already, or the
    /// first by id.
    fn named(
        &self,
        conn: &mut Conn,
        working: &Working,
        decisions: &Decisions,
        groups: Vec<Vec<usize>>,
    ) -> Result<BTreeMap<usize, (Token, Token)>> {
        let mut names: BTreeMap<Token, Token> = BTreeMap::new();
        for place in groups.iter().flatten() {
            let id = working.at(*place).row.token()?;
            names.insert(id, entity_id(self.rules.keyring, RESIDENT, id)?);
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
            let resident = (entity_id(self.rules.keyring, RESIDENT, token)?, token);
            named.extend(group.into_iter().map(|place| (place, resident)));
        }
        Ok(named)
    }
}

/// Records that sure links hold together, directly or in turn; of at least two.
fn components(near: &BTreeMap<usize, Vec<Near>>) -> Vec<BTreeSet<usize>> {
    let mut seen = BTreeSet::new();
    let mut components = Vec::new();
    for first in near.keys() {
        let (mut component, mut next) = (BTreeSet::new(), vec![*first]);
        while let Some(place) = next.pop() {
            if seen.insert(place) {
                component.insert(place);
                let sure = near.get(&place).into_iter().flatten().filter(|near| near.is_sure);
                next.extend(sure.map(|near| near.place));
            }
        }
        if component.len() > 1 {
            components.push(component);
        }
    }
    components
}
