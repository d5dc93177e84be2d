//! What goes wrong in a row: numbers, names, dates, sexes, phones and whole cells. Each kind has a name in the truth file.
//!
//! Owns the kinds. Addresses and harmless forms are `spelling`'s.

use chrono::{Datelike, Days, NaiveDate};
use pinyin::ToPinyin;

use super::super::dice::Dice;
use super::feed::{ADDRESS, BIRTH, NAME, NUMBER, PHONE, Row, SEX};
use super::mix::Mix;
use super::people::{Person, Population, TODAY};
use super::{renamed, slip, spelling};
use crate::identity::CitizenNumber;

/// Spoils a row as the mix says.
pub(super) fn spoil(row: &mut Row, person: &Person, population: &Population, dice: Dice, mix: Mix) {
    number(row, person, population, dice.at(1), mix);
    name(row, person, population, dice.at(2), mix);
    if dice.at(3).chance(mix.date_wrong) {
        date(row, person, dice.at(4));
    }
    if dice.at(5).chance(mix.sex_wrong) {
        row.noise.push("sex_wrong");
        row.cells[SEX] = spelling::sex(!person.male, 0, dice.at(6)).to_owned();
    }
    phone(row, dice.at(7), mix);
    for (at, kind, cell) in [
        (0, "sex_missing", SEX),
        (1, "birth_missing", BIRTH),
        (2, "phone_missing", PHONE),
        (3, "address_missing", ADDRESS),
    ] {
        let share = if cell == PHONE { mix.missing * 3 } else { mix.missing };
        if dice.at(20 + at).chance(share) {
            row.noise.push(kind);
            row.cells[cell] = if dice.at(30 + at).chance(30_000) { "不详".to_owned() } else { String::new() };
        }
    }
    if dice.at(40).chance(mix.exchanged) {
        let (kind, one, other) = [
            ("name_address_exchanged", NAME, ADDRESS),
            ("number_phone_exchanged", NUMBER, PHONE),
            ("name_sex_exchanged", NAME, SEX),
        ][dice.at(41).below(3) as usize];
        row.noise.push(kind);
        row.cells.swap(one, other);
    }
    renamed::spoil(row, person, population, dice.at(50), mix);
}

fn number(row: &mut Row, person: &Person, population: &Population, dice: Dice, mix: Mix) {
    let cell = &mut row.cells[NUMBER];
    let child = person.birth.year() > TODAY.0 - 15;
    if let Some(parent) = person.parent.filter(|_| child && dice.at(1).chance(mix.number_of_parent)) {
        row.noise.push("number_of_parent");
        cell.clone_from(&population.people[parent].number);
        return;
    }
    if dice.at(2).chance(mix.number_missing) {
        row.noise.push("number_missing");
        *cell = if dice.at(3).chance(80_000) { String::new() } else { "无".to_owned() };
        return;
    }
    if !dice.at(4).chance(mix.number_wrong) {
        return;
    }
    let throw = dice.at(5);
    let (kind, text) = match dice.at(6).below(100) {
        0..18 => ("number_digit", slip::digit(cell, throw)),
        18..27 => ("number_swapped", slip::swap(cell, throw)),
        27..37 => ("number_short", slip::lose(cell, throw)),
        37..52 if person.birth.year() < 2000 && cell.len() == 18 => {
            ("number_15", format!("{}{}", &cell[..6], &cell[8..17]))
        }
        37..52 => ("number_wide", cell.chars().map(wide).collect()),
        52..58 => ("number_lower", cell.to_lowercase()),
        58..63 => {
            ("number_blanks", format!(" {} {}", cell.get(..6).unwrap_or_default(), cell.get(6..).unwrap_or_default()))
        }
        63..75 => (
            "number_placeholder",
            [
                "111111111111111111",
                "000000000000000000",
                "130102199001010011",
                "999999999999999999",
                "130108190001010018",
            ][throw.below(5) as usize]
                .to_owned(),
        ),
        75..88 => ("number_masked", slip::mask(cell, 6, 4)),
        88..93 => {
            ("number_other", population.people[throw.below(population.people.len() as u64) as usize].number.clone())
        }
        93..95 => ("number_valid_slip", valid_slip(cell, throw)),
        95..97 => {
            ("number_rounded", format!("{}.{}E+17", cell.get(..1).unwrap_or("1"), cell.get(1..6).unwrap_or("30108")))
        }
        _ => ("number_two_digits", slip::digit(&slip::digit(cell, throw), throw.at(9))),
    };
    row.noise.push(kind);
    *cell = text;
}

