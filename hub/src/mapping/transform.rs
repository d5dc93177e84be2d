//! The named transforms of a mapping: a short, closed list, parsed once from strings such as `date:%Y%m%d|%Y-%m-%d`.
//!
//! Owns what each does with one cell. A transform that changes its answer raises [`TRANSFORMS_VERSION`].

use std::borrow::Cow;
use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use super::date::{self, Dated};
use super::number::{self, Numbered};
use super::text::{self, NameFault};

/// Part of every rules fingerprint: raised when a transform answers differently for any value.
pub const TRANSFORMS_VERSION: u32 = 2;

/// The earliest year of birth anybody on file can have.
const EARLIEST: i32 = 1850;

/// One named transform with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// `trim`: cuts spaces around.
    Trim,
    /// `upper`: capitals.
    Upper,
    /// `half_width`: folds full-width letters, digits, signs and spaces.
    HalfWidth,
    /// `squeeze`: spaces and line breaks go, but one space stays between Latin letters or digits.
    Squeeze,
    /// `name`: a person's name in its normal form.
    Name,
    /// `id_no`: a citizen ID number of 18 characters.
    IdNo,
    /// `document_no`: the number of another paper.
    DocumentNo,
    /// `date` or `date:FORMAT|FORMAT`: an ISO date.
    Date(Vec<String>),
    /// `past`: after `date`, not before 1850 and not after the day the data tell of.
    Past,
    /// `phone`: a telephone number in one form.
    Phone,
    /// `digits:18` or `digits:6..12`: digits alone, as many as said.
    Digits(RangeInclusive<usize>),
    /// `pad:2`: zeros on the left of digits.
    Pad(usize),
    /// `prefix:TEXT`: puts a text before.
    Prefix(String),
    /// `number`: a JSON number.
    Number,
    /// `integer`: a JSON whole number.
    Integer,
    /// `bool` or `bool:1,是|0,否`: a JSON truth value, true words before the bar.
    Bool(Vec<String>, Vec<String>),
    /// `split` or `split:/;`: several values of one cell; all else is done with each.
    Split(Vec<char>),
}

/// What is left of a cell after a transform.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Text, kept though something is wrong with it: the code says what.
    Noted(Cow<'a, str>, &'static str),
    /// A JSON scalar.
    Json(Value),
    /// A mark that stands for none.
    None,
}

