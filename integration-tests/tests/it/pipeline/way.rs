//! The way of a snapshot: new, changed, confirmed, older, gone, come again.

use integration_tests::inside::landed_as_same;
use integration_tests::world::{Delivery, Person, counted, insurance, insured, insured_persons, population};
use integration_tests::{Inside, Store};

const FEED: &str = "social-security/insured-persons";

on_both_stores!(
    a_wrong_file_is_undone_by_the_right_one_again,
    the_same_rows_of_a_newer_day_confirm_and_write_nothing,
    the_same_file_again_is_the_first_delivery,
    an_older_file_late_is_all_stale,
    the_last_row_of_a_key_wins,
    whoever_is_absent_ends_and_comes_back,
    a_held_delivery_released_after_a_newer_one_is_stale,
    a_delivery_inspected_before_another_is_compared_anew,
    only_what_changed_is_written,
    a_refused_delivery_may_be_sent_again,
    a_row_number_is_no_change,
    a_value_keeps_the_day_it_last_changed,
);

fn day(date: &str, people: &[&Person]) -> Delivery {
    insured_persons(date, 1, people.iter().map(|person| insured(person, &number(person))))
}

fn number(person: &Person) -> String {
    format!("BH{}", &person.id_no[14..])
}

fn a_wrong_file_is_undone_by_the_right_one_again(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let right = |date| insured_persons(date, 1, [insured(&zhang, "1001")]);
    hub.deliver(&right("20261101"));
    let before = hub.resident(&zhang.id_no).unwrap();

    hub.deliver(&insured_persons("20261102", 1, [insured(&zhang, "1001").with("AAC003", "张错")]));
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张错");

    let undone = hub.deliver(&right("20261103"));
    assert_eq!((undone.applied, undone.unchanged), (1, 0));
    assert_eq!(hub.resident(&zhang.id_no).unwrap(), before);
    assert_eq!(hub.seq(), 3, "undoing is a change, too");
}

fn the_same_rows_of_a_newer_day_confirm_and_write_nothing(store: Store) {
    let hub = Inside::new(store);
    let people = [&Person::nth(1), &Person::nth(2)];
    hub.deliver(&day("20261101", &people));
    let before = hub.dataset();
    let confirmed = hub.deliver(&day("20261102", &people));
    assert_eq!((confirmed.received, confirmed.unchanged), (2, 2));
    assert_eq!(hub.dataset(), before);
    // The feed has moved on all the same: what is older than the confirmation is stale.
    assert_eq!(hub.deliver(&insured_persons("20261101", 2, [insured(&Person::nth(3), "9")])).stale, 1);
}

fn the_same_file_again_is_the_first_delivery(store: Store) {
    let hub = Inside::new(store);
    let file = day("20261101", &[&Person::nth(1)]);
    let first = hub.deliver(&file);
    assert_eq!(landed_as_same(hub.arrive(&file)), Some(first.id));
    let keyed = day("20261102", &[&Person::nth(1)]).with_header("Idempotency-Key", "night-2");
    let second = hub.deliver(&keyed);
    assert_eq!(landed_as_same(hub.arrive(&keyed)), Some(second.id));
    let other_body = day("20261103", &[&Person::nth(1)]).with_header("Idempotency-Key", "night-2");
    let refused = hub.arrive(&other_body).err().expect("one key, two bodies");
    assert_eq!(refused.code, Some("idempotency-mismatch"));
}

fn an_older_file_late_is_all_stale(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&day("20261103", &[&zhang]));
    let before = hub.dataset();
    let late = hub.deliver(&insured_persons(
        "20261102",
        1,
        [
            insured(&zhang, &number(&zhang)).with("AAC003", "旧名"),
            insured(&li, &number(&li)),
            insured(&li, "").with("AAC003", ""),
        ],
    ));
    assert_eq!((late.received, late.stale, late.rejected), (3, 2, 1));
    assert_eq!(hub.dataset(), before);
    assert!(hub.rejections(FEED).is_empty(), "nobody has to repair a row of a state that has passed");
}

fn the_last_row_of_a_key_wins(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let row = |name| insured(&zhang, "1001").with("AAC003", name);
    let receipt = hub.deliver(&insured_persons("20261101", 1, [row("张一"), row("张二"), row("张三")]));
    assert_eq!((receipt.applied, receipt.rejected), (1, 2));
    assert_eq!(hub.rejected_rows(&receipt.id), [(1, "duplicate-key".to_owned()), (2, "duplicate-key".to_owned())]);
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], "张三");
    assert!(!hub.contribution(FEED, "1001").marked, "the key has its good row");
    // The same night again: the last row still counts, and says what is stored.
    let again = hub.deliver(&insured_persons("20261102", 1, [row("张一"), row("张二"), row("张三")]));
    assert_eq!((again.unchanged, again.rejected), (1, 2));
    assert_eq!(hub.seq(), 1);
}

