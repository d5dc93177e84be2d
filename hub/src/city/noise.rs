//! The harmless differences in how departments write the same thing: phones, dates, dots, wide digits.
//!
//! All of it must read as the same value; what must not is in `wrong`.

use std::fmt::Display;

use chrono::{Datelike, NaiveDate};

use super::dice::{Dice, Topic};
use super::name::Name;
use super::place::full_width;

/// `19900131`.
pub(super) fn digits(date: NaiveDate) -> u32 {
    date.year().unsigned_abs() * 10_000 + date.month() * 100 + date.day()
}

/// A date as spreadsheets hold it: sometimes a serial number, sometimes one of several texts.
pub(super) fn sheet_date(date: NaiveDate, dice: Dice) -> String {
    match dice.below(5) {
        0 => format!("{}.{}.{}", date.year(), date.month(), date.day()),
        1 => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
        2 => digits(date).to_string(),
        _ => serial(date).to_string(),
    }
}

/// The serial number of a date in a spreadsheet.
pub(super) fn serial(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default()).num_days()
}

/// A name with another sign for the middle dot.
pub(super) fn dotted(name: &Name, dot: char) -> String {
    let text = name.to_string();
    if name.is_dotted() { text.replace('·', &dot.to_string()) } else { text }
}

/// The cell with a person's phones: one or several, in the forms clerks type.
pub(super) fn phones(dice: Dice, since: u32) -> String {
    let throw = dice.on(Topic::Phone).at(u64::from(since));
    let mobile = mobile(throw);
    match throw.at(1).below(20) {
        0 => format!("{mobile}/0311-8000{:04}", throw.at(2).below(10_000)),
        1 => format!("{mobile}、{}", self::mobile(throw.at(3))),
        2 => format!("{mobile},{}", self::mobile(throw.at(3))),
        3 => mobile.chars().map(full_width).collect(),
        4 => format!("{mobile};{}", self::mobile(throw.at(3))),
        _ => mobile,
    }
}

/// A mobile number of two made-up blocks.
fn mobile(dice: Dice) -> String {
    format!("{}{:06}", ["19900", "19300"][dice.at(4).below(2) as usize], dice.at(5).below(1_000_000))
}

/// The name and number of an employer nobody could mistake for a real one.
pub(super) fn employer(dice: Dice, employers: u64) -> (u64, impl Display) {
    const TRADES: [&str; 8] = ["建材", "食品", "纺织", "医药", "物流", "电子", "机械", "园林"];
    let which = dice.on(Topic::Insurance).below(employers.max(1));
    (1_301_080_000 + which, format!("石家庄示范{}第{}有限公司", TRADES[(which % 8) as usize], which / 8 + 1))
}
