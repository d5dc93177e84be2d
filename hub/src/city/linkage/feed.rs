//! One register's row about a person: the cells as its clerks would write them, before and after the noise.
//!
//! Owns the columns and what a register knows by itself (a home before the move, an old phone). The slips are `noise`'s.

use std::fmt;

use super::super::dice::Dice;
use super::mix::Mix;
use super::noise;
use super::people::{Person, Population};
use super::spelling::{self, Home};

/// The columns of every file.
pub(super) const COLUMNS: [&str; 8] =
    ["rec_id", "id_number", "name", "sex", "birth_date", "phone", "address", "household_no"];

/// Places of the cells in [`Row::cells`].
pub(super) const NUMBER: usize = 0;
pub(super) const NAME: usize = 1;
pub(super) const SEX: usize = 2;
pub(super) const BIRTH: usize = 3;
pub(super) const PHONE: usize = 4;
pub(super) const ADDRESS: usize = 5;
const HOUSEHOLD: usize = 6;

/// A row, its person and what was done to it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub id: String,
    pub person: usize,
    pub cells: [String; 7],
    pub noise: Vec<&'static str>,
    pub shuffle: u64,
}

/// Writes a row about a person. `dice` is the throw of this row.
pub(super) fn row(person: &Person, population: &Population, feed: u64, dice: Dice, mix: Mix) -> Row {
    let mut row = Row {
        id: String::new(),
        person: person.index,
        cells: Default::default(),
        noise: Vec::new(),
        shuffle: dice.at(1).below(u64::MAX),
    };
    let family = population.dice.at(2).at(person.household);
    let moved = population.dice.at(3).at(person.household).at(feed).chance(mix.moved);
    let home = Home::new(family.at(u64::from(moved)));
    if moved {
        row.noise.push("moved");
    }
    row.cells[NUMBER] = person.number.clone();
    row.cells[NAME] = spelling::name(person);
    row.cells[SEX] = spelling::sex(person.male, feed, dice.at(2)).to_owned();
    row.cells[BIRTH] = spelling::date(person.birth, feed, dice.at(3), mix, &mut row.noise);
    row.cells[PHONE] = phone(person, population, dice.at(4), mix, &mut row.noise);
    row.cells[ADDRESS] = home.write(feed, dice.at(5), mix, &mut row.noise);
    // Each register counts households by itself.
    row.cells[HOUSEHOLD] = format!("{}{:07}", feed + 1, family.at(9).at(feed).below(10_000_000));
    noise::spoil(&mut row, person, population, dice.at(6), mix);
    row
}

/// The person's own phone or, for children and many old people, the family's.
fn phone(person: &Person, population: &Population, dice: Dice, mix: Mix, noise: &mut Vec<&'static str>) -> String {
    let old = person.dice.at(40).chance(20_000);
    let owner = match person.parent {
        Some(parent) if person.dice.at(41).chance(75_000) => population.people[parent].dice,
        _ if old => population.dice.at(4).at(person.household),
        _ => person.dice,
    };
    let changed = dice.chance(mix.phone_changed);
    if changed {
        noise.push("phone_changed");
    }
    spelling::mobile(owner.at(42 + u64::from(changed)))
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        for cell in &self.cells {
            match cell.contains([',', '"', '\n']) {
                true => write!(f, ",\"{}\"", cell.replace('"', "\"\""))?,
                false => write!(f, ",{cell}")?,
            }
        }
        Ok(())
    }
}
