//! What was learned from a set of records: a document that is frozen, kept, and applied to one record at a time.
//!
//! Owns its shape. Never learns (`train`) and never scores (`score`).

use serde::{Deserialize, Serialize};

use super::ahead::Ahead;
use super::block::{Blocking, Facet, Way};
use super::evidence::{Kind, Value};
use super::zh::birth::rung as birth;
use super::zh::citizen::rung::SAME_BORROWED;
use super::zh::owner;

/// Version of the document's shape and of what its numbers mean.
pub const FORMAT: u32 = 8;

/// Days of a year.
const DAYS: f64 = 365.25;

/// How many kinds of [`Relation`] there are.
pub const RELATIONS: usize = 2;

/// How two different things may be related, so that they agree more than by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// One household: all but what identifies a person may agree.
    Household,
    /// One neighbourhood: names and what identifies a person agree by chance only.
    Neighbours,
}

/// A frozen model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// [`FORMAT`] when it was trained.
    pub format: u32,
    /// What each column says.
    pub columns: Vec<ColumnModel>,
    /// Columns of one kind whose values are found in each other's place.
    pub exchanges: Vec<Exchange>,
    /// How common the classes are.
    pub priors: Priors,
    /// Numbers known to be somebody else's where they stand with a certain name, as hashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub borrowed: Vec<u64>,
    /// Which pairs are compared.
    pub blocking: Blocking,
    /// Whether the records of one file are all different things (first file, second file).
    pub single: [bool; 2],
    /// What odds mean where records compete for partners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Ahead>,
    /// Where decisions are made.
    pub limits: Limits,
}

/// What one column says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnModel {
    /// Its name in the files.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether it tells the members of a household apart, so that those agree here by chance only.
    pub identifies: bool,
    /// Whether it tells of a relative: the second column of a kind of which a person has one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_relative: bool,
    /// Whether it holds all parts of a person's name in Latin letters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// The kind's ladder with what was learned.
    pub rungs: Vec<RungModel>,
    /// How many things (records, those of one thing counted once) have a value here.
    pub valued: u32,
    /// How many things have each token that more than one has, by token.
    pub counts: Vec<(u64, u32)>,
    /// How many others share a token that was seen once, on average (0 to 1).
    pub once: f64,
    /// How many others have a value of parts that come together by chance in hardly any, on average (0 to 1).
    pub namesakes: f64,
    /// How many records have each word that more than one text has, for texts only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<(u64, u32)>,
    /// How many records have a text, for texts only.
    #[serde(default)]
    pub texts: u32,
    /// Values shared by far too many: placeholders and shared devices. Read as missing.
    pub aside: Vec<u64>,
}

/// How often pairs stand on one rung, by class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RungModel {
    /// Name of the rung.
    pub name: String,
    /// Share among pairs of one thing.
    pub same: f64,
    /// Share among pairs of one person who has moved: home, phone and the like tell nothing, what makes the person does.
    pub moved: f64,
    /// Share among pairs of related things, by [`Relation`].
    pub related: [f64; RELATIONS],
    /// Share among pairs that have nothing to do with each other.
    pub random: f64,
    /// Average frequency of the token that pairs on this rung share; 0: none.
    pub commonness: f64,
}

/// Two columns whose values may be in each other's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The earlier column.
    pub first: u8,
    /// The later one.
    pub second: u8,
    /// Share of the pairs of one thing where it happened.
    pub same: f64,
}

/// Shares of all possible pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Priors {
    /// Pairs of one thing.
    pub same: f64,
    /// Share of those where the person has moved.
    pub moved: f64,
    /// Pairs of related things, by [`Relation`]; 0: the columns cannot tell.
    pub related: [f64; RELATIONS],
}

/// Where decisions are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// From this probability on a pair is joined automatically.
    pub auto: f64,
    /// From this one on a person is asked.
    pub review: f64,
}

/// A rung this much likelier for one person than for two speaks for a whole name.
pub const WHOLE: f64 = 5.0;

