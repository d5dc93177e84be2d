//! Whose number a record without a birth date of its own carries, as all records together tell.
//!
//! Owns that judgement: a valid number belongs to whom it stands with on a record whose written birth date agrees; a
//! record of another name and no birth date has it from a parent or a neighbour. Never looks at one record alone (`joint`).

use super::citizen::{Class, Document};
use super::joint::Places;
use super::name::{Name, rung as name};
use crate::linkage::evidence::{Evidence, Kind, Value, combine};
use crate::linkage::table::Table;

/// Numbers with the names that have borrowed them, each pair as one hash, sorted.
pub fn borrowed(table: &Table) -> Vec<u64> {
    let places = Places::of(table.kinds());
    let (Some(number), Some(called), Some(_)) = (places.number, places.name, places.birth) else { return Vec::new() };
    let mut holders: Vec<(u64, u32)> = (0..table.len() as u32)
        .filter_map(|record| Some((own(table.value(record, number))?.token(), record)))
        .collect();
    holders.sort_unstable();
    let name = |record: u32| match table.value(record, called) {
        Some(Value::NameZh(name)) => Some(name),
        _ => None,
    };
    let mut borrowed = Vec::new();
    for holders in holders.chunk_by(|a, b| a.0 == b.0).filter(|holders| holders.len() > 1) {
        let (owners, others): (Vec<u32>, Vec<u32>) =
            holders.iter().map(|(_, record)| *record).partition(|record| places.is_born(&table.row(*record)));
        let owners: Vec<&Name> = owners.into_iter().filter_map(name).filter(|name| name.is_whole()).collect();
        let others = others.into_iter().filter_map(name).filter(|name| name.is_whole() || name.is_unnamed());
        borrowed.extend(
            others
                .filter(|other| !owners.is_empty() && owners.iter().all(|owner| owner.compare(other) >= name::SURNAME))
                .map(|other| lent(holders[0].0, other)),
        );
    }
    borrowed.sort_unstable();
    borrowed.dedup();
    borrowed
}

/// Forgets the number of a record that far too many share, and what was read out of it.
pub fn forget(kinds: &[Kind], record: &mut [Option<Value>], shared: &[u64]) {
    let places = Places::of(kinds);
    let Some(Value::CitizenId(document)) = places.number.and_then(|place| record[place].as_ref()) else { return };
    if shared.binary_search(&document.token()).is_err() {
        return;
    }
    let sex = document.sex().map(Value::Sex);
    let is_implied = matches!(places.birth.and_then(|place| record[place].as_ref()),
        Some(Value::BirthDate(birth)) if !birth.is_written());
    let implied = [places.birth, places.sex.filter(|place| record[*place] == sex)];
    for place in implied.into_iter().filter(|_| is_implied).chain([places.number]).flatten() {
        record[place] = None;
    }
}

/// Does for all records what [`forget`] does for one.
pub fn forget_shared(table: &mut Table, shared: &[u64]) {
    let Some(number) = Places::of(table.kinds()).number.filter(|_| !shared.is_empty()) else { return };
    let kinds = table.kinds().to_vec();
    for record in 0..table.len() as u32 {
        let common = table.value(record, number).and_then(Value::common);
        if common.is_some_and(|common| shared.binary_search(&common).is_ok()) {
            rewrite(table, record, |values| forget(&kinds, values, shared));
        }
    }
}

/// Marks the numbers that are somebody else's, and forgets what was read out of them.
pub fn apply(table: &mut Table, borrowed: &[u64]) {
    if borrowed.is_empty() {
        return;
    }
    let places = Places::of(table.kinds());
    for record in 0..table.len() as u32 {
        if !places.is_lent(&table.row(record), borrowed) {
            continue;
        }
        rewrite(table, record, |values| places.disown(values));
    }
}

/// Does for one record what [`apply`] does for all.
pub fn mark(kinds: &[Kind], record: &mut [Option<Value>], borrowed: &[u64]) {
    let places = Places::of(kinds);
    if !borrowed.is_empty() && places.is_lent(&record.iter().map(Option::as_ref).collect::<Vec<_>>(), borrowed) {
        places.disown(record);
    }
}

/// Changes the values of one record.
fn rewrite(table: &mut Table, record: u32, change: impl FnOnce(&mut [Option<Value>])) {
    let mut values: Vec<Option<Value>> = table.row(record).iter().map(|value| value.cloned()).collect();
    change(&mut values);
    for (column, value) in values.into_iter().enumerate() {
        table.replace(record, column, value);
    }
}

/// A valid number that is not known to be somebody else's.
pub(super) fn own(value: Option<&Value>) -> Option<&Document> {
    match value {
        Some(Value::CitizenId(document)) if document.class() == Class::Valid && !document.is_borrowed() => {
            Some(document)
        }
        _ => None,
    }
}

fn lent(number: u64, name: &Name) -> u64 {
    combine(number, name.whole())
}

impl Places {
    /// Whether a cell of the record tells a birth date.
    fn is_born(&self, row: &[Option<&Value>]) -> bool {
        matches!(self.birth.and_then(|place| row[place]), Some(Value::BirthDate(birth)) if birth.is_written())
    }

    fn is_lent(&self, row: &[Option<&Value>], borrowed: &[u64]) -> bool {
        let (Some(number), Some(name)) = (self.number, self.name) else { return false };
        match (own(row[number]), row[name]) {
            (Some(document), Some(Value::NameZh(name))) => {
                !self.is_born(row) && borrowed.binary_search(&lent(document.token(), name)).is_ok()
            }
            _ => false,
        }
    }

    /// The number is somebody else's, and so are the birth date and, it may be, the sex.
    fn disown(&self, record: &mut [Option<Value>]) {
        let Some(Value::CitizenId(document)) = self.number.and_then(|place| record[place].as_mut()) else { return };
        document.mark_borrowed();
        let sex = document.sex().map(Value::Sex);
        for place in [self.birth, self.sex.filter(|place| record[*place] == sex)].into_iter().flatten() {
            record[place] = None;
        }
    }
}