impl Transform {
    /// Reads one transform; the error is a sentence for the mapping's author.
    pub fn parse(source: &str) -> Result<Self, String> {
        let (name, argument) = match source.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (source, None),
        };
        let plain = |transform: Self| match argument {
            None => Ok(transform),
            Some(_) => Err(format!("the transform `{name}` takes no argument")),
        };
        match name {
            "trim" => plain(Self::Trim),
            "upper" => plain(Self::Upper),
            "half_width" => plain(Self::HalfWidth),
            "squeeze" => plain(Self::Squeeze),
            "name" => plain(Self::Name),
            "id_no" => plain(Self::IdNo),
            "document_no" => plain(Self::DocumentNo),
            "date" => formats(argument).map(Self::Date),
            "past" => plain(Self::Past),
            "phone" => plain(Self::Phone),
            "digits" => {
                argument.and_then(lengths).map(Self::Digits).ok_or_else(|| needs(source, "digits:18 or digits:6..12"))
            }
            "pad" => {
                let length = argument.and_then(|text| text.parse().ok()).filter(|length| (1..=100).contains(length));
                length.map(Self::Pad).ok_or_else(|| needs(source, "pad:2"))
            }
            "prefix" => argument.map(|text| Self::Prefix(text.to_owned())).ok_or_else(|| needs(source, "prefix:TEXT")),
            "number" => plain(Self::Number),
            "integer" => plain(Self::Integer),
            "bool" => words(argument.unwrap_or("1,是,有,Y,y,true|0,否,无,N,n,false"))
                .ok_or_else(|| needs(source, "bool:1,是|0,否")),
            "split" => Ok(Self::Split(argument.unwrap_or("/、,;，；／").chars().collect())),
            _ => Err(format!("there is no transform `{name}`")),
        }
    }

    /// What it makes of a text; the error is the code of what is wrong. `told_on` is the day the data tell of.
    pub fn apply<'a>(&self, text: Cow<'a, str>, told_on: Option<NaiveDate>) -> Result<Cell<'a>, &'static str> {
        Ok(match self {
            Self::Trim => Cell::Text(trim(text)),
            Self::Upper => {
                Cell::Text(if text.chars().any(char::is_lowercase) { Cow::Owned(text.to_uppercase()) } else { text })
            }
            Self::HalfWidth => Cell::Text(fold(text)),
            Self::Squeeze => {
                Cell::Text(if text.contains(char::is_whitespace) { Cow::Owned(text::squeeze(&text)) } else { text })
            }
            Self::Name => return name(text),
            Self::IdNo => match number::citizen(&text) {
                Numbered::Right(number) => Cell::Text(Cow::Owned(number)),
                Numbered::Suspect(number) => Cell::Noted(Cow::Owned(number), "id-check-digit"),
                Numbered::Unreadable => return Err("id-unreadable"),
            },
            Self::DocumentNo => Cell::Text(Cow::Owned(number::document(&text).ok_or("id-unreadable")?)),
            Self::Date(formats) => match date::read(&text, formats) {
                Dated::Day(day) => Cell::Text(Cow::Owned(iso(day))),
                Dated::None => Cell::None,
                Dated::Invalid => return Err("date-invalid"),
            },
            Self::Past => Cell::Text(past(text, told_on)?),
            Self::Phone => Cell::Text(Cow::Owned(number::phone(&text).ok_or("phone-invalid")?)),
            Self::Digits(lengths) => Cell::Text(Cow::Owned(number::digits(&text, lengths).ok_or("digits-invalid")?)),
            Self::Pad(length) => Cell::Text(number::pad(text, *length)),
            Self::Prefix(prefix) => Cell::Text(Cow::Owned(format!("{prefix}{text}"))),
            Self::Number => Cell::Json(decimal(&text).ok_or("number-invalid")?),
            Self::Integer => Cell::Json(Value::from(text::fold(&text).parse::<i64>().map_err(|_| "integer-invalid")?)),
            Self::Bool(yes, no) => Cell::Json(Value::Bool(truth(&text, yes, no).ok_or("bool-invalid")?)),
            Self::Split(_) => Cell::Text(text),
        })
    }

    /// Whether it gives something other than text, so that nothing may follow it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Number | Self::Integer | Self::Bool(..))
    }
}

fn needs(source: &str, example: &str) -> String {
    format!("the transform `{source}` needs an argument such as `{example}`")
}

fn formats(argument: Option<&str>) -> Result<Vec<String>, String> {
    let formats: Vec<String> = argument.map(|text| text.split('|').map(str::to_owned).collect()).unwrap_or_default();
    for format in &formats {
        let bad = chrono::format::StrftimeItems::new(format).any(|item| matches!(item, chrono::format::Item::Error));
        if bad || !format.contains('%') {
            return Err(format!("`{format}` is no format of a date, such as %Y-%m-%d"));
        }
    }
    Ok(formats)
}

fn lengths(argument: &str) -> Option<RangeInclusive<usize>> {
    let (least, most) = argument.split_once("..").unwrap_or((argument, argument));
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    (1 <= least && least <= most).then_some(least..=most)
}

fn words(argument: &str) -> Option<Transform> {
    let (yes, no) = argument.split_once('|')?;
    let list = |words: &str| words.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (yes, no) = (list(yes), list(no));
    (!yes.is_empty() && !no.is_empty()).then_some(Transform::Bool(yes, no))
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

fn fold(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text::fold(text),
        Cow::Owned(text) => Cow::Owned(text::fold(&text).into_owned()),
    }
}

fn name(text: Cow<'_, str>) -> Result<Cell<'_>, &'static str> {
    let (name, damaged) = match &text {
        Cow::Borrowed(text) => text::name(text),
        Cow::Owned(text) => text::name(text).map(|(name, damaged)| (Cow::Owned(name.into_owned()), damaged)),
    }
    .map_err(|fault| match fault {
        NameFault::Masked => "name-masked",
        NameFault::Empty => "name-empty",
    })?;
    Ok(if damaged { Cell::Noted(name, "name-damaged") } else { Cell::Text(name) })
}

