//! A large set of invented persons with households, moves and typing errors: the same bytes for the same seed.
//!
//! Owns the generator of the speed cases. It is no measure of quality: its errors are simple.

use std::io::Write;

/// A small generator of our own, so that the set never changes with a library.
pub struct Dice(u64);

impl Dice {
    /// Seeded.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `most`.
    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Small numbers far more often than large ones, as with names.
    fn skewed(&mut self, most: u64) -> u64 {
        let (a, b) = (self.below(most), self.below(most));
        a * b / most.max(1)
    }
}

/// A person's cells in the order of [`HEADER`], without the id.
pub type Cells = [String; 8];

/// The columns of the set.
pub const HEADER: &str = "id,given,surname,sex,born,street,city,postcode,phone";

const HEADS: [&str; 20] =
    ["b", "br", "d", "dr", "f", "g", "h", "j", "k", "kl", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w"];
const HEARTS: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ie", "oo", "au"];
const TAILS: [&str; 14] = ["n", "r", "s", "l", "m", "ck", "ng", "rt", "ll", "son", "man", "ley", "ton", "er"];

/// The word of a number.
fn word(number: u64) -> String {
    let (head, heart, tail) = (number % 20, number / 20 % 10, number / 200 % 14);
    let more = number / 2_800;
    let middle = if more > 0 {
        format!("{}{}", HEADS[more as usize % 20], HEARTS[more as usize / 20 % 10])
    } else {
        String::new()
    };
    format!("{}{}{middle}{}", HEADS[head as usize], HEARTS[heart as usize], TAILS[tail as usize])
}

fn person(dice: &mut Dice, home: Option<&Cells>) -> Cells {
    let given = word(dice.skewed(2_500) + 7);
    let (year, month, day) = (1930 + dice.below(90), 1 + dice.below(12), 1 + dice.below(28));
    let city = dice.skewed(400);
    let own = |dice: &mut Dice| {
        [
            word(dice.skewed(20_000) + 31),
            format!("{} {} street", 1 + dice.below(240), word(dice.below(8_000) + 101)),
            word(city + 5_000),
            (1_000 + city * 7 + dice.below(7)).to_string(),
            format!("1{:010}", 3_000_000_000 + dice.below(6_999_999_999)),
        ]
    };
    let [surname, street, place, postcode, phone] = match home {
        Some(cells) => [1, 4, 5, 6, 7].map(|at| cells[at].clone()),
        None => own(dice),
    };
    let sex = if dice.chance(50) { "f" } else { "m" };
    [given, surname, sex.to_owned(), format!("{year}-{month:02}-{day:02}"), street, place, postcode, phone]
}

fn mistyped(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() > 1 {
        let at = dice.below(letters.len() as u64 - 1) as usize;
        match dice.below(4) {
            0 => letters.swap(at, at + 1),
            1 => drop(letters.remove(at)),
            2 => letters.insert(at, 'e'),
            _ => letters[at] = 'o',
        }
    }
    letters.into_iter().collect()
}

/// Another record of the same person.
pub fn again(dice: &mut Dice, cells: &Cells) -> Cells {
    let mut cells = cells.clone();
    if dice.chance(8) {
        let moved = person(dice, None);
        for at in 4..7 {
            cells[at].clone_from(&moved[at]);
        }
    }
    for (at, cell) in cells.iter_mut().enumerate() {
        if dice.chance(5) {
            cell.clear();
        } else if dice.chance(8) && at != 2 {
            *cell = mistyped(dice, cell);
        }
    }
    cells
}

/// Writes `records` records; returns some of the persons, to make new records of.
pub fn write(out: &mut impl Write, records: usize, dice: &mut Dice) -> std::io::Result<Vec<Cells>> {
    writeln!(out, "{HEADER}")?;
    let mut kept = Vec::new();
    let mut home: Option<Cells> = None;
    let mut written = 0;
    while written < records {
        let cells = person(dice, home.as_ref());
        home = if dice.chance(45) { Some(cells.clone()) } else { None };
        writeln!(out, "r{written:07},{}", cells.join(","))?;
        written += 1;
        if dice.chance(40) && written < records {
            writeln!(out, "r{written:07},{}", again(dice, &cells).join(","))?;
            written += 1;
        }
        if written % 40 == 0 {
            kept.push(cells);
        }
    }
    Ok(kept)
}
