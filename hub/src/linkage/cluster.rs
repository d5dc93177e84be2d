//! From pairs to things: which records are one.
//!
//! Owns the constraints: what is barred is never together, not through a chain either; a chain of weak links is no link;
//! where a file is known to hold each thing once, no thing has two of its records. Never looks at a value.

use super::block::parts;
use super::table::File;

/// A pair and the logarithm of the odds that it is one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The pair.
    pub pair: u64,
    /// Its odds.
    pub odds: f64,
}

/// What any two records say about joining their groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Between {
    /// Never together.
    Barred,
    /// The logarithm of the odds; not together unless a third record settles it: one that has one name with either and is
    /// likely the other.
    Doubted(f64),
    /// The logarithm of the odds, how far the two are called alike, and where they are found.
    Odds(f64, Called, Found),
}

/// How far two records are called alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// By other names, or nobody knows.
    Otherwise,
    /// By what may be one name.
    Alike,
    /// By other names, or by what may be one, and one number or the want of a name says why.
    Numbered,
    /// By one whole name.
    One,
}

/// Where two records are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// Phone and home are told of both, and neither is one.
    Apart,
    /// Nobody knows.
    Somewhere,
    /// Number, phone or home is one.
    Together,
}

/// Odds count to this much for or against joining two groups, so that no single pair outvotes the others.
const VOICE: f64 = 6.0;

/// A third record settles what is doubted between two if its odds with both are above this.
const SETTLES: f64 = 3.0;

/// Groups of records, grown link by link.
#[derive(Debug)]
pub struct Groups {
    root: Vec<u32>,
    members: Vec<Vec<u32>>,
}

impl Groups {
    /// Each record by itself.
    pub fn alone(records: usize) -> Self {
        let numbers = 0..records as u32;
        Self { root: numbers.clone().collect(), members: numbers.map(|record| vec![record]).collect() }
    }

    /// The lowest record of the group a record is in.
    pub fn of(&self, record: u32) -> u32 {
        self.root[record as usize]
    }

    /// The members of a record's group, sorted.
    pub fn members(&self, record: u32) -> &[u32] {
        &self.members[self.of(record) as usize]
    }

    /// All groups by their lowest record.
    pub fn all(&self) -> impl Iterator<Item = &[u32]> {
        self.members.iter().filter(|members| !members.is_empty()).map(Vec::as_slice)
    }

    /// Joins groups by links, the surest first; see [`cluster()`].
    pub fn grow(
        &mut self,
        file_of: impl Fn(u32) -> File,
        links: &[Link],
        single: [bool; 2],
        between: impl Fn(u32, u32) -> Between,
    ) {
        let mut order: Vec<&Link> = links.iter().collect();
        order.sort_by(|a, b| b.odds.total_cmp(&a.odds).then(a.pair.cmp(&b.pair)));
        for link in order {
            let (a, b) = parts(link.pair);
            if self.of(a) != self.of(b)
                && !crowded(&file_of, self.members(a), self.members(b), single)
                && agree(self.members(a), self.members(b), &between)
            {
                self.join(a, b);
            }
        }
    }

    /// Puts two records and all that are with them together, whatever they say.
    pub fn join(&mut self, a: u32, b: u32) {
        if self.of(a) == self.of(b) {
            return;
        }
        let (low, high) = (self.of(a).min(self.of(b)), self.of(a).max(self.of(b)));
        let moved = std::mem::take(&mut self.members[high as usize]);
        moved.iter().for_each(|record| self.root[*record as usize] = low);
        let members = &mut self.members[low as usize];
        members.extend(moved);
        members.sort_unstable();
    }
}

/// Joins records by links, the surest first. `file_of` says which file a record is of, `between` what any two records
/// say about each other. What becomes of a record depends on those it is connected with by links, and on no other.
pub fn cluster(
    records: usize,
    file_of: impl Fn(u32) -> File,
    links: &[Link],
    single: [bool; 2],
    between: impl Fn(u32, u32) -> Between,
) -> Groups {
    let mut groups = Groups::alone(records);
    groups.grow(file_of, links, single, between);
    groups
}

/// Whether together they would have two records of a file that holds each thing once.
fn crowded(file_of: &impl Fn(u32) -> File, a: &[u32], b: &[u32], single: [bool; 2]) -> bool {
    let has = |members: &[u32], file: File| members.iter().any(|record| file_of(*record) == file);
    (0..2).any(|file| single[usize::from(file)] && has(a, file) && has(b, file))
}

/// Whether the members of two groups, taken together, speak for being one thing.
fn agree(a: &[u32], b: &[u32], between: &impl Fn(u32, u32) -> Between) -> bool {
    if a.len() == 1 && b.len() == 1 {
        return matches!(between(a[0], b[0]), Between::Odds(..));
    }
    let (mut sum, mut one_name, mut apart, mut together) = (0.0, false, false, false);
    for x in a {
        for y in b {
            match between(*x, *y) {
                Between::Barred => return false,
                Between::Doubted(_) if !a.iter().chain(b).any(|third| settles(*third, (*x, *y), between)) => {
                    return false;
                }
                Between::Doubted(odds) => sum += odds.clamp(-VOICE, VOICE),
                Between::Odds(odds, called, found) => {
                    sum += odds.clamp(-VOICE, VOICE);
                    apart |= found == Found::Apart;
                    together |= found == Found::Together;
                    one_name |= called >= Called::Numbered;
                }
            }
        }
    }
    let both = |is_told: fn(Between) -> bool| is_told_twice(a, between, is_told) && is_told_twice(b, between, is_told);
    sum > 0.0
        && (one_name || !both(|said| matches!(said, Between::Odds(_, Called::One, _))))
        && (together || !apart || !both(|said| matches!(said, Between::Odds(.., Found::Together))))
}

/// Whether two of the members agree in what is asked: nobody slips twice in the same way.
fn is_told_twice(members: &[u32], between: &impl Fn(u32, u32) -> Between, is_told: fn(Between) -> bool) -> bool {
    let mut pairs = (members.iter().enumerate()).flat_map(|(at, x)| members.iter().skip(at + 1).map(move |y| (*x, *y)));
    pairs.any(|(x, y)| is_told(between(x, y)))
}

/// Whether two records with these odds are likely one; one number needs no more to be said.
fn is_sure(odds: f64, called: Called) -> bool {
    odds > SETTLES || called == Called::Numbered && odds > 0.0
}

/// Whether a third record is of one name with one of two and likely the other: what differs between the two are then
/// the slips of both.
fn settles(third: u32, (x, y): (u32, u32), between: &impl Fn(u32, u32) -> Between) -> bool {
    if third == x || third == y {
        return false;
    }
    match (between(third, x), between(third, y)) {
        (Between::Odds(one, called, _), Between::Odds(other, called_other, _)) => {
            is_sure(one, called)
                && is_sure(other, called_other)
                && called.min(called_other) >= Called::Alike
                && called.max(called_other) == Called::One
        }
        _ => false,
    }
}
