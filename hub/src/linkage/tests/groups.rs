//! What must hold for groups, whatever the links.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use smallvec::smallvec;

use crate::linkage::block::pair;
use crate::linkage::cluster::{Agreed, Between, Born, Called, Found, Link, cluster};
use crate::linkage::speak::{Profile, Voices};

const RECORDS: u32 = 14;

/// Odds of two of whom nobody knows when they were born.
fn voiced(odds: f64, called: Called, found: Found) -> Between {
    Between::Odds(odds, Agreed { called, found, born: Born::Unknown, is_numbered: false })
}

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
            odds => voiced(odds.copied().unwrap_or(-8.0), Called::Otherwise, Found::Together),
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

/// The groups of three or four records, by what the pairs named say of each other.
fn grouped(records: usize, said: &[(u32, u32, Between)]) -> Vec<Vec<u32>> {
    let said: BTreeMap<u64, Between> = said.iter().map(|(a, b, between)| (pair(*a, *b), *between)).collect();
    let odds = |(pair, between): (&u64, &Between)| match between {
        Between::Odds(odds, ..) => Some(Link { pair: *pair, odds: *odds }),
        _ => None,
    };
    let links: Vec<Link> = said.iter().filter_map(odds).filter(|link| link.odds > 0.0).collect();
    let between = |a: u32, b: u32| said[&pair(a, b)];
    cluster(records, |_| 0, &links, [false; 2], between).all().map(<[u32]>::to_vec).collect()
}

#[test]
fn a_third_record_of_the_same_name_settles_what_is_doubted_between_two() {
    let doubted = |called, odds| {
        grouped(
            3,
            &[
                (0, 1, voiced(9.0, Called::One, Found::Together)),
                (1, 2, voiced(odds, called, Found::Together)),
                (0, 2, Between::Doubted(2.0, Born::Unknown)),
            ],
        )
    };
    assert_eq!(doubted(Called::Alike, 8.0), [vec![0, 1, 2]]);
    assert_eq!(doubted(Called::Otherwise, 8.0), [vec![0, 1], vec![2]]);
    assert_eq!(doubted(Called::Alike, 2.0), [vec![0, 1], vec![2]]);
}

#[test]
fn what_is_doubted_is_not_joined_alone_and_what_is_barred_by_nobody() {
    assert_eq!(grouped(2, &[(0, 1, Between::Doubted(9.0, Born::Unknown))]), [vec![0], vec![1]]);
    let barred = grouped(
        3,
        &[
            (0, 1, voiced(9.0, Called::One, Found::Together)),
            (1, 2, voiced(8.0, Called::One, Found::Together)),
            (0, 2, Between::Barred),
        ],
    );
    assert_eq!(barred, [vec![0, 1], vec![2]]);
}

#[test]
fn two_names_that_were_each_written_twice_are_two_people() {
    let names = |called| {
        let across = voiced(7.0, Called::Alike, Found::Together);
        grouped(
            4,
            &[
                (0, 1, voiced(9.0, Called::One, Found::Together)),
                (2, 3, voiced(9.0, called, Found::Together)),
                (0, 2, across),
                (0, 3, across),
                (1, 2, across),
                (1, 3, across),
            ],
        )
    };
    assert_eq!(names(Called::One), [vec![0, 1], vec![2, 3]]);
    assert_eq!(names(Called::Alike), [vec![0, 1, 2, 3]]);
}

#[test]
fn two_homes_that_were_each_told_twice_are_of_two_people() {
    let homes = |found| {
        let across = voiced(7.0, Called::One, found);
        let home = voiced(9.0, Called::One, Found::Together);
        let pairs = [(0, 1, home), (2, 3, home), (0, 2, across), (0, 3, across), (1, 2, across), (1, 3, across)];
        grouped(4, &pairs)
    };
    assert_eq!(homes(Found::Apart), [vec![0, 1], vec![2, 3]]);
    assert_eq!(homes(Found::Somewhere), [vec![0, 1, 2, 3]]);
}