fn whoever_is_absent_ends_and_comes_back(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&day("20261101", &[&zhang, &li]));
    let gone = hub.deliver(&day("20261102", &[&zhang]));
    assert_eq!((gone.unchanged, gone.ended, gone.endings.as_str()), (1, 1, "done"));
    assert_eq!(hub.resident(&li.id_no), None);
    assert_eq!(hub.contribution(FEED, &number(&li)).state, "ended");
    let (entity, _) = hub.entity_of(&li.id_no).unwrap();
    assert_eq!((entity.state.as_str(), entity.version), ("ended", 2));

    let back = hub.deliver(&day("20261103", &[&zhang, &li]));
    assert_eq!((back.unchanged, back.applied), (1, 1));
    assert_eq!(hub.entity_of(&li.id_no).unwrap().0.version, 3, "the same entity goes on");
}

fn a_held_delivery_released_after_a_newer_one_is_stale(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(6);
    let all: Vec<&Person> = people.iter().collect();
    hub.deliver(&day("20261101", &all));
    let shrunk = hub.held(&day("20261102", &all[..1]), &["shrink-limit"]);
    hub.deliver(&insured_persons("20261103", 1, all.iter().map(|p| insured(p, &number(p)).with("AAE006", "新址"))));
    let before = hub.dataset();

    let released = hub.release(&shrunk.id);
    assert_eq!((released.state.as_str(), released.stale, released.waiting()), ("applied", 1, 0));
    assert_eq!(hub.dataset(), before);
}

fn a_delivery_inspected_before_another_is_compared_anew(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&day("20261101", &[&zhang, &li]));
    // Of the third day everything is known already; of the second, the name is another and Li is gone.
    let third = hub.inspect(&day("20261103", &[&zhang, &li]));
    let second = insured_persons("20261102", 1, [insured(&zhang, &number(&zhang)).with("AAC003", "张错")]);
    let second = hub.inspect(&second);
    assert_eq!(hub.apply(&second.id).applied, 1);
    assert_eq!(hub.resident(&li.id_no), None);

    let third = hub.apply(&third.id);
    assert_eq!((third.applied, third.unchanged), (2, 0), "what was unchanged against day one is news against day two");
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["name"], zhang.name.as_str());
    assert!(hub.resident(&li.id_no).is_some());
}

fn only_what_changed_is_written(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&day("20261101", &[&zhang, &li]));
    let untouched = hub.contribution(FEED, &number(&zhang));
    let row = insured(&li, &number(&li)).and(insurance("110", "2001"));
    let receipt = hub.deliver(&insured_persons("20261102", 1, [insured(&zhang, &number(&zhang)), row]));
    assert_eq!((receipt.applied, receipt.unchanged), (1, 1));
    assert_eq!(hub.contribution(FEED, &number(&zhang)), untouched);
    assert_eq!(hub.resident(&li.id_no).unwrap()["insurances"][0]["employer_no"], "2001");
    assert_eq!(hub.seq(), 3);
}

fn a_refused_delivery_may_be_sent_again(store: Store) {
    let hub = Inside::new(store);
    let empty = insured_persons("20261101", 1, []);
    let held = hub.held(&empty, &["zero-rows"]);
    assert_eq!(landed_as_same(hub.arrive(&empty)), Some(held.id.clone()), "held and not decided");
    ::hub::pipeline::decide::refuse(hub.hub(), &held.id, "administrator").unwrap();
    let refused = hub.receipt(&held.id);
    assert_eq!((refused.state.as_str(), refused.decided_by.as_deref()), ("refused", Some("administrator")));
    assert_eq!(landed_as_same(hub.arrive(&empty)), None);
}

fn a_row_number_is_no_change(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&day("20261101", &[&zhang, &li]));
    // In another order every ROWNO is another; nothing else is.
    let turned = hub.deliver(&day("20261102", &[&li, &zhang]));
    assert_eq!((turned.unchanged, turned.applied), (2, 0));
}

fn a_value_keeps_the_day_it_last_changed(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let row = || insured(&zhang, "1001").with("AAE006", "甲路1号");
    let address = |hub: &Inside| hub.resident(&zhang.id_no).unwrap()["current_address"]["text"].to_string();
    hub.deliver(&insured_persons("20261101", 1, [row()]));
    hub.deliver(&population([counted(&zhang, "HR1", "2026-11-02").with("现居住地", "乙路2号")]));
    assert!(address(&hub).contains("乙路2号"));
    // The third day says a new phone and the old address: the address is no news.
    hub.deliver(&insured_persons("20261103", 1, [row().with("AAC067", "13900000000")]));
    assert!(address(&hub).contains("乙路2号"), "{}", address(&hub));
    hub.deliver(&insured_persons("20261104", 1, [row().with("AAE006", "丙路3号")]));
    assert!(address(&hub).contains("丙路3号"));
    // A stale file moves nothing.
    hub.deliver(&population([counted(&zhang, "HR1", "2026-11-01").with("现居住地", "丁路4号")]));
    assert!(address(&hub).contains("丙路3号"));
}