fn wide(c: char) -> char {
    if c.is_ascii_digit() { super::super::place::full_width(c) } else { c }
}

/// A slip that the check digit does not see.
fn valid_slip(number: &str, dice: Dice) -> String {
    let slips = (0..60).map(|at| slip::digit(number, dice.at(at)));
    let mut valid = slips.filter(|text| text != number && CitizenNumber::parse(text).is_ok());
    valid.next().unwrap_or_else(|| number.to_owned())
}

fn name(row: &mut Row, person: &Person, population: &Population, dice: Dice, mix: Mix) {
    let infant = (TODAY.0, 13) > (person.birth.year(), 0)
        && person.birth > NaiveDate::from_ymd_opt(TODAY.0, 1, 1).unwrap_or_default();
    if let Some(parent) = person.parent.filter(|_| infant && dice.at(1).chance(45_000)) {
        row.noise.push("newborn_unnamed");
        row.cells[NAME] =
            format!("{}{}", spelling::name(&population.people[parent]), if person.male { "之子" } else { "之女" });
        return;
    }
    if !dice.at(2).chance(mix.name) {
        return;
    }
    let (cell, throw) = (&mut row.cells[NAME], dice.at(3));
    let (kind, text) = match person.transcribed {
        true => transcribed(cell, person, dice.at(4)),
        false => han(cell, person, dice.at(4), throw),
    };
    if text != *cell {
        row.noise.push(kind);
        *cell = text;
    }
}

fn transcribed(name: &str, person: &Person, dice: Dice) -> (&'static str, String) {
    match dice.below(8) {
        0 => ("dot_none", name.replace('·', "")),
        1 => ("dot_other", name.replace('·', ["•", "・", ".", "‧", "．"][dice.at(1).below(5) as usize])),
        2 => ("dot_blank", name.replace('·', " ")),
        3 => ("transcribed_cut", name.chars().take(5).collect()),
        4 => ("transcribed_given", person.given.clone()),
        5 => ("transcribed_sound", slip::sound(name, dice.at(2), |c| c != '·')),
        6 => ("transcribed_turned", format!("{}·{}", person.surname, person.given)),
        _ => ("transcribed_lost", slip::lose(name, dice.at(3))),
    }
}

fn han(name: &str, person: &Person, dice: Dice, throw: Dice) -> (&'static str, String) {
    let (surname, given) = (&person.surname, &person.given);
    let same = || name.to_owned();
    match dice.below(100) {
        0..24 => ("name_sound", format!("{surname}{}", slip::sound(given, throw, |_| true))),
        24..27 => ("surname_sound", format!("{}{given}", slip::sound(surname, throw, |_| true))),
        27..35 => ("name_look", slip::look(name).unwrap_or_else(same)),
        35..43 => ("name_traditional", slip::traditional(name).unwrap_or_else(same)),
        43..53 => ("name_blank", format!("{surname} {given}")),
        53..56 => ("name_wide_blank", format!("{surname}　{given}")),
        56..68 => {
            ("name_masked", if given.chars().count() > 1 { slip::mask(name, 1, 1) } else { slip::mask(name, 1, 0) })
        }
        68..72 => ("name_masked_given", slip::mask(name, surname.chars().count(), 0)),
        72..75 => ("name_surname_only", format!("{surname}{}", if person.male { "某" } else { "某某" })),
        75..80 if given.chars().count() > 1 => ("name_lost", format!("{surname}{}", slip::lose(given, throw))),
        75..80 => ("name_doubled", format!("{name}{given}")),
        80..83 => ("name_swapped", format!("{surname}{}", given.chars().rev().collect::<String>())),
        83..85 => ("name_turned", format!("{given}{surname}")),
        85..87 => ("surname_other", format!("{}{given}", ["王", "李", "张", "刘", "陈"][throw.below(5) as usize])),
        87..90 => {
            ("name_noted", format!("{name}{}", ["（已故）", "(户主)", "（迁出）", "[注销]"][throw.below(4) as usize]))
        }
        90..92 => ("name_numbered", format!("{name}{}", 1 + throw.below(3))),
        92..95 => ("name_pinyin", spelled(surname, given)),
        95..97 => {
            ("name_two_sounds", slip::sound(surname, throw, |_| true) + &slip::sound(given, throw.at(1), |_| true))
        }
        97..98 => ("name_other_character", format!("{surname}{}", other_character(given, throw))),
        _ => ("name_title", format!("{name}{}", if person.male { "先生" } else { "女士" })),
    }
}

