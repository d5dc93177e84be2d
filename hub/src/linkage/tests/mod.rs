//! The engine as a whole: any order, one at a time or all at once, the same things come out.

mod few;
mod groups;
mod rarity;
mod residents;
mod sample;
mod things;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::batch::{self, Decision, Linked};
use super::config::LinkConfig;
use super::decide::Budget;
use super::file::{self, Records};
use super::index::Index;
use super::output;
use super::prepare;
use super::train::Training;
use super::why::why;
use sample::{Line, lines, shuffled};

const TOML: &str = r#"id = "id"
[columns]
given = "name_latin"
surname = "name_latin"
born = "birth_date"
street = "address_latin"
code = "code"
"#;

fn config() -> LinkConfig {
    LinkConfig::parse(TOML).unwrap()
}

fn linked(lines: &[Line], threads: usize) -> (Records, Linked) {
    linked_files(&[lines], threads)
}

fn linked_files(files: &[&[Line]], threads: usize) -> (Records, Linked) {
    let folder = tempfile::tempdir().unwrap();
    let path = |at: usize| folder.path().join(format!("{at}.csv"));
    files.iter().enumerate().for_each(|(at, lines)| std::fs::write(path(at), sample::csv(lines)).unwrap());
    let paths: Vec<_> = (0..files.len()).map(path).collect();
    let threads = NonZeroUsize::new(threads).unwrap();
    let mut records = file::read(&config(), &paths, threads, &|_| {}).unwrap();
    let linked = batch::link(&mut records.table, &config().names(), Training::quiet(1, threads), &Budget::default());
    (records, linked)
}

#[test]
fn a_pair_is_explained_as_it_was_decided() {
    let lines = lines(400, 5);
    let (records, linked) = linked(&lines, 1);
    let joined = linked.groups.all().find(|members| members.len() > 1).unwrap();
    let id = |record: u32| &*records.ids[record as usize];
    let one = why(&records, &linked, (id(joined[0]), id(joined[1]))).unwrap();
    assert!(one.is_joined && one.columns.iter().map(|said| said.bits).sum::<f64>() > 0.0, "{one:?}");
    let stranger = (0..records.ids.len() as u32).find(|record| !joined.contains(record)).unwrap();
    let other = why(&records, &linked, (id(joined[0]), id(stranger))).unwrap();
    assert!(!other.is_joined && other.probability < one.probability, "{other:?}");
    assert_eq!(why(&records, &linked, (id(joined[0]), "nobody")), None);
}

/// Groups of more than one record, by id.
fn things<'a>(groups: impl Iterator<Item = &'a [u32]>, id: impl Fn(u32) -> String) -> BTreeSet<Vec<String>> {
    let named = |members: &[u32]| {
        let mut ids: Vec<String> = members.iter().map(|record| id(*record)).collect();
        ids.sort();
        ids
    };
    groups.filter(|members| members.len() > 1).map(named).collect()
}

fn bytes(records: &Records, linked: &Linked) -> (Vec<u8>, Vec<u8>) {
    let (mut pairs, mut clusters) = (Vec::new(), Vec::new());
    output::pairs(&mut pairs, records, linked).unwrap();
    output::clusters(&mut clusters, records, linked).unwrap();
    (pairs, clusters)
}

#[test]
fn twenty_orders_of_the_lines_and_any_number_of_threads_give_the_same_bytes() {
    let lines = lines(260, 3);
    let (records, first) = linked(&lines, 1);
    let expected = bytes(&records, &first);
    assert!(first.decided.iter().filter(|decided| decided.decision == Decision::Auto).count() > 80);
    for seed in 0..20 {
        let (records, again) = linked(&shuffled(&lines, seed), 1 + seed as usize % 3);
        assert_eq!(bytes(&records, &again), expected, "order {seed}");
        assert!(again.model == first.model);
    }
}

#[test]
fn most_duplicates_are_joined_and_no_strangers() {
    let (records, linked) = linked(&lines(400, 5), 2);
    let person = |record: u32| records.ids[record as usize].split('-').next().unwrap().to_owned();
    let auto = linked.decided.iter().filter(|decided| decided.decision == Decision::Auto);
    let (right, wrong) = auto.fold((0, 0), |(right, wrong), decided| {
        let (a, b) = super::block::parts(decided.pair);
        if person(a) == person(b) { (right + 1, wrong) } else { (right, wrong + 1) }
    });
    assert!(wrong <= 1 && right >= 170, "{right} right, {wrong} wrong");
}

#[test]
fn one_record_at_a_time_gives_what_a_frozen_batch_gives() {
    let lines = lines(300, 8);
    let (_, trained) = linked(&lines, 2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, sample::csv(&lines)).unwrap();
    let mut records = file::read(&config(), &[path], NonZeroUsize::MIN, &|_| {}).unwrap();
    let frozen = batch::link_frozen(&mut records.table, trained.model.clone(), NonZeroUsize::MIN, &Budget::default());
    let expected = things(frozen.groups.all(), |record| records.ids[record as usize].to_string());
    for seed in 0..5 {
        let mut index = Index::new(trained.model.clone());
        let mut gone = Vec::new();
        for line in shuffled(&lines, seed) {
            let cells = [&line.born, &line.code, &line.given, &line.street, &line.surname].map(String::as_str);
            let values = prepare::record(&config().kinds(), &cells);
            // What comes and goes leaves no trace.
            gone.push(index.insert("gone", &values).0);
            index.insert(&line.id, &values);
        }
        gone.into_iter().for_each(|record| index.remove(record));
        let numbers = (0..index.len() as u32).filter(|record| index.id(*record) != "gone");
        let groups: Vec<Vec<u32>> = numbers.map(|record| index.group(record)).collect();
        let found = things(groups.iter().map(Vec::as_slice), |record| index.id(record).to_owned());
        assert_eq!(found, expected, "order {seed}");
    }
}

#[test]
fn a_model_survives_being_written_down() {
    let (_, linked) = linked(&lines(120, 2), 1);
    let text = serde_json::to_string(&linked.model).unwrap();
    assert!(serde_json::from_str::<super::model::Model>(&text).unwrap() == linked.model);
}

#[test]
fn a_register_without_duplicates_stays_as_it_is() {
    let only: Vec<Line> = lines(400, 11).into_iter().filter(|line| line.id.ends_with("-0")).collect();
    let (_, linked) = linked(&only, 2);
    assert!(linked.decided.iter().filter(|decided| decided.decision == Decision::Auto).count() <= 1);
}

#[test]
fn a_register_with_two_persons_in_a_hundred_twice_does_not_hold_each_once() {
    let (mut first, second): (Vec<Line>, Vec<Line>) =
        lines(1_000, 21).into_iter().partition(|line| line.id.ends_with("-0"));
    let again = |line: &Line| Line { id: format!("{}-again", line.id), ..line.clone() };
    assert_eq!(linked_files(&[&first, &second], 2).1.model.single, [true, true]);
    let twice: Vec<Line> = first.iter().step_by(50).map(again).collect();
    first.extend(twice);
    assert_eq!(linked_files(&[&first, &second], 2).1.model.single, [false, true]);
}

#[test]
fn nothing_and_one_record_are_no_trouble() {
    let apart: Vec<Line> = lines(3, 1).into_iter().filter(|line| line.id.ends_with("-0")).collect();
    for count in [0, 1, 2] {
        let (records, linked) = linked(&apart[..count], 2);
        assert!(linked.decided.is_empty());
        assert_eq!(String::from_utf8(bytes(&records, &linked).1).unwrap().lines().count(), count + 1);
    }
}
