//! Records in memory: each distinct value of a column once, a record as the numbers of its values.
//!
//! Owns that layout. Never compares anything.

use fnv::{FnvHashMap, FnvHashSet};
use smallvec::SmallVec;

use super::evidence::{Kind, Value};

/// A record's values, one per column.
pub type Row<'a> = SmallVec<[Option<&'a Value>; 12]>;

/// No value in this column.
const NONE: u32 = u32::MAX;

/// Which of the files a record came from: 0 or 1.
pub type File = u8;

/// Records of one or two files over the same columns.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    kinds: Vec<Kind>,
    cells: Vec<u32>,
    files: Vec<File>,
}

/// The distinct values of one column, in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Column {
    values: Vec<Value>,
    known: FnvHashMap<u64, u32>,
}

impl Table {
    /// No records yet, over columns of these kinds.
    pub fn new(kinds: &[Kind]) -> Self {
        let columns = kinds.iter().map(|_| Column::default()).collect();
        Self { columns, kinds: kinds.to_vec(), cells: Vec::new(), files: Vec::new() }
    }

    /// The kinds of the columns.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds a record and returns its number. Missing columns at the end count as missing values.
    pub fn push(&mut self, file: File, values: impl IntoIterator<Item = Option<Value>>) -> u32 {
        let number = self.files.len();
        let mut values = values.into_iter();
        for column in &mut self.columns {
            self.cells.push(values.next().flatten().map_or(NONE, |value| column.intern(value)));
        }
        self.files.push(file);
        u32::try_from(number).unwrap_or(NONE)
    }

    /// The file of a record.
    pub fn file(&self, record: u32) -> File {
        self.files.get(record as usize).copied().unwrap_or_default()
    }

    /// The values of a record.
    pub fn row(&self, record: u32) -> Row<'_> {
        self.cell_numbers(record).iter().zip(&self.columns).map(|(cell, column)| column.value(*cell)).collect()
    }

    /// One value of a record.
    pub fn value(&self, record: u32, column: usize) -> Option<&Value> {
        let cell = self.cell_numbers(record).get(column)?;
        self.columns.get(column)?.value(*cell)
    }

    /// The numbers of a record's values within their columns, to tell equal cells without comparing.
    pub fn cell_numbers(&self, record: u32) -> &[u32] {
        let width = self.columns.len();
        let from = record as usize * width;
        self.cells.get(from..from + width).unwrap_or_default()
    }

    /// How many records of `files` have each value of a column, and the values: (value, count).
    pub fn counted(&self, column: usize) -> Vec<(&Value, u32)> {
        let width = self.columns.len();
        let Some(values) = self.columns.get(column).map(|column| &column.values) else { return Vec::new() };
        let mut counts = vec![0_u32; values.len()];
        for cell in self.cells.iter().skip(column).step_by(width.max(1)) {
            if let Some(count) = counts.get_mut(*cell as usize) {
                *count += 1;
            }
        }
        values.iter().zip(counts).collect()
    }

    /// Changes the values of a column in place; what a value's first token is must stay.
    pub fn amend(&mut self, column: usize, change: impl FnMut(&mut Value)) {
        if let Some(column) = self.columns.get_mut(column) {
            column.values.iter_mut().for_each(change);
        }
    }

    /// Puts the records into another order: the first is what `order` names first.
    pub fn arrange(&mut self, order: &[u32]) {
        let cells = order.iter().flat_map(|record| self.cell_numbers(*record).iter().copied()).collect();
        let files = order.iter().map(|record| self.file(*record)).collect();
        self.cells = cells;
        self.files = files;
    }

    /// Puts another value in place of one.
    pub fn replace(&mut self, record: u32, column: usize, value: Option<Value>) {
        let at = record as usize * self.columns.len() + column;
        if let (Some(cell), Some(column)) = (self.cells.get_mut(at), self.columns.get_mut(column)) {
            *cell = value.map_or(NONE, |value| column.intern(value));
        }
    }

    /// Forgets the values of a column that many have in common by one of `common`, sorted: they become missing.
    pub fn forget(&mut self, column: usize, common: &[u64]) {
        let Some(values) = self.columns.get(column).map(|column| &column.values).filter(|_| !common.is_empty()) else {
            return;
        };
        let is_gone = |value: &Value| value.common().is_some_and(|one| common.binary_search(&one).is_ok());
        let gone: FnvHashSet<u32> = (0..).zip(values).filter(|(_, value)| is_gone(value)).map(|(at, _)| at).collect();
        if gone.is_empty() {
            return;
        }
        let width = self.columns.len();
        for cell in self.cells.iter_mut().skip(column).step_by(width) {
            if gone.contains(cell) {
                *cell = NONE;
            }
        }
    }
}

impl Column {
    fn value(&self, number: u32) -> Option<&Value> {
        self.values.get(number as usize)
    }

    fn intern(&mut self, value: Value) -> u32 {
        let Some(token) = value.token() else { return NONE };
        *self.known.entry(token).or_insert_with(|| {
            self.values.push(value);
            u32::try_from(self.values.len() - 1).unwrap_or(NONE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once_and_can_be_forgotten() {
        let mut table = Table::new(&[Kind::Code, Kind::NameLatin]);
        let cells = |code: &str, name: &str| [Kind::Code.prepare(code), Kind::NameLatin.prepare(name)];
        table.push(0, cells("a1", "Ann"));
        table.push(1, cells("A-1", ""));
        assert_eq!(table.counted(0).len(), 1);
        assert_eq!(table.counted(0)[0].1, 2);
        assert!(table.row(1)[1].is_none());
        let common = table.row(0)[0].and_then(Value::common).unwrap();
        table.forget(0, &[common]);
        assert!(table.row(0)[0].is_none() && table.row(0)[1].is_some());
    }
}
