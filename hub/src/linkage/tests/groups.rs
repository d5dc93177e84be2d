//! What must hold for groups, whatever the links.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::linkage::block::pair;
use crate::linkage::cluster::{Between, Link, cluster};

const RECORDS: u32 = 14;

proptest! {
    #[test]
    fn what_is_barred_is_never_together_and_no_file_is_crowded(
        links in prop::collection::btree_map((0..RECORDS, 0..RECORDS), -3.0..12.0_f64, 0..60),
        barred in prop::collection::btree_set((0..RECORDS, 0..RECORDS), 0..20),
        single in any::<[bool; 2]>(),
    ) {
        let odds: BTreeMap<u64, f64> =
            links.into_iter().filter(|((a, b), _)| a != b).map(|((a, b), odds)| (pair(a, b), odds)).collect();
        let barred: BTreeSet<u64> = barred.into_iter().filter(|(a, b)| a != b).map(|(a, b)| pair(a, b)).collect();
        let links: Vec<Link> = odds.iter().map(|(pair, odds)| Link { pair: *pair, odds: *odds }).collect();
        let file_of = |record: u32| (record % 2) as u8;
        let between = |a: u32, b: u32| match odds.get(&pair(a, b)) {
            _ if barred.contains(&pair(a, b)) => Between::Barred,
            odds => Between::Odds(odds.copied().unwrap_or(-8.0)),
        };
        let groups = cluster(RECORDS as usize, file_of, &links, single, between);
        let mut seen = 0;
        for members in groups.all() {
            seen += members.len();
            for (at, a) in members.iter().enumerate() {
                for b in &members[at + 1..] {
                    prop_assert!(!barred.contains(&pair(*a, *b)), "{a} and {b}");
                    prop_assert!(file_of(*a) != file_of(*b) || !single[usize::from(file_of(*a))]);
                }
            }
        }
        prop_assert_eq!(seen, RECORDS as usize);
    }
}