fn iso(day: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

fn past(text: Cow<'_, str>, told_on: Option<NaiveDate>) -> Result<Cow<'_, str>, &'static str> {
    let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map_err(|_| "date-invalid")?;
    let future = told_on.is_some_and(|today| day > today);
    if day.year() < EARLIEST || future { Err("date-out-of-range") } else { Ok(text) }
}

/// `5200.00` and `5200` are the same number and are written alike.
fn decimal(text: &str) -> Option<Value> {
    let folded = text::fold(text);
    let plain = folded.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if !plain || folded.is_empty() {
        return None;
    }
    let whole = folded.trim_end_matches('0').strip_suffix('.').filter(|_| folded.contains('.')).unwrap_or(&folded);
    match whole.parse::<i64>() {
        Ok(whole) => Some(Value::from(whole)),
        Err(_) => serde_json::Number::from_f64(folded.parse().ok()?).map(Value::Number),
    }
}

fn truth(text: &str, yes: &[String], no: &[String]) -> Option<bool> {
    let folded = text::fold(text);
    let among = |words: &[String]| words.iter().any(|word| *word == folded);
    if among(yes) { Some(true) } else { among(no).then_some(false) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(source: &str, text: &'static str) -> Result<Cell<'static>, &'static str> {
        Transform::parse(source).unwrap().apply(Cow::Borrowed(text), NaiveDate::from_ymd_opt(2026, 11, 1))
    }

    fn text(text: &str) -> Result<Cell<'_>, &'static str> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    #[test]
    fn each_transform_does_what_its_name_says() {
        assert_eq!(apply("trim", " a "), text("a"));
        assert_eq!(apply("upper", "ab"), text("AB"));
        assert_eq!(apply("half_width", "Ａ１"), text("A1"));
        assert_eq!(apply("squeeze", "槐北路\n12 号 Block A  3"), text("槐北路12号Block A 3"));
        assert_eq!(apply("name", "张 三"), text("张三"));
        assert_eq!(apply("id_no", "110105491231002"), text("11010519491231002X"));
        assert_eq!(apply("document_no", "e12345678"), text("E12345678"));
        assert_eq!(apply("date", "1990.1.1"), text("1990-01-01"));
        assert_eq!(apply("date:%d/%m/%Y", "31/01/1990"), text("1990-01-31"));
        assert_eq!(apply("date", "0"), Ok(Cell::None));
        assert_eq!(apply("past", "1990-01-01"), text("1990-01-01"));
        assert_eq!(apply("phone", "139 0000 0000"), text("13900000000"));
        assert_eq!(apply("digits:6..12", "130108"), text("130108"));
        assert_eq!(apply("pad:2", "1"), text("01"));
        assert_eq!(apply("prefix:AB-", "1"), text("AB-1"));
        assert_eq!(apply("number", "3200.50"), Ok(Cell::Json(json!(3200.5))));
        assert_eq!(apply("number", "3200"), Ok(Cell::Json(json!(3200))));
        assert_eq!(apply("number", "3200.00"), Ok(Cell::Json(json!(3200))));
        assert_eq!(apply("integer", "12"), Ok(Cell::Json(json!(12))));
        assert_eq!(apply("bool", "否"), Ok(Cell::Json(json!(false))));
        assert_eq!(apply("bool:在职|离休", "在职"), Ok(Cell::Json(json!(true))));
    }

    #[test]
    fn a_bad_value_has_its_code() {
        for (source, value, code) in [
            ("id_no", "1.30108E+17", "id-unreadable"),
            ("document_no", "无", "id-unreadable"),
            ("name", "张*", "name-masked"),
            ("name", "…", "name-empty"),
            ("date", "1900-02-30", "date-invalid"),
            ("past", "1849-12-31", "date-out-of-range"),
            ("past", "2026-11-02", "date-out-of-range"),
            ("phone", "无", "phone-invalid"),
            ("digits:6..12", "13010", "digits-invalid"),
            ("number", "1e5", "number-invalid"),
            ("number", "3.2.0", "number-invalid"),
            ("integer", "1.5", "integer-invalid"),
            ("bool", "也许", "bool-invalid"),
        ] {
            assert_eq!(apply(source, value), Err(code), "{source} {value}");
        }
        assert_eq!(
            apply("id_no", "110105194912310021"),
            Ok(Cell::Noted("110105194912310021".into(), "id-check-digit"))
        );
        assert_eq!(apply("name", "张?"), Ok(Cell::Noted("张?".into(), "name-damaged")));
    }

    #[test]
    fn what_is_no_transform_is_refused() {
        for source in ["tidy", "trim:1", "digits", "digits:9..3", "pad:x", "bool:1", "date:day", "date:%Q", "prefix"] {
            assert!(Transform::parse(source).is_err(), "{source}");
        }
    }
}
