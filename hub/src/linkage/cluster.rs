//! From pairs to things: which records are one.
//!
//! Owns the constraints: what is barred is never together, not through a chain either; a chain of weak links is no link;
//! where a file is known to hold each thing once, no thing has two of its records. Never looks at a value; who speaks for
//! a large group is `speak`'s.

use fnv::FnvHashMap;

use super::block::parts;
use super::speak::{Speakers, Speech, Voices};
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
    /// The logarithm of the odds, and when the two were born; not together unless a third record settles it: one that has
    /// one name or number with either and is likely the other.
    Doubted(f64, Born),
    /// The logarithm of the odds, and in what the two agree.
    Odds(f64, Agreed),
}

/// In what two records agree that tells persons apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// How far they are called alike.
    pub called: Called,
    /// Where they are found.
    pub found: Found,
    /// When they were born.
    pub born: Born,
    /// Whether they have one number.
    pub is_numbered: bool,
}

/// How far two records are called alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// By other names, or nobody knows.
    Otherwise,
    /// By what may be one name.
    Alike,
    /// One has no name yet.
    Unnamed,
    /// By other names, or by what may be one, and one number says why.
    Numbered,
    /// By one whole name, or by what sounds or looks like it.
    One,
    /// By one given name, character for character, or by one number.
    Same,
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

/// When two records say somebody was born.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Born {
    /// On another day, be it one slip apart.
    Otherwise,
    /// Nobody knows, or the year alone.
    Unknown,
    /// On one day that is written otherwise: the lunar date, month and day swapped.
    Alike,
    /// On one day.
    Same,
}

/// Odds count to this much for or against joining two groups, so that no single pair outvotes the others.
const VOICE: f64 = 6.0;

/// A third record settles what is doubted between two if its odds with both are above this.
const SETTLES: f64 = 3.0;

/// Of large groups that would have to be asked for more pairs than this, a few are asked first.
const MANY: usize = 1_024;
/// So many of each group.
const FEW: usize = 16;
/// What these say on the average, at most, when they are clearly against.
const AGAINST: f64 = -VOICE / 2.0;

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
    pub fn grow(&mut self, file_of: impl Fn(u32) -> File, links: &[Link], single: [bool; 2], voices: impl Voices) {
        let mut order: Vec<&Link> = links.iter().collect();
        order.sort_by(|a, b| b.odds.total_cmp(&a.odds).then(a.pair.cmp(&b.pair)));
        // Many links lead from one group to another: what their members said to each other is asked once.
        let mut refused: FnvHashMap<(u32, u32), Told> = FnvHashMap::default();
        let mut within: FnvHashMap<u32, Within> = FnvHashMap::default();
        let mut speakers = Speakers::of(self.all(), &voices);
        for link in order {
            let (a, b) = parts(link.pair);
            let (low, high) = (self.of(a).min(self.of(b)), self.of(a).max(self.of(b)));
            let (one, other) = (&self.members[low as usize], &self.members[high as usize]);
            if low == high || crowded(&file_of, one, other, single) {
                continue;
            }
            let (one, other) = (speakers.speech(low, one), speakers.speech(high, other));
            let mut both = |what| {
                let mut is_told = |root, speech| within.entry(root).or_default().is_told(what, speech, &voices);
                is_told(low, one) && is_told(high, other)
            };
            if refused.entry((low, high)).or_default().agree((one, other), &voices, &mut both) {
                refused.remove(&(low, high));
                within.remove(&high);
                self.append(low, high);
                speakers.grown((low, high), &self.members[low as usize], &voices);
            }
        }
        self.members.iter_mut().for_each(|members| members.sort_unstable());
    }

    /// Puts two records and all that are with them together, whatever they say.
    pub fn join(&mut self, a: u32, b: u32) {
        if self.of(a) == self.of(b) {
            return;
        }
        let (low, high) = (self.of(a).min(self.of(b)), self.of(a).max(self.of(b)));
        self.append(low, high);
        self.members[low as usize].sort_unstable();
    }

    /// Puts the members of one group behind those of another.
    fn append(&mut self, low: u32, high: u32) {
        let moved = std::mem::take(&mut self.members[high as usize]);
        moved.iter().for_each(|record| self.root[*record as usize] = low);
        self.members[low as usize].extend(moved);
    }
}