impl ColumnModel {
    /// How many rungs, from the first, agree by chance only in a relation.
    pub fn by_chance(&self, relation: Relation) -> usize {
        if relation == Relation::Neighbours && self.kind.names() {
            return self.rungs.len();
        }
        match self.kind {
            // Members of a family share the surname, never the whole name; things of one origin some words.
            Kind::NameZh => self.speaking(),
            Kind::NameLatin if self.whole => self.speaking(),
            Kind::Text if self.identifies => self.speaking(),
            _ if self.identifies => self.rungs.len(),
            _ => 0,
        }
    }

    /// How many rungs, from the first, speak for the whole of it.
    fn speaking(&self) -> usize {
        self.kind.ladder().iter().take_while(|rung| rung.m >= WHOLE * rung.u).count()
    }
}

impl ColumnModel {
    /// Whether it stays with a person who moves, or with a thing that is described anew.
    pub fn stays(&self) -> bool {
        self.identifies || self.kind.stays()
    }

    /// See [`Kind::in_family`]; relatives are of another family.
    pub fn in_family(&self) -> Option<Family> {
        self.kind.in_family().filter(|_| !self.of_relative)
    }

    /// Whether a value is one that far too many share.
    fn sets_aside(&self, value: &Value) -> bool {
        value.common().is_some_and(|common| self.aside.binary_search(&common).is_ok())
    }
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; RELATIONS] = [Self::Household, Self::Neighbours];
}

/// Where members of a household agree in what identifies a person, oftener than by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Family {
    /// The rung they stand on.
    pub rung: usize,
    /// At least this share of them.
    pub least: f64,
    /// At most this share.
    pub most: f64,
}

impl Kind {
    /// Twins have one birth date, brothers and sisters the number of one parent.
    pub fn in_family(self) -> Option<Family> {
        match self {
            Self::BirthDate => Some(Family { rung: 0, least: 0.004, most: 0.03 }),
            Self::CitizenId => Some(Family { rung: SAME_BORROWED.into(), least: 0.01, most: 0.3 }),
            _ => None,
        }
    }

    /// How many strangers stand on the first rung at least, seen from their shares on the others: of those born in one year
    /// one in so many as it has days is born on the same.
    pub fn least_by_chance(self, shares: &[f64]) -> f64 {
        let one_year = [birth::SAME_MONTH, birth::SAME_YEAR].into_iter().filter_map(|at| shares.get(usize::from(at)));
        if self == Self::BirthDate { one_year.sum::<f64>() / DAYS } else { 0.0 }
    }

    /// Whether it is a name of a person.
    pub fn names(self) -> bool {
        matches!(self, Self::NameLatin | Self::NameZh)
    }

    /// Whether it tells persons of one household apart by itself.
    pub fn identifies(self) -> bool {
        matches!(self, Self::BirthDate | Self::CitizenId)
    }

    /// Whether it stays with a person who moves.
    pub fn stays(self) -> bool {
        self.names() || self.identifies() || self == Self::Sex
    }
}

impl Model {
    /// The numbers of persons that far too many share; see [`ColumnModel::aside`].
    pub fn shared_numbers(&self) -> &[u64] {
        self.columns.iter().find(|column| column.kind == Kind::CitizenId).map_or(&[], |column| &column.aside)
    }

    /// Forgets what of a record's values far too many share, and what was read out of it.
    pub fn forget_shared(&self, kinds: &[Kind], values: &mut [Option<Value>]) {
        owner::forget(kinds, values, self.shared_numbers());
        for (value, column) in values.iter_mut().zip(&self.columns) {
            *value = value.take().filter(|value| !column.sets_aside(value));
        }
    }

    /// What a way of blocking is called: column and facet, or two of them.
    pub fn way_name(&self, way: Way) -> String {
        let name = |facet: Facet| {
            let column = self.columns.get(usize::from(facet.column));
            format!("{}/{}", column.map_or("several columns", |column| &column.name), facet.facet)
        };
        match way.second {
            Some(second) => format!("{} + {}", name(way.first), name(second)),
            None => name(way.first),
        }
    }
}
