//! The few ways of blocking that are kept find what many would, and cost little.

use std::num::NonZeroUsize;

use crate::linkage::block::{Blocking, Facet, Way, pair};
use crate::linkage::evidence::Kind;
use crate::linkage::few::{self, Few};
use crate::linkage::prepare;
use crate::linkage::table::Table;

const KINDS: [Kind; 4] = [Kind::Code; 4];

/// A hundred things, each twice: a code of its own in two columns, the second missing for the last twenty, one that ten
/// things share, and one that all share.
fn table() -> Table {
    let mut table = Table::new(&KINDS);
    for record in 0..200_u32 {
        let thing = record / 2;
        let second = if thing < 80 { format!("S{thing:05}") } else { String::new() };
        let cells = [format!("F{thing:05}"), second, format!("T{:05}", thing / 10), "EVERY1".to_owned()];
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        table.push(0, prepare::record(&KINDS, &cells));
    }
    table
}

fn chosen(without: usize, keys: f64, scale: f64) -> Vec<u8> {
    let ways = (0..4).map(|column| Way { first: Facet { column, facet: 0 }, second: None }).collect();
    let pairs: Vec<u64> = (0..100).map(|thing| pair(2 * thing, 2 * thing + 1)).collect();
    let few = Few { keys, without, largest: 120, scale };
    let blocking = Blocking { ways, aside: Vec::new() };
    let ways = few::ways(&table(), &blocking, &pairs, few, NonZeroUsize::MIN);
    ways.into_iter().map(|way| way.first.column).collect()
}

#[test]
fn one_way_that_finds_all_is_enough() {
    assert_eq!(chosen(3, 4.0, 1.0), [0]);
}

#[test]
fn what_may_be_missing_is_found_another_way() {
    assert_eq!(chosen(0, 4.0, 1.0), [1, 2]);
}

#[test]
fn a_block_that_is_too_large_in_the_whole_finds_nothing() {
    assert_eq!(chosen(0, 4.0, 10.0), [1], "two hundred records of ten things, and two thousand of all");
}

#[test]
fn no_more_keys_are_kept_than_wanted() {
    assert_eq!(chosen(0, 1.5, 1.0), [1]);
}
