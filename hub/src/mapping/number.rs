//! Numbers of papers and telephones as departments write them. Owns their normal forms; guesses no lost digit.

use std::borrow::Cow;

use super::text;
use crate::identity::{CitizenNumber, NumberFault};

/// What a number cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbered {
    /// A number that is right by its own rules.
    Right(String),
    /// A number whose check digit or inner date is wrong, as sent.
    Suspect(String),
    /// Not a number that could be read.
    Unreadable,
}

/// A citizen ID number: 15 digits become 18, `x` becomes `X`. What a spreadsheet or a form puts before and between the
/// digits goes.
pub fn citizen(value: &str) -> Numbered {
    let folded = text::fold(value);
    let spelled = if folded.bytes().all(|byte| byte.is_ascii_alphanumeric()) { folded } else { bare(&folded).into() };
    match CitizenNumber::parse(&spelled) {
        Ok(number) => Numbered::Right(number.as_str().to_owned()),
        Err(NumberFault::BirthDate | NumberFault::CheckDigit) => Numbered::Suspect(spelled.to_ascii_uppercase()),
        Err(NumberFault::Form) => Numbered::Unreadable,
    }
}

/// Without an apostrophe before it, and without spaces and hyphens.
fn bare(number: &str) -> String {
    let number = number.strip_prefix(['\'', '’', '‘', '`']).unwrap_or(number);
    number.chars().filter(|c| !c.is_whitespace() && !is_hyphen(*c)).collect()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The number of another paper: letters and digits, capitals, without spaces.
pub fn document(value: &str) -> Option<String> {
    let number: String =
        text::fold(value).chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let form = (4..=30).contains(&number.len())
        && number.bytes().any(|byte| byte.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'(' | b')'));
    (form && !is_scientific(&number)).then_some(number)
}

/// Whether a spreadsheet has turned a long number into `1.30108E+17`, its last digits lost.
pub fn is_scientific(value: &str) -> bool {
    let Some((mantissa, exponent)) = value.trim().split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = mantissa.split_once('.').is_some_and(|(whole, part)| whole.len() == 1 && digits(whole) && digits(part));
    (plain || (mantissa.len() == 1 && digits(mantissa))) && digits(exponent)
}

/// A telephone number: `13900000000`, `0311-12345678`, or a local number of 7 or 8 digits.
pub fn phone(value: &str) -> Option<String> {
    let folded = text::fold(value);
    let mut digits = String::with_capacity(folded.len());
    // Digits since a sign, and whether a dot stands before them: one behind which too few come is a decimal point.
    let (mut run, mut dotted) = (0, false);
    for c in folded.chars() {
        match c {
            '0'..='9' => {
                digits.push(c);
                run += 1;
                continue;
            }
            '+' if digits.is_empty() => {}
            '.' | '·' if run >= GROUP => {}
            ' ' | '(' | ')' => {}
            c if is_hyphen(c) => {}
            _ => return None,
        }
        if dotted && run < GROUP {
            return None;
        }
        (run, dotted) = (0, matches!(c, '.' | '·'));
    }
    if dotted && run < GROUP {
        return None;
    }
    let national = digits.strip_prefix("0086").or(digits.strip_prefix("86").filter(|rest| rest.len() >= 10));
    match national {
        Some(national) => within(national).or_else(|| landline(&format!("0{national}"))),
        None => within(&digits),
    }
}

/// Fewest digits between the dots of a telephone number.
const GROUP: usize = 3;

/// A number without the country's.
fn within(digits: &str) -> Option<String> {
    let mobile = digits.strip_prefix('0').unwrap_or(digits);
    match digits.as_bytes() {
        _ if matches!(mobile.as_bytes(), [b'1', b'3'..=b'9', ..]) && mobile.len() == 11 => Some(mobile.to_owned()),
        [b'0', ..] => landline(digits),
        [b'2'..=b'9', ..] if matches!(digits.len(), 7 | 8) => Some(digits.to_owned()),
        [b'4' | b'8', b'0', b'0', ..] if digits.len() == 10 => Some(digits.to_owned()),
        _ => None,
    }
}

/// Area codes have three digits for the largest cities (010, 02x) and four elsewhere.
fn landline(digits: &str) -> Option<String> {
    let area = match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', ..] => 3,
        [b'0', b'3'..=b'9', ..] => 4,
        _ => return None,
    };
    let (area, local) = digits.split_at_checked(area)?;
    (matches!(local.len(), 7 | 8) && !local.starts_with('0')).then(|| format!("{area}-{local}"))
}

