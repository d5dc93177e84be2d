//! The invariants over whatever comes: random rows, random orders, random damage.

use std::collections::BTreeMap;

use hub::pipeline::decide;
use hub::store::delivery::{self, Delivery as Receipt};
use integration_tests::world::{
    Delivery, Person, counted, health_record, health_records, insured, insured_persons, marriage,
    marriage_registrations, population, registered, registered_residents, unemployed, unemployment_insurance,
};
use integration_tests::{Inside, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const FEED: &str = "social-security/insured-persons";

on_both_stores!(
    invariant_2_conservation_in_every_state,
    invariant_4_any_interleaving_of_feeds_gives_the_same_golden_content,
    invariant_4_a_late_delivery_leaves_what_the_newest_left,
    invariant_8_input_may_be_wrong_in_any_way,
);

/// Each case opens hubs of its own: as many as the store lets be quick.
fn runner(store: Store) -> TestRunner {
    let cases = if store == Store::Sqlite { 10 } else { 4 };
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() })
}

fn people() -> Vec<Person> {
    Person::first(4)
}

/// A night of insured persons: of each row whose it is and what is wrong with it; then what a person does about it.
#[derive(Debug, Clone)]
struct Night {
    day: u32,
    rows: Vec<(usize, u8)>,
    total: Option<u32>,
    act: u8,
}

fn nights() -> impl Strategy<Value = Vec<Night>> {
    let night =
        (1..7_u32, prop::collection::vec((0..4_usize, 0..8_u8), 0..7), prop::option::weighted(0.1, 0..9_u32), 0..5_u8);
    prop::collection::vec(night.prop_map(|(day, rows, total, act)| Night { day, rows, total, act }), 1..7)
}

fn night(sequence: u32, night: &Night) -> Delivery {
    let people = people();
    let rows = night.rows.iter().map(|(who, kind)| {
        let row = insured(&people[*who], &format!("100{who}"));
        match kind {
            0 => row.with("AAC003", ""),
            1 => row.with("BAC001", ""),
            2 => row.with("AAE006", "新址"),
            3 => row.with("AAC002", ""),
            4 => row.with("AAC002", &people[0].id_no),
            5 => row.with("AAC004", "X"),
            _ => row,
        }
    });
    let delivery = insured_persons(&format!("202611{:02}", night.day), sequence, rows);
    night.total.map_or(delivery.clone(), |total| delivery.with_header("Hub-Total", &total.to_string()))
}

/// received = applied + unchanged + stale + rejected + waiting, with waiting as the state says.
fn conserved(row: &Receipt) -> bool {
    let counts = [row.applied, row.unchanged, row.stale, row.rejected];
    let waiting = row.received - counts.iter().sum::<i64>();
    let waits = match row.state.as_str() {
        "applied" => waiting == 0,
        "held" | "refused" => [row.applied, row.unchanged, row.stale] == [0, 0, 0] && waiting >= 0,
        _ => waiting >= 0,
    };
    waits && counts.iter().all(|count| *count >= 0) && waiting == row.waiting()
}

fn all_conserved(hub: &Inside) -> bool {
    let filter = delivery::Filter { limit: 1_000, ..delivery::Filter::default() };
    hub.hub().db.read(|conn| delivery::list(conn, &filter)).unwrap().iter().all(conserved)
}

