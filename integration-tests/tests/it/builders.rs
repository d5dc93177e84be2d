//! The builders of deliveries against the feeds as they are declared: a good row of the harness is a good row of the hub.

use adapters::Row;
use hub::feed::{Catalogue, Outcome};
use integration_tests::world::{
    Delivery, Person, counted, divorce, health_record, health_records, health_records_ndjson, insurance, insured,
    insured_persons, marriage, marriage_registrations, population, registered, registered_residents, reissue,
    unemployed, unemployment_insurance,
};

/// Decodes and maps every row; panics at the first that is not accepted without an issue.
fn accepted_rows(catalogue: &Catalogue, delivery: &Delivery) -> usize {
    let name = delivery.feed;
    let feed = catalogue.get(name).unwrap_or_else(|| panic!("{name}: no such feed"));
    let bytes = Box::new(std::io::Cursor::new(delivery.bytes.clone()));
    let mut decoder = adapters::open(&feed.spec.format, &feed.spec.decode_limits, bytes).unwrap();
    let mut rows = 0;
    while let Some(row) = decoder.next_row().unwrap_or_else(|e| panic!("{name}: {e}")) {
        let Row::Record(record) = row else { panic!("{name}: {row:?}") };
        let columns = feed.columns(record);
        feed.source_key(&columns.fields).unwrap_or_else(|reason| panic!("{name}: {reason:?}"));
        match feed.process(&columns.fields) {
            Outcome::Accepted { issues, .. } => assert!(issues.is_empty(), "{name}: {issues:?}"),
            Outcome::Rejected(reasons) => panic!("{name}: {reasons:?} {:?}", columns.fields),
        }
        rows += 1;
    }
    assert!(decoder.envelope().complete, "{name}: the file does not prove its end");
    rows
}

#[track_caller]
fn assert_accepted(delivery: &Delivery, rows: usize) {
    let catalogue = Catalogue::embedded().unwrap();
    assert_eq!(accepted_rows(&catalogue, delivery), rows);
}

fn couple() -> (Person, Person) {
    (Person::nth(1), Person::nth(2))
}

#[test]
fn insured_persons_are_accepted() {
    let (zhang, li) = couple();
    let two = insured(&zhang, "1001").and(insurance("110", "2001")).and(insurance("310", "2002"));
    assert_accepted(&insured_persons("20261101", 1, [two, insured(&li, "1002")]), 2);
}

#[test]
fn unemployment_insurance_is_accepted() {
    let (zhang, li) = couple();
    assert_accepted(&unemployment_insurance("2026-11-01", [unemployed(&zhang, "1001"), unemployed(&li, "1002")]), 2);
}

#[test]
fn marriage_registrations_are_accepted() {
    let (zhang, li) = couple();
    let rows = [
        marriage(&zhang, &li, "J130108-2020-000001", "2020-05-20"),
        reissue(&zhang, &li, "BJ130108-2021-000002", "2021-05-20"),
        divorce(&zhang, &li, "L130108-2026-000003", "2026-10-31"),
    ];
    assert_accepted(&marriage_registrations("2026-11-01T20:00:00", rows), 3);
}

#[test]
fn health_records_are_accepted_in_both_forms() {
    let (zhang, li) = couple();
    let (now, changed) = ("2026-11-01T09:00:00+08:00", "2026-11-01T08:30:00");
    let rows = [health_record(&zhang, "13010800100100001", changed), health_record(&li, "13010800100100002", changed)];
    assert_accepted(&health_records(now, 1, rows.clone()), 2);
    assert_accepted(&health_records_ndjson(now, 2, rows), 2);
}

#[test]
fn the_population_is_accepted() {
    let (zhang, li) = couple();
    assert_accepted(&population([counted(&zhang, "H0001", "2026-11-01"), counted(&li, "H0002", "2026-11-01")]), 2);
}

#[test]
fn registered_residents_are_accepted() {
    let (zhang, li) = couple();
    let rows = [registered(&zhang, "001", "户主"), registered(&li, "001", "配偶")];
    assert_accepted(&registered_residents("20261101", rows), 2);
}
