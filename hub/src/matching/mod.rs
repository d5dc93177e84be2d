//! Whom a record without a usable number is about, by likeness to the people who are known by theirs.
//!
//! A function of one record, the people it may be about and a frozen model. Owns which attributes are compared, what the
//! store keeps to find candidates, and the decision for one record. Never reads a store; what two values say of each other
//! is `linkage`.

mod explain;
mod reading;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use explain::{Explained, Said};
pub use reading::{COLUMNS, NUMBER, Values, as_sent, cells, cells_of};

use crate::error::Result;
use crate::keyring::{Keyring, Tag, Token};
use crate::linkage::batch;
use crate::linkage::block::{Blocking, Faceted};
use crate::linkage::cluster::Between;
use crate::linkage::evidence::{Ground, Verdict};
use crate::linkage::model::{FORMAT, Limits, Model};
use crate::linkage::prepare;
use crate::linkage::score::{Pattern, Scorer, add, probability};
use crate::linkage::table::Row;
use crate::linkage::zh::owner;

/// Keys a record has on average: each is a row.
pub const KEYS: f64 = 5.5;
/// People who share a key, beyond whom it says nothing.
pub const CAP: usize = 120;
/// Candidates kept for whoever looks.
pub const SHOWN: usize = 5;
/// Before a record is looked at: how likely it is about one of the people known at all.
const KNOWN_AT_ALL: f64 = 0.5;

/// Before two people known by numbers are looked at: how likely somebody is known a second time.
const KNOWN_TWICE: f64 = 0.01;

/// What is frozen when a model is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Frozen {
    /// The model.
    pub model: Model,
    /// How many people were known then: how many a record might be about.
    pub people: u64,
}

/// A frozen model made ready.
pub struct Matcher {
    /// Its version.
    pub version: i64,
    model: Model,
    scorer: Scorer,
    blocking: Blocking,
    prior: f64,
}

/// How a record compares with one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// Logarithm of how much likelier what is seen is of one person than of two; of the person's record most like it.
    pub ratio: f64,
    /// How that one compares.
    pub pattern: Pattern,
    /// Why nothing is joined by itself.
    pub ground: Option<Ground>,
    /// The person's records that nothing speaks against, by their order, each with its ratio.
    pub free: Vec<(usize, f64)>,
}

/// A person a record is like, among all it is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The person, who has to be likelier than all the others together.
    pub candidate: Candidate,
    /// The person's records to which the record may be joined by itself, by their order, each with the logarithm of the odds.
    pub links: Vec<(usize, f64)>,
}

impl Likeness {
    /// Takes the place of the best so far, if it is better.
    fn unless_below(self, best: &mut Option<Self>) {
        if best.as_ref().is_none_or(|best| (self.ratio, &self.pattern) > (best.ratio, &best.pattern)) {
            *best = Some(self);
        }
    }
}

/// A person a record may be about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The entity; where it is another record that nothing places either, the one that is named after that record.
    pub entity: Token,
    /// That record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Token>,
    /// How likely the record is about this person (0 to 1, rounded to a millionth).
    pub probability: f64,
    /// Rungs of the person's record most like it, by column; see [`COLUMNS`].
    pub levels: Vec<Option<u8>>,
    /// Why it is not joined by itself, whatever the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is about the first of these.
    Joined(Vec<Candidate>),
    /// Somebody is asked.
    Review(Vec<Candidate>),
    /// Nobody is like it.
    Apart,
}

impl Matcher {
    /// Makes a model ready.
    pub fn new(version: i64, frozen: Frozen) -> Self {
        let Frozen { model, people } = frozen;
        Self {
            version,
            scorer: Scorer::new(&model),
            blocking: model.blocking.clone(),
            prior: (KNOWN_AT_ALL / people.max(1) as f64 / (1.0 - KNOWN_AT_ALL)).ln(),
            model,
        }
    }

    /// Whether this release reads models like this one.
    pub fn is_of_now(&self) -> bool {
        self.model.format == FORMAT
    }