/// Joins records by links, the surest first. `file_of` says which file a record is of, `voices` what any two records
/// say about each other. What becomes of a record depends on those it is connected with by links, and on no other.
pub fn cluster(
    records: usize,
    file_of: impl Fn(u32) -> File,
    links: &[Link],
    single: [bool; 2],
    voices: impl Voices,
) -> Groups {
    let mut groups = Groups::alone(records);
    groups.grow(file_of, links, single, voices);
    groups
}

/// Whether together they would have two records of a file that holds each thing once.
fn crowded(file_of: &impl Fn(u32) -> File, a: &[u32], b: &[u32], single: [bool; 2]) -> bool {
    let has = |members: &[u32], file: File| members.iter().any(|record| file_of(*record) == file);
    (0..2).any(|file| single[usize::from(file)] && has(a, file) && has(b, file))
}

/// What those who speak for two groups said to each other, so many of each: groups grow at their ends.
#[derive(Debug, Default)]
struct Told {
    asked: [usize; 2],
    thinned: [u32; 2],
    against: usize,
    sum: f64,
    barred: bool,
    one_name: bool,
    same_name: bool,
    apart: bool,
    together: bool,
    born_otherwise: bool,
    born_alike: bool,
    doubted: Vec<(u32, u32)>,
}

impl Told {
    /// Whether those who speak for two groups, taken together, speak for being one thing.
    fn agree(
        &mut self,
        (a, b): (Speech<'_>, Speech<'_>),
        voices: &impl Voices,
        both: &mut impl FnMut(Twice) -> bool,
    ) -> bool {
        let (one, other) = (a.records, b.records);
        if let ([one], [other]) = (one, other) {
            return matches!(voices.between(*one, *other), Between::Odds(..));
        }
        if self.is_against((a, b), voices) {
            return false;
        }
        let thinned = [a.thinned, b.thinned];
        if self.thinned != thinned {
            *self = Self { thinned, barred: self.barred, ..Self::default() };
        }
        self.ask((one, other), voices);
        let settled = |pair: &(u32, u32)| {
            one.iter().chain(other).any(|third| settles(*third, *pair, voices))
                || other.iter().any(|third| is_numbered(*third, pair.0, voices))
                || one.iter().any(|third| is_numbered(*third, pair.1, voices))
        };
        if self.barred || !self.doubted.iter().all(settled) {
            return false;
        }
        self.sum > 0.0
            && (self.one_name || !both(Twice::Named))
            && (self.same_name || !both(Twice::Written))
            && (self.together || !self.apart || !both(Twice::Together))
            && (self.born_alike || !self.born_otherwise || !both(Twice::Born))
    }

    /// Whether a few of those who speak for large groups are clearly against, where many would have to be asked. They are
    /// not asked again before there are twice as many pairs of members.
    fn is_against(&mut self, (a, b): (Speech<'_>, Speech<'_>), voices: &impl Voices) -> bool {
        let pairs = a.members * b.members;
        if pairs < 2 * self.against {
            return true;
        }
        let unasked = (a.records.len() * b.records.len()).saturating_sub(self.asked[0] * self.asked[1]);
        if a.thinned + b.thinned == 0 || unasked <= MANY {
            return false;
        }
        let some = |of: &[u32]| of.iter().copied().step_by(of.len().div_ceil(FEW)).collect::<Vec<u32>>();
        let (few, others) = (some(a.records), some(b.records));
        let odds = |said: Between| match said {
            Between::Barred => -VOICE,
            Between::Doubted(odds, _) | Between::Odds(odds, _) => odds.clamp(-VOICE, VOICE),
        };
        let said = few.iter().flat_map(|x| others.iter().map(|y| odds(voices.between(*x, *y))));
        let is_against = said.sum::<f64>() < AGAINST * (few.len() * others.len()) as f64;
        self.against = if is_against { pairs } else { 0 };
        is_against
    }

