//! Names of persons in Latin letters: a given name, a surname, or all parts in one column.
//!
//! Owns how they are read and how two agree. Never knows which part it is: the engine sees which columns are exchanged.

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
const OTHER: u8 = 7;

/// Words of a name that become keys.
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
        Rung { name: "other", zh: "姓名不同", en: "different name", m: 0.02, u: 0.954_5 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        let name = without_generation(&folded);
        (!says_nothing(name)).then(|| Self {
            letters: alphabet(name.as_bytes()),
            token: stable_hash(name.as_bytes()),
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
        let likeness = strsim::jaro_winkler(&self.text, &other.text);
        match typed {
            1 => NEAR,
            2 if shorter >= 5 => NEAR,
            _ if likeness >= 0.92 => NEAR,
            _ if likeness >= 0.80 => otherwise(ALIKE),
            _ => otherwise(OTHER),
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
    }

    fn tokens(&self, tokens: &mut Tokens) {
        tokens.push(self.token);
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        (rung == SAME && self.token == other.token).then_some(self.token)
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
    fn a_generation_is_no_part_of_a_name() {
        assert_eq!(rung("Smith, Jr.", "smith"), "same");
        assert_eq!(rung("Robert Smith III", "Robert Smith II"), "same");
        assert!(Name::prepare("JR").is_none());
    }
}
