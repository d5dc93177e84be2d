//! Words: titles, descriptions, names of things. Rare words weigh more than common ones.
//!
//! Owns how they are read and how two texts agree. The weights of the words come from the engine, which counts them.

use smallvec::SmallVec;

use super::letters::{fold, says_nothing};
use super::writing::{CROSSED, Unpaired, Word, other_writings};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine};

/// A text as its distinct words, in the order of their hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    words: SmallVec<[Word; 6]>,
    token: u64,
}

const SAME: u8 = 0;
/// Likeness from which two texts stand on the rungs below the first, down to the last but one.
const STEPS: [f32; 9] = [0.88, 0.80, 0.72, 0.64, 0.56, 0.48, 0.40, 0.30, 0.18];

/// Words of a text that become keys: the most telling ones.
const KEYS: usize = 8;
/// Longer texts are compared by their first words.
const LONGEST: usize = 64;

/// What two texts have in common, in weights of words: a word no other text has weighs about one.
#[derive(Debug, Clone, Copy)]
struct Common {
    shared: f32,
    mine: f32,
    theirs: f32,
    /// Each has a word with a digit that the other has not.
    other_numbers: bool,
}

/// Weights of the parts of a likeness: of what both have together, of what the shorter has, and of how much that is at all.
const OF_BOTH: f32 = 0.42;
const OF_SHORTER: f32 = 0.45;
const AT_ALL: f32 = 0.13;
/// That many rare words shared are as much as can be asked for.
const PLENTY: f32 = 2.5;
/// What other numbers take away: another model, size or edition.
const OTHER_NUMBERS: f32 = 0.1;

impl Common {
    /// 0 to 1.
    fn likeness(self) -> f32 {
        let both = self.shared / (self.mine + self.theirs - self.shared).max(f32::MIN_POSITIVE);
        let shorter = (self.shared / self.mine.min(self.theirs).max(f32::MIN_POSITIVE)).min(1.0);
        let plenty = (self.shared / PLENTY).min(1.0);
        let numbers = if self.other_numbers { OTHER_NUMBERS } else { 0.0 };
        OF_BOTH * both + OF_SHORTER * shorter + AT_ALL * plenty - numbers
    }
}

impl Text {
    /// Gives each word its weight: how telling it is among all texts of its column.
    pub fn weigh(&mut self, weight: impl Fn(u64) -> f32) {
        for word in &mut self.words {
            word.weight = weight(word.hash);
        }
    }

    fn common(&self, other: &Self) -> Common {
        let sum = |text: &Self| text.words.iter().map(|word| word.weight).sum::<f32>();
        let mut shared = 0.0;
        let (mut mine, mut theirs): (Unpaired<'_>, Unpaired<'_>) = Default::default();
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
        if mine.len() * theirs.len() <= CROSSED {
            shared += other_writings(&mut mine, &mut theirs);
        }
        let numbers = |words: &Unpaired<'_>| words.iter().any(|word| word.has_digit);
        let other_numbers = numbers(&mine) && numbers(&theirs);
        Common { shared, mine: sum(self), theirs: sum(other), other_numbers }
    }
}

impl Evidence for Text {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "文字相同", en: "same words", m: 0.30, u: 0.001 },
        Rung { name: "nearly", zh: "几乎相同", en: "nearly all is shared", m: 0.13, u: 0.000_2 },
        Rung { name: "most", zh: "绝大部分相同", en: "most that matters is shared", m: 0.12, u: 0.000_3 },
        Rung { name: "much", zh: "大部分相同", en: "much is shared", m: 0.10, u: 0.000_6 },
        Rung { name: "more", zh: "多半相同", en: "more than half is shared", m: 0.09, u: 0.001 },
        Rung { name: "half", zh: "约一半相同", en: "about half is shared", m: 0.08, u: 0.002 },
        Rung { name: "part", zh: "小半相同", en: "less than half is shared", m: 0.06, u: 0.005 },
        Rung { name: "some", zh: "部分相同", en: "some is shared", m: 0.05, u: 0.02 },
        Rung { name: "few", zh: "少数相同", en: "few words are shared", m: 0.04, u: 0.05 },
        Rung { name: "little", zh: "少量相同", en: "little is shared", m: 0.02, u: 0.15 },
        Rung { name: "other", zh: "文字不同", en: "nothing is shared", m: 0.01, u: 0.769_9 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        if says_nothing(&folded) {
            return None;
        }
        let mut words: SmallVec<[Word; 6]> = SmallVec::new();
        for letters in folded.split(' ').take(LONGEST).flat_map(pieces) {
            words.push(Word::of(letters));
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
        // What is paired with what depends on the order: the same one for both.
        let common = if self.token < other.token { self.common(other) } else { other.common(self) };
        let likeness = common.likeness();
        let above = STEPS.iter().take_while(|step| likeness < **step).count();
        SAME + 1 + u8::try_from(above).unwrap_or(u8::MAX)
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
        assert_eq!(rung("a b c d e f g h i", "a b c d e f g h"), "nearly");
        assert_eq!(rung("canon eos", "canon eos 5d mark ii body black"), "more");
        assert_eq!(rung("canon eos 5d body", "canon eos 7d body"), "half");
        assert_eq!(rung("canon eos 5d", "nikon d90 body"), "other");
    }
}
