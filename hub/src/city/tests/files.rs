//! The files as bytes.

use std::collections::BTreeSet;
use std::io::Read;

use openssl::sha::sha256;

use super::super::{CityDelivery, Occasion, write_all};
use super::{city, reading};

/// A digest of what a file says; of a workbook that of its sheet, since compressors may differ.
fn digest(delivery: &CityDelivery) -> String {
    let mut bytes = reading::bytes(delivery);
    if delivery.file_name.ends_with(".xlsx") {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
        let mut sheet = Vec::new();
        archive.by_name("xl/worksheets/sheet1.xml").expect("a sheet").read_to_end(&mut sheet).expect("readable");
        bytes = sheet;
    }
    crate::id::hex(&sha256(&bytes)[..8])
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let lines = |seed| -> Vec<String> {
        let city = city(400, seed);
        let deliveries = (1..=3).flat_map(|day| city.deliveries(day));
        deliveries
            .map(|one| format!("{} {} {} {} {}", one.day, one.feed, one.file_name, one.total, digest(&one)))
            .collect()
    };
    let first = lines(7);
    assert_eq!(first, lines(7));
    assert!(first.iter().zip(lines(8)).all(|(one, other)| *one != other));
    insta::assert_snapshot!(first.join("\n"));
}

#[test]
fn every_file_can_be_read_back() {
    let city = city(600, 1);
    for day in 1..=3 {
        for delivery in city.deliveries(day) {
            assert!(reading::rows(&delivery).len() > 50, "{} of day {day} is worth reading", delivery.feed);
        }
    }
}

#[test]
fn a_repeated_file_is_the_same_and_a_right_file_undoes_a_wrong_one() {
    let city = city(2_000, 3);
    let second = city.deliveries(2);
    let of = |feed: &str, occasion| -> Vec<u8> {
        let mut found = second.iter().filter(|one| one.feed == feed && one.occasion == occasion);
        reading::bytes(found.next().expect("such a delivery"))
    };
    let registered = "public-security/registered-residents";
    assert_eq!(of(registered, Occasion::Regular), of(registered, Occasion::Repeated));
    let unemployment = "social-security/unemployment-insurance";
    assert_eq!(of(unemployment, Occasion::Regular), of(unemployment, Occasion::Undoing));
    assert_ne!(of(unemployment, Occasion::Regular), of(unemployment, Occasion::Wrong));
    let rows = |feed: &str, occasion| {
        reading::rows(second.iter().find(|one| one.feed == feed && one.occasion == occasion).expect("such a delivery"))
    };
    for feed in [unemployment, "social-security/insured-persons"] {
        let (wrong, right) = (rows(feed, Occasion::Wrong), rows(feed, Occasion::Undoing));
        let differing = wrong.iter().zip(&right).filter(|(wrong, right)| wrong != right).count();
        assert!((5..right.len() / 20).contains(&differing), "{differing} of {} rows of {feed} differ", right.len());
    }
}

#[test]
fn no_delivery_passes_a_limit() {
    for (residents, seeds) in [(400, 5), (500, 5), (2_000, 3), (8_000, 2), (20_000, 1)] {
        for seed in 0..seeds {
            let city = city(residents, seed);
            let mut before: Vec<u64> = Vec::new();
            for day in 1..=4 {
                let deliveries = city.deliveries(day);
                for one in &deliveries {
                    // Some way below the five in a hundred a hub lets pass.
                    let bad = 22 * one.expected.rejected;
                    assert!(bad < one.total, "{} of {} rows of {} are bad", one.expected.rejected, one.total, one.feed);
                }
                let last_words = |one: &&CityDelivery| !matches!(one.occasion, Occasion::Wrong | Occasion::Repeated);
                let snapshots = deliveries.iter().filter(last_words).take(4);
                let totals: Vec<u64> = snapshots.map(|one| one.total).collect();
                assert!(
                    before.iter().zip(&totals).all(|(before, now)| before * 97 <= now * 100),
                    "{before:?} {totals:?}"
                );
                before = totals;
            }
        }
    }
}

#[test]
fn text_holds_quotes_line_breaks_and_characters_beyond_gbk() {
    let city = city(6_000, 5);
    let text = reading::gb18030(&reading::bytes(&city.deliveries(1)[0]));
    for wanted in ["\"", "号\n", "𠮷", "䶮", "·"] {
        assert!(text.contains(wanted), "{wanted} occurs");
    }
}

#[test]
fn a_folder_holds_each_file_with_its_control_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = super::super::CityOptions { residents: 300, seed: 1, start: city(1, 1).start() };
    let mut written = BTreeSet::new();
    write_all(options, 2, folder.path(), &mut |_, file| {
        assert!(written.insert(file.to_owned()), "{} is written once", file.display());
    })
    .expect("written");
    assert_eq!(written.len(), 16);
    for file in &written {
        let mut control = file.clone().into_os_string();
        control.push(".ok");
        let control = std::fs::read_to_string(control).expect("a control file");
        let keys: Vec<&str> = control.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!(keys, ["total", "as_of", "sequence"]);
        assert!(file.starts_with(folder.path().join("day1")) || file.starts_with(folder.path().join("day2")));
    }
}
