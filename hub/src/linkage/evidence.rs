//! The interface between what a column says and the engine: kinds, prepared values, ladders of agreement, keys.
//!
//! Owns the list of kinds. Knows nothing of weights, decisions or clusters, and never sees two columns at once: what
//! several columns say together is `zh::joint`.

use std::hash::Hasher;

use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::plain::{
    address::Address,
    code::Code,
    name::{self, Name},
    number::Number,
    text::Text,
};
use super::zh;

/// What a column holds, as `link.toml` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Citizen number (GB 11643), or a document number that stands in its place.
    CitizenId,
    /// Chinese name, surname first, in one column.
    NameZh,
    /// Name or part of a name in Latin letters.
    NameLatin,
    /// Date of birth in any common writing.
    BirthDate,
    /// Sex: 男/女, GB/T 2261.1 codes, M/F.
    Sex,
    /// Phone numbers, one or several in a cell.
    Phone,
    /// Chinese address, any part of it.
    AddressZh,
    /// Address, or part of one, in Latin letters.
    AddressLatin,
    /// Identifier or code, compared by characters.
    Code,
    /// Words, compared by how rare the shared ones are.
    Text,
    /// Amount or count, compared by size.
    Number,
}

/// One step of a ladder: how two values agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// Stable short name, `snake_case`; stands in models and in output.
    pub name: &'static str,
    /// For explanations, Chinese.
    pub zh: &'static str,
    /// For explanations, English.
    pub en: &'static str,
    /// Guess of how often two records of one person agree just so (0 to 1); training starts here.
    pub m: f64,
    /// Guess of how often two records of different persons agree just so (0 to 1); replaced by counting.
    pub u: f64,
}

/// A value of one kind. `Some` values only: what is missing or a placeholder is never made.
pub trait Evidence: Sized {
    /// From full agreement (first) to contradiction (last). The guesses of `m` add up to about 1, so do those of `u`.
    const LADDER: &'static [Rung];

    /// Reads a cell. `None`: nothing, or a placeholder that says nothing. What is only odd is kept raw and compared.
    fn prepare(text: &str) -> Option<Self>;

    /// Which rung two values stand on, an index into the ladder. Symmetric; a value and itself stand on the first.
    fn compare(&self, other: &Self) -> u8;

    /// Blocking keys. Two values that often belong together share one; see [`Keys`].
    fn keys(&self, keys: &mut Keys);

    /// What is counted for frequencies: the whole value first (equal for values that mean the same, whatever was
    /// typed), then parts that may agree alone (the surname). Values with the same first token are kept once and
    /// compare alike, so what changes how a value compares is part of that token.
    fn tokens(&self, tokens: &mut Tokens);

    /// Which token two values that stand on `rung` have in common, if the rarity of one says how much that means.
    fn shared(&self, other: &Self, rung: u8) -> Option<u64>;
}

/// What is counted of a value; see [`Evidence::tokens`].
pub type Tokens = SmallVec<[u64; 5]>;

/// Collects a value's blocking keys, each in a facet: one way of blocking (whole value, sound, first letters).
///
/// Facets are small numbers, the same meaning for all values of a kind; the engine weighs each (column, facet) as a
/// whole, alone and together with those of other columns. A value may have several keys in one facet.
#[derive(Debug, Default)]
pub struct Keys(pub SmallVec<[(u8, u64); 8]>);

impl Keys {
    /// Adds a key. The same pair of facet and key twice is one.
    pub fn add(&mut self, facet: u8, key: u64) {
        if !self.0.contains(&(facet, key)) {
            self.0.push((facet, key));
        }
    }
}

/// A hash that is the same in every process and version: models and indexes keep it.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    spread(hasher.finish())
}

/// Two hashes as one; order matters.
pub fn combine(first: u64, second: u64) -> u64 {
    spread(first.rotate_left(23) ^ second.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Spreads what differs in a few bits over all of them (the finalizer of MurmurHash3).
fn spread(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// A prepared value of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// See [`Kind::CitizenId`].
    CitizenId(zh::citizen::Document),
    /// See [`Kind::NameZh`].
    NameZh(zh::name::Name),
    /// See [`Kind::NameLatin`].
    NameLatin(Name),
    /// See [`Kind::BirthDate`].
    BirthDate(zh::birth::BirthDate),
    /// See [`Kind::Sex`].
    Sex(zh::sex::Sex),
    /// See [`Kind::Phone`].
    Phone(zh::phone::Phones),
    /// See [`Kind::AddressZh`].
    AddressZh(zh::address::Address),
    /// See [`Kind::AddressLatin`].
    AddressLatin(Address),
    /// See [`Kind::Code`].
    Code(Code),
    /// See [`Kind::Text`].
    Text(Text),
    /// See [`Kind::Number`].
    Number(Number),
}

/// Calls one expression for a value of whatever kind.
macro_rules! each {
    ($value:expr, $inner:ident => $call:expr) => {
        match $value {
            Value::CitizenId($inner) => $call,
            Value::NameZh($inner) => $call,
            Value::NameLatin($inner) => $call,
            Value::BirthDate($inner) => $call,
            Value::Sex($inner) => $call,
            Value::Phone($inner) => $call,
            Value::AddressZh($inner) => $call,
            Value::AddressLatin($inner) => $call,
            Value::Code($inner) => $call,
            Value::Text($inner) => $call,
            Value::Number($inner) => $call,
        }
    };
}

impl Kind {
    /// Reads a cell; see [`Evidence::prepare`].
    pub fn prepare(self, text: &str) -> Option<Value> {
        match self {
            Self::CitizenId => Evidence::prepare(text).map(Value::CitizenId),
            Self::NameZh => Evidence::prepare(text).map(Value::NameZh),
            Self::NameLatin => Evidence::prepare(text).map(Value::NameLatin),
            Self::BirthDate => Evidence::prepare(text).map(Value::BirthDate),
            Self::Sex => Evidence::prepare(text).map(Value::Sex),
            Self::Phone => Evidence::prepare(text).map(Value::Phone),
            Self::AddressZh => Evidence::prepare(text).map(Value::AddressZh),
            Self::AddressLatin => Evidence::prepare(text).map(Value::AddressLatin),
            Self::Code => Evidence::prepare(text).map(Value::Code),
            Self::Text => Evidence::prepare(text).map(Value::Text),
            Self::Number => Evidence::prepare(text).map(Value::Number),
        }
    }

    /// The ladder of this kind; see [`Evidence::LADDER`].
    pub fn ladder(self) -> &'static [Rung] {
        match self {
            Self::CitizenId => zh::citizen::Document::LADDER,
            Self::NameZh => zh::name::Name::LADDER,
            Self::NameLatin => Name::LADDER,
            Self::BirthDate => zh::birth::BirthDate::LADDER,
            Self::Sex => zh::sex::Sex::LADDER,
            Self::Phone => zh::phone::Phones::LADDER,
            Self::AddressZh => zh::address::Address::LADDER,
            Self::AddressLatin => Address::LADDER,
            Self::Code => Code::LADDER,
            Self::Text => Text::LADDER,
            Self::Number => Number::LADDER,
        }
    }
}

impl Kind {
    /// Which of its tokens the values on each rung share, by its place; as far as there is one that is counted.
    pub fn shared_places(self) -> &'static [usize] {
        match self {
            Self::NameZh => &zh::name::SHARED,
            Self::NameLatin => &name::SHARED,
            _ => &[0],
        }
    }
}