fn other_character(given: &str, dice: Dice) -> String {
    let all: Vec<char> = super::words::FEMALE.chars().collect();
    let last = given.chars().count().saturating_sub(1);
    given.chars().enumerate().map(|(at, c)| if at == last { dice.pick(&all) } else { c }).collect()
}

fn spelled(surname: &str, given: &str) -> String {
    let spell = |text: &str| text.chars().filter_map(|c| c.to_pinyin()).map(pinyin::Pinyin::plain).collect::<String>();
    format!("{} {}", spell(surname), spell(given)).to_uppercase()
}

fn date(row: &mut Row, person: &Person, dice: Dice) {
    let (day, m, d) = (person.birth, person.birth.month(), person.birth.day());
    let (y, throw) = (day.year(), dice.at(1));
    let (kind, text) = match dice.below(100) {
        0..25 => ("date_digit", slip::digit(&format!("{y}{m:02}{d:02}"), throw)),
        25..35 => ("date_swapped", format!("{y}-{d:02}-{m:02}")),
        35..55 => ("date_lunar", lunar(day)),
        55..72 => ("date_first_of_january", format!("{y}-01-01")),
        72..79 => ("date_year_only", y.to_string()),
        79..83 => ("date_month_only", format!("{y}-{m:02}")),
        83..88 => ("date_unknown", ["1900-01-01", "9999-12-31", "0000-00-00"][throw.below(3) as usize].to_owned()),
        88..95 => ("date_other_year", format!("{}-{m:02}-{d:02}", if throw.chance(50_000) { y + 1 } else { y - 1 })),
        _ => ("date_next_day", (day + Days::new(1)).format("%Y%m%d").to_string()),
    };
    row.noise.push(kind);
    row.cells[BIRTH] = text;
}

/// The lunar date of a day, written like any other.
fn lunar(day: NaiveDate) -> String {
    use icu_calendar::cal::ChineseTraditional;
    let Ok(iso) = icu_calendar::Date::try_new_iso(day.year(), day.month() as u8, day.day() as u8) else {
        return day.to_string();
    };
    let lunar = iso.to_calendar(ChineseTraditional::new());
    format!("{}-{:02}-{:02}", lunar.cyclic_year().related_iso, lunar.month().number(), lunar.day_of_month().0)
}

fn phone(row: &mut Row, dice: Dice, mix: Mix) {
    let cell = &mut row.cells[PHONE];
    if dice.chance(mix.phone_wrong) {
        let (kind, text) = match dice.at(1).below(4) {
            0 => ("phone_digit", slip::digit(cell, dice.at(2))),
            1 => ("phone_swapped", slip::swap(cell, dice.at(2))),
            2 => ("phone_masked", slip::mask(cell, 3, 4)),
            _ => (
                "phone_placeholder",
                ["00000000000", "13800138000", "11111111111", "无"][dice.at(3).below(4) as usize].to_owned(),
            ),
        };
        row.noise.push(kind);
        *cell = text;
        return;
    }
    if dice.at(4).chance(88_000) {
        return;
    }
    row.noise.push("phone_form");
    let other = spelling::mobile(dice.at(5));
    *cell = match dice.at(6).below(7) {
        0 => format!("+86{cell}"),
        1 => format!("{}-{}-{}", &cell[..3], &cell[3..7], &cell[7..]),
        2 => format!("{cell}/0311-8{:07}", dice.at(7).below(10_000_000)),
        3 => format!("{other}、{cell}"),
        4 => format!("{cell};{other}"),
        5 => format!("0086 {cell}"),
        _ => cell.chars().map(wide).collect(),
    };
}
