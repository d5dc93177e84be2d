//! Deltas: order per key, tombstones that keep their as-of, and records one by one.

use hub::pipeline::land::Arrival;
use hub::pipeline::records::records;
use hub::pipeline::replay::Replayed;
use integration_tests::world::{Delivery, Person, Row, health_record, health_records};
use integration_tests::{Inside, Store};

const FEED: &str = "health/resident-health-records";

on_both_stores!(
    an_older_row_late_is_stale_and_its_neighbour_is_not,
    what_has_ended_stays_ended_for_an_older_row,
    an_ending_before_the_beginning_holds,
    whoever_has_ended_may_begin_again,
    the_same_bytes_take_over_the_newer_as_of,
    the_last_row_of_a_key_makes_the_earlier_ones_stale,
    a_late_bad_row_says_nothing_of_what_is_newer,
    a_late_good_row_supersedes_no_newer_rejection,
    a_replay_is_superseded_by_something_newer,
    a_rejection_seen_late_keeps_its_newest_as_of,
    rejections_of_one_key_may_be_replayed_in_their_order,
    a_tie_goes_by_digest_whatever_came_first,
    records_one_by_one_are_answered_one_by_one,
    a_mistaken_row_that_ends_needs_only_its_key,
);

fn record(person: &Person) -> Row {
    health_record(person, &number(person), "2026-11-01T08:00:00")
}

fn number(person: &Person) -> String {
    format!("1301080010{:07}", person.phone[3..].parse::<u32>().unwrap())
}

fn hour(hour: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    health_records(&format!("2026-11-01T{hour:02}:00:00+08:00"), 0, rows)
}

fn named(person: &Person, name: &str) -> Row {
    record(person).with("DE02.01.039.00", name)
}

fn cancelled(person: &Person) -> Row {
    record(person).with("status", "1")
}

fn name_of(hub: &Inside, person: &Person) -> Option<String> {
    hub.resident(&person.id_no).map(|document| document["name"].as_str().unwrap().to_owned())
}

fn an_older_row_late_is_stale_and_its_neighbour_is_not(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&hour(9, [named(&zhang, "张新")]));
    let late = hub.deliver(&hour(8, [named(&zhang, "张旧"), named(&li, "李旧")]));
    assert_eq!((late.stale, late.applied), (1, 1));
    assert_eq!(name_of(&hub, &zhang).as_deref(), Some("张新"));
    assert_eq!(name_of(&hub, &li).as_deref(), Some("李旧"));
    // Absence ends nothing in a delta.
    assert_eq!(hub.deliver(&hour(10, [named(&li, "李新")])).ended, 0);
    assert!(hub.resident(&zhang.id_no).is_some());
}

fn what_has_ended_stays_ended_for_an_older_row(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(8, [record(&zhang)]));
    assert_eq!(hub.deliver(&hour(10, [cancelled(&zhang)])).applied, 1);
    assert_eq!(hub.resident(&zhang.id_no), None);
    let tombstone = hub.contribution(FEED, &number(&zhang));
    assert_eq!(tombstone.state, "ended");

    assert_eq!(hub.deliver(&hour(9, [named(&zhang, "张旧")])).stale, 1);
    assert_eq!(hub.resident(&zhang.id_no), None);
    assert_eq!(hub.contribution(FEED, &number(&zhang)), tombstone);
}

fn an_ending_before_the_beginning_holds(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    assert_eq!(hub.deliver(&hour(10, [cancelled(&zhang)])).applied, 1);
    assert_eq!(hub.deliver(&hour(9, [record(&zhang)])).stale, 1);
    assert_eq!((hub.resident(&zhang.id_no), hub.seq()), (None, 0));
}

fn whoever_has_ended_may_begin_again(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(8, [record(&zhang)]));
    hub.deliver(&hour(9, [cancelled(&zhang)]));
    // The same ending again only confirms.
    assert_eq!(hub.deliver(&hour(10, [cancelled(&zhang)])).unchanged, 1);
    assert_eq!(hub.deliver(&hour(11, [record(&zhang)])).applied, 1);
    assert_eq!(name_of(&hub, &zhang), Some(zhang.name.clone()));
}

fn the_same_bytes_take_over_the_newer_as_of(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(8, [record(&zhang)]));
    let changes = hub.seq();
    assert_eq!(hub.deliver(&hour(10, [record(&zhang)])).unchanged, 1);
    assert_eq!(hub.seq(), changes);
    // What was true at nine has been overtaken by what was confirmed at ten.
    assert_eq!(hub.deliver(&hour(9, [named(&zhang, "张旧")])).stale, 1);
    assert_eq!(name_of(&hub, &zhang), Some(zhang.name));
}

fn the_last_row_of_a_key_makes_the_earlier_ones_stale(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let rows = [named(&zhang, "张一"), named(&zhang, ""), named(&zhang, "张三")];
    let receipt = hub.deliver(&hour(8, rows));
    assert_eq!((receipt.applied, receipt.stale, receipt.rejected), (1, 2, 0));
    assert!(hub.rejections(FEED).is_empty() && hub.rejected_rows(&receipt.id).is_empty());
    assert_eq!(name_of(&hub, &zhang).as_deref(), Some("张三"));
}

