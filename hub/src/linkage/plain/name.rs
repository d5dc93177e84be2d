//! Names of persons in Latin letters: a given name, a surname, or all parts in one column.
//!
//! Owns how they are read and how two agree. Never knows which part it is: the engine sees which columns are exchanged.

use smallvec::SmallVec;

use super::edit::{alphabet, edits, may_be_similar};
use super::letters::{fold, says_nothing, skeleton};
use super::pet;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A name, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    text: Box<str>,
    letters: u64,
    token: u64,
    /// Of a name of several words: the first and the last.
    ends: Option<[u64; 2]>,
    /// The given names its first words may stand for.
    given: pet::Names,
}

const SAME: u8 = 0;
const ORDER: u8 = 1;
const EDIT: u8 = 2;
const NEAR: u8 = 3;
const PET: u8 = 4;
const SHORT: u8 = 5;
const ALIKE: u8 = 6;
/// Only the last word agrees.
pub const LAST: u8 = 7;
/// Only another word agrees.
pub const FIRST: u8 = 8;
/// Nothing agrees.
pub const OTHER: u8 = 9;

/// Places of the tokens that names on each rung share: the whole, its last word, its first.
pub(in crate::linkage) const SHARED: [usize; 10] = [0, 0, 0, 0, 0, 0, 0, 1, 2, 0];

/// What tells the words at the ends of names apart in tokens.
const FIRST_WORD: u64 = 1;
const LAST_WORD: u64 = 2;

/// Words of a name that become keys. Those of more are a list of names, and are not compared word by word.
const KEYED: usize = 4;
/// Words behind a name that say which of several generations bears it, and are no part of it.
const GENERATIONS: [&str; 7] = ["jr", "jnr", "sr", "snr", "ii", "iii", "iv"];

/// A folded name without the words that tell a generation.
fn without_generation(folded: &str) -> &str {
    let mut name = folded;
    while let Some((before, _)) = name.rsplit_once(' ').filter(|(_, last)| GENERATIONS.contains(last)) {
        name = before;
    }
    if GENERATIONS.contains(&name) { "" } else { name }
}

impl Name {
    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ')
    }

    /// Whether it has several words, and is not a list of names.
    fn is_told_by_words(&self) -> bool {
        self.ends.is_some() && self.words().count() <= KEYED
    }

    /// Same words in another order, or written together.
    fn reordered(&self, other: &Self) -> bool {
        if self.letters != other.letters || !(self.text.contains(' ') || other.text.contains(' ')) {
            return false;
        }
        let joined = |name: &Self| name.words().collect::<String>();
        let sorted = |name: &Self| {
            let mut words: Vec<_> = name.words().map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        joined(self) == joined(other) || sorted(self) == sorted(other)
    }

    /// The tokens of the first and the last word, of a name of several.
    pub fn parts(&self) -> Option<[u64; 2]> {
        self.ends
    }

    /// Word for word the same, or a given name and what its bearers are called.
    fn called(&self, other: &Self) -> bool {
        pet::share(&self.given, &other.given)
            && self.words().count() == other.words().count()
            && self.words().zip(other.words()).all(|(a, b)| a == b || pet::share(pet::names(a), pet::names(b)))
    }

    /// One is an initial, a beginning or some of the words of the other.
    fn shortened(&self, other: &Self) -> bool {
        let (short, long) = if self.text.len() <= other.text.len() { (self, other) } else { (other, self) };
        long.text.starts_with(&*short.text)
            || long.text.contains(' ') && short.words().all(|word| long.words().any(|full| full.starts_with(word)))
    }

    /// Whether it is one word, the last one of the other: a surname that stands alone is a whole family's.
    fn is_end_of(&self, other: &Self) -> bool {
        other.ends.is_some_and(|[_, last]| self.ends.is_none() && last == combine(self.token, LAST_WORD))
    }

    /// How two names of several words each agree: relatives share a word, and are not one for it.
    fn by_words(&self, other: &Self) -> u8 {
        let (mine, others): (Words<'_>, Words<'_>) = (self.words().collect(), other.words().collect());
        let (short, long) = if mine.len() <= others.len() { (mine, others) } else { (others, mine) };
        let matched = matched(&short, &long);
        let near = matched.iter().filter(|rung| **rung <= NEAR).count();
        match matched.iter().copied().max().unwrap_or(OTHER) {
            OTHER if 2 * near > short.len() => ALIKE,
            OTHER if near > 0 => match (short.last(), long.last()) {
                (Some(one), Some(other)) if word(one, other) <= NEAR => LAST,
                _ => FIRST,
            },
            rung @ (PET | SHORT | ALIKE | OTHER) => rung,
            _ if short.len() < long.len() => SHORT,
            EDIT if matched.iter().filter(|rung| **rung == EDIT).count() == 1 => EDIT,
            _ => NEAR,
        }
    }
}

