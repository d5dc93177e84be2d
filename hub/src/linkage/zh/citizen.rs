//! The citizen number as evidence: valid or not, masked, mistyped, and what it says about birth and sex.
//!
//! Owns how a number column is read and compared; the number itself is `identity`'s. Never knows the rest of the record:
//! that a number belongs to somebody else is found by `joint` and marked here.

use chrono::{Datelike, NaiveDate};

use super::glyph::narrow;
use super::sex::Sex;
use super::typo::slips;
use crate::identity::CitizenNumber;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

const LENGTH: usize = 18;
/// Digits a spreadsheet keeps of a number.
const KEPT: usize = 15;
/// Where the birth date in a citizen number ends.
const BORN: usize = 14;

/// What a document number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A citizen number of 18 characters that is right in itself (15 digits became 18).
    Valid,
    /// Meant as a citizen number, but a check fails or characters are missing.
    Broken,
    /// Parts are hidden by `*`.
    Masked,
    /// A passport, permit or other document.
    Other,
}

/// A number from the document column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    text: [u8; LENGTH],
    length: u8,
    class: Class,
    borrowed: bool,
    /// Written with 15 digits: no check digit has confirmed it.
    unchecked: bool,
}

impl Document {
    /// What the number is.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The number without spaces, in ASCII capitals.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    /// Whether the record it stands on shows that it is somebody else's.
    pub fn is_borrowed(&self) -> bool {
        self.borrowed
    }

    /// Marks the number as somebody else's: it then neither proves nor excludes anything alone.
    pub fn mark_borrowed(&mut self) {
        self.borrowed = true;
    }

    /// The birth date in the number, also when only the check digit is wrong or what is behind it is hidden; nothing if the
    /// digits are no date of the years 1850 to 2100.
    pub fn birth_date(&self) -> Option<NaiveDate> {
        if self.class == Class::Other || usize::from(self.length) != LENGTH {
            return None;
        }
        let digits = std::str::from_utf8(&self.text[6..14]).ok()?;
        NaiveDate::parse_from_str(digits, "%Y%m%d").ok().filter(|date| (1850..=2100).contains(&date.year()))
    }

    /// The sex in the number; nothing for what is no valid citizen number.
    pub fn sex(&self) -> Option<Sex> {
        (self.class == Class::Valid).then(|| if self.text[16] % 2 == 1 { Sex::Male } else { Sex::Female })
    }

    /// What tells the number, whoever's it is.
    pub fn token(&self) -> u64 {
        self.hash()
    }

    /// Whether the digits behind the birth date are told of both and agree.
    pub fn ends_like(&self, other: &Self) -> bool {
        let (one, other) = (self.as_bytes(), other.as_bytes());
        one.len() == LENGTH && other.len() == LENGTH && one[BORN..] == other[BORN..] && !one[BORN..].contains(&b'*')
    }

    fn new(text: &[u8], class: Class) -> Self {
        let length = text.len().min(LENGTH);
        let mut held = [0; LENGTH];
        held[..length].copy_from_slice(&text[..length]);
        Self { text: held, length: length as u8, class, borrowed: false, unchecked: false }
    }

    fn hash(&self) -> u64 {
        stable_hash(self.as_bytes())
    }

    fn agrees_masked(&self, other: &Self) -> bool {
        let (one, other) = (self.as_bytes(), other.as_bytes());
        let mut seen = 0;
        let agree = one.len() == other.len()
            && one.iter().zip(other).all(|(a, b)| {
                seen += usize::from(*a != b'*' && *b != b'*');
                a == b || *a == b'*' || *b == b'*'
            });
        agree && seen >= 4
    }
}

/// The rungs of [`Document`], by their place on its ladder.
pub mod rung {
    /// Equal: both valid, or both the same odd text.
    pub const SAME: u8 = 0;
    /// One slip apart, and not both valid.
    pub const TYPO: u8 = 1;
    /// The visible parts agree.
    pub const MASKED: u8 = 2;
    /// Two slips apart, and not both valid.
    pub const TWO_TYPOS: u8 = 3;
    /// Equal, but it is somebody else's on one of the records.
    pub const SAME_BORROWED: u8 = 4;
    /// Both valid, different, one slip apart.
    pub const NEAR: u8 = 5;
    /// Different, but one is somebody else's.
    pub const BORROWED: u8 = 6;
    /// Different, and one at least is not valid.
    pub const DIFFERENT: u8 = 7;
    /// Both valid and different.
    pub const CONFLICT: u8 = 8;
}

