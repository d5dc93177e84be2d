//! Shows cells as text.
//!
//! Owns dates, which a workbook keeps as numbers, and numbers that Excel has already rounded. Guesses nothing: a zero
//! lost at the front stays lost, and an 18-digit number that was stored as a number is shown as Excel shows it
//! (`1.30108E+17`), so that whoever reads it knows that its last digits are not those that were typed.

use chrono::{Days, NaiveDate};

use super::sheet::Cell;

/// From here on a number in a cell no longer holds all of its digits.
const ROUNDED: f64 = 1e15;

/// 9999-12-31 and 2099-12-31 as serial numbers of the 1900 system.
const LAST_SERIAL: f64 = 2_958_465.0;
const LAST_LIKELY_SERIAL: f64 = 73_050.0;

/// The text of a cell; `is_date` says that its column is declared to hold dates.
pub(crate) fn show(cell: Cell, is_date: bool, is_1904: bool) -> String {
    match cell {
        Cell::Text(text) | Cell::Error(text) => text,
        Cell::Bool(true) => "TRUE".to_owned(),
        Cell::Bool(false) => "FALSE".to_owned(),
        Cell::Date(serial) => date(serial, is_1904).unwrap_or_else(|| number(serial)),
        Cell::Number(serial) if is_date && is_serial(serial) => date(serial, is_1904).unwrap_or_else(|| number(serial)),
        Cell::Number(value) => number(value),
    }
}

/// Whether a number without a date format in a column of dates is a serial number: not a year (1990), a month (199001)
/// or a day (19900131) written as a number.
fn is_serial(value: f64) -> bool {
    let is_year = value.fract() == 0.0 && (1900.0..=2100.0).contains(&value);
    !is_year && ((1.0..LAST_LIKELY_SERIAL + 1.0).contains(&value) || value == LAST_SERIAL)
}

/// The date of a serial number, with the time if there is one. The 1900 system counts a 29 February 1900 that never
/// was; a cell that names it is shown so and not moved to a neighbour.
fn date(serial: f64, is_1904: bool) -> Option<String> {
    if !(0.0..=LAST_SERIAL + 1.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round() as u64;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let date = match (is_1904, days) {
        (true, _) => from_epoch(1904, 1, 1, days)?,
        (false, 0) => return None,
        (false, 60) => "1900-02-29".to_owned(),
        (false, 1..60) => from_epoch(1899, 12, 31, days)?,
        (false, _) => from_epoch(1899, 12, 30, days)?,
    };
    Some(match second {
        0 => date,
        _ => format!("{date}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60),
    })
}

fn from_epoch(year: i32, month: u32, day: u32, days: u64) -> Option<String> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(Days::new(days))?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// A number as Excel shows it, but with all digits as long as they are exact.
fn number(value: f64) -> String {
    if value.abs() >= ROUNDED {
        return scientific(value);
    }
    if value.fract() == 0.0 {
        return format!("{}", value as i64);
    }
    // Excel keeps 15 digits; the rest is noise of the binary form (0.1 + 0.2).
    match format!("{value:.14e}").parse::<f64>() {
        Ok(rounded) => rounded.to_string(),
        Err(_) => value.to_string(),
    }
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.5E}");
    let Some((mantissa, exponent)) = text.split_once('E') else { return text };
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}E+{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_their_digits_while_these_are_exact() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (13012345678.0, "13012345678"),
            (999_999_999_999_999.0, "999999999999999"),
            (-3.5, "-3.5"),
            (0.1 + 0.2, "0.3"),
            (130_108_199_001_010_019.0, "1.30108E+17"),
            (1e15, "1E+15"),
            (-2.5e100, "-2.5E+100"),
        ] {
            assert_eq!(show(Cell::Number(value), false, false), text);
        }
    }

    #[test]
    fn serial_numbers_of_both_systems_are_dates() {
        for (serial, is_1904, text) in [
            (1.0, false, "1900-01-01"),
            (59.0, false, "1900-02-28"),
            (60.0, false, "1900-02-29"),
            (61.0, false, "1900-03-01"),
            (32_904.0, false, "1990-01-31"),
            (31_442.0, true, "1990-01-31"),
            (45_943.5, false, "2025-10-13T12:00:00"),
            (32_903.999_999_9, false, "1990-01-31"),
            (2_958_465.0, false, "9999-12-31"),
        ] {
            assert_eq!(show(Cell::Date(serial), false, is_1904), text);
            assert_eq!(show(Cell::Number(serial), true, is_1904), text);
        }
        assert_eq!(show(Cell::Number(32_904.0), false, false), "32904", "not in a column of dates");
    }

    #[test]
    fn dates_written_as_numbers_stay_as_they_are() {
        for value in [1990.0, 199_001.0, 19_900_131.0, 0.0, -1.0, 0.5] {
            assert_eq!(show(Cell::Number(value), true, false), value.to_string());
        }
    }
}
