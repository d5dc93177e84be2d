//! Whose number it is, by all records together.

use crate::linkage::evidence::{Kind, Value};
use crate::linkage::table::Table;
use crate::linkage::zh::owner;
use crate::linkage::{count, prepare};

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

#[test]
fn a_number_that_far_too_many_share_is_nobodys_and_tells_no_birth_date() {
    let mut records: Vec<[String; 4]> = (0..40)
        .map(|at| ["11010519491231002X".into(), format!("王{}", NAMES[at % NAMES.len()]), born(at), "女".into()])
        .collect();
    records.push(["11010519491231002X".into(), "赵敏".into(), String::new(), String::new()]);
    let mut table = Table::new(&KINDS);
    for cells in &records {
        table.push(0, prepare::record(&KINDS, &cells.each_ref().map(String::as_str)));
    }
    let shared = count::shared_by_many(&table, 0);
    assert_eq!(shared.len(), 1, "whether the number is of the birth date beside it or not");
    owner::forget_shared(&mut table, &shared);
    table.forget(0, &shared);
    let last = table.row(40);
    assert!((0..41).all(|record| table.row(record)[0].is_none()));
    assert!(last[1].is_some() && last[2].is_none() && last[3].is_none(), "{last:?}");
    assert!(table.row(0)[2].is_some() && table.row(0)[3].is_some());
}

const NAMES: [&str; 7] = ["芳", "丽", "伟", "强", "磊", "静", "婷"];

/// Some are born in the year of the number.
fn born(at: usize) -> String {
    if at < 4 { format!("1949-0{}-11", at + 1) } else { format!("19{}-05-0{}", 50 + at, at % 9 + 1) }
}
