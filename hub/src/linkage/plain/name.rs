//! Names of persons in Latin letters: a given name, a surname, or all parts in one column.
//!
//! Owns how they are read and how two agree. Never knows which part it is: the engine sees which columns are exchanged.

use super::edit::{alphabet, edits, may_be_similar};
use super::letters::{fold, says_nothing, skeleton};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, stable_hash};

/// A name, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    text: Box<str>,
    letters: u64,
    token: u64,
}

const SAME: u8 = 0;
const ORDER: u8 = 1;
const EDIT: u8 = 2;
const NEAR: u8 = 3;
const SHORT: u8 = 4;
const ALIKE: u8 = 5;
const OTHER: u8 = 6;

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

    /// One is an initial, a beginning or some of the words of the other.
    fn shortened(&self, other: &Self) -> bool {
        let (short, long) = if self.text.len() <= other.text.len() { (self, other) } else { (other, self) };
        long.text.starts_with(&*short.text)
            || long.text.contains(' ') && short.words().all(|word| long.words().any(|full| full.starts_with(word)))
    }
}

impl Evidence for Name {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "姓名相同", en: "same name", m: 0.80, u: 0.005 },
        Rung { name: "order", zh: "词序不同", en: "same words, other order", m: 0.01, u: 0.000_01 },
        Rung { name: "edit", zh: "差一个字母", en: "one typing error", m: 0.09, u: 0.002 },
        Rung { name: "near", zh: "拼写相近", en: "nearly the same spelling", m: 0.04, u: 0.004 },
        Rung { name: "short", zh: "一方为缩写", en: "one is a short form", m: 0.02, u: 0.004 },
        Rung { name: "alike", zh: "略相似", en: "somewhat alike", m: 0.02, u: 0.03 },
        Rung { name: "other", zh: "姓名不同", en: "different name", m: 0.02, u: 0.955 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        (!says_nothing(&folded)).then(|| Self {
            letters: alphabet(folded.as_bytes()),
            token: stable_hash(folded.as_bytes()),
            text: folded.into_boxed_str(),
        })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        if self.reordered(other) {
            return ORDER;
        }
        let shorter = self.text.len().min(other.text.len());
        if !may_be_similar(self.letters, other.letters) {
            return if self.shortened(other) { SHORT } else { OTHER };
        }
        let typed = edits(&self.text, &other.text);
        if typed == 1 && shorter >= 3 {
            return EDIT;
        }
        if self.shortened(other) {
            return SHORT;
        }
        let likeness = strsim::jaro_winkler(&self.text, &other.text);
        match typed {
            1 => NEAR,
            2 if shorter >= 5 => NEAR,
            _ if likeness >= 0.92 => NEAR,
            _ if likeness >= 0.80 => ALIKE,
            _ => OTHER,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        for word in self.words().take(4) {
            if word.len() > 1 {
                keys.add(1, stable_hash(skeleton(word).as_bytes()));
            }
            keys.add(2, stable_hash(word.as_bytes().get(..2).unwrap_or(word.as_bytes())));
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
        assert_eq!(rung("alexander", "alex"), "short");
        assert_eq!(rung("green", "mason"), "other");
    }
}
