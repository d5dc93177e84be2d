//! Addresses in Latin letters, whole or in parts (street, house name, suburb).
//!
//! Owns how they are read and how two agree. Never looks a place up.

use smallvec::SmallVec;

use super::edit::{alphabet, edits, may_be_similar};
use super::letters::{fold, says_nothing, skeleton};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// An address: folded words, the kind of street abbreviated.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    text: Box<str>,
    numbers: SmallVec<[u32; 2]>,
    letters: u64,
    token: u64,
}

const SAME: u8 = 0;
const JOINED: u8 = 1;
const EDIT: u8 = 2;
const NEAR: u8 = 3;
const PART: u8 = 4;
const NUMBER: u8 = 5;
const ALIKE: u8 = 6;
const OTHER: u8 = 7;

/// Words everybody abbreviates differently; the short form stands for both, and neither says which street it is.
const STREETS: [(&str, &str); 22] = [
    ("street", "st"),
    ("road", "rd"),
    ("avenue", "ave"),
    ("av", "ave"),
    ("place", "pl"),
    ("crescent", "cres"),
    ("drive", "dr"),
    ("court", "ct"),
    ("close", "cl"),
    ("circuit", "cct"),
    ("lane", "ln"),
    ("terrace", "tce"),
    ("highway", "hwy"),
    ("boulevard", "blvd"),
    ("parade", "pde"),
    ("square", "sq"),
    ("mount", "mt"),
    ("saint", "st"),
    ("apartment", "apt"),
    ("unit", "apt"),
    ("north", "n"),
    ("south", "s"),
];

fn is_street(word: &str) -> bool {
    STREETS.iter().any(|(_, short)| *short == word)
}

impl Address {
    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ')
    }

    /// The words that tell one street from another.
    fn telling(&self) -> impl Iterator<Item = &str> {
        self.words()
            .filter(|word| !is_street(word) && word.len() > 1 && !word.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn contradicts(&self, other: &Self) -> bool {
        !self.numbers.is_empty()
            && !other.numbers.is_empty()
            && !self.numbers.iter().any(|number| other.numbers.contains(number))
    }

    /// Share of the shorter one's telling words that the other has, a typing error allowed.
    fn overlap(&self, other: &Self) -> f64 {
        let (a, b): (SmallVec<[&str; 6]>, SmallVec<[&str; 6]>) = (self.telling().collect(), other.telling().collect());
        if a.is_empty() || b.is_empty() {
            return 0.0;
        }
        let (short, long) = if (a.len(), &self.text) <= (b.len(), &other.text) { (a, b) } else { (b, a) };
        let like = |x: &str, y: &str| x == y || x.len().min(y.len()) >= 4 && edits(x, y) <= 1;
        let found = short.iter().filter(|word| long.iter().any(|other| like(word, other))).count();
        found as f64 / short.len() as f64
    }

    fn joined(&self) -> String {
        self.words().filter(|word| !is_street(word)).collect()
    }
}

impl Evidence for Address {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "地址相同", en: "same address", m: 0.70, u: 0.002 },
        Rung { name: "joined", zh: "写法不同", en: "same address, written differently", m: 0.05, u: 0.000_1 },
        Rung { name: "edit", zh: "差一个字母", en: "one typing error", m: 0.08, u: 0.000_5 },
        Rung { name: "near", zh: "拼写相近", en: "nearly the same spelling", m: 0.05, u: 0.001 },
        Rung { name: "part", zh: "部分相同", en: "one holds the words of the other", m: 0.03, u: 0.002 },
        Rung { name: "number", zh: "门牌号不同", en: "same street, other number", m: 0.02, u: 0.002 },
        Rung { name: "alike", zh: "略相似", en: "somewhat alike", m: 0.02, u: 0.04 },
        Rung { name: "other", zh: "地址不同", en: "different address", m: 0.05, u: 0.952_4 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        if says_nothing(&folded) {
            return None;
        }
        let short = |word: &str| STREETS.iter().find(|(long, _)| *long == word).map(|(_, short)| *short);
        let words: SmallVec<[&str; 8]> = folded.split(' ').map(|word| short(word).unwrap_or(word)).collect();
        let digits = |word: &&&str| word.starts_with(|letter: char| letter.is_ascii_digit());
        let number = |word: &&str| word.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let text = words.join(" ");
        Some(Self {
            numbers: words.iter().filter(digits).filter_map(number).collect(),
            letters: alphabet(text.as_bytes()),
            token: stable_hash(text.as_bytes()),
            text: text.into_boxed_str(),
        })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        if self.contradicts(other) {
            return if self.overlap(other) >= 0.99 { NUMBER } else { OTHER };
        }
        if !may_be_similar(self.letters, other.letters) {
            return if self.overlap(other) >= 0.99 { PART } else { OTHER };
        }
        let (a, b) = (self.joined(), other.joined());
        if a == b && !a.is_empty() {
            return JOINED;
        }
        match edits(&a, &b) {
            1 if a.len().min(b.len()) >= 4 => return EDIT,
            1 | 2 if a.len().min(b.len()) >= 6 => return NEAR,
            _ => {}
        }
        if self.overlap(other) >= 0.99 {
            return PART;
        }
        let likeness = strsim::jaro_winkler(&a, &b);
        match likeness {
            likeness if likeness >= 0.93 => NEAR,
            likeness if likeness >= 0.82 || self.overlap(other) >= 0.5 => ALIKE,
            _ => OTHER,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        let number = self.numbers.first().map_or(0, |number| u64::from(*number));
        for word in self.telling().take(4) {
            let sound = stable_hash(skeleton(word).as_bytes());
            keys.add(1, sound);
            if number > 0 {
                keys.add(2, combine(sound, number));
            }
        }
        if number == 0 {
            keys.add(2, stable_hash(self.joined().as_bytes().get(..3).unwrap_or_default()));
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
        let (a, b) = (Address::prepare(a).unwrap(), Address::prepare(b).unwrap());
        assert_eq!(a.compare(&b), b.compare(&a));
        Address::LADDER[usize::from(a.compare(&b))].name
    }

    #[test]
    fn addresses_stand_where_a_reader_would_put_them() {
        assert_eq!(rung("12 Wallaby Street", "12 wallaby st."), "same");
        assert_eq!(rung("pridham street", "pridham"), "joined");
        assert_eq!(rung("light street", "ligth street"), "edit");
        assert_eq!(rung("lakefront retirement village", "lakefront"), "part");
        assert_eq!(rung("12 wallaby place", "14 wallaby place"), "number");
        assert_eq!(rung("wallaby place", "hoseason street"), "other");
    }
}
