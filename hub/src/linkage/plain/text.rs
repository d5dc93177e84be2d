//! Words: titles, descriptions, names of things. Rare words weigh more than common ones.
//!
//! Owns how they are read and how two texts agree. The weights of the words come from the engine, which counts them.

use smallvec::SmallVec;

use super::edit::edits;
use super::letters::{fold, says_nothing};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A text as its distinct words, in the order of their hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    words: SmallVec<[Word; 6]>,
    token: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Word {
    hash: u64,
    letters: Box<str>,
    /// How telling it is; 1 until the engine has counted.
    weight: f32,
}

const SAME: u8 = 0;
const MOST: u8 = 1;
const MUCH: u8 = 2;
const WITHIN: u8 = 3;
const HALF: u8 = 4;
const SOME: u8 = 5;
const LITTLE: u8 = 6;
const OTHER: u8 = 7;

/// Words of a text that become keys: the most telling ones.
const KEYS: usize = 8;
/// Longer texts are compared by their first words.
const LONGEST: usize = 64;

impl Text {
    /// Gives each word its weight: how telling it is among all texts of its column.
    pub fn weigh(&mut self, weight: impl Fn(u64) -> f32) {
        for word in &mut self.words {
            word.weight = weight(word.hash);
        }
    }

    /// (weight of the words both have, weight of this one's, weight of the other's)
    fn weights(&self, other: &Self) -> (f32, f32, f32) {
        let sum = |text: &Self| text.words.iter().map(|word| word.weight).sum::<f32>();
        let mut shared = 0.0;
        let (mut mine, mut theirs): (SmallVec<[&Word; 16]>, SmallVec<[&Word; 16]>) = Default::default();
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (self.words.get(i), other.words.get(j)) {
            match a.hash.cmp(&b.hash) {
                std::cmp::Ordering::Equal => {
                    shared += a.weight;
                    (i, j) = (i + 1, j + 1);
                }
                std::cmp::Ordering::Less => {
                    mine.push(a);
                    i += 1;
                }
                std::cmp::Ordering::Greater => {
                    theirs.push(b);
                    j += 1;
                }
            }
        }
        mine.extend(&self.words[i..]);
        theirs.extend(&other.words[j..]);
        (shared + mistyped(&mine, &theirs), sum(self), sum(other))
    }
}

/// Weight of the words that differ by a typing error only, most telling first so that both sides pair them alike.
fn mistyped(mine: &[&Word], theirs: &[&Word]) -> f32 {
    let mut taken: SmallVec<[bool; 16]> = SmallVec::from_elem(false, theirs.len());
    let mut weight = 0.0;
    for word in mine.iter().filter(|word| word.letters.len() >= 5) {
        let like = |other: &&Word| {
            other.letters.len() >= 5
                && !other.letters.bytes().any(|byte| byte.is_ascii_digit())
                && word.letters.len().abs_diff(other.letters.len()) <= 1
                && edits(&word.letters, &other.letters) == 1
        };
        if let Some(at) = (0..theirs.len()).find(|at| !taken[*at] && like(&theirs[*at])) {
            taken[at] = true;
            weight += word.weight.min(theirs[at].weight);
        }
    }
    0.8 * weight
}

impl Evidence for Text {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "文字相同", en: "same words", m: 0.40, u: 0.001 },
        Rung { name: "most", zh: "绝大部分相同", en: "nearly all that matters is shared", m: 0.18, u: 0.000_2 },
        Rung { name: "much", zh: "大部分相同", en: "most is shared", m: 0.14, u: 0.000_5 },
        Rung { name: "within", zh: "一方包含另一方", en: "one holds the other", m: 0.08, u: 0.001 },
        Rung { name: "half", zh: "约一半相同", en: "about half is shared", m: 0.10, u: 0.003 },
        Rung { name: "some", zh: "部分相同", en: "some is shared", m: 0.05, u: 0.02 },
        Rung { name: "little", zh: "少量相同", en: "little is shared", m: 0.03, u: 0.1 },
        Rung { name: "other", zh: "文字不同", en: "nothing is shared", m: 0.02, u: 0.874_3 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        if says_nothing(&folded) {
            return None;
        }
        let mut words: SmallVec<[Word; 6]> = SmallVec::new();
        for letters in folded.split(' ').take(LONGEST).flat_map(pieces) {
            words.push(Word { hash: stable_hash(letters.as_bytes()), letters, weight: 1.0 });
        }
        words.sort_unstable_by_key(|word| word.hash);
        words.dedup_by_key(|word| word.hash);
        let token = words.iter().fold(words.len() as u64, |token, word| combine(token, word.hash));
        Some(Self { words, token })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        let (shared, mine, theirs) = self.weights(other);
        let likeness = shared / (mine + theirs - shared).max(f32::MIN_POSITIVE);
        let within = shared / mine.min(theirs).max(f32::MIN_POSITIVE);
        match likeness {
            likeness if likeness >= 0.8 => MOST,
            likeness if likeness >= 0.6 => MUCH,
            _ if within >= 0.95 => WITHIN,
            likeness if likeness >= 0.4 => HALF,
            likeness if likeness >= 0.22 => SOME,
            likeness if likeness >= 0.08 => LITTLE,
            _ => OTHER,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        let mut telling: SmallVec<[&Word; 16]> = self.words.iter().collect();
        telling.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.hash.cmp(&b.hash)));
        telling.truncate(KEYS);
        for (at, word) in telling.iter().enumerate() {
            keys.add(1, word.hash);
            for other in telling.iter().take(5).skip(at + 1) {
                keys.add(2, combine(word.hash.min(other.hash), word.hash.max(other.hash)));
            }
        }
    }

    fn tokens(&self, tokens: &mut Tokens) {
        tokens.push(self.token);
        tokens.extend(self.words.iter().map(|word| word.hash));
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        (rung == SAME && self.token == other.token).then_some(self.token)
    }
}

/// A word, or for writing without spaces its pairs of neighbouring characters.
fn pieces(word: &str) -> Vec<Box<str>> {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() > 2 && letters.iter().any(|letter| matches!(letter, '\u{3400}'..='\u{9fff}')) {
        return letters.windows(2).map(|pair| pair.iter().collect::<String>().into_boxed_str()).collect();
    }
    vec![word.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(a: &str, b: &str) -> &'static str {
        let (a, b) = (Text::prepare(a).unwrap(), Text::prepare(b).unwrap());
        assert_eq!(a.compare(&b), b.compare(&a));
        Text::LADDER[usize::from(a.compare(&b))].name
    }

    #[test]
    fn texts_agree_by_their_words() {
        assert_eq!(rung("Canon EOS 5D", "eos canon 5d"), "same");
        assert_eq!(rung("a b c d e f g h i", "a b c d e f g h"), "most");
        assert_eq!(rung("canon eos", "canon eos 5d mark ii body black"), "within");
        assert_eq!(rung("canon eos 5d", "nikon d90 body"), "other");
    }
}
