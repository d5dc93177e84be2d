//! Who speaks for a group when it is asked whether it is one with another: all, while they are few; of many, some.
//!
//! Owns that choice, which depends on the members and the order they came in, and on nothing else. What can keep two
//! groups apart is heard of every profile among them; of the odds alone a part is taken for the whole.

use fnv::FnvHashMap;
use smallvec::{SmallVec, smallvec};

use super::cluster::Between;
use super::evidence::Kind;
use super::zh::joint;

/// A group of up to so many speaks as a whole.
pub const HEARD: usize = 96;
/// Of each profile so many speak in any group: two, so that what they share is heard as well.
const OF_A_PROFILE: u8 = 2;

/// What a record is called by and found by, and may be kept apart by.
pub type Profile = SmallVec<[u32; 6]>;

/// What records say about joining their groups.
pub trait Voices {
    /// What any two records say about each other.
    fn between(&self, a: u32, b: u32) -> Between;

    /// Two records of one profile say the same to any third, but for the odds.
    fn profile(&self, record: u32) -> Profile;
}

/// Nothing is known of profiles: each record may say what no other says.
impl<F: Fn(u32, u32) -> Between> Voices for F {
    fn between(&self, a: u32, b: u32) -> Between {
        self(a, b)
    }

    fn profile(&self, record: u32) -> Profile {
        smallvec![record]
    }
}

/// Records whose profiles are read from a table.
pub struct Profiled<B, P> {
    between: B,
    columns: Vec<usize>,
    cells: P,
}

impl<'a, B: Fn(u32, u32) -> Between, P: Fn(u32) -> &'a [u32]> Profiled<B, P> {
    /// What is said `between` records over columns of these kinds, and the numbers of the `cells` of a record.
    pub fn new(kinds: &[Kind], between: B, cells: P) -> Self {
        Self { between, columns: joint::told(kinds), cells }
    }
}

impl<'a, B: Fn(u32, u32) -> Between, P: Fn(u32) -> &'a [u32]> Voices for Profiled<B, P> {
    fn between(&self, a: u32, b: u32) -> Between {
        (self.between)(a, b)
    }

    fn profile(&self, record: u32) -> Profile {
        let cells = (self.cells)(record);
        self.columns.iter().map(|column| cells[*column]).collect()
    }
}

/// Those who speak for a group. While it has been thinned out as often as before, others come behind those there were.
#[derive(Debug, Clone, Copy)]
pub struct Speech<'a> {
    /// They.
    pub records: &'a [u32],
    /// How often every other one was left out.
    pub thinned: u32,
    /// For how many they speak.
    pub members: usize,
}

/// Those who speak for each group that is too large to speak as a whole, by its lowest record.
#[derive(Debug)]
pub struct Speakers(FnvHashMap<u32, Chosen>);

/// Who speaks for one large group.
#[derive(Debug, Default)]
struct Chosen {
    records: Vec<u32>,
    thinned: u32,
    members: usize,
    profiles: FnvHashMap<Profile, u8>,
}

impl Speakers {
    /// Who speaks for these groups.
    pub fn of<'a>(groups: impl Iterator<Item = &'a [u32]>, voices: &impl Voices) -> Self {
        let large = groups.filter(|members| members.len() > HEARD);
        Self(large.map(|members| (members[0], Chosen::default().grown(members, voices))).collect())
    }

    /// Who speaks for a group.
    pub fn speech<'a>(&'a self, root: u32, members: &'a [u32]) -> Speech<'a> {
        let (records, thinned) = match self.0.get(&root) {
            // Where no three are of one profile, all speak.
            Some(some) if some.records.len() < members.len() => (some.records.as_slice(), some.thinned),
            _ => (members, 0),
        };
        Speech { records, thinned, members: members.len() }
    }

    /// The second group has come to the first, behind whose members its own are now.
    pub fn grown(&mut self, (low, high): (u32, u32), members: &[u32], voices: &impl Voices) {
        self.0.remove(&high);
        if members.len() > HEARD {
            let some = self.0.remove(&low).unwrap_or_default();
            self.0.insert(low, some.grown(members, voices));
        }
    }
}

impl Chosen {
    /// With the members that have come behind those there were.
    fn grown(mut self, members: &[u32], voices: &impl Voices) -> Self {
        let thinned = members.len().div_ceil(HEARD).next_power_of_two().trailing_zeros();
        if thinned != self.thinned {
            self = Self { thinned, ..Self::default() };
        }
        for (at, record) in members.iter().enumerate().skip(self.members) {
            let alike = self.profiles.entry(voices.profile(*record)).or_default();
            if at.is_multiple_of(1 << thinned) || *alike < OF_A_PROFILE {
                *alike = alike.saturating_add(1);
                self.records.push(*record);
            }
        }
        self.members = members.len();
        self
    }
}
