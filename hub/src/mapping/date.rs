//! Dates as departments write them. Owns reading them; invents no missing day.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use crate::linkage::zh::numeral;
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

/// `19900131`, `1990-1-31`, `1990/01/31`, `1990.1.31`, `1990年1月31日`, `一九九〇年一月三十一日`, each with a time after it.
fn any_form(text: &str) -> Option<NaiveDate> {
    if text.contains('年') {
        return in_words(text);
    }
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
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
    let (month, rest) = rest[1..].split_once(separator)?;
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (day, time) = rest.split_at(end);
    if !is_time_after(time) || !short(month) || !short(day) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Each number in digits or in Chinese numerals. Days of the lunar calendar (初六, 廿三, 正月) are written otherwise.
fn in_words(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let (day, time) = rest.split_once(['日', '号'])?;
    if !is_time_after(time) || year.chars().count() != 4 {
        return None;
    }
    let year = if year.bytes().all(|byte| byte.is_ascii_digit()) {
        year.parse().ok()?
    } else {
        let year = year.replace('O', "〇");
        i32::try_from(numeral::value(&year).filter(|_| year.chars().all(|c| numeral::digit(c).is_some()))?).ok()?
    };
    NaiveDate::from_ymd_opt(year, month_or_day(month)?, month_or_day(day)?)
}

fn month_or_day(text: &str) -> Option<u32> {
    if short(text) {
        return text.parse().ok();
    }
    let plain = (1..=3).contains(&text.chars().count())
        && text.chars().all(|c| c == '十' || numeral::is_numeral(c) && numeral::digit(c).is_some());
    numeral::value(text).filter(|_| plain)
}

fn is_time_after(text: &str) -> bool {
    let time = text.strip_prefix('T').unwrap_or(text).trim_start();
    time.is_empty() || is_time(time)
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
            "1990年01月05号",
            "1990年1月5日 08:30",
            "一九九〇年一月五日",
            "一九九○年一月五日",
            "一九九零年零一月〇五日",
            "1990年一月五日",
            "一九九O年１月5日",
            "一九九Ｏ年一月五日",
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
    fn chinese_numerals_are_read_place_by_place_and_with_tens() {
        assert_eq!(read("二〇〇六年十月四日", &[]), day(2006, 10, 4));
        assert_eq!(read("二零二三年十二月二十五日", &[]), day(2023, 12, 25));
        assert_eq!(read("一九九二年一二月三十一日", &[]), day(1992, 12, 31));
        assert_eq!(read("一九九二年十月一五日", &[]), day(1992, 10, 15));
    }

    #[test]
    fn what_could_be_another_day_is_invalid() {
        for text in [
            "061004",
            "31038",
            "19-4-2004",
            "1990年",
            "一九九二年",
            "一九九二年五月",
            "农历一九九二年五月六日",
            "一九九二年农历五月六日",
            "一九九二年五月初六",
            "一九九二年五月初六日",
            "一九九二年正月六日",
            "一九九二年闰五月六日",
            "一九九二年五月廿三日",
            "九二年五月六日",
            "92年5月6日",
            "一千九百九十二年五月六日",
            "十九九二年五月六日",
            "一九九二年十三月六日",
            "一九九二年二月三十日",
            "一九九二年五月六日前后",
            "五月六日",
        ] {
            assert_eq!(read(text, &[]), Dated::Invalid, "{text}");
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
