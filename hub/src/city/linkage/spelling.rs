//! The harmless ways in which registers write one thing: dates, sexes, phones, addresses from province to room.
//!
//! Owns forms of what is right. What is wrong is `noise`'s.

use chrono::{Datelike, NaiveDate};

use super::super::dice::Dice;
use super::super::place::full_width;
use super::mix::Mix;
use super::people::Person;
use super::words::{COMPOUNDS, ROADS, STREETS, VILLAGES};

/// A name as an identity card has it.
pub(super) fn name(person: &Person) -> String {
    let dot = if person.transcribed { "·" } else { "" };
    match person.transcribed {
        true => format!("{}{dot}{}", person.given, person.surname),
        false => format!("{}{}", person.surname, person.given),
    }
}

/// A register writes sexes in one way, but for a few rows.
pub(super) fn sex(male: bool, feed: u64, dice: Dice) -> &'static str {
    let style = if dice.chance(3_000) { dice.at(1).below(4) } else { feed % 3 };
    match (style, male) {
        (0, true) => "男",
        (0, false) => "女",
        (1, true) => "1",
        (1, false) => "2",
        (2, true) => "男性",
        (2, false) => "女性",
        (_, true) => "M",
        (_, false) => "F",
    }
}

/// A date in the register's form, or in another.
pub(super) fn date(day: NaiveDate, feed: u64, dice: Dice, mix: Mix, noise: &mut Vec<&'static str>) -> String {
    let (y, m, d) = (day.year(), day.month(), day.day());
    let style = if dice.chance(mix.date_form) { dice.at(1).below(10) } else { feed % 2 };
    if style > 1 {
        noise.push("date_form");
    }
    match style {
        0 => format!("{y}-{m:02}-{d:02}"),
        1 => format!("{y}{m:02}{d:02}"),
        2 => format!("{y}/{m}/{d}"),
        3 => format!("{y}年{m}月{d}日"),
        4 => format!("{y}.{m:02}.{d:02}"),
        5 => super::super::noise::serial(day).to_string(),
        6 => format!("{y}-{m:02}-{d:02} 00:00:00"),
        7 => format!("{}年{}月{}日", placed(y.unsigned_abs()), counted(m), counted(d)),
        8 => format!("{:02}{m:02}{d:02}", y % 100),
        _ => format!("{y}-{m:02}-{d:02}").chars().map(|c| if c.is_ascii_digit() { full_width(c) } else { c }).collect(),
    }
}

/// `一九九〇`.
pub(super) fn placed(number: u32) -> String {
    number.to_string().bytes().map(|byte| DIGITS[usize::from(byte - b'0')]).collect()
}

/// `二十一`, for numbers up to 99.
pub(super) fn counted(number: u32) -> String {
    let (tens, ones) = (number / 10, number % 10);
    let one = if ones > 0 { DIGITS[ones as usize].to_string() } else { String::new() };
    match tens {
        0 => one,
        1 => format!("十{one}"),
        _ => format!("{}十{one}", DIGITS[tens as usize % 10]),
    }
}

const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// A mobile number of made-up blocks.
pub(super) fn mobile(dice: Dice) -> String {
    let block = ["19900", "19300", "19200", "19700", "14100", "16800"];
    format!("{}{:06}", block[dice.below(6) as usize], dice.at(1).below(1_000_000))
}

/// Where a family lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    dice: Dice,
    village: bool,
}

impl Home {
    /// A home thrown by these dice.
    pub fn new(dice: Dice) -> Self {
        Self { dice, village: dice.chance(12_000) }
    }

