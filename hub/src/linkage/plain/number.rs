//! Amounts, counts, measures: compared by size.
//!
//! Owns reading a number out of a cell. Never converts units or currencies.

use super::edit::edits;
use super::letters::{fold, says_nothing};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A number, or a word that stood in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    size: Option<f64>,
    token: u64,
}

const SAME: u8 = 0;
const CLOSE: u8 = 1;
const DIGIT: u8 = 2;
const NEAR: u8 = 3;
const FAR: u8 = 4;
const OTHER: u8 = 5;

/// Whole numbers up to here are counts, days, years: what is one apart is close, and ten per cent say little.
const COUNTS: f64 = 2_100.0;

/// The first number of a cell: `$1,299.00`, `12a`, `-3.5 kg`.
fn read(text: &str) -> Option<f64> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let negative = text[..start].trim_end().ends_with('-');
    let end = text[start..].find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | ',')));
    let digits = &text[start..end.map_or(text.len(), |end| start + end)];
    let plain: String = digits.trim_end_matches(['.', ',']).chars().filter(|letter| *letter != ',').collect();
    let size: f64 = plain.parse().ok()?;
    Some(if negative { -size } else { size })
}

/// Whether one digit is another, or two neighbours are swapped.
fn digit(a: f64, b: f64) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    a.len() == b.len() && edits(&a, &b) == 1
}

impl Number {
    /// The whole number it is, if it is one.
    pub fn whole(&self) -> Option<i64> {
        self.size.filter(|size| size.fract() == 0.0 && size.abs() < 1e15).map(|size| size as i64)
    }
}

impl Evidence for Number {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "数值相同", en: "same number", m: 0.75, u: 0.02 },
        Rung {
            name: "close", zh: "相差一或不到百分之二", en: "one apart, or within two per cent", m: 0.06, u: 0.03
        },
        Rung { name: "digit", zh: "差一位数字", en: "one digit differs", m: 0.06, u: 0.03 },
        Rung { name: "near", zh: "相差不到百分之十", en: "within ten per cent", m: 0.05, u: 0.1 },
        Rung { name: "far", zh: "相差不到百分之三十", en: "within thirty per cent", m: 0.04, u: 0.2 },
        Rung { name: "other", zh: "数值不同", en: "different number", m: 0.04, u: 0.62 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let size = read(text);
        let token = match size {
            Some(size) => size.to_bits(),
            None => {
                let folded = fold(text);
                if says_nothing(&folded) {
                    return None;
                }
                stable_hash(folded.as_bytes())
            }
        };
        Some(Self { size, token })
    }

    fn compare(&self, other: &Self) -> u8 {
        if self.token == other.token {
            return SAME;
        }
        let (Some(a), Some(b)) = (self.size, other.size) else { return OTHER };
        let whole = |size: f64| size.fract() == 0.0 && (0.0..=COUNTS).contains(&size);
        let counts = whole(a) && whole(b);
        let apart = (a - b).abs() / a.abs().max(b.abs());
        match apart {
            _ if counts && (a - b).abs() <= 1.0 => CLOSE,
            apart if apart <= 0.02 && !counts => CLOSE,
            _ if a.max(b) >= 10.0 && digit(a, b) => DIGIT,
            apart if apart <= 0.10 => NEAR,
            apart if apart <= 0.30 => FAR,
            _ => OTHER,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.token);
        if let Some(size) = self.size.filter(|size| *size > 0.0) {
            // Neighbouring steps of ten per cent both, so that no close pair falls between two.
            let step = (size.ln() / 0.1).floor();
            keys.add(1, combine(1, step.to_bits()));
            keys.add(1, combine(1, (step + 1.0).to_bits()));
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
    fn numbers_agree_by_size() {
        let number = |text| Number::prepare(text).unwrap();
        assert_eq!(number("$1,299.00").compare(&number("1299")), SAME);
        assert_eq!(number("1299.50").compare(&number("1,301")), CLOSE);
        assert_eq!(number("1947").compare(&number("1948.0")), CLOSE);
        assert_eq!(number("1947").compare(&number("1967")), DIGIT);
        assert_eq!(number("31").compare(&number("13")), DIGIT);
        assert_eq!(number("1947").compare(&number("1985")), NEAR);
        assert_eq!(number("100").compare(&number("92")), NEAR);
        assert_eq!(number("100").compare(&number("10")), OTHER);
        assert_eq!(Number::prepare(" "), None);
    }
}
