//! Reads a date of birth from whatever was typed: compact digits, separators, 年月日, Chinese numerals, English months,
//! spreadsheet serials, two-digit years, a time of day behind it.
//!
//! Owns the writings. Never compares.

use chrono::{Datelike, Days, NaiveDate};

use super::birth::BirthDate;
use super::glyph::narrow;
use super::{lunar, numeral};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Spreadsheet serials of 1910 to 2064; smaller ones are years, bigger ones dates without separators.
const SERIALS: std::ops::RangeInclusive<u32> = 3_654..=60_000;

/// Reads a cell; nothing for what is blank or stands for "unknown".
pub fn read(text: &str) -> Option<BirthDate> {
    let text: String = text.chars().map(narrow).collect::<String>().trim().to_lowercase();
    if let Some(day) = lunar::read(&text) {
        return Some(BirthDate::of_day(day));
    }
    let text = without_time(&text);
    let numbers = numbers(&text);
    let date = match numbers.as_slice() {
        [] => None,
        [one] => compact(one),
        [year, month] => year_and_month(year, month),
        [first, second, third, ..] => three(first, second, third),
    }?;
    (!is_placeholder(date.digits())).then_some(date)
}

/// The first of January 1900 or 1901 and other days that forms and machines fill in for "unknown".
fn is_placeholder(digits: u32) -> bool {
    matches!(digits, 19_000_101 | 19_000_100 | 19_010_101 | 19_700_101 | 18_991_230 | 18_991_231 | 11_111_111 | 0)
        || !(10_000..99_990_000).contains(&digits)
}

/// Cuts a time of day: `1990-01-01T00:00:00+08:00`, `1990/1/1 0:00`.
fn without_time(text: &str) -> String {
    let end =
        text.find(':').map_or(text.len(), |colon| text[..colon].rfind(|c: char| !c.is_ascii_digit()).unwrap_or(0));
    text[..end].to_owned()
}

/// The runs of digits, Chinese numerals and English month names, each as digits; the length of a run stays.
fn numbers(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |is_in: fn(char) -> bool| rest.find(|c: char| !is_in(c)).unwrap_or(rest.len());
        let end = if first.is_ascii_digit() {
            let end = run(|c| c.is_ascii_digit());
            runs.push(rest[..end].to_owned());
            end
        } else if numeral::is_numeral(first) {
            let end = run(numeral::is_numeral);
            runs.extend(numeral::value(&rest[..end]).map(|value| value.to_string()));
            end
        } else if first.is_ascii_alphabetic() {
            let end = run(|c| c.is_ascii_alphabetic());
            let month = MONTHS.iter().position(|name| rest[..end].starts_with(name));
            runs.extend(month.map(|place| format!("m{}", place + 1)));
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    // `1990.0`, as spreadsheets print whole numbers.
    if runs.len() == 2 && runs[1] == "0" && runs[0].len() >= 4 {
        runs.pop();
    }
    runs
}

/// One run of digits.
fn compact(run: &str) -> Option<BirthDate> {
    let value: u32 = run.parse().ok()?;
    match run.len() {
        8 => real(value).or_else(|| real(day_first(value))).or(Some(BirthDate::odd(value, false, false))),
        // A time without separators behind it.
        12 | 14 => compact(&run[..8]),
        7 => Some(BirthDate::odd(value, false, false)),
        6 if (1850..=2100).contains(&(value / 100)) && (1..=12).contains(&(value % 100)) => {
            Some(BirthDate::odd(value * 100, true, false))
        }
        6 => full_century(value / 10_000, value / 100 % 100, value % 100),
        5 if SERIALS.contains(&value) => serial(value),
        4 if plausible_year(value) => Some(BirthDate::odd(value * 10_000, true, false)),
        _ => None,
    }
}

fn year_and_month(year: &str, month: &str) -> Option<BirthDate> {
    let (year, month) = (year.parse().ok()?, month.trim_start_matches('m').parse::<u32>().ok()?);
    if plausible_year(year) && (1..=12).contains(&month) {
        return Some(BirthDate::odd(year * 10_000 + month * 100, true, false));
    }
    plausible_year(month).then(|| BirthDate::odd(month * 10_000 + (year % 100) * 100, (1..=12).contains(&year), false))
}

fn three(first: &str, second: &str, third: &str) -> Option<BirthDate> {
    let value = |run: &str| run.trim_start_matches('m').parse::<u32>().ok();
    let (a, b, c) = (value(first)?, value(second)?, value(third)?);
    // An English month says which is the day.
    if first.starts_with('m') {
        return ordered(c, a, b);
    }
    if second.starts_with('m') {
        return if first.len() == 4 { ordered(a, b, c) } else { ordered(c, b, a) };
    }
    if first.len() >= 4 {
        return ordered(a, b, c);
    }
    if third.len() >= 4 {
        // The day stands first all over the world but in one country; a second above 12 tells.
        return if b > 12 { ordered(c, a, b) } else { ordered(c, b, a) };
    }
    full_century(a, b, c)
}

fn ordered(year: u32, month: u32, day: u32) -> Option<BirthDate> {
    if year < 100 {
        return full_century(year, month, day);
    }
    if !plausible_year(year) || month > 99 || day > 99 {
        return (1_000..10_000)
            .contains(&year)
            .then(|| BirthDate::odd(year * 10_000 + month.min(99) * 100 + day.min(99), false, false));
    }
    let digits = year * 10_000 + month * 100 + day;
    real(digits).or(Some(BirthDate::odd(digits, false, false)))
}

/// A date whose year has two digits: the century stays open, for people become a hundred.
fn full_century(year: u32, month: u32, day: u32) -> Option<BirthDate> {
    if year > 99 || month > 12 || day > 31 {
        return None;
    }
    let digits = (if year < 30 { 2_000 + year } else { 1_900 + year }) * 10_000 + month * 100 + day;
    real(digits).map(|_| BirthDate::odd(digits, true, true))
}

fn serial(value: u32) -> Option<BirthDate> {
    let date = NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(u64::from(value)))?;
    real(date.year().unsigned_abs() * 10_000 + date.month() * 100 + date.day())
}

/// `31121990` as `19901231`.
fn day_first(value: u32) -> u32 {
    value % 10_000 * 10_000 + value / 10_000 % 100 * 100 + value / 1_000_000
}

fn real(digits: u32) -> Option<BirthDate> {
    day(digits).filter(|date| plausible_year(digits / 10_000) && date.year() > 0).map(|_| BirthDate::of_day(digits))
}

/// The day of `yyyymmdd`, if there is one.
pub fn day(digits: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(digits / 10_000).ok()?, digits / 100 % 100, digits % 100)
}

fn plausible_year(year: u32) -> bool {
    (1500..=2100).contains(&year)
}