/// The words of a name.
type Words<'a> = SmallVec<[&'a str; KEYED]>;

/// How the words of the shorter name agree with those of the longer, each with one, those that agree best first.
fn matched(short: &[&str], long: &[&str]) -> SmallVec<[u8; KEYED]> {
    let mut pairs: SmallVec<[(u8, usize, usize); KEYED * KEYED]> = SmallVec::new();
    for (x, one) in short.iter().enumerate() {
        pairs.extend(long.iter().enumerate().map(|(y, other)| (word(one, other), x, y)));
    }
    pairs.sort_unstable_by_key(|(rung, x, y)| (*rung, x.abs_diff(*y), *x));
    let (mut mine, mut others) = (0_u8, 0_u8);
    let mut matched = SmallVec::new();
    for (rung, x, y) in pairs {
        if mine >> x & 1 == 0 && others >> y & 1 == 0 {
            mine |= 1 << x;
            others |= 1 << y;
            matched.push(rung);
        }
    }
    matched
}

/// Which rung two single words stand on.
fn word(one: &str, other: &str) -> u8 {
    let shorter = one.len().min(other.len());
    match edits(one, other) {
        0 => SAME,
        1 if shorter >= 3 => EDIT,
        _ if pet::share(pet::names(one), pet::names(other)) => PET,
        _ if one.starts_with(other) || other.starts_with(one) => SHORT,
        typed => spelled(one, other, typed),
    }
}

/// Which rung two texts stand on by their spelling alone, so many typing errors apart and more than one.
fn spelled(one: &str, other: &str, typed: u8) -> u8 {
    if typed == 2 && one.len().min(other.len()) >= 5 {
        return NEAR;
    }
    match strsim::jaro_winkler(one, other) {
        likeness if likeness >= 0.92 => NEAR,
        likeness if likeness >= 0.80 => ALIKE,
        _ => OTHER,
    }
}