impl Value {
    /// See [`Evidence::compare`]; `None` for values of different kinds.
    pub fn compare(&self, other: &Self) -> Option<u8> {
        match (self, other) {
            (Self::CitizenId(a), Self::CitizenId(b)) => Some(a.compare(b)),
            (Self::NameZh(a), Self::NameZh(b)) => Some(a.compare(b)),
            (Self::NameLatin(a), Self::NameLatin(b)) => Some(a.compare(b)),
            (Self::BirthDate(a), Self::BirthDate(b)) => Some(a.compare(b)),
            (Self::Sex(a), Self::Sex(b)) => Some(a.compare(b)),
            (Self::Phone(a), Self::Phone(b)) => Some(a.compare(b)),
            (Self::AddressZh(a), Self::AddressZh(b)) => Some(a.compare(b)),
            (Self::AddressLatin(a), Self::AddressLatin(b)) => Some(a.compare(b)),
            (Self::Code(a), Self::Code(b)) => Some(a.compare(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.compare(b)),
            (Self::Number(a), Self::Number(b)) => Some(a.compare(b)),
            _ => None,
        }
    }

    /// See [`Evidence::keys`].
    pub fn keys(&self, keys: &mut Keys) {
        each!(self, value => value.keys(keys));
    }

    /// See [`Evidence::tokens`].
    pub fn tokens(&self, tokens: &mut Tokens) {
        each!(self, value => value.tokens(tokens));
    }

    /// What tells the whole value from others; see [`Evidence::tokens`].
    pub fn token(&self) -> Option<u64> {
        let mut tokens = Tokens::new();
        self.tokens(&mut tokens);
        tokens.first().copied()
    }

    /// By what many may have it in common: a number whoever's it is, anything else as it is.
    pub fn common(&self) -> Option<u64> {
        match self {
            Self::CitizenId(document) => Some(document.token()),
            other => other.token(),
        }
    }

    /// The tokens of its parts that come together by chance: how common one is with the other is how common each is.
    pub fn parts(&self) -> Option<[u64; 2]> {
        match self {
            Self::NameZh(name) => name.parts(),
            Self::NameLatin(name) => name.parts(),
            _ => None,
        }
    }

    /// The whole number it is, if it is one.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.whole(),
            Self::Code(code) => code.whole(),
            _ => None,
        }
    }

    /// See [`Evidence::shared`].
    pub fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        match (self, other) {
            (Self::CitizenId(a), Self::CitizenId(b)) => a.shared(b, rung),
            (Self::NameZh(a), Self::NameZh(b)) => a.shared(b, rung),
            (Self::NameLatin(a), Self::NameLatin(b)) => a.shared(b, rung),
            (Self::BirthDate(a), Self::BirthDate(b)) => a.shared(b, rung),
            (Self::Sex(a), Self::Sex(b)) => a.shared(b, rung),
            (Self::Phone(a), Self::Phone(b)) => a.shared(b, rung),
            (Self::AddressZh(a), Self::AddressZh(b)) => a.shared(b, rung),
            (Self::AddressLatin(a), Self::AddressLatin(b)) => a.shared(b, rung),
            (Self::Code(a), Self::Code(b)) => a.shared(b, rung),
            (Self::Text(a), Self::Text(b)) => a.shared(b, rung),
            (Self::Number(a), Self::Number(b)) => a.shared(b, rung),
            _ => None,
        }
    }
}

/// What several columns of a pair say together about joining it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// The weights decide.
    Free,
    /// Never without a person, whatever the weights say.
    Review(Ground),
    /// Never one entity, not through a chain either.
    Veto(Ground),
}

/// Why a pair is not joined automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Two different valid citizen numbers.
    TwoNumbers,
    /// Two valid citizen numbers one typing error apart.
    NearNumbers,
    /// Same birth date, surname and home, different given names.
    Twins,
    /// Same home or phone, a generation apart.
    ParentAndChild,
    /// Same home or phone, different persons by name or birth.
    Household,
    /// One's number stands on the other's record.
    BorrowedNumber,
}