impl Evidence for Document {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "证件号码相同", en: "same number", m: 0.67, u: 1e-7 },
        Rung { name: "typo", zh: "号码差一处", en: "number one slip apart", m: 0.12, u: 1e-6 },
        Rung {
            name: "masked", zh: "号码可见部分相同", en: "visible part of the number agrees", m: 0.05, u: 2e-5
        },
        Rung { name: "two_typos", zh: "号码差两处", en: "number two slips apart", m: 0.02, u: 1e-5 },
        Rung {
            name: "same_borrowed", zh: "号码相同但属他人", en: "same number, somebody else's", m: 0.01, u: 1e-5
        },
        Rung {
            name: "near", zh: "两个有效号码差一处", en: "two valid numbers one slip apart", m: 0.005, u: 1e-5
        },
        Rung {
            name: "borrowed",
            zh: "号码不同但其一属他人",
            en: "different, one is somebody else's",
            m: 0.06,
            u: 0.06,
        },
        Rung { name: "different", zh: "号码不同", en: "different numbers", m: 0.05, u: 0.3 },
        Rung { name: "conflict", zh: "两个有效号码不同", en: "two valid numbers differ", m: 0.005, u: 0.64 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        let text = cleaned(one_of(text));
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits < 4 || is_placeholder(&text) {
            return None;
        }
        if text.contains(&b'*') {
            return Some(Self::new(&text, Class::Masked));
        }
        if is_rounded(&text) {
            return Some(Self::new(&[&text[..KEPT], b"***"].concat(), Class::Masked));
        }
        let spelled = std::str::from_utf8(without_disability(&text)).ok()?;
        if let Ok(number) = CitizenNumber::parse(spelled) {
            let unchecked = text.len() < LENGTH;
            return Some(Self { unchecked, ..Self::new(number.as_str().as_bytes(), Class::Valid) });
        }
        let numeric = (14..=20).contains(&text.len()) && digits + 1 >= text.len() && text[0].is_ascii_digit();
        Some(Self::new(&text, if numeric { Class::Broken } else { Class::Other }))
    }

    fn compare(&self, other: &Self) -> u8 {
        let borrowed = self.borrowed || other.borrowed;
        if self.as_bytes() == other.as_bytes() {
            return match self.class {
                _ if borrowed => rung::SAME_BORROWED,
                Class::Masked => rung::MASKED,
                _ => rung::SAME,
            };
        }
        let valid = self.class == Class::Valid && other.class == Class::Valid;
        if self.class == Class::Masked || other.class == Class::Masked {
            return match self.agrees_masked(other) {
                true => rung::MASKED,
                false if borrowed => rung::BORROWED,
                false => rung::DIFFERENT,
            };
        }
        let unchecked = valid && (self.unchecked || other.unchecked);
        // Without a check digit a slip leaves a number that looks valid, and the digit reckoned for it another one.
        let compared = if unchecked { LENGTH - 1 } else { LENGTH };
        let (one, two) = (self.as_bytes(), other.as_bytes());
        match slips(&one[..compared.min(one.len())], &two[..compared.min(two.len())]) {
            _ if borrowed => rung::BORROWED,
            // Twins have one birth date, and numbers that differ behind it.
            Some(..=1) if unchecked && one[..BORN] != two[..BORN] => rung::TYPO,
            Some(2) if unchecked && one[..BORN] != two[..BORN] => rung::TWO_TYPOS,
            Some(..=1) if valid => rung::NEAR,
            _ if valid => rung::CONFLICT,
            Some(..=1) => rung::TYPO,
            Some(_) if self.length > 12 => rung::TWO_TYPOS,
            _ => rung::DIFFERENT,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        let text = self.as_bytes();
        if self.class != Class::Masked {
            keys.add(0, self.hash());
        }
        if text.len() < 10 {
            return;
        }
        // A slip hits one of three parts; the parts are counted from the end that it did not shift.
        let (region, tail) = (stable_hash(&text[..6]), stable_hash(&text[text.len() - 4..]));
        let hidden = |part: &[u8]| part.contains(&b'*');
        if !hidden(&text[..6]) && !hidden(&text[text.len() - 4..]) {
            keys.add(1, combine(region, tail));
        }
        if text.len() >= 14 && !hidden(&text[..14]) {
            keys.add(1, stable_hash(&text[..14]));
        }
        if text.len() >= 14 && !hidden(&text[text.len() - 12..]) {
            keys.add(1, stable_hash(&text[text.len() - 12..]));
        }
    }

    fn tokens(&self, tokens: &mut Tokens) {
        // Whoever has it from somebody else makes it no commoner.
        match (self.borrowed, self.unchecked) {
            (false, false) => tokens.push(self.hash()),
            (false, true) => tokens.extend([combine(self.hash(), 2), self.hash()]),
            (true, unchecked) => tokens.push(combine(self.hash(), if unchecked { 3 } else { 1 })),
        }
    }

    fn shared(&self, _: &Self, rung: u8) -> Option<u64> {
        (rung == rung::SAME).then(|| self.hash())
    }
}

