//! From the cells of a record to its values: each by its kind, then together.
//!
//! Owns that order. Never keeps a record.

use std::borrow::Cow;

use quick_xml::escape::unescape;
use smallvec::SmallVec;

use super::evidence::{Kind, Value};
use super::zh;

/// Reads the cells of one record, one per column.
pub fn record(kinds: &[Kind], cells: &[&str]) -> Vec<Option<Value>> {
    let cells: SmallVec<[Cow<'_, str>; 16]> = cells.iter().map(|cell| plain(cell)).collect();
    let cells: SmallVec<[&str; 16]> = cells.iter().map(|cell| zh::label::without(cell)).collect();
    let mut values: Vec<Option<Value>> = kinds.iter().zip(&cells).map(|(kind, cell)| kind.prepare(cell)).collect();
    values.resize(kinds.len(), None);
    zh::joint::settle(kinds, &cells, &mut values);
    values
}

/// The cell with the characters that stand as numbers in it, as web forms write what their encoding lacks: `张&#25935;`.
fn plain(cell: &str) -> Cow<'_, str> {
    if cell.contains("&#") { unescape(cell).unwrap_or(Cow::Borrowed(cell)) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_stand_as_numbers_are_read() {
        let name = |cell: &str| record(&[Kind::NameZh], &[cell]);
        assert_eq!(name("张&#25935;"), name("张敏"));
        assert_eq!(name("&#x738B;梅"), name("王梅"));
        assert_eq!(plain("&#; & &#x110000;"), "&#; & &#x110000;");
    }
}
