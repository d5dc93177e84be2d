//! The residents' records around some that nothing places but likeness, as they stand once the transaction commits: who is
//! found under which tags, and how like they are.
//!
//! A tag that more than [`CAP`] people or loose records share says nothing. Owns no decision about where a record goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::golden::{Rules, entity_id};
use super::reading::Reading;
use super::shift::Keyed;
use super::working::Working;
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Tag, Token};
use crate::matching::{CAP, Candidate, Likeness, Matcher, Person, Values};
use crate::resolve;
use crate::store::{Conn, matching};

/// How the number of loose records under each tag changes in a transaction: ended or gone elsewhere, and come.
pub type Turnover = HashMap<Tag, (usize, usize)>;

/// The records of one moment.
pub struct Pool<'a> {
    rules: &'a Rules<'a>,
    matcher: &'a Matcher,
    turnover: Turnover,
    /// Records that the transaction moves, by tag, in order.
    moved: Vec<(Tag, usize)>,
    moved_ids: HashSet<Token>,
    /// Loose records under each tag that was asked for: before, and as it will be.
    counts: HashMap<Tag, (usize, usize)>,
    under: HashMap<Tag, Under>,
    /// The records by which people are known, in the order of their ids.
    people: HashMap<Token, Vec<usize>>,
}

/// The records under a tag, loose ones and those by which people are known; none where too many are.
#[derive(Default)]
struct Under {
    loose: Vec<usize>,
    known: Vec<(Token, usize)>,
}

/// Somebody a record is like.
pub struct Near {
    /// Who it is.
    pub whom: Whom,
    /// As a candidate for the record.
    pub candidate: Candidate,
    /// The records it may be joined to by itself, each with the logarithm of the odds.
    pub links: Vec<(usize, f64)>,
}

/// Whom a record is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// A person who is known otherwise.
    Person(Token),
    /// Another loose record, at its place.
    Record(usize),
}

/// Whether a record with this link shows what its person is like.
fn is_strong(link: &str) -> bool {
    !resolve::is_loose(link)
}

