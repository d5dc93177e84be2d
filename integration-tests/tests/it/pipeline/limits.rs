//! What holds a delivery or refuses it, before anything of the dataset changes.

use hub::pipeline::decide;
use integration_tests::world::{
    Delivery, Person, counted, health_record, health_records, health_records_ndjson, insured, insured_persons,
    marriage, marriage_registrations, population, registered, registered_residents, unemployed, unemployment_insurance,
};
use integration_tests::{Inside, Store};

on_both_stores!(
    too_many_rejections_hold_a_delivery,
    too_many_absent_hold_a_delivery,
    no_rows_hold_a_delivery,
    a_wrong_total_holds_a_delivery,
    a_date_ahead_of_the_clock_holds_a_delivery,
    two_data_dates_hold_a_delivery,
    a_forbidden_column_erases_the_file_wherever_it_lay,
    a_forbidden_column_far_down_the_file_is_found,
    a_cut_file_changes_nothing_and_is_not_released,
);

fn key(person: &Person) -> &str {
    &person.phone
}

fn night(number: u32, people: &[Person]) -> Delivery {
    insured_persons(&format!("202611{number:02}"), 1, people.iter().map(|person| insured(person, key(person))))
}

fn too_many_rejections_hold_a_delivery(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(10);
    let rows = |bad: usize| {
        people.iter().enumerate().map(move |(at, person)| {
            let row = insured(person, key(person));
            if at < bad { row.with("AAC003", "") } else { row }
        })
    };
    let held = hub.held(&insured_persons("20261101", 1, rows(4)), &["rejected-limit"]);
    assert_eq!((held.received, held.rejected, held.waiting(), hub.seq()), (10, 4, 6, 0));
    assert!(hub.rejections("social-security/insured-persons").is_empty(), "folded only at apply");
    assert_eq!(hub.rejected_rows(&held.id).len(), 4, "its report is there");
    // Released, its rows count.
    let released = hub.release(&held.id);
    assert_eq!((released.state.as_str(), released.applied), ("applied", 6));
    assert_eq!(hub.rejections("social-security/insured-persons").len(), 4);
}

fn too_many_absent_hold_a_delivery(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(6);
    hub.deliver(&night(1, &people));
    let before = hub.dataset();
    let held = hub.held(&night(2, &people[..2]), &["shrink-limit"]);
    assert_eq!(hub.dataset(), before);
    let released = hub.release(&held.id);
    assert_eq!((released.unchanged, released.ended), (2, 4));
    assert_eq!(hub.golden("resident").len(), 2);
}

fn no_rows_hold_a_delivery(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&night(1, &Person::first(2)));
    hub.held(&night(2, &[]), &["zero-rows"]);
    assert_eq!(hub.golden("resident").len(), 2);
    // A delta without rows is a quiet hour.
    let quiet = hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 0, []));
    assert_eq!(quiet.received, 0);
}

fn a_wrong_total_holds_a_delivery(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(2);
    hub.held(&night(1, &people).with_header("Hub-Total", "3"), &["total-mismatch"]);
    let rows = people.iter().map(|person| registered(person, "001", "户主"));
    let text = registered_residents("20261101", rows);
    // The trailer is `合计,2` and a line break of two.
    let mut bytes = text.bytes.clone();
    let last = bytes.len() - 3;
    bytes[last] = b'5';
    hub.held(&text.clone().with_bytes(bytes), &["total-mismatch"]);
    assert_eq!(hub.seq(), 0);
    assert_eq!(hub.deliver(&text).applied, 2);
}

fn a_date_ahead_of_the_clock_holds_a_delivery(store: Store) {
    let hub = Inside::new(store);
    let file = insured_persons("20991231", 1, [insured(&Person::nth(1), "1001")]);
    hub.held(&file, &["as-of-ahead"]);
    assert_eq!(hub.seq(), 0);
}

fn two_data_dates_hold_a_delivery(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(2);
    let rows = [counted(&people[0], "HR1", "2026-11-01"), counted(&people[1], "HR2", "2026-11-02")];
    let held = hub.held(&population(rows), &["as-of-not-one"]);
    assert_eq!(decide::release(hub.hub(), &held.id, "administrator").err().unwrap().code, Some("not-releasable"));
}