    /// Hears those who have not been asked yet.
    fn ask(&mut self, (a, b): (&[u32], &[u32]), voices: &impl Voices) {
        for (at, x) in a.iter().enumerate() {
            let from = if at < self.asked[0] { self.asked[1] } else { 0 };
            for y in b.iter().skip(from) {
                if self.barred {
                    return;
                }
                match voices.between(*x, *y) {
                    Between::Barred => self.barred = true,
                    Between::Doubted(odds, born) => {
                        self.sum += odds.clamp(-VOICE, VOICE);
                        self.doubted.push((*x, *y));
                        self.hear(born);
                    }
                    Between::Odds(odds, Agreed { called, found, born, .. }) => {
                        self.sum += odds.clamp(-VOICE, VOICE);
                        self.apart |= found == Found::Apart;
                        self.together |= found == Found::Together;
                        self.one_name |= called >= Called::Unnamed;
                        self.same_name |= matches!(called, Called::Unnamed | Called::Numbered | Called::Same);
                        self.hear(born);
                    }
                }
            }
        }
        self.asked = [a.len(), b.len()];
    }

    fn hear(&mut self, born: Born) {
        self.born_otherwise |= born == Born::Otherwise;
        self.born_alike |= born >= Born::Alike;
    }
}

/// What two members of a group may agree in: nobody slips twice in the same way.
#[derive(Debug, Clone, Copy)]
enum Twice {
    /// One whole name.
    Named,
    /// One given name, character for character.
    Written,
    /// A number, phone or home.
    Together,
    /// The day of birth.
    Born,
}

/// How many there are.
const TWICE: usize = 4;

/// What those who speak for a group said among themselves, so many of them.
#[derive(Debug, Default)]
struct Within {
    asked: [usize; TWICE],
    thinned: [u32; TWICE],
    is_told: [bool; TWICE],
}

impl Within {
    /// Whether two of them agree in what is asked.
    fn is_told(&mut self, what: Twice, speech: Speech<'_>, voices: &impl Voices) -> bool {
        let is_said = |said: Between| match (said, what) {
            (Between::Odds(_, agreed), Twice::Named) => agreed.called >= Called::One,
            (Between::Odds(_, agreed), Twice::Written) => agreed.called == Called::Same,
            (Between::Odds(_, agreed), Twice::Together) => agreed.found == Found::Together,
            (Between::Odds(_, agreed), Twice::Born) => agreed.born == Born::Same,
            _ => false,
        };
        let at = what as usize;
        if self.thinned[at] != speech.thinned {
            (self.asked[at], self.thinned[at]) = (0, speech.thinned);
        }
        if !self.is_told[at] {
            let records = speech.records;
            let mut later = records.iter().enumerate().skip(self.asked[at]);
            self.is_told[at] = later.any(|(at, y)| records[..at].iter().any(|x| is_said(voices.between(*x, *y))));
            self.asked[at] = records.len();
        }
        self.is_told[at]
    }
}

/// Whether two records with these odds are likely one; one number, or the want of a name, needs no more to be said.
fn is_sure(odds: f64, called: Called) -> bool {
    odds > SETTLES || matches!(called, Called::Unnamed | Called::Numbered) && odds > 0.0
}

/// Whether two records are likely one by their number: what one of them differs in from the others of a group that the
/// other is in says no more.
fn is_numbered(one: u32, other: u32, voices: &impl Voices) -> bool {
    matches!(voices.between(one, other), Between::Odds(odds, agreed) if agreed.is_numbered && odds > SETTLES)
}

/// Whether a third record is of one name or number with one of two and likely the other: what differs between the two are
/// then the slips of both.
fn settles(third: u32, (x, y): (u32, u32), voices: &impl Voices) -> bool {
    if third == x || third == y {
        return false;
    }
    match (voices.between(third, x), voices.between(third, y)) {
        (Between::Odds(one, agreed), Between::Odds(other, agreed_other)) => {
            let (called, called_other) = (agreed.called, agreed_other.called);
            is_sure(one, called)
                && is_sure(other, called_other)
                && called.min(called_other) >= Called::Alike
                && called.max(called_other) >= Called::Numbered
        }
        _ => false,
    }
}