#[test]
fn two_spellings_or_birth_dates_that_were_each_written_twice_are_of_two_people() {
    let groups = |across: Agreed| {
        let within = Agreed { called: Called::Same, found: Found::Together, born: Born::Same, is_numbered: false };
        let (within, across) = (Between::Odds(9.0, within), Between::Odds(7.0, across));
        let pairs = [(0, 1, within), (2, 3, within), (0, 2, across), (0, 3, across), (1, 2, across), (1, 3, across)];
        let three: Vec<_> = pairs.iter().filter(|(_, b, _)| *b < 3).copied().collect();
        assert_eq!(grouped(3, &three), [vec![0, 1, 2]], "a slip is written once");
        grouped(4, &pairs).len()
    };
    let together = Agreed { called: Called::Same, found: Found::Together, born: Born::Same, is_numbered: false };
    assert_eq!(groups(together), 1);
    assert_eq!(groups(Agreed { called: Called::One, ..together }), 2);
    assert_eq!(groups(Agreed { born: Born::Otherwise, ..together }), 2);
    assert_eq!(groups(Agreed { born: Born::Alike, ..together }), 1);
    assert_eq!(groups(Agreed { born: Born::Unknown, ..together }), 1);
}

#[test]
fn one_number_joins_what_was_written_twice_under_two_names() {
    let named = voiced(9.0, Called::One, Found::Together);
    let across = |called| {
        let across = voiced(2.0, called, Found::Together);
        let doubted = Between::Doubted(1.0, Born::Unknown);
        let pairs = [(0, 1, named), (2, 3, named), (0, 2, across), (0, 3, across), (1, 2, doubted), (1, 3, across)];
        grouped(4, &pairs)
    };
    assert_eq!(across(Called::Numbered), [vec![0, 1, 2, 3]]);
    assert_eq!(across(Called::Alike), [vec![0, 1], vec![2, 3]]);
}

#[test]
fn whoever_has_one_number_with_one_of_a_group_is_doubted_by_none_of_it() {
    let named = voiced(9.0, Called::One, Found::Together);
    let groups = |is_numbered| {
        let agreed = Agreed { called: Called::Numbered, found: Found::Together, born: Born::Same, is_numbered };
        let doubted = Between::Doubted(-1.0, Born::Same);
        let across = Between::Odds(8.0, agreed);
        // The third of the group is known to the first by another slip only.
        let pairs = [(0, 1, named), (1, 2, named), (0, 2, Between::Doubted(2.0, Born::Same)), (0, 3, across)];
        grouped(4, &[&pairs[..], &[(1, 3, doubted), (2, 3, doubted)]].concat())
    };
    assert_eq!(groups(true), [vec![0, 1, 2, 3]]);
    assert_eq!(groups(false), [vec![0, 1, 2], vec![3]]);
}

/// Records numbered through some things, each as large as said, and the links within each from record to record.
fn large(sizes: &[u32]) -> (Vec<u32>, Vec<Link>) {
    let thing: Vec<u32> =
        (0_u32..).zip(sizes).flat_map(|(thing, size)| std::iter::repeat_n(thing, *size as usize)).collect();
    let next = (1..thing.len() as u32).filter(|b| thing[*b as usize] == thing[*b as usize - 1]);
    let links = next.map(|b| Link { pair: pair(b - 1, b), odds: 9.0 }).collect();
    (thing, links)
}

/// Records of a few profiles, and how often they are asked.
struct Few<'a> {
    between: &'a dyn Fn(u32, u32) -> Between,
    profile: &'a dyn Fn(u32) -> u32,
    asked: &'a Cell<usize>,
}

impl Voices for Few<'_> {
    fn between(&self, a: u32, b: u32) -> Between {
        self.asked.set(self.asked.get() + 1);
        (self.between)(a, b)
    }

    fn profile(&self, record: u32) -> Profile {
        smallvec![(self.profile)(record)]
    }
}

