//! Bad rows: what stays, what waits, and what a clerk's edit or waive does on this night and on later ones.

use hub::pipeline::replay::Replayed;
use integration_tests::world::{Person, Row, insured, insured_persons};
use integration_tests::{Inside, Store};

const FEED: &str = "social-security/insured-persons";

on_both_stores!(
    a_bad_row_over_a_good_person_keeps_and_marks_what_was_known,
    a_good_row_clears_the_mark_and_supersedes_the_rejection,
    a_rejection_seen_on_three_nights_is_one,
    a_rejection_is_superseded_when_its_row_is_gone,
    other_bad_bytes_are_another_rejection,
    an_edit_stands_until_the_bytes_change,
    an_edit_of_a_row_that_came_twice_is_what_counts,
    an_edit_that_is_still_wrong_writes_nothing,
    a_keyless_row_makes_endings_wait_until_it_is_waived,
    every_keyless_row_is_waited_for,
    a_new_keyless_row_stops_endings_again,
    an_edited_keyless_row_is_present_under_its_key,
    an_edit_that_corrects_a_key_is_present_under_it,
    waiting_endings_are_over_with_a_newer_snapshot,
    endings_that_go_on_late_are_seen_by_what_was_inspected_before,
    an_id_in_scientific_notation_is_never_guessed,
);

/// A night of these rows.
fn night(number: u32, rows: impl IntoIterator<Item = Row>) -> integration_tests::world::Delivery {
    insured_persons(&format!("202611{number:02}"), 1, rows)
}

fn good(person: &Person) -> Row {
    insured(person, &format!("BH{}", &person.id_no[14..]))
}

fn key(person: &Person) -> String {
    format!("BH{}", &person.id_no[14..])
}

fn nameless(person: &Person) -> Row {
    good(person).with("AAC003", "")
}

fn keyless(person: &Person) -> Row {
    good(person).with("BAC001", "")
}

fn a_bad_row_over_a_good_person_keeps_and_marks_what_was_known(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    let before = hub.resident(&zhang.id_no);

    let receipt = hub.deliver(&night(2, [nameless(&zhang), good(&li)]));
    assert_eq!((receipt.rejected, receipt.unchanged, receipt.ended), (1, 1, 0), "its key counts as present");
    assert_eq!(hub.resident(&zhang.id_no), before);
    assert!(hub.contribution(FEED, &key(&zhang)).marked);
    assert!(!hub.contribution(FEED, &key(&li)).marked);
    assert_eq!(hub.rejections_in(FEED, "open").len(), 1);
    assert_eq!(hub.seq(), 2);
}

fn a_good_row_clears_the_mark_and_supersedes_the_rejection(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    hub.deliver(&night(2, [nameless(&zhang), nameless(&li)]));
    // One comes back as it was, the other changed.
    hub.deliver(&night(3, [good(&zhang), good(&li).with("AAE006", "新址")]));
    assert!(!hub.contribution(FEED, &key(&zhang)).marked);
    assert!(!hub.contribution(FEED, &key(&li)).marked);
    assert_eq!(hub.rejections_in(FEED, "superseded").len(), 2);
}

fn a_rejection_seen_on_three_nights_is_one(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    for number in 1..=3 {
        hub.deliver(&night(number, [nameless(&zhang)]));
    }
    let rejections = hub.rejections(FEED);
    assert_eq!(rejections.len(), 1);
    assert_eq!((rejections[0].state.as_str(), rejections[0].seen), ("open", 3));
    assert_ne!(rejections[0].first_delivery, rejections[0].last_delivery);
}

fn a_rejection_is_superseded_when_its_row_is_gone(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [nameless(&zhang), good(&li)]));
    hub.deliver(&night(2, [good(&li)]));
    assert_eq!(hub.rejections(FEED)[0].state, "superseded");
}

fn other_bad_bytes_are_another_rejection(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&night(1, [nameless(&zhang)]));
    hub.deliver(&night(2, [nameless(&zhang).with("AAE006", "新址")]));
    let states: Vec<String> = hub.rejections(FEED).into_iter().map(|row| row.state).collect();
    assert_eq!(states, ["superseded", "open"]);
}

