//! Whose number it is, by all records together.

use crate::linkage::evidence::{Kind, Value};
use crate::linkage::prepare;
use crate::linkage::table::Table;
use crate::linkage::zh::owner;

const KINDS: [Kind; 4] = [Kind::CitizenId, Kind::NameZh, Kind::BirthDate, Kind::Sex];
const MOTHER: [&str; 4] = ["11010519491231002X", "李梅", "1949-12-31", "女"];

/// Whether the number on the last of these records turns out to be somebody else's.
fn is_borrowed(records: &[[&str; 4]]) -> bool {
    let mut table = Table::new(&KINDS);
    for cells in records {
        table.push(0, prepare::record(&KINDS, cells));
    }
    let borrowed = owner::borrowed(&table);
    owner::apply(&mut table, &borrowed);
    let last = table.row(records.len() as u32 - 1);
    // One record at a time gives what all at once give.
    let mut alone = prepare::record(&KINDS, &records[records.len() - 1]);
    owner::mark(&KINDS, &mut alone, &borrowed);
    assert_eq!(alone.iter().map(Option::as_ref).collect::<Vec<_>>(), last.to_vec());
    let marked = matches!(last[0], Some(Value::CitizenId(document)) if document.is_borrowed());
    assert!(!marked || last[2].is_none() || !records[records.len() - 1][2].is_empty());
    marked
}

#[test]
fn a_child_without_a_birth_date_has_its_mothers_number() {
    assert!(is_borrowed(&[MOTHER, ["11010519491231002X", "王小宝", "", "女"]]));
    assert!(is_borrowed(&[MOTHER, ["11010519491231002X", "李梅之女", "", ""]]));
}

#[test]
fn a_record_of_its_owner_keeps_the_number() {
    assert!(!is_borrowed(&[MOTHER, ["11010519491231002X", "李梅", "", ""]]));
    assert!(!is_borrowed(&[MOTHER, ["11010519491231002X", "李*", "", ""]]));
    assert!(!is_borrowed(&[MOTHER, ["11010519491231002X", "李玫", "", "女"]]));
    // Nobody is known to own it.
    assert!(!is_borrowed(&[["11010519491231002X", "李梅", "", ""], ["11010519491231002X", "王小宝", "", ""]]));
}

#[test]
fn a_boy_without_a_birth_date_does_not_own_a_womans_number() {
    assert!(is_borrowed(&[["11010519491231002X", "王小宝", "", "男"]]));
    assert!(!is_borrowed(&[["11010519491231002X", "李梅", "1949-12-31", "男"]]));
}
