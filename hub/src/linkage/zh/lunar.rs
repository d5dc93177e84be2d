//! The traditional calendar: the lunar date of a day, and the day of a lunar date.
//!
//! The months are those of ICU4X (GB/T 33661-2017 and the Purple Mountain Observatory's tables). Many residents gave their
//! lunar birthday where a form asks for a date; owns the conversion, never guesses which one was given.

use icu_calendar::Date;
use icu_calendar::cal::ChineseTraditional;
use icu_calendar::types::Month;

use super::numeral;

/// The lunar date of a day of 1901 to 2100, as `yyyymmdd`; leap months count as the month they follow, as registers
/// write them. 0 outside those years.
pub fn of_day(day: u32) -> u32 {
    let (year, month, date) = (day / 10_000, day / 100 % 100, day % 100);
    if !(1901..=2100).contains(&year) {
        return 0;
    }
    let Ok(date) = Date::try_new_iso(year as i32, month as u8, date as u8) else { return 0 };
    let lunar = date.to_calendar(ChineseTraditional::new());
    let month = u32::from(lunar.month().number());
    (lunar.cyclic_year().related_iso.unsigned_abs()) * 10_000 + month * 100 + u32::from(lunar.day_of_month().0)
}

/// The day, as `yyyymmdd`, of a lunar date written out.
pub fn day_of(year: u32, month: u32, day: u32, leap: bool) -> Option<u32> {
    let month = u8::try_from(month).ok()?;
    let month = if leap { Month::leap(month) } else { Month::new(month) };
    let lunar = Date::try_new_chinese_traditional(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let iso = lunar.to_calendar(icu_calendar::Iso);
    let month = u32::from(iso.month().number());
    Some(iso.year().extended_year().unsigned_abs() * 10_000 + month * 100 + u32::from(iso.day_of_month().0))
}

/// Reads `农历1990年正月初三`, `阴历一九九〇年闰五月廿一` as the day they name.
pub fn read(text: &str) -> Option<u32> {
    let marked = ["农历", "阴历", "旧历", "(农)", "(阴)"].iter().find(|mark| text.contains(**mark))?;
    let text = text.replace(marked, "").replace(['初', ' '], "");
    let (year, rest) = text.split_once('年')?;
    let (month, day) = rest.split_once('月')?;
    let leap = month.starts_with('闰');
    let month = match month.trim_start_matches('闰') {
        "正" => 1,
        "冬" => 11,
        "腊" => 12,
        other => number(other)?,
    };
    day_of(number(year)?, month, number(day.trim_end_matches('日'))?, leap)
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| numeral::value(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_years_days_are_the_first_of_the_first_month() {
        for (day, lunar) in [(19_900_127, 19_900_101), (20_000_205, 20_000_101), (20_240_210, 20_240_101)] {
            assert_eq!(of_day(day), lunar);
            assert_eq!(day_of(lunar / 10_000, 1, 1, false), Some(day));
        }
    }

    #[test]
    fn a_written_lunar_date_is_a_day() {
        assert_eq!(read("农历1990年正月初一"), Some(19_900_127));
        assert_eq!(read("阴历二〇二四年正月初一"), Some(20_240_210));
        assert_eq!(read("1990年1月1日"), None);
    }
}