    /// Reads what a record says of whom it is about. Values shared by far too many say nothing.
    pub fn read(&self, cells: &[String]) -> Values {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let mut values = prepare::record(&reading::kinds(), &cells);
        self.model.forget_shared(&reading::kinds(), &mut values);
        owner::mark(&reading::kinds(), &mut values, &self.model.borrowed);
        values
    }

    /// The tags under which a record is found; those of another model are others.
    pub fn tags(&self, keyring: &Keyring, values: &Values) -> Result<Vec<Tag>> {
        let keys = self.blocking.keys(&Faceted::of(&reading::kinds(), &row(values)));
        let version = self.version.to_string();
        keys.iter().map(|key| Ok(keyring.token("match-key", &[&version, &format!("{key:x}")])?.tag())).collect()
    }

    /// Whether two records are like enough to be looked at.
    pub fn may_be_one(&self, one: &Values, other: &Values) -> bool {
        let (one, other) = (row(one), row(other));
        let pattern = self.scorer.compare(&one, &other);
        let is_vetoed = matches!(pattern.verdict, Verdict::Veto(_));
        !is_vetoed && rounded(self.ratio(&one, &other, &pattern) + self.prior) >= self.model.limits.review
    }

    /// Compares a record with the records of one person; `None` where it is certainly somebody else.
    pub fn likeness<'a>(&self, record: &Values, person: impl Iterator<Item = &'a Values>) -> Option<Likeness> {
        self.likest(record, person, |one, other| self.scorer.compare(one, other))
    }

    /// As [`Self::likeness`], by what `compare` says of two records.
    fn likest<'a>(
        &self,
        record: &Values,
        person: impl Iterator<Item = &'a Values>,
        compare: impl Fn(&Row<'_>, &Row<'_>) -> Pattern,
    ) -> Option<Likeness> {
        let record = row(record);
        let (mut best, mut ground, mut free): (Option<Likeness>, Option<Ground>, _) = (None, None, Vec::new());
        for (at, other) in person.enumerate() {
            let other = row(other);
            let pattern = compare(&record, &other);
            let ratio = self.ratio(&record, &other, &pattern);
            match pattern.verdict {
                // Another record of the same person may settle it.
                Verdict::Veto(Ground::Twins) => {
                    ground = ground.max(Some(Ground::Twins));
                    continue;
                }
                Verdict::Veto(_) => return None,
                Verdict::Review(why) => ground = ground.max(Some(why)),
                Verdict::Free => free.push((at, ratio)),
            }
            let found = Likeness { ratio, pattern, ground: None, free: Vec::new() };
            found.unless_below(&mut best);
        }
        best.map(|best| Likeness { ground, free, ..best })
    }

    fn ratio(&self, one: &Row<'_>, other: &Row<'_>, pattern: &Pattern) -> f64 {
        self.scorer.ratio(&self.scorer.likelihood(pattern), self.scorer.rarity(one, other, pattern))
    }

    /// One person as a candidate for being another, by all records of both; `None` where it is not worth a question or
    /// certainly somebody else.
    pub fn twice(&self, one: &[&Values], other: &[&Values], entity: Token) -> Option<Candidate> {
        let (mut best, mut ground): (Option<Likeness>, Option<Ground>) = (None, None);
        for record in one {
            let found = self.likest(record, other.iter().copied(), |one, other| self.but_for_number(one, other))?;
            ground = ground.max(found.ground);
            found.unless_below(&mut best);
        }
        let best = Likeness { ground, ..best? };
        let candidate = self.candidate(entity, &best, best.ratio + self.prior + (KNOWN_TWICE / KNOWN_AT_ALL).ln());
        (candidate.probability >= self.model.limits.review).then_some(candidate)
    }

    fn but_for_number(&self, one: &Row<'_>, other: &Row<'_>) -> Pattern {
        batch::but_for_number(&self.scorer, (one, other), self.scorer.compare(one, other))
    }

    /// The people a record is like. Each has to be likelier than all the others together.
    pub fn people(&self, like: &BTreeMap<Token, Likeness>) -> Vec<Person> {
        let odds: Vec<f64> = like.values().map(|one| one.ratio + self.prior).collect();
        let against = |at: usize| {
            let rivals = odds.iter().enumerate().filter(|(other, _)| *other != at);
            rivals.fold(0.0, |sum, (_, odds)| add(sum, *odds))
        };
        let person = |(at, (entity, one)): (usize, (&Token, &Likeness))| {
            let against = against(at);
            let odds = |ratio: f64| ratio + self.prior - against;
            let candidate = self.candidate(*entity, one, odds(one.ratio));
            let links = one.free.iter().map(|(record, ratio)| (*record, odds(*ratio)));
            let links = links.filter(|(_, odds)| rounded(*odds) >= self.model.limits.auto).collect();
            (candidate.probability >= self.model.limits.review).then_some(Person { candidate, links })
        };
        like.iter().enumerate().filter_map(person).collect()
    }

    /// A person as a candidate for a record that is theirs because of others, whatever the two say by themselves.
    pub fn through_others(&self, record: &Values, person: &[&Values], entity: Token) -> Candidate {
        let record = row(record);
        let mut best: Option<Likeness> = None;
        for other in person {
            let other = row(other);
            let pattern = self.scorer.compare(&record, &other);
            let ground = match pattern.verdict {
                Verdict::Veto(why) | Verdict::Review(why) => Some(why),
                Verdict::Free => None,
            };
            let found = Likeness { ratio: self.ratio(&record, &other, &pattern), pattern, ground, free: Vec::new() };
            found.unless_below(&mut best);
        }
        match best {
            Some(best) => self.candidate(entity, &best, best.ratio + self.prior),
            None => Candidate { entity, record: None, probability: 0.0, levels: Vec::new(), ground: None },
        }
    }

    fn candidate(&self, entity: Token, one: &Likeness, odds: f64) -> Candidate {
        let levels = one.pattern.levels.to_vec();
        Candidate { entity, record: None, probability: rounded(odds), levels, ground: one.ground }
    }

    /// What becomes of a record with these candidates.
    pub fn among(&self, mut candidates: Vec<Candidate>) -> Outcome {
        likeliest(&mut candidates);
        match candidates.first() {
            None => Outcome::Apart,
            Some(best) if self.is_sure(best) => Outcome::Joined(candidates),
            Some(_) => Outcome::Review(candidates),
        }
    }

    /// From which probabilities on a record is joined by itself, and somebody is asked.
    pub fn limits(&self) -> Limits {
        self.model.limits
    }

    /// Whether a candidate is joined by itself.
    pub fn is_sure(&self, candidate: &Candidate) -> bool {
        candidate.ground.is_none() && candidate.probability >= self.model.limits.auto
    }

    /// Two records that nothing places: one as a candidate for the other, `None` where it is not worth a question. It is the
    /// same either way but for the `record` that is the candidate. And the logarithm of the odds.
    pub fn alike(&self, one: &Values, other: &Values, record: Token) -> Option<(Candidate, f64)> {
        let found = self.likeness(one, std::iter::once(other))?;
        let odds = found.ratio + self.prior;
        let candidate = Candidate { record: Some(record), ..self.candidate(record, &found, odds) };
        (candidate.probability >= self.model.limits.review).then_some((candidate, odds))
    }

    /// What two records say about joining their groups.
    pub fn between(&self, one: &Values, other: &Values) -> Between {
        let (one, other) = (row(one), row(other));
        let pattern = self.scorer.compare(&one, &other);
        let odds = self.ratio(&one, &other, &pattern) + self.prior;
        batch::said(&self.scorer, (&one, &other), &pattern, odds)
    }
}

/// Sorts candidates, the likeliest first, and leaves those that are shown.
pub fn likeliest(candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|one, other| {
        let order = other.probability.total_cmp(&one.probability);
        order.then_with(|| (one.entity, one.record).cmp(&(other.entity, other.record)))
    });
    candidates.truncate(SHOWN);
}

/// The likeliest of these: a record may be somebody's through others, who come after them.
pub fn surest(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates.iter().rev().max_by(|one, other| one.probability.total_cmp(&other.probability))
}

fn rounded(odds: f64) -> f64 {
    (probability(odds) * 1e6).round() / 1e6
}

fn row(values: &Values) -> Row<'_> {
    values.iter().map(Option::as_ref).collect()
}
