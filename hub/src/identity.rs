//! The citizen identification number of GB 11643-1999 and the card numbers built like it, as a model and not a string.
//!
//! Owns form, check digit, 15 to 18 digits, and what the number implies. Never decides whom a record is about.

use chrono::NaiveDate;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10X98765432";

/// A number of 18 characters whose form, birth date and check digit are right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CitizenNumber(String);

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFault {
    /// Not 15 digits, nor 17 digits with a digit or X.
    Form,
    /// Digits 7 to 14 are no date.
    BirthDate,
    /// The check digit (ISO 7064 MOD 11-2) is wrong.
    CheckDigit,
}

impl CitizenNumber {
    /// Reads a number of 18 characters, or of 15 digits (which become 18); `x` becomes `X`; spaces around are cut.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        let mut number = text.trim().to_ascii_uppercase();
        if number.len() == 15 && number.bytes().all(|byte| byte.is_ascii_digit()) {
            number.insert_str(6, "19");
            number.push(check_digit(&number) as char);
        }
        let bytes = number.as_bytes();
        let form = bytes.len() == 18
            && bytes[..17].iter().all(u8::is_ascii_digit)
            && (bytes[17].is_ascii_digit() || bytes[17] == b'X');
        if !form {
            return Err(NumberFault::Form);
        }
        if date_in(&number).is_none() {
            return Err(NumberFault::BirthDate);
        }
        if bytes[17] != check_digit(&number[..17]) {
            return Err(NumberFault::CheckDigit);
        }
        Ok(Self(number))
    }

    /// Builds the number of a prefix of six digits, a birth date and a sequence of three digits (odd: male).
    pub fn build(division: &str, birth_date: NaiveDate, sequence: u16) -> Result<Self, NumberFault> {
        let body = format!("{division}{}{sequence:03}", birth_date.format("%Y%m%d"));
        if body.len() != 17 || !body.is_ascii() {
            return Err(NumberFault::Form);
        }
        let check = check_digit(&body) as char;
        Self::parse(&format!("{body}{check}"))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The birth date in the number.
    pub fn birth_date(&self) -> NaiveDate {
        date_in(&self.0).unwrap_or_default()
    }

    /// The sex in the number as GB/T 2261.1 codes it: `1` male, `2` female.
    pub fn sex(&self) -> &'static str {
        if self.0.as_bytes()[16] % 2 == 1 { "1" } else { "2" }
    }
}

fn date_in(number: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(number.get(6..14)?, "%Y%m%d").ok()
}

fn check_digit(body: &str) -> u8 {
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    CHECKS[(sum % 11) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_samples_pass() {
        for sample in ["11010519491231002X", "440524188001010014", "810000199408230021", "911124198108030024"] {
            assert_eq!(CitizenNumber::parse(sample).map(|number| number.0), Ok(sample.to_owned()));
        }
    }

    #[test]
    fn fifteen_digits_become_eighteen() {
        assert_eq!(CitizenNumber::parse("110105491231002").map(|n| n.0), Ok("11010519491231002X".to_owned()));
    }

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(CitizenNumber::parse("1.30108E+17"), Err(NumberFault::Form));
        assert_eq!(CitizenNumber::parse("110105194902300021"), Err(NumberFault::BirthDate));
        assert_eq!(CitizenNumber::parse("110105194912310021"), Err(NumberFault::CheckDigit));
        assert_eq!(CitizenNumber::parse("全角１２３４"), Err(NumberFault::Form));
    }
}
