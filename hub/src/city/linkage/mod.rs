//! A linkage set: the same residents in several registers, written as badly as registers write, with the truth beside it.
//!
//! Owns the people (families, twins, strangers of one name and birthday) and over seventy kinds of noise; the rates are a
//! [`Mix`]. Everything is a function of the seed. Never links anything, and knows nothing of how linkage compares.

mod feed;
mod mix;
mod noise;
mod people;
mod renamed;
mod slip;
mod spelling;
pub(super) mod words;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub use mix::Mix;

use super::dice::Dice;
use feed::{COLUMNS, Row};

/// What a linkage set is made from.
#[derive(Debug, Clone, Copy)]
pub struct LinkageOptions {
    /// Residents; each register holds most of them.
    pub residents: u64,
    /// Another seed, other people and other slips.
    pub seed: u64,
    /// How often what goes wrong.
    pub mix: Mix,
    /// Whether the registers have a column with document numbers at all.
    pub numbers: bool,
}

/// Writes `left.csv` and `right.csv` (two registers, each nearly free of duplicates), `single.csv` (three registers and
/// their duplicates in one file) and `truth.csv` (`rec_id,person,noise` for every record of the three).
pub fn write(options: LinkageOptions, out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    let mut truth = BufWriter::new(File::create(out.join("truth.csv"))?);
    writeln!(truth, "rec_id,person,noise")?;
    let population = people::Population::new(Dice::new(options.seed), options.residents, options.mix);
    for (file, feeds) in [("left", &[0_u64][..]), ("right", &[1]), ("single", &[2, 3, 4])] {
        let mut csv = BufWriter::new(File::create(out.join(format!("{file}.csv")))?);
        writeln!(csv, "{}", COLUMNS.join(","))?;
        for mut row in rows(&population, feeds, options) {
            if !options.numbers {
                row.cells[feed::NUMBER].clear();
            }
            row.id = format!("{}{}", &file[..1], row.id);
            writeln!(csv, "{row}")?;
            writeln!(truth, "{},{},{}", row.id, row.person, row.noise.join(" "))?;
        }
        csv.flush()?;
    }
    truth.flush()
}

/// The rows of registers, in an order that says nothing.
fn rows(population: &people::Population, feeds: &[u64], options: LinkageOptions) -> Vec<Row> {
    let mut rows = Vec::new();
    for &feed in feeds {
        for person in &population.people {
            let dice = person.dice.at(1_000 + feed);
            if !dice.chance(options.mix.coverage) {
                continue;
            }
            rows.push(feed::row(person, population, feed, dice.at(1), options.mix));
            if dice.at(2).chance(options.mix.duplicates) {
                rows.push(feed::row(person, population, feed, dice.at(3), options.mix));
            }
        }
    }
    // The place in the file is a throw, and the id tells nothing either.
    rows.sort_by_key(|row| row.shuffle);
    for (place, row) in rows.iter_mut().enumerate() {
        row.id = format!("{:07}", place + 1);
    }
    rows
}