impl Evidence for Name {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "姓名相同", en: "same name", m: 0.79, u: 0.005 },
        Rung { name: "order", zh: "词序不同", en: "same words, other order", m: 0.01, u: 0.000_01 },
        Rung { name: "edit", zh: "差一个字母", en: "one typing error", m: 0.09, u: 0.002 },
        Rung { name: "near", zh: "拼写相近", en: "nearly the same spelling", m: 0.04, u: 0.004 },
        Rung { name: "pet", zh: "昵称", en: "a pet name of it", m: 0.01, u: 0.000_5 },
        Rung { name: "short", zh: "一方为缩写", en: "one is a short form", m: 0.02, u: 0.004 },
        Rung { name: "alike", zh: "略相似", en: "somewhat alike", m: 0.02, u: 0.03 },
        Rung { name: "last", zh: "仅末词相同", en: "only the last word agrees", m: 0.001, u: 0.02 },
        Rung { name: "first", zh: "仅其他词相同", en: "only another word agrees", m: 0.001, u: 0.004 },
        Rung { name: "other", zh: "姓名不同", en: "different name", m: 0.018, u: 0.930_5 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        let name = without_generation(&folded);
        let end = |word: &str, which: u64| combine(stable_hash(word.as_bytes()), which);
        let ends = name.split_once(' ').map(|(first, _)| {
            let last = name.rsplit(' ').next().unwrap_or_default();
            [end(first, FIRST_WORD), end(last, LAST_WORD)]
        });
        (!says_nothing(name)).then(|| Self {
            letters: alphabet(name.as_bytes()),
            token: stable_hash(name.as_bytes()),
            ends,
            text: name.into(),
            given: name.split(' ').take(KEYED).flat_map(pet::names).copied().collect(),
        })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        if self.reordered(other) {
            return ORDER;
        }
        if self.is_told_by_words() && other.is_told_by_words() {
            return self.by_words(other);
        }
        if self.is_end_of(other) || other.is_end_of(self) {
            return LAST;
        }
        let otherwise = |rung: u8| if self.called(other) { PET } else { rung };
        let shorter = self.text.len().min(other.text.len());
        if !may_be_similar(self.letters, other.letters) {
            return otherwise(if self.shortened(other) { SHORT } else { OTHER });
        }
        let typed = edits(&self.text, &other.text);
        if typed == 1 && shorter >= 3 {
            return EDIT;
        }
        if self.shortened(other) {
            return otherwise(SHORT);
        }
        match typed {
            1 => NEAR,
            _ => match spelled(&self.text, &other.text, typed) {
                NEAR => NEAR,
                rung => otherwise(rung),
            },
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        for word in self.words().take(KEYED) {
            if word.len() > 1 {
                keys.add(1, stable_hash(skeleton(word).as_bytes()));
            }
            keys.add(2, stable_hash(word.as_bytes().get(..2).unwrap_or(word.as_bytes())));
        }
        for name in &self.given {
            keys.add(1, combine(u64::from(*name), 1));
        }
        if self.is_told_by_words() {
            let sounds: SmallVec<[u64; KEYED]> =
                self.words().map(|word| stable_hash(skeleton(word).as_bytes())).collect();
            for (at, one) in sounds.iter().enumerate() {
                sounds.iter().skip(at + 1).for_each(|other| keys.add(1, combine(*one.min(other), *one.max(other))));
            }
        }
    }

    fn tokens(&self, tokens: &mut Tokens) {
        tokens.push(self.token);
        tokens.extend(self.ends.into_iter().flat_map(|[first, last]| [last, first]));
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        let both = |end: fn([u64; 2]) -> u64| Some((self.ends.map(end)?, other.ends.map(end)?));
        let (mine, others) = match rung {
            SAME => (self.token, other.token),
            LAST => both(|[_, last]| last)?,
            FIRST => both(|[first, _]| first)?,
            _ => return None,
        };
        (mine == others).then_some(mine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(a: &str, b: &str) -> &'static str {
        let (a, b) = (Name::prepare(a).unwrap(), Name::prepare(b).unwrap());
        assert_eq!(a.compare(&b), b.compare(&a));
        Name::LADDER[usize::from(a.compare(&b))].name
    }

    #[test]
    fn names_stand_where_a_reader_would_put_them() {
        assert_eq!(rung("Zoë", "ZOE"), "same");
        assert_eq!(rung("Anna Maria", "annamaria"), "order");
        assert_eq!(rung("mitchell", "mithcell"), "edit");
        assert_eq!(rung("jonathan", "johnathon"), "near");
        assert_eq!(rung("J", "john"), "short");
        assert_eq!(rung("alexander", "alexan"), "short");
        assert_eq!(rung("Alexander", "Alex"), "pet");
        assert_eq!(rung("Bill Clay", "William Clay"), "pet");
        assert_eq!(rung("bill clay", "william mason"), "other");
        assert_eq!(rung("green", "mason"), "other");
    }

    #[test]
    fn relatives_share_a_word_and_are_not_alike_for_it() {
        assert_eq!(rung("jonathan smith", "josephine smith"), "last");
        assert_eq!(rung("mary oconnell", "mary weatherby"), "first");
        assert_eq!(rung("kiera matthews", "kiea mathews"), "near");
        assert_eq!(rung("mary ann weatherby", "mary lou weatherby"), "alike");
        assert_eq!(rung("mary weatherby", "m weatherby"), "short");
        assert_eq!(rung("mary weatherby", "mary ann weatherbv"), "short");
        assert_eq!(rung("weatherby", "mary weatherby"), "last");
        assert_eq!(rung("weatherbv mary", "mary weatherby"), "edit");
    }

    #[test]
    fn a_generation_is_no_part_of_a_name() {
        assert_eq!(rung("Smith, Jr.", "smith"), "same");
        assert_eq!(rung("Robert Smith III", "Robert Smith II"), "same");
        assert!(Name::prepare("JR").is_none());
    }
}
