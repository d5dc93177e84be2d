//! Phone numbers as evidence: several in a cell, country and area codes, masks, slips.
//!
//! Owns how a phone cell is read and compared. That a family shares a phone is for the frequencies and `joint`.

use smallvec::SmallVec;

use super::glyph::narrow;
use super::typo::slips;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// One number: its digits, hidden ones as `*`, without country code; a landline without its area code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Phone {
    digits: [u8; 18],
    length: u8,
    /// Area code of a landline, 0 when not written.
    area: u16,
}

/// The numbers of a cell, at most four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phones(SmallVec<[Phone; 1]>);

/// The rungs of [`Phones`], by their place on its ladder.
pub mod rung {
    /// One number is in both cells.
    pub const SAME: u8 = 0;
    /// The visible digits agree.
    pub const MASKED: u8 = 1;
    /// One slip apart.
    pub const TYPO: u8 = 2;
    /// None in common.
    pub const DIFFERENT: u8 = 3;
}

impl Phone {
    fn read(text: &str) -> Option<Self> {
        let main = text.split(['转', '#', 'x']).next().unwrap_or_default();
        let mut digits: Vec<u8> = main.bytes().filter(|byte| byte.is_ascii_digit() || *byte == b'*').collect();
        for country in ["0086", "86"] {
            let rest = digits.strip_prefix(country.as_bytes()).filter(|rest| rest.len() >= 10);
            if let Some(rest) = rest.filter(|rest| matches!(rest[0], b'0' | b'1') || rest.len() == 10) {
                // A landline loses the 0 of its area code behind the country's.
                let bare = rest[0] != b'0' && (rest[0] != b'1' || rest.len() != 11);
                digits = if bare { [b"0", rest].concat() } else { rest.to_vec() };
                break;
            }
        }
        let mut area = 0;
        if digits.first() == Some(&b'0') && digits.len() >= 11 {
            let mobile = digits.len() == 12 && digits[1] == b'1' && digits[2] != b'0';
            let code = match digits.get(1) {
                _ if mobile => 1,
                Some(b'1' | b'2') => 3,
                _ => 4,
            };
            if !mobile {
                area = digits[1..code].iter().fold(0, |sum, byte| sum * 10 + u16::from(byte.wrapping_sub(b'0') % 10));
            }
            digits.drain(..code);
        }
        if digits.len() < 6 || is_placeholder(&digits) {
            return None;
        }
        let length = digits.len().min(18);
        let mut held = [0; 18];
        held[..length].copy_from_slice(&digits[..length]);
        Some(Self { digits: held, length: length as u8, area })
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[..usize::from(self.length)]
    }

    fn is_masked(&self) -> bool {
        self.as_bytes().contains(&b'*')
    }

    fn token(&self) -> u64 {
        stable_hash(self.as_bytes())
    }

    fn compare(&self, other: &Self) -> u8 {
        let areas = self.area == 0 || other.area == 0 || self.area == other.area;
        let (one, other_digits) = (self.as_bytes(), other.as_bytes());
        if self.is_masked() || other.is_masked() {
            let agree = one.len() == other_digits.len()
                && one.iter().zip(other_digits).all(|(a, b)| a == b || *a == b'*' || *b == b'*');
            return if agree { rung::MASKED } else { rung::DIFFERENT };
        }
        match slips(one, other_digits) {
            Some(0) if areas => rung::SAME,
            Some(1) if areas && one.len() >= 9 => rung::TYPO,
            _ => rung::DIFFERENT,
        }
    }
}

impl Evidence for Phones {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "电话相同", en: "same phone", m: 0.7, u: 1e-5 },
        Rung {
            name: "masked", zh: "电话可见部分相同", en: "visible part of the phone agrees", m: 0.05, u: 2e-5
        },
        Rung { name: "typo", zh: "电话差一处", en: "phone one slip apart", m: 0.04, u: 2e-5 },
        Rung { name: "different", zh: "电话不同", en: "different phones", m: 0.21, u: 0.99 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let text: String = text.chars().map(narrow).collect();
        let mut phones = SmallVec::new();
        for cell in text.split(['/', '、', ',', ';', '，', '；', '|', '\n', '\\', '或']) {
            // Blanks stand between two numbers or within one.
            let whole = cell.bytes().filter(|byte| byte.is_ascii_digit() || *byte == b'*').count();
            let parts: SmallVec<[&str; 2]> =
                if whole > 15 { cell.split_whitespace().collect() } else { SmallVec::from_slice(&[cell]) };
            phones.extend(parts.into_iter().filter_map(Phone::read));
        }
        phones.truncate(4);
        (!phones.is_empty()).then_some(Self(phones))
    }

    fn compare(&self, other: &Self) -> u8 {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(|other| one.compare(other)));
        pairs.min().unwrap_or(rung::DIFFERENT)
    }

    fn keys(&self, keys: &mut Keys) {
        for phone in &self.0 {
            let digits = phone.as_bytes();
            if !phone.is_masked() {
                keys.add(0, phone.token());
            }
            if digits.len() >= 10 && !digits[..3].contains(&b'*') && !digits[digits.len() - 4..].contains(&b'*') {
                keys.add(1, combine(stable_hash(&digits[..3]), stable_hash(&digits[digits.len() - 4..])));
            }
        }
    }

    fn tokens(&self, tokens: &mut Tokens) {
        let whole = |phone: &Phone| phone.token().wrapping_add(u64::from(phone.area));
        let (first, rest) = (self.0.first().map_or(0, whole), self.0.iter().skip(1));
        tokens.push(rest.fold(first, |hash, phone| combine(hash, whole(phone))));
        if self.0.len() > 1 || self.0.first().is_some_and(|phone| phone.area != 0) {
            tokens.extend(self.0.iter().map(Phone::token));
        }
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        if rung != rung::SAME {
            return None;
        }
        let mut common = self.0.iter().filter(|one| other.0.iter().any(|other| one.compare(other) == rung::SAME));
        // With several in common, the smaller token, so that the order of the cells does not matter.
        let first = common.next().map(Phone::token)?;
        Some(common.map(Phone::token).fold(first, u64::min))
    }
}

/// Numbers nobody has: one digit repeated to the end, counting up, and the example of every form.
fn is_placeholder(digits: &[u8]) -> bool {
    let tail = &digits[digits.len().saturating_sub(7)..];
    let repeated = tail[0] != b'*' && tail.iter().all(|byte| *byte == tail[0]);
    repeated || digits.starts_with(b"12345678") || digits == b"13800138000" || digits.iter().all(|byte| *byte == b'*')
}