fn an_edit_stands_until_the_bytes_change(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&night(1, [nameless(&zhang)]));
    let rejection = hub.rejections(FEED).remove(0);

    assert!(matches!(hub.edit(&rejection, "AAC003", "张三"), Replayed::Done(_)));
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张三");
    assert_eq!(hub.rejections(FEED)[0].state, "replayed");

    // The next night sends the same wrong bytes: processed as edited.
    let same = hub.deliver(&night(2, [nameless(&zhang)]));
    assert_eq!((same.unchanged, same.rejected), (1, 0));
    assert_eq!(hub.rejections(FEED).len(), 1);
    assert_eq!(hub.seq(), 1);

    // Other bytes are the source's own word again, good or bad.
    let bad = hub.deliver(&night(3, [nameless(&zhang).with("AAE006", "新址")]));
    assert_eq!(bad.rejected, 1);
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张三");
    hub.deliver(&night(4, [good(&zhang)]));
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], zhang.name.as_str());
    // And the first wrong bytes are covered by their edit when they come once more.
    assert_eq!(hub.deliver(&night(5, [nameless(&zhang)])).applied, 1);
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张三");
}

/// The bytes are those of what is stored: only the columns tell that a clerk changed them.
fn an_edit_of_a_row_that_came_twice_is_what_counts(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let first = hub.deliver(&night(1, [good(&zhang), good(&zhang)]));
    assert_eq!((first.applied, hub.rejected_rows(&first.id)), (1, vec![(1, "duplicate-key".to_owned())]));
    let rejection = hub.rejections(FEED).remove(0);
    assert!(matches!(hub.edit(&rejection, "AAC003", "张改"), Replayed::Done(_)));
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张改");
    assert_eq!(hub.deliver(&night(2, [good(&zhang)])).unchanged, 1, "the edit stands for these bytes");
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张改");
}

fn an_edit_that_is_still_wrong_writes_nothing(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&night(1, [nameless(&Person::nth(1))]));
    let rejection = hub.rejections(FEED).remove(0);
    let Replayed::StillWrong(reasons) = hub.edit(&rejection, "AAC003", "  ") else { panic!("a blank is no name") };
    assert!(!reasons.is_empty());
    assert_eq!((hub.seq(), hub.rejections(FEED)[0].state.as_str()), (0, "open"));
}

fn a_keyless_row_makes_endings_wait_until_it_is_waived(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    let receipt = hub.deliver(&night(2, [good(&zhang), keyless(&Person::nth(3))]));
    assert_eq!((receipt.endings.as_str(), receipt.ended, receipt.rejected), ("waiting", 0, 1));
    assert!(hub.resident(&li.id_no).is_some(), "the keyless row might be his");

    hub.waive(&hub.rejections_in(FEED, "open")[0]);
    let receipt = hub.receipt(&receipt.id);
    assert_eq!((receipt.endings.as_str(), receipt.ended), ("done", 1));
    assert_eq!(hub.resident(&li.id_no), None);

    // The waive stands for the same bytes on later nights.
    let next = hub.deliver(&night(3, [keyless(&Person::nth(3)), insured(&Person::nth(4), "neu")]));
    assert_eq!((next.endings.as_str(), next.ended, next.rejected), ("done", 1, 1));
    assert_eq!(hub.resident(&zhang.id_no), None);
    assert_eq!(hub.rejections_in(FEED, "waived").len(), 1);
    assert!(hub.rejections_in(FEED, "open").is_empty());
}

fn every_keyless_row_is_waited_for(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(3);
    hub.deliver(&night(1, people.iter().map(good)));
    let rows = [good(&people[0]), good(&people[1]), keyless(&Person::nth(8)), keyless(&Person::nth(9))];
    let receipt = hub.deliver(&night(2, rows));
    hub.waive(&hub.rejections_in(FEED, "open")[0]);
    assert_eq!(hub.receipt(&receipt.id).endings, "waiting");
    hub.waive(&hub.rejections_in(FEED, "open")[0]);
    let receipt = hub.receipt(&receipt.id);
    assert_eq!((receipt.endings.as_str(), receipt.ended), ("done", 1), "only the one who is absent");
    assert!(hub.resident(&people[0].id_no).is_some() && hub.resident(&people[1].id_no).is_some());
    assert_eq!(hub.resident(&people[2].id_no), None);
}