fn invariant_2_conservation_in_every_state(store: Store) {
    let outcome = runner(store).run(&nights(), |nights| {
        let hub = Inside::with(store, |config| config.work.chunk = 2);
        for (sequence, told) in (1..).zip(&nights) {
            let delivery = night(sequence, told);
            let before = hub.dataset();
            let would = hub.dry_run(&delivery);
            prop_assert_eq!(hub.dataset(), before, "a dry run keeps nothing");
            let landed = hub.land(&delivery);
            prop_assert!(all_conserved(&hub), "landed");
            let inspected = hub::pipeline::inspect::inspect(hub.hub(), &landed.id, &|_| ()).unwrap();
            prop_assert_eq!(inspected.received as usize, told.rows.len());
            prop_assert_eq!(&inspected.state, &would.state);
            prop_assert!(all_conserved(&hub), "inspected: {:?}", inspected);
            if inspected.state == "ready" {
                // As often as a job is run again after a crash.
                let applied = hub.apply(&landed.id);
                let again = hub.apply(&landed.id);
                prop_assert_eq!(format!("{applied:?}"), format!("{again:?}"));
                if applied.state == "applied" {
                    let rejected = hub.rejected_rows(&landed.id).len() as i64;
                    prop_assert_eq!(applied.rejected, rejected, "each rejected row has its report");
                    prop_assert_eq!(
                        &would.counts,
                        &hub::store::delivery::Counts { ended: would.counts.ended, ..applied.counts() }
                    );
                }
            }
            prop_assert!(all_conserved(&hub), "applied");
            act(&hub, &landed.id, told.act);
            prop_assert!(all_conserved(&hub), "decided");
            prop_assert_eq!(hub.differences(), 0);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// What an administrator or a clerk does next.
fn act(hub: &Inside, id: &str, act: u8) {
    let held = hub.receipt(id).state == "held";
    let open = hub.rejections_in(FEED, "open");
    match act {
        0 if held => {
            let _not_releasable = decide::release(hub.hub(), id, "administrator");
            hub.work();
        }
        1 if held => drop(decide::refuse(hub.hub(), id, "administrator").unwrap()),
        2 => open.iter().take(1).for_each(|row| hub.waive(row)),
        3 => open.iter().take(1).for_each(|row| {
            let (column, value) = if row.source_key.is_some() { ("AAC003", "改名") } else { ("BAC001", "1009") };
            hub.edit(row, column, value);
            hub.work();
        }),
        _ => {}
    }
}

/// A record of a feed: whose, under which name, and with whose number.
type Told = (usize, usize, u8);

/// The deliveries of one feed, a day each.
type Days = Vec<Vec<Told>>;

fn days() -> impl Strategy<Value = Days> {
    let told = (0..3_usize, prop_oneof![3 => Just(9_usize), 1 => 0..3_usize], 0..8_u8);
    prop::collection::vec(prop::collection::vec(told, 1..4), 1..3)
}

pub(super) const FEEDS: usize = 6;

/// The feeds' days, and an order in which they come, by feed.
pub(super) fn world() -> impl Strategy<Value = (Vec<Days>, Vec<usize>)> {
    prop::collection::vec(days(), FEEDS).prop_flat_map(|feeds| {
        let order: Vec<usize> = feeds.iter().enumerate().flat_map(|(feed, days)| vec![feed; days.len()]).collect();
        (Just(feeds), Just(order).prop_shuffle())
    })
}

/// The number a record is sent with: mostly its own, sometimes another's, a wrong one or none.
fn id_no(person: &Person, kind: u8, people: &[Person]) -> String {
    match kind {
        0 => people[0].id_no.clone(),
        1 => format!("{}{}", &person.id_no[..17], if person.id_no.ends_with('1') { "2" } else { "1" }),
        2 => String::new(),
        _ => person.id_no.clone(),
    }
}

pub(super) fn delivery(feed: usize, day: usize, told: &[Told]) -> Delivery {
    let people = people();
    // A snapshot's rows are unique by key, so that no case is about duplicates.
    let mut rows: BTreeMap<usize, (Person, u8)> = BTreeMap::new();
    for (who, name, kind) in told {
        let name = people.get(*name).map_or(&people[*who].name, |other| &other.name);
        rows.insert(*who, (people[*who].clone().named(name), *kind));
    }
    let day = day + 1;
    let (compact, iso) = (format!("202611{day:02}"), format!("2026-11-{day:02}"));
    let rows: Vec<(usize, Person, String)> = rows
        .into_iter()
        .map(|(who, (person, kind))| {
            let number = id_no(&person, kind, &people);
            (who, person, number)
        })
        .collect();
    let rows = rows.iter();
    match feed {
        0 => insured_persons(&compact, 1, rows.map(|(who, p, id)| insured(p, &format!("100{who}")).with("AAC002", id))),
        1 => unemployment_insurance(
            &format!("{iso}T00:00:00+08:00"),
            rows.map(|(who, p, id)| unemployed(p, &format!("100{who}")).with("公民身份证", id)),
        ),
        2 => registered_residents(&compact, rows.map(|(who, p, _)| registered(p, &format!("00{}", who % 2), "户主"))),
        3 => population(rows.map(|(who, p, id)| counted(p, &format!("HR{who}"), &iso).with("身份证号", id))),
        4 => health_records(
            &format!("{iso}T09:00:00+08:00"),
            0,
            rows.map(|(who, p, id)| {
                health_record(p, &format!("1301080010000000{who}"), &format!("{iso}T08:00:00"))
                    .with("DE02.01.030.00", id)
            }),
        ),
        _ => marriage_registrations(
            &format!("{iso}T20:00:00"),
            rows.map(|(who, p, id)| marriage(p, &people[3], &format!("J{who}"), "2020-01-01").with("man_id_no", id)),
        ),
    }
}

type Content =
    (BTreeMap<String, integration_tests::inside::Document>, BTreeMap<String, integration_tests::inside::Document>);

fn content(hub: &Inside) -> Content {
    (hub.golden("resident"), hub.golden("household"))
}

fn invariant_4_any_interleaving_of_feeds_gives_the_same_golden_content(store: Store) {
    let outcome = runner(store).run(&world(), |(feeds, order)| {
        let (in_turn, mixed) = (Inside::new(store), Inside::new(store));
        for (feed, days) in feeds.iter().enumerate() {
            for (day, told) in days.iter().enumerate() {
                in_turn.deliver(&delivery(feed, day, told));
            }
        }
        let mut next = [0; FEEDS];
        for feed in order {
            mixed.deliver(&delivery(feed, next[feed], &feeds[feed][next[feed]]));
            next[feed] += 1;
        }
        prop_assert_eq!(content(&in_turn), content(&mixed));
        prop_assert_eq!(in_turn.differences() + mixed.differences(), 0);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

fn invariant_4_a_late_delivery_leaves_what_the_newest_left(store: Store) {
    let outcome = runner(store).run(&world(), |(feeds, _)| {
        let hub = Inside::new(store);
        let newest = |feed: usize| feeds[feed].len();
        for (feed, days) in feeds.iter().enumerate() {
            hub.deliver(&delivery(feed, newest(feed), days.last().unwrap()));
        }
        let before = content(&hub);
        for (feed, days) in feeds.iter().enumerate() {
            // A delta keeps of an older day what the newest said nothing of: only its own keys are sent late.
            let known: Vec<usize> = days.last().unwrap().iter().map(|(who, ..)| *who).collect();
            let snapshot = feed < 4;
            let late: Vec<Told> = days[0].iter().filter(|(who, ..)| snapshot || known.contains(who)).copied().collect();
            let receipt = hub.deliver(&delivery(feed, 0, &late));
            prop_assert_eq!(receipt.stale + receipt.rejected, receipt.received);
        }
        prop_assert_eq!(content(&hub), before);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Bytes cut out, doubled, or written over.
fn damage() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, u8)>> {
    prop::collection::vec((0..4_u8, any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

fn damaged(mut bytes: Vec<u8>, damage: &[(u8, prop::sample::Index, u8)]) -> Vec<u8> {
    for (kind, place, value) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        match kind {
            0 => bytes[at] = *value,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *value),
            _ => bytes.truncate(bytes.len() - (bytes.len() - at) / 4),
        }
    }
    bytes
}

fn invariant_8_input_may_be_wrong_in_any_way(store: Store) {
    let hub = Inside::new(store);
    let told: Vec<Told> = (0..3).map(|who| (who, 9, 9)).collect();
    let whole = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(whole).run(&(0..FEEDS, 0..27_usize, damage()), |(feed, day, damage)| {
        let good = delivery(feed, day, &told);
        let sent = good.clone().with_bytes(damaged(good.bytes.clone(), &damage));
        let receipt = match hub.arrive(&sent) {
            Ok(hub::pipeline::land::Landed::New(receipt)) => receipt,
            Ok(hub::pipeline::land::Landed::Same(_)) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("any bytes may land: {error}"))),
        };
        let done = hub::pipeline::process(hub.hub(), &receipt.id, &|_| ());
        let done = done.map_err(|error| TestCaseError::fail(format!("no job is stuck: {error}")))?;
        prop_assert!(["applied", "held"].contains(&done.state.as_str()), "{}", done.state);
        prop_assert!(done.state == "applied" || !done.hold_reasons().is_empty(), "a clear reason");
        let mut landed = Vec::new();
        let mut bytes = hub.hub().landing.read(done.landed.as_deref().unwrap()).unwrap();
        std::io::Read::read_to_end(&mut bytes, &mut landed).unwrap();
        prop_assert!(landed == sent.bytes, "no byte is lost");
        prop_assert!(all_conserved(&hub));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