/// Digits alone, as many as allowed.
pub fn digits(value: &str, lengths: &std::ops::RangeInclusive<usize>) -> Option<String> {
    let folded = text::fold(value);
    (lengths.contains(&folded.len()) && folded.bytes().all(|byte| byte.is_ascii_digit())).then(|| folded.into_owned())
}

/// Digits filled with zeros on the left, as a spreadsheet may have lost them; other text as it is.
pub fn pad(value: Cow<'_, str>, length: usize) -> Cow<'_, str> {
    let folded = text::fold(&value);
    if !folded.is_empty() && folded.len() < length && folded.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Owned(format!("{folded:0>length$}"));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citizen_number_gets_its_normal_form() {
        let right = Numbered::Right("11010519491231002X".to_owned());
        for value in [
            "11010519491231002X",
            "11010519491231002x",
            " 110105491231002 ",
            "１１０１０５１９４９１２３１００２Ｘ",
            "110105 19491231 002X",
            "　110105－19491231－００２ｘ　",
            "'11010519491231002X",
            "’ 110105491231002",
            "110105—491231002",
        ] {
            assert_eq!(citizen(value), right, "{value}");
        }
    }

    #[test]
    fn a_wrong_check_digit_or_date_is_kept_as_sent() {
        assert_eq!(citizen("110105194912310021"), Numbered::Suspect("110105194912310021".to_owned()));
        assert_eq!(citizen("110105194902300021"), Numbered::Suspect("110105194902300021".to_owned()));
        assert_eq!(citizen(" 110105-19491231-0021"), Numbered::Suspect("110105194912310021".to_owned()));
        assert_eq!(citizen("000000000000000000"), Numbered::Suspect("000000000000000000".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_never_guessed() {
        for value in [
            "1.30108E+17",
            "无",
            "1101051949123100",
            "E12345678",
            "1.3010819900101e17",
            "110105194912310021 11010519491231002X",
            "110105********002X",
            "110105.19491231.002X",
            "''11010519491231002X",
        ] {
            assert_eq!(citizen(value), Numbered::Unreadable, "{value}");
        }
    }

    #[test]
    fn other_papers_have_letters_and_digits() {
        assert_eq!(document(" e 1234 5678 "), Some("E12345678".to_owned()));
        assert_eq!(document("H0123456(7)"), Some("H0123456(7)".to_owned()));
        for value in ["1.30108E+17", "无", "12", "护照"] {
            assert_eq!(document(value), None, "{value}");
        }
        assert_eq!(document("1E12345"), None, "a number that a spreadsheet would read as a power of ten");
    }

    #[test]
    fn telephone_numbers_get_one_form() {
        for (sent, normal) in [
            ("139 0000-0000", "13900000000"),
            ("+86 13900000000", "13900000000"),
            ("008613900000000", "13900000000"),
            ("031185551234", "0311-85551234"),
            ("(0311)85551234", "0311-85551234"),
            ("010-65551234", "010-65551234"),
            ("８５５５１２３４", "85551234"),
            ("86613344", "86613344"),
            ("+86(0)139-0000-0000", "13900000000"),
            ("86-13900000000", "13900000000"),
            ("０１３９００００００００", "13900000000"),
            ("0086 013900000000", "13900000000"),
            ("139.0000.0000", "13900000000"),
            ("0311.8555.1234", "0311-85551234"),
            ("（0311）8555–1234", "0311-85551234"),
            ("+86 311 8555 1234", "0311-85551234"),
            ("+86 10 6555 1234", "010-65551234"),
            ("+86 400 800 1234", "4008001234"),
        ] {
            assert_eq!(phone(sent).as_deref(), Some(normal), "{sent}");
        }
        for sent in [
            "1390000000",
            "12345",
            "03110",
            "无",
            "12900000000",
            "1.39E+10",
            "1390000000.0",
            "8555123.0",
            "139000.00-000",
            "0013900000000",
            "01390000000",
            "+86 1390000000",
            "00000000000",
            "139****0000",
        ] {
            assert_eq!(phone(sent), None, "{sent}");
        }
    }

    #[test]
    fn lost_leading_zeros_come_back_to_digits_alone() {
        assert_eq!(pad(Cow::Borrowed("1"), 2), "01");
        assert_eq!(pad(Cow::Borrowed("11"), 2), "11");
        assert_eq!(pad(Cow::Borrowed("汉族"), 9), "汉族");
        assert_eq!(pad(Cow::Borrowed(""), 2), "");
    }
}
