//! From the cells of a record to its values: each by its kind, then together.
//!
//! Owns that order. Never keeps a record.

use smallvec::SmallVec;

use super::evidence::{Kind, Value};
use super::zh;

/// Reads the cells of one record, one per column.
pub fn record(kinds: &[Kind], cells: &[&str]) -> Vec<Option<Value>> {
    let cells: SmallVec<[&str; 16]> = cells.iter().map(|cell| zh::label::without(cell)).collect();
    let mut values: Vec<Option<Value>> = kinds.iter().zip(&cells).map(|(kind, cell)| kind.prepare(cell)).collect();
    values.resize(kinds.len(), None);
    zh::joint::settle(kinds, &cells, &mut values);
    values
}