fn a_forbidden_column_erases_the_file_wherever_it_lay(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let row = |number: &str| health_record(&zhang, number, "2026-11-01T08:00:00");
    hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 0, [row("13010800100000001")]));
    let before = hub.dataset();
    let bad = [row("13010800100000002"), row("13010800100000003").with("diagnoses", "高血压")];
    let receipt = hub.process(&health_records("2026-11-01T10:00:00+08:00", 0, bad));
    let why: Vec<String> = receipt.hold_reasons().into_iter().map(|reason| reason.code).collect();
    assert_eq!((receipt.state.as_str(), why), ("refused", vec!["forbidden-column".to_owned()]));
    assert_eq!((receipt.landed, hub.receipt(&receipt.id).landed), (None, None));
    assert_eq!(hub.dataset(), before);
    let landing = &hub.hub().config.landing.folder;
    assert_eq!(files_named(landing, &receipt.id), Vec::<std::path::PathBuf>::new());
    assert!(hub.rejected_rows(&receipt.id).is_empty());
}

fn a_forbidden_column_far_down_the_file_is_found(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    // The thousand rows before it have been staged by then, the wrong ones with their report.
    let rows = (0..1_100).map(|n| {
        let row = health_record(&zhang, &format!("1301080010{n:07}"), "2026-11-01T08:00:00");
        match n {
            5 => row.with("DE02.01.039.00", ""),
            1_099 => row.with("diagnoses", "高血压"),
            _ => row,
        }
    });
    let receipt = hub.process(&health_records("2026-11-01T10:00:00+08:00", 0, rows));
    assert_eq!((receipt.state.as_str(), receipt.landed), ("refused", None));
    assert!(hub.rejected_rows(&receipt.id).is_empty());
    assert_eq!(files_named(&hub.hub().config.landing.folder, &receipt.id), Vec::<std::path::PathBuf>::new());
    assert_eq!(hub.seq(), 0);
}

/// Every file below a folder whose name holds `part`.
fn files_named(folder: &std::path::Path, part: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_named(&path, part));
        } else if path.to_string_lossy().contains(part) {
            found.push(path);
        }
    }
    found
}

/// A small delivery of every format, of the day after `day_one`'s.
fn every_format(people: &[Person], day: u32) -> Vec<Delivery> {
    let compact = format!("202611{day:02}");
    let iso = format!("2026-11-{day:02}");
    let name = format!("第{day}日");
    let people: Vec<Person> = people.iter().map(|person| person.clone().named(&name)).collect();
    let number = |n: usize| format!("1301080010000000{n}");
    let records = |from: usize| {
        let row = |(n, person): (usize, &Person)| health_record(person, &number(from + n), &format!("{iso}T08:00:00"));
        people.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    let at = format!("2026-11-{day:02}T09:00:00+08:00");
    vec![
        night(day, &people),
        unemployment_insurance(&at, people.iter().map(|person| unemployed(person, key(person)))),
        marriage_registrations(
            &format!("2026-11-{day:02}T20:00:00"),
            [marriage(&people[0], &people[1], "J1", "2026-10-01")],
        ),
        health_records(&at, 0, records(0)),
        health_records_ndjson(&at, 1, records(4)),
        population(people.iter().map(|person| counted(person, key(person), &format!("2026-11-{day:02}")))),
        registered_residents(&compact, people.iter().map(|person| registered(person, "001", "户主"))),
    ]
}

fn a_cut_file_changes_nothing_and_is_not_released(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(3);
    for delivery in every_format(&people, 1) {
        hub.deliver(&delivery);
    }
    let before = hub.dataset();
    for delivery in every_format(&people, 2) {
        for tenths in 0..10 {
            let receipt = hub.process(&delivery.clone().cut_at(tenths));
            let why: Vec<String> = receipt.hold_reasons().into_iter().map(|reason| reason.code).collect();
            assert_eq!(receipt.state, "held", "{} at {tenths} tenths: {why:?}", delivery.feed);
            assert_eq!(hub.dataset(), before, "{} at {tenths} tenths", delivery.feed);
        }
        // What was not cut is taken.
        assert!(hub.inspect(&delivery).state == "ready", "{}", delivery.feed);
    }
}
