//! Registers as clerks keep them, as a feed of their own: what a hub makes of bad records, held against who they are.
//!
//! Rows and truth are those of the generator of linkage sets; mapping and schema are data beside this crate.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use hub::city::linkage::{self, LinkageOptions};

use crate::place;
use crate::world::Delivery;

/// The feed.
pub const REGISTERS: &str = "registers/people";

/// A row: its id and the other cells in the order of the feed's headings.
pub type Cells = Vec<String>;

/// Several registers of the same residents in one file.
pub struct Registers {
    headings: Cells,
    /// The rows.
    pub rows: Vec<Cells>,
    truth: HashMap<String, String>,
}

/// Pairs of records of one person, and what was made of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Pairs that were joined and are of one person.
    pub right: u64,
    /// Pairs that were joined and are not.
    pub wrong: u64,
    /// Pairs that are of one person.
    pub all: u64,
}

impl Score {
    /// Share of the joined pairs that are of one person.
    pub fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    /// Share of the pairs of one person that were joined.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }
}

/// The folder with mapping and schema, for `[data] folder`.
pub fn rules() -> PathBuf {
    place::workspace().join("integration-tests/registers")
}

impl Registers {
    /// Throws them.
    pub fn new(options: LinkageOptions) -> io::Result<Self> {
        let folder = place::temporary_folder("registers");
        linkage::write(options, folder.path())?;
        let (headings, rows) = read(&folder.path().join("single.csv"))?;
        let (_, truth) = read(&folder.path().join("truth.csv"))?;
        let truth = truth.into_iter().filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone()))).collect();
        Ok(Self { headings, rows, truth })
    }

    /// Rows as a delivery that tells of a moment (RFC 3339).
    pub fn delivery<'a>(&self, as_of: &str, rows: impl IntoIterator<Item = &'a Cells>) -> Delivery {
        let line = |cells: &Cells| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
        let mut lines = vec![line(&self.headings)];
        lines.extend(rows.into_iter().map(line));
        Delivery::of(REGISTERS, (lines.join("\n") + "\n").into_bytes()).with_header("Hub-As-Of", as_of)
    }

    /// How right it is to put each record, by its id, to such a resident; `None`: to nobody.
    pub fn score<R: std::hash::Hash + Eq>(&self, resident_of: impl Fn(&str) -> Option<R>) -> Score {
        let mut persons: HashMap<&str, u64> = HashMap::new();
        let mut residents: HashMap<R, HashMap<&str, u64>> = HashMap::new();
        for id in self.rows.iter().filter_map(|row| row.first()) {
            let person = self.truth.get(id).map(String::as_str).unwrap_or_default();
            *persons.entry(person).or_default() += 1;
            if let Some(resident) = resident_of(id) {
                *residents.entry(resident).or_default().entry(person).or_default() += 1;
            }
        }
        let pairs = |count: u64| count * count.saturating_sub(1) / 2;
        let right: u64 = residents.values().flat_map(HashMap::values).map(|count| pairs(*count)).sum();
        let joined: u64 = residents.values().map(|of| pairs(of.values().sum())).sum();
        Score { right, wrong: joined - right, all: persons.values().map(|count| pairs(*count)).sum() }
    }
}

fn read(path: &std::path::Path) -> io::Result<(Cells, Vec<Cells>)> {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_path(path).map_err(io::Error::other)?;
    let mut all = rows.records().map(|row| Ok(row.map_err(io::Error::other)?.iter().map(str::to_owned).collect()));
    let headings = all.next().unwrap_or_else(|| Ok(Cells::new()))?;
    Ok((headings, all.collect::<io::Result<_>>()?))
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}
