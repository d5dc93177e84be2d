//! Dates as departments write them. Owns reading them; invents no missing day.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use crate::time::shanghai;

/// What a date cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// A day.
    Day(NaiveDate),
    /// One of the marks that stand for none: `0`, `00000000`, `99991231`.
    None,
    /// Not a date, or one that never was.
    Invalid,
}

/// Reads a date in any form departments use, or in the given chrono formats alone.
pub fn read(text: &str, formats: &[String]) -> Dated {
    let text = super::text::fold(text);
    if is_none(&text) {
        return Dated::None;
    }
    let day =
        if formats.is_empty() { any_form(&text) } else { formats.iter().find_map(|format| in_form(&text, format)) };
    match day {
        Some(day) if day.year() == 9999 => Dated::None,
        Some(day) => Dated::Day(day),
        None => Dated::Invalid,
    }
}

fn is_none(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'/' | b'.'))
}

/// `19900131`, `1990-1-31`, `1990/01/31`, `1990.1.31`, `1990年1月31日`, each with a time after it.
fn any_form(text: &str) -> Option<NaiveDate> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, text.len()) {
        (8 | 14, length) if length == digits => compact(&text[..8]),
        (8, _) if text.as_bytes()[8] == b'T' && is_time(&text[9..]) => compact(&text[..8]),
        (4, _) => separated(text),
        _ => None,
    }
}

fn compact(text: &str) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..8].parse().ok()?)
}

fn separated(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_at_checked(4)?;
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.' | '年'))?;
    let rest = &rest[separator.len_utf8()..];
    let (month, rest) = rest.split_once(if separator == '年' { '月' } else { separator })?;
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (day, mut time) = rest.split_at(end);
    if separator == '年' {
        time = time.strip_prefix('日').or(time.strip_prefix('号'))?;
    }
    let time = time.strip_prefix('T').unwrap_or(time).trim_start();
    if !(time.is_empty() || is_time(time)) || !short(month) || !short(day) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

fn short(number: &str) -> bool {
    matches!(number.len(), 1 | 2) && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_time(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'Z'))
}

fn in_form(text: &str, format: &str) -> Option<NaiveDate> {
    if format == "%Y%m%d" {
        return if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) { compact(text) } else { None };
    }
    let date = NaiveDate::parse_from_str(text, format).ok();
    date.or_else(|| NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.date()))
}

/// The day in Asia/Shanghai on which an instant falls.
pub fn day_of(instant: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(instant).map(|time| time.with_timezone(&shanghai()).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Dated {
        Dated::Day(NaiveDate::from_ymd_opt(year, month, day).unwrap())
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        for text in [
            "19900105",
            "1990-01-05",
            "1990-1-5",
            "1990/01/05",
            "1990.1.5",
            "1990年1月5日",
            "１９９００１０５",
            " 19900105 ",
            "1990-01-05T08:30:00",
            "1990-01-05 08:30:00",
            "19900105T083000",
            "19900105083000",
            "1990/1/5 0:00:00",
        ] {
            assert_eq!(read(text, &[]), day(1990, 1, 5), "{text}");
        }
    }

    #[test]
    fn marks_of_none_are_none() {
        for text in ["0", "00000000", "99991231", "0000-00-00", "9999-12-31"] {
            assert_eq!(read(text, &[]), Dated::None, "{text}");
        }
    }

    #[test]
    fn days_that_never_were_are_invalid() {
        for text in [
            "1900-02-30",
            "19000229",
            "199001",
            "1990",
            "19901301",
            "1990年1月",
            "abc",
            "1990-1-5x",
            "33011",
            "1990-013-1",
            "-1990-1-1",
        ] {
            assert_eq!(read(text, &[]), Dated::Invalid, "{text}");
        }
    }

    #[test]
    fn a_named_format_accepts_nothing_else() {
        let formats = ["%Y%m%d".to_owned(), "%Y-%m-%d".to_owned()];
        assert_eq!(read("19900105", &formats), day(1990, 1, 5));
        assert_eq!(read("1990-01-05", &formats), day(1990, 1, 5));
        assert_eq!(read("1990.1.5", &formats), Dated::Invalid);
        assert_eq!(read("1990111", &formats), Dated::Invalid);
        assert_eq!(read("00000000", &formats), Dated::None);
    }

    #[test]
    fn a_day_is_that_of_shanghai() {
        assert_eq!(day_of(0), NaiveDate::from_ymd_opt(1970, 1, 1));
        assert_eq!(day_of(17 * 3_600 * 1_000_000), NaiveDate::from_ymd_opt(1970, 1, 2));
    }
}