fn a_new_keyless_row_stops_endings_again(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li), keyless(&Person::nth(8))]));
    hub.waive(&hub.rejections_in(FEED, "open")[0]);
    let receipt = hub.deliver(&night(2, [good(&zhang), keyless(&Person::nth(8)), keyless(&Person::nth(9))]));
    assert_eq!((receipt.endings.as_str(), receipt.ended), ("waiting", 0));
    assert!(hub.resident(&li.id_no).is_some());
}

fn an_edited_keyless_row_is_present_under_its_key(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li, wang) = (Person::nth(1), Person::nth(2), Person::nth(3));
    hub.deliver(&night(1, [good(&zhang), good(&li), good(&wang)]));
    let receipt = hub.deliver(&night(2, [good(&zhang), keyless(&li)]));
    let open = hub.rejections_in(FEED, "open");
    assert!(matches!(hub.edit(&open[0], "BAC001", &key(&li)), Replayed::Done(_)));
    hub.work();
    let receipt = hub.receipt(&receipt.id);
    assert_eq!((receipt.endings.as_str(), receipt.ended), ("done", 1));
    assert!(hub.resident(&li.id_no).is_some());
    assert_eq!(hub.resident(&wang.id_no), None);
    // The next night the same bytes have a key.
    let next = hub.deliver(&night(3, [good(&zhang), keyless(&li)]));
    assert_eq!((next.unchanged, next.rejected, next.endings.as_str(), next.ended), (2, 0, "done", 0));
}

fn waiting_endings_are_over_with_a_newer_snapshot(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    let waits = hub.deliver(&night(2, [good(&zhang), keyless(&Person::nth(8))]));
    hub.deliver(&night(3, [good(&zhang), good(&li)]));
    let waits = hub.receipt(&waits.id);
    assert_eq!((waits.endings.as_str(), waits.ended), ("none", 0));
    hub.work();
    assert!(hub.resident(&li.id_no).is_some());
}

fn endings_that_go_on_late_are_seen_by_what_was_inspected_before(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    hub.deliver(&night(2, [good(&zhang), keyless(&Person::nth(8))]));
    let third = hub.inspect(&night(3, [good(&zhang), good(&li)]));
    // Nothing but the endings of the second night: the job of the third is not run here.
    hub::pipeline::decide::waive(hub.hub(), &hub.rejections_in(FEED, "open")[0].id, "clerk").unwrap();
    let second = hub.hub().db.read(|conn| hub::store::delivery::endings_waiting(conn, FEED)).unwrap().remove(0);
    hub::pipeline::endings_of(hub.hub(), &second.id).unwrap();
    assert_eq!(hub.resident(&li.id_no), None);
    let third = hub.apply(&third.id);
    assert_eq!((third.applied, third.unchanged), (1, 1));
    assert!(hub.resident(&li.id_no).is_some());
}

fn an_id_in_scientific_notation_is_never_guessed(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let receipt = hub.deliver(&night(1, [good(&zhang).with("AAC002", "1.30108E+17")]));
    assert_eq!((receipt.rejected, hub.seq()), (1, 0));
    assert_eq!(hub.rejected_rows(&receipt.id).len(), 1);
}

fn an_edit_that_corrects_a_key_is_present_under_it(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&night(1, [good(&zhang), good(&li)]));
    // Li came under a wrong key and without a name; a keyless row makes the endings wait.
    let mistyped = nameless(&li).with("BAC001", "BH-X");
    let receipt = hub.deliver(&night(2, [good(&zhang), mistyped, keyless(&Person::nth(8))]));
    assert_eq!(receipt.endings, "waiting");
    let open = hub.rejections_in(FEED, "open");
    let (without_key, wrong): (Vec<_>, Vec<_>) = open.into_iter().partition(|row| row.source_key.is_none());
    let document = hub::store::codec::decode::<hub::store::rejection::RowDocument>(&wrong[0].document).unwrap();
    let mut fields = document.fields;
    fields.insert("BAC001".to_owned(), key(&li).into());
    fields.insert("AAC003".to_owned(), "李正".into());
    let outcome = hub::pipeline::replay::edit(hub.hub(), &wrong[0].id, fields, "clerk").unwrap();
    assert!(matches!(outcome, Replayed::Done(_)));
    hub.waive(&without_key[0]);
    let receipt = hub.receipt(&receipt.id);
    assert_eq!((receipt.endings.as_str(), receipt.ended), ("done", 0));
    assert_eq!(hub.resident(&li.id_no).unwrap()["name"], "李正");
}
