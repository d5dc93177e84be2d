//! Sex as evidence: 男/女, the codes of GB/T 2261.1, M/F in any language a feed uses.
//!
//! Owns the list of writings. Never guesses a sex from anything else.

use super::glyph::narrow;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, stable_hash};

/// Male or female; what is unknown or not stated is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// `1`, 男, M.
    Male,
    /// `2`, 女, F.
    Female,
}

impl Evidence for Sex {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "性别相同", en: "same sex", m: 0.985, u: 0.5 },
        Rung { name: "different", zh: "性别不同", en: "different sex", m: 0.015, u: 0.5 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let text: String = text.chars().map(narrow).filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        match text.as_str() {
            "1" | "01" | "男" | "男性" | "先生" | "m" | "male" | "man" => Some(Self::Male),
            "2" | "02" | "女" | "女性" | "女士" | "f" | "female" | "woman" | "w" => Some(Self::Female),
            _ => None,
        }
    }

    fn compare(&self, other: &Self) -> u8 {
        u8::from(self != other)
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token());
    }

    fn tokens(&self, tokens: &mut Tokens) {
        tokens.push(self.token());
    }

    fn shared(&self, _: &Self, rung: u8) -> Option<u64> {
        (rung == 0).then(|| self.token())
    }
}

impl Sex {
    fn token(self) -> u64 {
        stable_hash(&[self as u8])
    }
}
