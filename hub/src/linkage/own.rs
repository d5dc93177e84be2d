//! Which of several names or numbers in a record is the person's own, where the columns are not called so that it shows.
//!
//! Owns that judgement: whoever shares an own name and home was born on one day, and those who share a head of household,
//! or a mother, were not. Only reads the values.

use std::collections::BTreeMap;

use fnv::FnvHashMap;

use super::evidence::{Kind, Value};
use super::table::Table;

/// How much oftener than those of another column those who share a value must be of several birth dates.
const TIMES: f64 = 2.5;
/// And at least this share of them.
const LEAST: f64 = 0.1;
/// Another column must be filled in as many records as this share of those that the first is filled in.
const FILLED: f64 = 0.5;
/// Fewer records show nothing.
const FEW: usize = 50;

/// The columns in an order in which a person's own come first; nothing where they do already.
pub fn first(table: &Table) -> Option<Vec<usize>> {
    let kinds = table.kinds();
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    for kind in [Kind::CitizenId, Kind::NameZh] {
        let places: Vec<usize> = (0..kinds.len()).filter(|at| kinds[*at] == kind).collect();
        let (Some(first), true) = (places.first(), places.len() > 1) else { continue };
        let seen: Vec<(usize, Shared)> = places.iter().map(|at| (*at, Shared::of(table, *at))).collect();
        let (_, now) = seen.first()?;
        let could = |other: &Shared| {
            other.records >= FEW
                && other.filled as f64 >= FILLED * now.filled as f64
                && other.share() * TIMES < now.share()
        };
        let best = seen.iter().skip(1).filter(|(_, other)| could(other));
        let best = best.min_by(|one, other| one.1.share().total_cmp(&other.1.share()));
        if let Some((best, _)) = best.filter(|_| now.records >= FEW && now.share() >= LEAST) {
            order.swap(*first, *best);
        }
    }
    (!order.is_sorted()).then_some(order)
}

/// Those who share a value of a column.
struct Shared {
    /// Records with a value.
    filled: usize,
    /// Records that share it with another of their home.
    records: usize,
    /// Those of them that are not of the birth date most of them have.
    otherwise: usize,
}

impl Shared {
    fn of(table: &Table, column: usize) -> Self {
        let kinds = table.kinds();
        let born = kinds.iter().position(|kind| *kind == Kind::BirthDate);
        let homes: Vec<usize> =
            (0..kinds.len()).filter(|at| matches!(kinds[*at], Kind::AddressZh | Kind::Phone)).collect();
        let mut groups: FnvHashMap<(u32, usize, u32), BTreeMap<u32, usize>> = FnvHashMap::default();
        let mut filled = 0;
        for record in 0..table.len() as u32 {
            let (cells, row) = (table.cell_numbers(record), table.row(record));
            if row[column].is_none() {
                continue;
            }
            filled += 1;
            let Some(Value::BirthDate(birth)) = born.and_then(|at| row[at]) else { continue };
            for home in homes.iter().filter(|home| row[**home].is_some()) {
                *groups.entry((cells[column], *home, cells[*home])).or_default().entry(birth.digits()).or_default() +=
                    1;
            }
        }
        let (mut records, mut otherwise) = (0, 0);
        for days in groups.values() {
            let all: usize = days.values().sum();
            if all > 1 {
                records += all;
                otherwise += all - days.values().max().copied().unwrap_or(0);
            }
        }
        Self { filled, records, otherwise }
    }

    fn share(&self) -> f64 {
        self.otherwise as f64 / self.records.max(1) as f64
    }
}
