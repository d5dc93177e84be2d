//! The way of one feed: new, changed, confirmed, older, gone.

use integration_tests::world::{Person, insured, insured_persons};
use integration_tests::{Inside, Store};

use super::on_both_stores;

on_both_stores!(a_wrong_file_is_undone_by_the_right_one_again);

fn a_wrong_file_is_undone_by_the_right_one_again(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let right = |date| insured_persons(date, 1, [insured(&zhang, "1001")]);
    hub.deliver(&right("20261101"));
    let before = hub.resident(&zhang.id_no).unwrap();

    hub.deliver(&insured_persons("20261102", 1, [insured(&zhang, "1001").with("AAC003", "张错")]));
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张错");

    let undone = hub.deliver(&right("20261103"));
    assert_eq!(undone.applied, 1);
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], before["name"]);
    assert_eq!(hub.seq(), 3);
}
