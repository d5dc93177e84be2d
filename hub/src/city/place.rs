//! Where people live: the communities of one real district, roads and compounds that are made up.

use std::fmt;

use super::dice::Dice;
use super::linkage::words;

/// The district whose communities are used: 裕华区.
pub(super) const DISTRICT: &str = "130108";

/// Province, city and district as registers write them.
pub(super) const REGION: &str = "河北省石家庄市裕华区";

const DIVISIONS: &str = include_str!("../../../schemas/codes/divisions.csv");

/// How many of the roads and compounds this city has; more stand in the lists.
const ROADS: usize = 16;
const COMPOUNDS: usize = 10;

/// One residents committee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Community {
    /// Twelve digits.
    pub code: &'static str,
    /// `东王社区居委会`.
    pub name: &'static str,
    /// Name of its street office.
    pub street: &'static str,
}

/// The communities of the district in the order of their codes.
pub(super) fn communities() -> Vec<Community> {
    let rows: Vec<Vec<&str>> = DIVISIONS.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let name_of = |code: &str| rows.iter().find(|row| row[0] == code).map_or("", |row| row[1]);
    rows.iter()
        .filter(|row| row.len() == 5 && row[0].starts_with(DISTRICT) && row[2] == "5")
        .map(|row| Community { code: row[0], name: row[1], street: name_of(row[3]) })
        .collect()
}

/// One home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index into [`communities`].
    pub community: usize,
    road: u8,
    compound: u8,
    number: u16,
    building: u8,
    unit: u8,
    room: u16,
}

impl Place {
    /// A home anywhere in the district.
    pub fn new(communities: usize, dice: Dice) -> Self {
        Self::within(dice.at(0).below(communities as u64) as usize, dice)
    }

    /// A home in the given community.
    pub fn within(community: usize, dice: Dice) -> Self {
        Self {
            community,
            road: dice.at(1).below(ROADS as u64) as u8,
            compound: dice.at(2).below(COMPOUNDS as u64) as u8,
            number: 1 + dice.at(3).below(398) as u16,
            building: 1 + dice.at(4).below(28) as u8,
            unit: 1 + dice.at(5).below(4) as u8,
            room: (1 + dice.at(6).below(24) as u16) * 100 + 1 + dice.at(7).below(4) as u16,
        }
    }

    /// `银杏街`.
    pub fn road(&self) -> &'static str {
        words::ROADS[usize::from(self.road)]
    }

    /// `样例花园`.
    pub fn compound(&self) -> &'static str {
        words::COMPOUNDS[usize::from(self.compound)]
    }

    /// The address in one of the ways departments write it; `street` is the name of the street office.
    pub fn text(&self, form: Form, street: &'static str) -> Text {
        Text { place: *self, form, street }
    }
}

/// How an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Province to room.
    Full,
    /// From the district on, the room in short: `裕华区银杏街12号样例花园3-2-501`.
    Short,
    /// As `Full`, the house number in full-width digits.
    Wide,
    /// Without what is above the road: `银杏街12号样例花园3号楼2单元501室`.
    Home,
    /// As `Home`, with a comma before the compound.
    Comma,
    /// As `Home`, with a line break before the compound.
    Broken,
    /// Road and number: `银杏街12号`.
    Road,
    /// Building, unit and room: `3号楼2单元501室`.
    Door,
}

/// An address to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    place: Place,
    form: Form,
    street: &'static str,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { number, building, unit, room, .. } = self.place;
        let (road, compound, street) = (self.place.road(), self.place.compound(), self.street);
        match self.form {
            Form::Full => write!(f, "{REGION}{street}{road}{number}号{compound}{building}号楼{unit}单元{room}室"),
            Form::Short => write!(f, "裕华区{road}{number}号{compound}{building}-{unit}-{room}"),
            Form::Wide => {
                write!(f, "{REGION}{street}{road}")?;
                number.to_string().chars().try_for_each(|digit| write!(f, "{}", full_width(digit)))?;
                write!(f, "号{compound}{building}号楼{unit}单元{room}室")
            }
            Form::Home => write!(f, "{road}{number}号{compound}{building}号楼{unit}单元{room}室"),
            Form::Comma => write!(f, "{road}{number}号,{compound}{building}号楼{unit}单元{room}室"),
            Form::Broken => write!(f, "{road}{number}号\n{compound}{building}号楼{unit}单元{room}室"),
            Form::Road => write!(f, "{road}{number}号"),
            Form::Door => write!(f, "{building}号楼{unit}单元{room}室"),
        }
    }
}

/// The full-width form of an ASCII digit.
pub(super) fn full_width(digit: char) -> char {
    char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap_or(digit)
}
