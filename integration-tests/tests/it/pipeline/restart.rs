//! Stops between and inside stages: a taken-over lease, a lost spill, a fault in the middle of endings.

use hub::pipeline::apply;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use integration_tests::{Inside, Store};

on_both_stores!(
    apply_goes_on_at_its_checkpoint,
    a_hub_that_lost_the_lease_writes_nothing,
    a_spill_that_is_gone_is_made_again,
    a_spill_that_is_cut_is_made_again,
    a_second_hub_waits_for_the_lease,
);

fn night(number: u32, people: &[Person]) -> Delivery {
    insured_persons(&format!("202611{number:02}"), 1, people.iter().map(|p| insured(p, &p.phone)))
}

fn apply_goes_on_at_its_checkpoint(store: Store) {
    let hub = Inside::with(store, |config| config.work.chunk = 2);
    let people = Person::first(7);
    let whole = Inside::new(store);
    whole.deliver(&night(1, &people));

    let ready = hub.inspect(&night(1, &people));
    let next = hub.another();
    let take_over = |_| {
        next.db.lease(&next.instance, next.now(), next.lease_length(), |_| true).unwrap().unwrap();
    };
    let lost = apply::apply(hub.hub(), &ready.id, &take_over).expect_err("the lease was taken over");
    assert_eq!(lost.code, Some("writer-lost"));
    let half = hub.receipt(&ready.id);
    assert_eq!((half.state.as_str(), half.checkpoint, half.applied, half.waiting()), ("ready", 2, 2, 5));
    assert_eq!(hub.seq(), 2);

    let done = apply::apply(&next, &ready.id, &|_| ()).unwrap();
    assert_eq!((done.state.as_str(), done.applied, done.waiting()), ("applied", 7, 0));
    assert_eq!(hub.golden("resident"), whole.golden("resident"));
    assert_eq!(hub.seq(), 7, "nothing is lost or doubled");
}

fn a_hub_that_lost_the_lease_writes_nothing(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&night(1, &Person::first(2)));
    let before = hub.dataset();
    let lease = hub.hub().writer().unwrap();
    let next = hub.another();
    next.db.lease(&next.instance, next.now(), next.lease_length(), |_| true).unwrap().unwrap();

    let refused = hub.hub().db.apply(&lease, hub.hub().now(), |change| Ok(change.take_seq())).err().unwrap();
    assert_eq!(refused.code, Some("writer-lost"));
    let ready = hub.inspect(&night(2, &Person::first(1)));
    let refused = apply::apply(hub.hub(), &ready.id, &|_| ()).expect_err("another is the writer");
    assert_eq!(refused.code, Some("not-writer"));
    assert_eq!(hub.dataset(), before);
    assert_eq!(apply::apply(&next, &ready.id, &|_| ()).unwrap().state, "applied");
}

fn a_spill_that_is_gone_is_made_again(store: Store) {
    let hub = Inside::new(store);
    let ready = hub.inspect(&night(1, &Person::first(3)));
    std::fs::remove_file(hub.hub().landing.spill(&ready.id)).unwrap();
    assert_eq!(hub.apply(&ready.id).applied, 3);
    assert_eq!(hub.golden("resident").len(), 3);
}

fn a_spill_that_is_cut_is_made_again(store: Store) {
    let hub = Inside::new(store);
    for (number, length) in [(1, 0), (2, 40)] {
        let people: Vec<Person> = Person::first(3).into_iter().map(|p| p.named(&format!("第{number}夜"))).collect();
        let ready = hub.inspect(&night(number, &people));
        let spill = std::fs::File::options().write(true).open(hub.hub().landing.spill(&ready.id)).unwrap();
        spill.set_len(length).unwrap();
        assert_eq!(hub.apply(&ready.id).applied, 3);
        assert!(!hub.hub().landing.spill(&ready.id).exists(), "an applied delivery needs none");
    }
}

#[test]
fn a_chunk_may_hold_more_than_one_statement_of_sqlite_can_take() {
    // 19 columns each: more values than the 32,766 of one statement.
    let hub = Inside::with(Store::Sqlite, |config| config.work.chunk = 4_000);
    let people = Person::first(1_800);
    assert_eq!(hub.deliver(&night(1, &people)).applied, 1_800);
    assert_eq!(hub.golden("resident").len(), 1_800);
}

fn a_second_hub_waits_for_the_lease(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&night(1, &Person::first(1)));
    let second = hub.another();
    assert_eq!(second.writer().err().unwrap().code, Some("not-writer"));
    hub.hub().give_back().unwrap();
    assert!(second.writer().is_ok());
    // Whoever was the writer before is told, and takes nothing back by asking.
    assert_eq!(hub.hub().writer().err().unwrap().code, Some("not-writer"));
}

#[test]
fn endings_cut_short_are_finished_before_a_later_delivery() {
    let hub = Inside::with(Store::Sqlite, |config| config.work.chunk = 1);
    let people = Person::first(4);
    hub.deliver(&night(1, &people));
    let second = hub.inspect(&night(2, &people[..2]));
    let third = hub.inspect(&night(3, &people));
    // The disk fails with the second ending.
    sql(
        &hub,
        "CREATE TRIGGER fault BEFORE INSERT ON contribution WHEN NEW.state = 'ended' AND \
               EXISTS (SELECT 1 FROM contribution WHERE state = 'ended') BEGIN SELECT RAISE(ABORT, 'fault'); END",
    );
    assert!(apply::apply(hub.hub(), &second.id, &|_| ()).is_err());
    sql(&hub, "DROP TRIGGER fault");
    let half = hub.receipt(&second.id);
    assert_eq!((half.state.as_str(), half.checkpoint, half.ended), ("ready", 0, 1));

    let third = hub.apply(&third.id);
    assert_eq!(hub.receipt(&second.id).state, "applied");
    assert_eq!((third.applied, third.unchanged), (2, 2));
    assert_eq!(hub.golden("resident").len(), 4);
}

fn sql(hub: &Inside, text: &str) {
    use diesel::connection::SimpleConnection as _;
    hub.hub().db.write(|conn| Ok(conn.batch_execute(text)?)).unwrap();
}