#[test]
fn a_group_ten_times_as_large_costs_no_more_for_each_member() {
    let asked = |size: u32| {
        let (thing, mut links) = large(&[size, size]);
        // Each record of one thing is linked with one of the other, too.
        links.extend((0..size).map(|record| Link { pair: pair(record, record + size), odds: 3.0 }));
        let between = |a: u32, b: u32| {
            let odds = if thing[a as usize] == thing[b as usize] { 6.0 } else { -6.0 };
            voiced(odds, Called::Otherwise, Found::Somewhere)
        };
        let asked = Cell::new(0);
        let voices = Few { between: &between, profile: &|_| 0, asked: &asked };
        let groups = cluster(thing.len(), |_| 0, &links, [false; 2], voices);
        let sizes: Vec<usize> = groups.all().map(<[u32]>::len).collect();
        assert_eq!(sizes, [size as usize; 2]);
        asked.get() as f64 / f64::from(size)
    };
    let (few, many) = (asked(1_000), asked(10_000));
    assert!(many < 1.5 * few, "{few} and {many} questions a record");
}

#[test]
fn what_one_of_hundreds_bars_is_barred() {
    let (thing, mut links) = large(&[700, 500]);
    links.push(Link { pair: pair(0, 700), odds: 5.0 });
    for one in [0, 1, 333, 699] {
        for other in [700, 1_001, 1_199] {
            let between = |a: u32, b: u32| match (a.min(b), a.max(b)) == (one, other) {
                true => Between::Barred,
                false => voiced(6.0, Called::One, Found::Together),
            };
            let asked = Cell::new(0);
            let told = |record: u32| if record == one || record == other { record } else { 5_000 };
            let few = Few { between: &between, profile: &told, asked: &asked };
            assert_eq!(cluster(thing.len(), |_| 0, &links, [false; 2], few).all().count(), 2, "{one} and {other}");
            assert!(asked.get() < 300_000, "{} questions", asked.get());
            assert_eq!(cluster(thing.len(), |_| 0, &links, [false; 2], between).all().count(), 2, "{one} and {other}");
        }
    }
}

#[test]
fn two_names_that_hundreds_have_each_are_two_people() {
    let (thing, mut links) = large(&[300, 200]);
    links.push(Link { pair: pair(0, 300), odds: 5.0 });
    let groups = |called| {
        let between = |a: u32, b: u32| match thing[a as usize] == thing[b as usize] {
            true => voiced(6.0, Called::One, Found::Together),
            false => voiced(6.0, called, Found::Together),
        };
        let voices = Few { between: &between, profile: &|record| thing[record as usize], asked: &Cell::new(0) };
        cluster(thing.len(), |_| 0, &links, [false; 2], voices).all().count()
    };
    assert_eq!(groups(Called::Alike), 2);
    assert_eq!(groups(Called::One), 1);
}

#[test]
fn the_order_of_the_links_does_not_matter_to_hundreds() {
    let (thing, mut links) = large(&[400, 300, 200]);
    links.extend((0..200).map(|record| Link { pair: pair(record, record + 500), odds: f64::from(record % 7) }));
    // Whether two things are one is a close question.
    let between = |a: u32, b: u32| match thing[a as usize] == thing[b as usize] {
        true => voiced(6.0, Called::Otherwise, Found::Somewhere),
        false => voiced(
            f64::from((a ^ b).wrapping_mul(2_654_435_769) >> 16) / 65_536.0 * 12.0 - 6.1,
            Called::Otherwise,
            Found::Somewhere,
        ),
    };
    let groups = |links: &[Link]| {
        let asked = Cell::new(0);
        let voices = Few { between: &between, profile: &|_| 0, asked: &asked };
        cluster(thing.len(), |_| 0, links, [false; 2], voices).all().map(<[u32]>::to_vec).collect::<Vec<_>>()
    };
    let expected = groups(&links);
    for turn in 1..6 {
        links.rotate_left(turn * 97);
        links.reverse();
        assert_eq!(groups(&links), expected);
    }
}