    /// The address as a register writes it.
    pub fn write(&self, feed: u64, dice: Dice, mix: Mix, noise: &mut Vec<&'static str>) -> String {
        let (street, communities) = STREETS[self.dice.at(1).below(8) as usize];
        let community = communities[self.dice.at(2).below(3) as usize];
        let upper = match (feed + u64::from(dice.chance(20_000))) % 4 {
            0 => format!("河北省石家庄市裕华区{street}"),
            1 => "裕华区".to_owned(),
            2 => format!("石家庄市裕华区{street}{community}"),
            _ => String::new(),
        };
        let lower = if self.village { self.in_village(dice) } else { self.in_town(dice, feed) };
        if !dice.at(20).chance(mix.address_wrong) {
            return format!("{upper}{lower}");
        }
        self.spoilt(&upper, &lower, dice.at(21), noise)
    }

    fn in_village(&self, dice: Dice) -> String {
        let village = VILLAGES[self.dice.at(3).below(16) as usize];
        let (group, house) = (1 + self.dice.at(4).below(8) as u32, 1 + self.dice.at(5).below(260));
        match dice.at(1).below(3) {
            0 => format!("{village}{house}号"),
            1 => format!("{village}{}组{house}号", counted(group)),
            _ => format!("{village}{group}组{house}号"),
        }
    }

    fn in_town(&self, dice: Dice, feed: u64) -> String {
        let road = ROADS[self.dice.at(3).below(40) as usize];
        let house = 1 + self.dice.at(4).below(300);
        let compound = COMPOUNDS[self.dice.at(5).below(30) as usize];
        let with_road = feed.is_multiple_of(2) || dice.at(2).chance(60_000);
        let front = if with_road { format!("{road}{house}号{compound}") } else { compound.to_owned() };
        let (building, unit) = (1 + self.dice.at(6).below(24) as u32, 1 + self.dice.at(7).below(4) as u32);
        let (floor, door) = (1 + self.dice.at(8).below(26) as u32, 1 + self.dice.at(9).below(4) as u32);
        let room = floor * 100 + door;
        let style = if dice.at(3).chance(75_000) { feed % 3 } else { dice.at(4).below(9) };
        match style {
            0 => format!("{front}{building}号楼{unit}单元{room}室"),
            1 => format!("{front}{building}-{unit}-{room}"),
            2 => format!("{front}{building}栋{unit}单元{room}"),
            3 => format!("{front}{building}幢{unit}单元{room}室"),
            4 => format!("{front}{building}#{unit}-{room}"),
            5 => format!("{front} {building}号楼 {unit}单元 {room}室"),
            6 => format!("{front}{}号楼{}单元{}", counted(building), counted(unit), placed(room)),
            7 => format!("{front}{building}号楼{unit}单元{room}室")
                .chars()
                .map(|c| if c.is_ascii_digit() { full_width(c) } else { c })
                .collect(),
            _ => format!("{front}{building}号楼{unit}单元{floor}层{room}室"),
        }
    }

    fn spoilt(&self, upper: &str, lower: &str, dice: Dice, noise: &mut Vec<&'static str>) -> String {
        match dice.below(6) {
            0 => {
                noise.push("address_above_only");
                if upper.is_empty() { "石家庄市裕华区".to_owned() } else { upper.to_owned() }
            }
            1 => {
                noise.push("address_cut");
                let whole = format!("{upper}{lower}");
                let keep = whole.chars().count().saturating_sub(2 + dice.at(1).below(8) as usize);
                whole.chars().take(keep.max(4)).collect()
            }
            2 => {
                noise.push("address_digit");
                super::slip::digit(&format!("{upper}{lower}"), dice.at(2))
            }
            3 => {
                noise.push("address_sound");
                format!("{upper}{}", super::slip::sound(lower, dice.at(3), |c| !"号楼栋幢单元室层组村".contains(c)))
            }
            4 => {
                noise.push("address_door_only");
                lower
                    .split_once('号')
                    .map_or(lower, |(_, door)| door)
                    .trim_start_matches(|c: char| !c.is_ascii_digit())
                    .to_owned()
            }
            _ => {
                noise.push("address_short");
                lower.to_owned()
            }
        }
    }
}