impl<'a> Pool<'a> {
    /// The records as they are stored.
    pub fn stored((rules, matcher): (&'a Rules<'a>, &'a Matcher)) -> Self {
        Self {
            rules,
            matcher,
            turnover: Turnover::new(),
            moved: Vec::new(),
            moved_ids: HashSet::new(),
            counts: HashMap::new(),
            under: HashMap::new(),
            people: HashMap::new(),
        }
    }

    /// The records as they stand once the transaction commits.
    pub fn new(
        (rules, matcher): (&'a Rules<'a>, &'a Matcher),
        working: &Working,
        (turnover, keyed): (Turnover, &Keyed),
    ) -> Result<Self> {
        let mut pool = Self { turnover, ..Self::stored((rules, matcher)) };
        for (place, tags) in keyed {
            let row = &working.at(*place).row;
            pool.moved_ids.insert(row.token()?);
            if row.is_live() {
                pool.moved.extend(tags.iter().map(|tag| (*tag, *place)));
            }
        }
        pool.moved.sort_unstable();
        Ok(pool)
    }

    /// The places under a tag of records that the transaction moves.
    fn moved_under(&self, tag: Tag) -> impl Iterator<Item = usize> + '_ {
        let first = self.moved.partition_point(|(other, _)| *other < tag);
        self.moved[first..].iter().take_while(move |(other, _)| *other == tag).map(|(_, place)| *place)
    }

    /// What the record at a place says.
    pub fn reading(&self, working: &Working, place: usize) -> Result<Arc<Reading>> {
        working.reading(self.rules.keyring, self.matcher, place)
    }

    /// The records by which a person is known who has been found.
    pub fn records_of(&self, person: Token) -> &[usize] {
        self.people.get(&person).map(Vec::as_slice).unwrap_or_default()
    }

    /// What these records say.
    pub fn readings_of(&self, working: &Working, person: Token) -> Result<Vec<Arc<Reading>>> {
        self.records_of(person).iter().map(|place| self.reading(working, *place)).collect()
    }

    /// The model.
    pub fn matcher(&self) -> &Matcher {
        self.matcher
    }

    /// The entity of a person, or the one that is named after a record, by its token.
    pub fn entity_of(&self, token: Token) -> Result<Token> {
        entity_id(self.rules.keyring, RESIDENT, token)
    }

    /// Finds who is under these tags.
    pub fn load(&mut self, conn: &mut Conn, working: &mut Working, tags: &BTreeSet<Tag>) -> Result<()> {
        let fresh: BTreeSet<Tag> = tags.iter().filter(|tag| !self.under.contains_key(tag)).copied().collect();
        self.count(conn, working, &fresh)?;
        let few: BTreeSet<Tag> = fresh.iter().filter(|tag| self.counts[tag].1 <= CAP).copied().collect();
        let known = self.known_under(conn, working, &few)?;
        let people = known.values().flatten().map(|(person, _)| *person).collect();
        self.know(conn, working, people)?;
        let mut loose = self.loose(conn, working, &known.keys().copied().collect())?;
        for tag in fresh {
            self.under.entry(tag).or_default();
        }
        for (tag, known) in known {
            self.under.insert(tag, Under { loose: loose.remove(&tag).unwrap_or_default(), known });
        }
        Ok(())
    }

    fn count(&mut self, conn: &mut Conn, working: &Working, tags: &BTreeSet<Tag>) -> Result<()> {
        let fresh: BTreeSet<Tag> = tags.iter().filter(|tag| !self.counts.contains_key(tag)).copied().collect();
        let mut stored: HashMap<Tag, usize> = HashMap::new();
        for (tag, count) in matching::loose_under(conn, &working.stored_tags(&fresh))? {
            stored.insert(tag, usize::try_from(count).unwrap_or(usize::MAX));
        }
        for tag in fresh {
            let before = stored.get(&tag).copied().unwrap_or_default();
            let (gone, come) = self.turnover.get(&tag).copied().unwrap_or_default();
            self.counts.insert(tag, (before, (before + come).saturating_sub(gone)));
        }
        Ok(())
    }

    /// The loose records under each of these tags.
    fn loose(&self, conn: &mut Conn, working: &mut Working, tags: &BTreeSet<Tag>) -> Result<BTreeMap<Tag, Vec<usize>>> {
        let stored = working.stored_tags(tags.iter().filter(|tag| self.counts[tag].0 > 0));
        let mut loose = self.found(conn, working, tags, (&stored, true))?;
        loose.values_mut().for_each(|places| places.retain(|place| is_loose(working, *place)));
        Ok(loose)
    }

    /// The records by which people are known under each tag, each with who it is; a tag that too many share is left out.
    fn known_under(
        &self,
        conn: &mut Conn,
        working: &mut Working,
        tags: &BTreeSet<Tag>,
    ) -> Result<BTreeMap<Tag, Vec<(Token, usize)>>> {
        let stored: Vec<Tag> = tags.iter().copied().collect();
        let mut known_under = BTreeMap::new();
        for (tag, places) in self.found(conn, working, tags, (&stored, false))? {
            let mut known = BTreeSet::new();
            for place in places {
                let row = &working.at(place).row;
                if let Some(entity) = row.entity.as_ref().filter(|_| row.is_live() && is_strong(&row.link)) {
                    known.insert((Token::from_slice(entity)?, place));
                }
            }
            let people: BTreeSet<&Token> = known.iter().map(|(person, _)| person).collect();
            if people.len() <= CAP {
                known_under.insert(tag, known.into_iter().collect());
            }
        }
        Ok(known_under)
    }

    /// The records under each of these tags: those the transaction moves, and those that are found as they are `stored`.
    fn found(
        &self,
        conn: &mut Conn,
        working: &mut Working,
        tags: &BTreeSet<Tag>,
        (stored, loose): (&[Tag], bool),
    ) -> Result<BTreeMap<Tag, Vec<usize>>> {
        let mut owners: BTreeMap<Tag, BTreeSet<Token>> = BTreeMap::new();
        for key in matching::under(conn, stored, loose)? {
            // What this transaction moves is found as it will stand, and not as it stands.
            let owner = Token::from_slice(&key.contribution)?;
            if !self.moved_ids.contains(&owner) {
                owners.entry(key.tag).or_default().insert(owner);
            }
        }
        working.by_ids(conn, &owners.values().flatten().copied().collect())?;
        let places = |tag: &Tag| {
            let stored = owners.get(tag).into_iter().flatten().filter_map(|id| working.place_of(id));
            (*tag, self.moved_under(*tag).chain(stored).collect())
        };
        Ok(tags.iter().map(places).collect())
    }

    /// Finds the records by which people are known.
    pub fn know(&mut self, conn: &mut Conn, working: &mut Working, mut people: BTreeSet<Token>) -> Result<()> {
        people.retain(|person| !self.people.contains_key(person));
        let groups = working.of_entities(conn, &people)?;
        for person in people {
            let mut records = Vec::new();
            for place in groups.get(&person).into_iter().flatten() {
                if is_strong(&working.at(*place).row.link) {
                    records.push((working.at(*place).row.token()?, *place));
                }
            }
            records.sort_unstable();
            self.people.insert(person, records.into_iter().map(|(_, place)| place).collect());
        }
        Ok(())
    }

    /// The loose records under these tags, of those that say anything now or did before.
    pub fn around(&mut self, conn: &mut Conn, working: &mut Working, tags: &BTreeSet<Tag>) -> Result<BTreeSet<usize>> {
        let says = |(before, after): (usize, usize)| (before > 0 || after > 0) && before.min(after) <= CAP;
        self.loose_where(conn, working, tags, says)
    }

    /// Records that may be placed otherwise because a number of others under their tags have come or gone.
    pub fn crossing(&mut self, conn: &mut Conn, working: &mut Working) -> Result<BTreeSet<usize>> {
        let tags = self.turnover.keys().copied().collect();
        self.loose_where(conn, working, &tags, |(before, after)| (before <= CAP) != (after <= CAP))
    }

    /// The loose records under those of these tags whose numbers of them, before and after, are such.
    fn loose_where(
        &mut self,
        conn: &mut Conn,
        working: &mut Working,
        tags: &BTreeSet<Tag>,
        is_such: impl Fn((usize, usize)) -> bool,
    ) -> Result<BTreeSet<usize>> {
        self.count(conn, working, tags)?;
        let tags: BTreeSet<Tag> = tags.iter().filter(|tag| is_such(self.counts[tag])).copied().collect();
        Ok(self.loose(conn, working, &tags)?.into_values().flatten().collect())
    }

    /// The tags of all records by which these people are known.
    pub fn tags_of(&self, working: &Working, people: &BTreeSet<Token>) -> Result<BTreeSet<Tag>> {
        let mut tags = BTreeSet::new();
        for place in people.iter().flat_map(|person| self.records_of(*person)) {
            tags.extend(self.reading(working, *place)?.tags.iter().copied());
        }
        Ok(tags)
    }

    /// The loose records that may be joined to one of these people by themselves, but for others they may be about.
    pub fn attached(
        &mut self,
        conn: &mut Conn,
        working: &mut Working,
        people: &BTreeSet<Token>,
    ) -> Result<BTreeSet<usize>> {
        self.know(conn, working, people.clone())?;
        let tags = self.tags_of(working, people)?;
        self.count(conn, working, &tags)?;
        let tags = tags.into_iter().filter(|tag| self.counts[tag].1 > 0).collect();
        self.load(conn, working, &tags)?;
        let mut attached = BTreeSet::new();
        for person in people {
            let tags = self.tags_of(working, &BTreeSet::from([*person]))?;
            let loose: BTreeSet<usize> =
                tags.iter().filter_map(|tag| self.under.get(tag)).flat_map(|under| &under.loose).copied().collect();
            for place in loose {
                let is_like = |likeness: Likeness| self.matcher.people(&BTreeMap::from([(*person, likeness)]));
                let likeness = self.likeness(working, &*self.reading(working, place)?, *person)?;
                if likeness.map(is_like).is_some_and(|like| like.iter().any(|one| !one.links.is_empty())) {
                    attached.insert(place);
                }
            }
        }
        Ok(attached)
    }

    fn likeness(&self, working: &Working, reading: &Reading, person: Token) -> Result<Option<Likeness>> {
        let theirs = self.readings_of(working, person)?;
        Ok(self.matcher.likeness(&reading.values, theirs.iter().map(|reading| &reading.values)))
    }

    /// Who is like a record, among those under its tags, which have been loaded; but people it was `parted` from.
    pub fn near(
        &self,
        working: &Working,
        (id, reading): (Option<Token>, &Reading),
        parted: &BTreeSet<Token>,
    ) -> Result<Vec<Near>> {
        let under = || reading.tags.iter().filter_map(|tag| self.under.get(tag));
        let known: BTreeSet<(Token, usize)> = under().flat_map(|under| &under.known).copied().collect();
        let mut people = BTreeSet::new();
        for (person, place) in known {
            // What else is known of somebody is looked at where it may matter.
            let is_worth = |theirs: &Reading| self.matcher.may_be_one(&reading.values, &theirs.values);
            if !people.contains(&person) && !parted.contains(&person) && is_worth(&*self.reading(working, place)?) {
                people.insert(person);
            }
        }
        let mut like = BTreeMap::new();
        for person in people {
            working.note_looked_at(person);
            like.extend(self.likeness(working, reading, person)?.map(|likeness| (person, likeness)));
        }
        let mut near = Vec::new();
        for Person { candidate, links } in self.matcher.people(&like) {
            let records = self.records_of(candidate.entity);
            let links = links.into_iter().map(|(at, odds)| (records[at], odds)).collect();
            near.push(Near { whom: Whom::Person(candidate.entity), candidate, links });
        }
        let loose: BTreeSet<usize> = under().flat_map(|under| &under.loose).copied().collect();
        for place in loose {
            near.extend(self.near_record(working, (id, reading), place)?);
        }
        Ok(near)
    }

    fn near_record(
        &self,
        working: &Working,
        (id, reading): (Option<Token>, &Reading),
        place: usize,
    ) -> Result<Option<Near>> {
        let other = working.at(place).row.token()?;
        if id == Some(other) {
            return Ok(None);
        }
        let theirs = self.reading(working, place)?;
        // The same pair is compared the same way round, whoever asks.
        let is_first = id.is_some_and(|id| id < other);
        let (one, two) = if is_first { (reading, &*theirs) } else { (&*theirs, reading) };
        let Some((mut candidate, odds)) = self.matcher.alike(&one.values, &two.values, other) else { return Ok(None) };
        candidate.entity = self.entity_of(other)?;
        let links = if self.matcher.is_sure(&candidate) { vec![(place, odds)] } else { Vec::new() };
        Ok(Some(Near { whom: Whom::Record(place), candidate, links }))
    }

    /// Who comes after a person, by id, among those found under the same tags, and may be the same one.
    pub fn beside(&self, working: &Working, person: Token) -> Result<Vec<Candidate>> {
        let ours = self.readings_of(working, person)?;
        let tags = ours.iter().flat_map(|reading| &reading.tags).filter_map(|tag| self.under.get(tag));
        let others: BTreeSet<Token> = tags.flat_map(|under| &under.known).map(|(person, _)| *person).collect();
        let ours: Vec<&Values> = ours.iter().map(|reading| &reading.values).collect();
        let mut beside = Vec::new();
        for other in others.into_iter().filter(|other| *other > person) {
            let theirs = self.readings_of(working, other)?;
            let theirs: Vec<&Values> = theirs.iter().map(|reading| &reading.values).collect();
            beside.extend(self.matcher.twice(&ours, &theirs, other));
        }
        Ok(beside)
    }
}

/// Whether likeness alone can place the record at a place.
pub fn is_loose(working: &Working, place: usize) -> bool {
    let row = &working.at(place).row;
    row.kind == RESIDENT && row.is_live() && resolve::is_loose(&row.link)
}
