//! Identifiers and codes: what is compared character by character because its characters mean nothing more.
//!
//! Owns reading and comparing them. Never checks digits or ranges: no scheme is known.

use super::edit::edits;
use super::letters::{fold, says_nothing};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A code: letters and digits only, lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    text: Box<str>,
    token: u64,
}

const SAME: u8 = 0;
const EDIT: u8 = 1;
const NEAR: u8 = 2;
const OTHER: u8 = 3;

/// Shorter codes have no halves worth a key.
const HALVES_FROM: usize = 6;

impl Code {
    /// The whole number it is, if it is one.
    pub fn whole(&self) -> Option<i64> {
        self.text.parse().ok()
    }
}

impl Evidence for Code {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "编码相同", en: "same code", m: 0.88, u: 0.001 },
        Rung { name: "edit", zh: "差一位", en: "one typing error", m: 0.07, u: 0.001 },
        Rung { name: "near", zh: "差两位", en: "two typing errors", m: 0.02, u: 0.008 },
        Rung { name: "other", zh: "编码不同", en: "different code", m: 0.03, u: 0.99 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let folded = fold(text);
        let text: String = folded.chars().filter(|letter| *letter != ' ').collect();
        let first = text.chars().next()?;
        // 0000000, 9999999: filled in because something had to be.
        let filler = text.len() >= 4 && matches!(first, '0' | '9' | 'x') && text.chars().all(|letter| letter == first);
        (!says_nothing(&folded) && !filler)
            .then(|| Self { token: stable_hash(text.as_bytes()), text: text.into_boxed_str() })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        let shorter = self.text.len().min(other.text.len());
        match edits(&self.text, &other.text) {
            0 => SAME,
            1 if shorter >= 3 => EDIT,
            1 => NEAR,
            2 if shorter >= 5 => NEAR,
            _ => OTHER,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        let bytes = self.text.as_bytes();
        if bytes.len() >= HALVES_FROM {
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            keys.add(1, combine(1, stable_hash(head)));
            keys.add(1, combine(2, stable_hash(tail)));
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

    #[test]
    fn codes_agree_by_their_characters() {
        let code = |text| Code::prepare(text).unwrap();
        assert_eq!(code("AB-12 34").compare(&code("ab1234")), SAME);
        assert_eq!(code("1804974").compare(&code("1804794")), EDIT);
        assert_eq!(code("1804974").compare(&code("1804991")), NEAR);
        assert_eq!(code("1804974").compare(&code("6089216")), OTHER);
    }

    #[test]
    fn a_filler_is_no_code() {
        assert_eq!(Code::prepare("0000000"), None);
        assert_eq!(Code::prepare(" - "), None);
    }
}
