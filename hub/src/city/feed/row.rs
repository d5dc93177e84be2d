//! A row before it has a format: cells in the order of the columns, in one buffer that is used again for the next row.

use std::fmt::{Display, Write};

/// Cells in one buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::city) struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    /// Forgets all cells and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self
    }

    /// Adds a cell with a value as it displays itself.
    pub fn show(&mut self, value: impl Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self.ends.push(self.text.len());
        self
    }

    /// A cell; empty where there is none.
    pub fn get(&self, at: usize) -> &str {
        match self.ends.get(at) {
            Some(&end) => &self.text[self.start(at)..end],
            None => "",
        }
    }

    /// Replaces a cell; nothing where there is none.
    pub fn set(&mut self, at: usize, text: &str) {
        let Some(&end) = self.ends.get(at) else { return };
        let start = self.start(at);
        self.text.replace_range(start..end, text);
        for later in &mut self.ends[at..] {
            *later = *later + text.len() - (end - start);
        }
    }

    /// Drops the cells from the given one on.
    pub fn truncate(&mut self, cells: usize) {
        if cells < self.ends.len() {
            self.text.truncate(self.start(cells));
            self.ends.truncate(cells);
        }
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(at))
    }

    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.ends[at - 1] }
    }
}

/// A row and its repeated group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::city) struct Row {
    /// The scalars.
    pub cells: Cells,
    /// Items of the repeated group.
    pub groups: Vec<Cells>,
}

impl Row {
    /// Forgets the row.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.groups.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_can_be_replaced_by_longer_and_shorter_ones() {
        let mut cells = Cells::default();
        cells.push("甲").push("乙").show(3);
        cells.set(1, "longer");
        cells.set(0, "");
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["", "longer", "3"]);
        cells.truncate(2);
        assert_eq!((cells.get(1), cells.get(2)), ("longer", ""));
    }
}
