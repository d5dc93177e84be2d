//! Two writings of one word: mistyped, shortened, apart or together.
//!
//! Owns which words of two texts are one though written otherwise, and what that counts. Never sees the words both have.

use smallvec::SmallVec;

use super::edit::edits;
use crate::linkage::evidence::stable_hash;

/// A word of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Of its letters.
    pub hash: u64,
    /// Folded.
    pub letters: Box<str>,
    /// How telling it is; 1 until the engine has counted.
    pub weight: f32,
    /// Whether it is a number, a size, a model.
    pub has_digit: bool,
}

/// Words of a text that have no partner in the other.
pub type Unpaired<'a> = SmallVec<[&'a Word; 16]>;

/// Texts that leave more pairs of words than this unpaired are compared by the words they share.
pub const CROSSED: usize = 600;

/// What a word counts that has another writing in the other text.
const MISTYPED: f32 = 0.8;
const SHORTENED: f32 = 0.6;
const APART: f32 = 0.9;
/// A shorter word has too many within one typing error.
const TYPED_FROM: usize = 5;
/// A shorter beginning stands for too many words.
const SHORT_FROM: usize = 3;
/// A shorter word is not looked for in pieces.
const PIECED_FROM: usize = 4;

impl Word {
    /// Reads a folded word.
    pub fn of(letters: Box<str>) -> Self {
        let has_digit = letters.bytes().any(|byte| byte.is_ascii_digit());
        Self { hash: stable_hash(letters.as_bytes()), letters, weight: 1.0, has_digit }
    }

    /// How much of it the other is another writing of.
    fn like(&self, other: &Self) -> Option<f32> {
        if self.has_digit || other.has_digit {
            return None;
        }
        let (a, b) = (&*self.letters, &*other.letters);
        let shorter = a.len().min(b.len());
        match () {
            () if shorter >= TYPED_FROM && a.len().abs_diff(b.len()) <= 1 && edits(a, b) == 1 => Some(MISTYPED),
            () if shorter >= SHORT_FROM && (a.starts_with(b) || b.starts_with(a)) => Some(SHORTENED),
            () => None,
        }
    }
}

/// Takes out the words that are written otherwise in the other text, and returns what they weigh.
pub fn other_writings(mine: &mut Unpaired<'_>, theirs: &mut Unpaired<'_>) -> f32 {
    let mut weight = 0.0;
    mine.retain(|word| {
        let found = theirs.iter().enumerate().find_map(|(at, other)| Some((at, word.like(other)?)));
        if let Some((at, like)) = found {
            weight += like * word.weight.min(theirs.remove(at).weight);
        }
        found.is_none()
    });
    weight + in_pieces(mine, theirs) + in_pieces(theirs, mine)
}

/// Takes out the codes whose letters the other text has as several words: `PSLX350H` and `PS-LX350H`.
fn in_pieces(whole: &mut Unpaired<'_>, pieces: &mut Unpaired<'_>) -> f32 {
    let mut weight = 0.0;
    whole.retain(|word| {
        if !word.has_digit || word.letters.len() < PIECED_FROM {
            return true;
        }
        let is_piece = |piece: &Word| word.letters.contains(&*piece.letters);
        let (mut length, mut telling) = (0, 0.0);
        for piece in pieces.iter().filter(|piece| is_piece(piece)) {
            length += piece.letters.len();
            telling += piece.weight;
        }
        let is_whole = length != word.letters.len();
        if !is_whole {
            pieces.retain(|piece| !is_piece(piece));
            weight += APART * word.weight.min(telling);
        }
        is_whole
    });
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(|letters| Word::of(letters.into())).collect()
    }

    fn weight(a: &str, b: &str) -> f32 {
        let (a, b) = (words(a), words(b));
        other_writings(&mut a.iter().collect(), &mut b.iter().collect())
    }

    #[test]
    fn a_word_is_found_in_its_other_writings() {
        let is = |a: &str, b: &str, counted: f32| (weight(a, b) - counted).abs() < 1e-6;
        assert!(is("conference green", "conferense mason", MISTYPED));
        assert!(is("proceedings", "proc", SHORTENED));
        assert!(is("pslx350h", "ps lx350h", APART) && is("lx350h ps", "pslx350h", APART));
        assert!(is("lx350", "lx300", 0.0), "another model is no typing error");
        assert!(is("pslx350h", "ps lx300h", 0.0));
    }

    #[test]
    fn no_word_is_the_other_writing_of_two() {
        assert!((weight("conferense conferance", "conference") - MISTYPED).abs() < 1e-6);
    }
}