/// The one of several numbers in a cell that is right in itself, else all of the cell.
fn one_of(text: &str) -> &str {
    let is_number = |part: &&str| CitizenNumber::parse(part).is_ok();
    let parts = || text.split(['/', '／', '、', ';', '；', ',', '，', '|', ' ']).map(str::trim);
    let long = || parts().find(|part| part.len() == LENGTH && is_number(part));
    if parts().nth(1).is_none() { text } else { long().or_else(|| parts().find(is_number)).unwrap_or(text) }
}

/// The citizen number at the front of the number of a disability certificate, which goes on with one digit each for kind
/// and degree (20 in all; from memory, not held against the standard); what is no such number as it is.
fn without_disability(text: &[u8]) -> &[u8] {
    let front = text.get(..LENGTH).filter(|_| text.len() == LENGTH + 2);
    let is_number = |front: &&[u8]| std::str::from_utf8(front).is_ok_and(|front| CitizenNumber::parse(front).is_ok());
    front.filter(is_number).unwrap_or(text)
}

/// ASCII capitals and digits only; signs that stand for hidden characters become `*`, a Cyrillic or multiplication sign
/// at the end an X, the letter O among digits a zero.
fn cleaned(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = text
        .chars()
        .map(narrow)
        .filter_map(|c| match c {
            '*' | '●' | '#' => Some(b'*'),
            '×' | 'х' | 'Х' | 'Χ' | 'χ' => Some(b'X'),
            c if c.is_ascii_alphanumeric() => Some(c.to_ascii_uppercase() as u8),
            _ => None,
        })
        .collect();
    if bytes.len() >= 15 {
        let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        if letters <= 3 {
            for byte in &mut bytes {
                match *byte {
                    b'O' => *byte = b'0',
                    b'I' | b'L' => *byte = b'1',
                    _ => {}
                }
            }
        }
    }
    bytes
}

/// Whether a spreadsheet took it for a number and kept fifteen digits of it: hardly anybody has a true number that ends so.
fn is_rounded(text: &[u8]) -> bool {
    text.len() == LENGTH && text.ends_with(b"000") && text.iter().all(u8::is_ascii_digit)
}

/// Numbers that stand for "none": one sign repeated, counting up, and an area of zeros or nines.
fn is_placeholder(text: &[u8]) -> bool {
    let body = if text.len() > 1 { &text[..text.len() - 1] } else { text };
    let repeated = body.iter().all(|byte| *byte == body[0]);
    let counting = text.starts_with(b"12345678") || text.starts_with(b"0123456");
    let nowhere =
        text.len() >= 15 && (text.starts_with(b"000000") || text.starts_with(b"999999") || text.starts_with(b"111111"));
    // A spreadsheet's `1.30108E+17` has lost the person.
    let rounded = text.len() < 12
        && text.windows(2).any(|pair| pair[0] == b'E' && pair[1].is_ascii_digit())
        && text[0].is_ascii_digit();
    repeated || counting || nowhere || rounded
}