fn a_late_bad_row_says_nothing_of_what_is_newer(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(9, [record(&zhang)]));
    assert_eq!(hub.deliver(&hour(8, [named(&zhang, "")])).received, 1);
    assert!(!hub.contribution(FEED, &number(&zhang)).marked);
    assert!(hub.rejections_in(FEED, "open").is_empty(), "nothing is left to repair");
    // A newer one does.
    hub.deliver(&hour(10, [named(&zhang, "")]));
    assert!(hub.contribution(FEED, &number(&zhang)).marked);
}

fn a_late_good_row_supersedes_no_newer_rejection(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(9, [named(&zhang, "")]));
    hub.deliver(&hour(8, [named(&zhang, "张旧")]));
    let open = hub.rejections_in(FEED, "open");
    assert_eq!(open.len(), 1);
    assert!(matches!(hub.edit(&open[0], "DE02.01.039.00", "张新"), Replayed::Done(_)));
    assert_eq!(name_of(&hub, &zhang).as_deref(), Some("张新"));
}

fn a_replay_is_superseded_by_something_newer(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&hour(8, [named(&zhang, ""), record(&li).with("DE01.00.009.00", "")]));
    let open = hub.rejections_in(FEED, "open");
    hub.deliver(&hour(9, [record(&zhang), named(&li, "李新")]));
    // The one whose key could be read is superseded by itself; the other when its key is told.
    assert_eq!(hub.rejections_in(FEED, "superseded").len(), 1);
    let keyless = open.iter().find(|row| row.source_key.is_none()).unwrap();
    assert!(matches!(hub.edit(keyless, "DE01.00.009.00", &number(&li)), Replayed::Superseded(_)));
    assert_eq!(name_of(&hub, &li).as_deref(), Some("李新"));
}

fn rejections_of_one_key_may_be_replayed_in_their_order(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let phone = |number| named(&zhang, "").with("DE02.01.010.00", number);
    hub.deliver(&hour(8, [phone("13800000008")]));
    hub.deliver(&hour(9, [phone("13800000009")]));
    let open = hub.rejections_in(FEED, "open");
    assert_eq!(open.len(), 2);
    assert!(matches!(hub.edit(&open[1], "DE02.01.039.00", "张九"), Replayed::Done(_)));
    assert!(matches!(hub.edit(&open[0], "DE02.01.039.00", "张八"), Replayed::Superseded(_)));
    assert_eq!(name_of(&hub, &zhang).as_deref(), Some("张九"));
}

fn a_tie_goes_by_digest_whatever_came_first(store: Store) {
    let (one, other) = (Inside::new(store), Inside::new(store));
    let zhang = Person::nth(1);
    let (a, b) = (hour(8, [named(&zhang, "张甲")]), hour(8, [named(&zhang, "张乙")]));
    let first = [one.deliver(&a), one.deliver(&b)];
    let second = [other.deliver(&b), other.deliver(&a)];
    assert_eq!(one.golden("resident"), other.golden("resident"));
    assert_eq!(first.iter().chain(&second).map(|row| row.stale).sum::<i64>(), 1);
}

fn records_one_by_one_are_answered_one_by_one(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&hour(8, [record(&zhang)]));
    let body = hour(9, [record(&zhang), named(&li, ""), named(&li, "李四")]).bytes;
    let mut arrival = Arrival::new(FEED, "records", "health");
    arrival.as_of = Some("2026-11-01T09:00:00+08:00".to_owned());
    arrival.idempotency_key = Some("one".to_owned());
    let (receipt, outcomes) = records(hub.hub(), &arrival, body.clone()).unwrap();
    let outcomes: Vec<&str> = outcomes.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["unchanged", "stale", "applied"]);
    assert_eq!((receipt.received, receipt.waiting()), (3, 0));
    // The same request again gets the same answer, and writes nothing.
    let before = hub.dataset();
    let (again, answers) = records(hub.hub(), &arrival, body).unwrap();
    assert_eq!((again.id, answers.len()), (receipt.id, 3));
    assert_eq!(hub.dataset(), before);
    let snapshot = Arrival::new("social-security/insured-persons", "records", "social-security");
    assert_eq!(records(hub.hub(), &snapshot, b"[{}]".to_vec()).err().unwrap().code, Some("snapshot-feed"));
}

fn a_mistaken_row_that_ends_needs_only_its_key(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(8, [record(&zhang)]));
    let receipt = hub.deliver(&hour(9, [cancelled(&zhang).with("DE02.01.039.00", "")]));
    assert_eq!((receipt.applied, receipt.rejected), (1, 0));
    assert_eq!(hub.resident(&zhang.id_no), None);
}

fn a_rejection_seen_late_keeps_its_newest_as_of(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&hour(10, [named(&zhang, "")]));
    hub.deliver(&hour(8, [named(&zhang, "")]));
    hub.deliver(&hour(9, [named(&zhang, "张九")]));
    let open = hub.rejections_in(FEED, "open");
    assert_eq!((open.len(), open[0].seen), (1, 2));
    assert!(matches!(hub.edit(&open[0], "DE02.01.039.00", "张十"), Replayed::Done(_)), "ten is after nine");
    assert_eq!(name_of(&hub, &zhang).as_deref(), Some("张十"));
}
