//! Things that have much in common, as the works of the same authors have, are told apart by what names them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::linkage::batch::{self, Decision};
use crate::linkage::block::{pair, parts};
use crate::linkage::decide::Budget;
use crate::linkage::evidence::Kind;
use crate::linkage::prepare;
use crate::linkage::table::Table;
use crate::linkage::train::Training;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const KINDS: [Kind; 3] = [Kind::Text, Kind::Text, Kind::Number];

fn words(many: usize, dice: &mut StdRng) -> Vec<String> {
    const SYLLABLES: [&str; 16] =
        ["ba", "cor", "del", "fi", "gra", "hum", "jo", "kli", "lem", "mur", "nav", "os", "pre", "quil", "rut", "sy"];
    let mut word = || (0..3).filter_map(|_| SYLLABLES.choose(dice).copied()).collect();
    (0..many).map(|_| word()).collect()
}

fn some(of: &[String], many: usize, dice: &mut StdRng) -> Vec<String> {
    of.choose_multiple(dice, many).cloned().collect()
}

/// The works of 60 groups of authors, four of each, within three years; every second work once more, a word of the title
/// left out and an author too. Each record with the number of its work.
fn works(seed: u64) -> Vec<(usize, [String; 3])> {
    let dice = &mut StdRng::seed_from_u64(seed);
    let (titles, names) = (words(1_200, dice), words(600, dice));
    let mut works = Vec::new();
    for group in 0..60 {
        let (authors, year) = (some(&names, 3, dice), dice.random_range(1980..2020));
        for work in 0..4 {
            let (title, year) = (some(&titles, 6, dice), year + dice.random_range(0..3));
            let written = |title: &[String], authors: &[String]| [title.join(" "), authors.join(" "), year.to_string()];
            works.push((4 * group + work, written(&title, &authors)));
            if work % 2 == 0 {
                works.push((4 * group + work, written(&title[1..], &authors[..2])));
            }
        }
    }
    works
}

#[test]
fn works_of_the_same_authors_are_not_one_work() {
    let works = works(7);
    let mut table = Table::new(&KINDS);
    for (_, cells) in &works {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        table.push(0, prepare::record(&KINDS, &cells));
    }
    let names = ["title", "authors", "year"].map(str::to_owned);
    let linked = batch::link(&mut table, &names, Training::quiet(1, NonZeroUsize::MIN), &Budget::default());
    let is_one = |a: u32, b: u32| works[a as usize].0 == works[b as usize].0;
    let records = works.len() as u32;
    let there: BTreeSet<u64> =
        (0..records).flat_map(|a| (a + 1..records).filter(move |b| is_one(a, *b)).map(move |b| pair(a, b))).collect();
    let joined: Vec<u64> =
        linked.decided.iter().filter(|one| one.decision == Decision::Auto).map(|one| one.pair).collect();
    let wrong = joined.iter().filter(|pair| !is_one(parts(**pair).0, parts(**pair).1)).count();
    assert!(joined.len() * 10 >= there.len() * 9, "{} of {} joined", joined.len(), there.len());
    assert!(wrong * 100 <= joined.len(), "{wrong} of {} wrong", joined.len());
}

/// Names of 200 things in two writings, in the second with a word lost and one that is new; one in ten has a sister in the
/// first file that differs in one word.
fn named(seed: u64) -> Vec<(u8, usize, String)> {
    let dice = &mut StdRng::seed_from_u64(seed);
    let vocabulary = words(500, dice);
    let mut names = Vec::new();
    for thing in 0..200 {
        let name = some(&vocabulary, 5, dice);
        let sister = [&name[..4], &some(&vocabulary, 1, dice)].concat();
        let other = [some(&name, 4, dice), some(&vocabulary, 1, dice)].concat();
        names.push((0, 2 * thing, name.join(" ")));
        names.push((1, 2 * thing, other.join(" ")));
        if thing % 10 == 0 {
            names.push((0, 2 * thing + 1, sister.join(" ")));
        }
    }
    names
}

#[test]
fn one_text_alone_links_two_files_that_hold_each_thing_once() {
    let named = named(3);
    let mut table = Table::new(&[Kind::Text]);
    for (file, _, name) in &named {
        table.push(*file, prepare::record(&[Kind::Text], &[name]));
    }
    let linked =
        batch::link(&mut table, &["name".to_owned()], Training::quiet(1, NonZeroUsize::MIN), &Budget::default());
    let joined: Vec<u64> =
        linked.decided.iter().filter(|one| one.decision == Decision::Auto).map(|one| one.pair).collect();
    let is_one = |pair: &&u64| named[parts(**pair).0 as usize].1 == named[parts(**pair).1 as usize].1;
    let right = joined.iter().filter(is_one).count();
    assert!(right >= 100, "{right} of 200 joined");
    assert!(right * 10 >= joined.len() * 9, "{right} of {} right", joined.len());
    let mut again = Table::new(&[Kind::Text]);
    named.iter().for_each(|(file, _, name)| {
        again.push(*file, prepare::record(&[Kind::Text], &[name]));
    });
    let frozen = batch::link_frozen(&mut again, linked.model.clone(), NonZeroUsize::MIN, &Budget::default());
    let decided =
        |linked: &batch::Linked| linked.decided.iter().map(|one| (one.pair, one.decision)).collect::<Vec<_>>();
    assert!(decided(&frozen) == decided(&linked), "what was learned of strangers stays with the model");
}
