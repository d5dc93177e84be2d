//! Writings that mean the same letters: case, accents, full width, punctuation.
//!
//! Owns the folding of text before it is compared. Never shortens or corrects it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that stand for nothing when they fill a whole cell.
const NOTHING: [&str; 14] = [
    "na",
    "n a",
    "nan",
    "nil",
    "none",
    "null",
    "unknown",
    "not known",
    "unk",
    "missing",
    "test",
    "xxx",
    "tba",
    "undefined",
];

/// Lower case, without accents, full width as half; what is neither letter nor digit becomes one space, apostrophes go.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        if letter.is_alphanumeric() {
            folded.extend(letter.to_lowercase());
        } else if !matches!(letter, '\'' | '’' | '`' | '.') && !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Whether a folded cell says nothing.
pub fn says_nothing(folded: &str) -> bool {
    folded.is_empty() || NOTHING.contains(&folded)
}

/// The consonants of a word as they sound, roughly: the first letter, then up to four others without vowels and doubles.
///
/// A coarse net for blocking that most typing and hearing errors pass through; it is no evidence by itself.
pub fn skeleton(word: &str) -> String {
    let mut skeleton = String::with_capacity(6);
    let mut last = '\0';
    for letter in word.chars() {
        let sound = match letter {
            'p' => 'b',
            't' => 'd',
            'c' | 'q' | 'g' | 'x' => 'k',
            'z' => 's',
            'f' | 'w' => 'v',
            'j' => 'k',
            'n' => 'm',
            other => other,
        };
        let silent = matches!(sound, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | ' ');
        if (!silent || skeleton.is_empty()) && sound != last {
            skeleton.push(if silent { 'a' } else { sound });
        }
        last = sound;
        if skeleton.len() >= 5 {
            break;
        }
    }
    skeleton
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_width_do_not_matter() {
        assert_eq!(fold("  Ｍüller-Lüdenscheidt, O'Neill "), "muller ludenscheidt oneill");
    }

    #[test]
    fn a_cell_that_only_says_unknown_says_nothing() {
        assert!(says_nothing(&fold("N/A")) && says_nothing(&fold(" - ")) && !says_nothing(&fold("Nilsson")));
    }

    #[test]
    fn words_that_sound_alike_share_a_skeleton() {
        assert_eq!(skeleton("catherine"), skeleton("kathryn"));
        assert_ne!(skeleton("green"), skeleton("mason"));
    }
}
