//! Records without a usable number, of people nobody has a number of: those that are like each other are one resident.

use std::collections::BTreeMap;

use diesel::prelude::*;
use hub::keyring::Token;
use hub::matching::{Outcome, cells};
use hub::pipeline::identify::{self, Judge, Seen, Verdict};
use hub::pipeline::{apply, likeness, rebuild, tune};
use hub::store::contribution::Row as Stored;
use hub::store::schema::model;
use hub::store::{entity, matching};
use integration_tests::world::{Delivery, Person, Row, health_record, health_records, insured};
use integration_tests::{Inside, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::identity::picture;
use super::likeness::{INSURED, PEOPLE, date, insurance, number, row, tuned};

const HEALTH: &str = "health/resident-health-records";
const CLERK: Judge = Judge { name: "clerk", reason: "看过原件" };

on_both_stores!(
    two_records_without_a_number_are_one_resident,
    a_number_that_comes_leads_on_from_the_resident_without_one,
    a_clerk_parts_them_and_takes_that_back,
    a_resident_without_a_number_is_merged_and_comes_back,
    a_clerk_says_that_two_records_are_one_person,
    invariant_3_any_order_leaves_the_same_groups,
);

/// Somebody the register does not know.
fn newcomer(at: u32) -> Person {
    Person::nth(PEOPLE + 10 + at)
}

fn nameless(person: &Person, number_: &str) -> Row {
    insured(person, number_).with("AAC002", "")
}

fn on(day: u32) -> String {
    let date = date(day);
    format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])
}

fn record(person: &Person, at: u32, day: u32) -> Row {
    let street = format!("{}{}", person.community_name, person.street);
    health_record(person, &format!("H{at}"), &format!("{}T08:30:00", on(day))).with("DE02.01.009.06", &street)
}

fn health(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    health_records(&format!("{}T09:00:00+08:00", on(day)), 1, rows)
}

fn everybody_and(others: impl IntoIterator<Item = Row>) -> Vec<Row> {
    (1..=PEOPLE).map(row).chain(others).collect()
}

fn of_insurance(hub: &Inside, at: u32) -> Stored {
    hub.contribution(INSURED, &number(PEOPLE + 10 + at))
}

fn of_health(hub: &Inside, at: u32) -> Stored {
    hub.contribution(HEALTH, &format!("H{at}"))
}

fn no_number(at: u32) -> Row {
    nameless(&newcomer(at), &number(PEOPLE + 10 + at))
}

/// A city that knows the first newcomer from two records without a number.
fn with_newcomer(store: Store) -> (Inside, Token) {
    let hub = tuned(store);
    hub.deliver(&insurance(2, everybody_and([no_number(1)])));
    assert_eq!(of_insurance(&hub, 1).link, "no-key", "there is nobody like them");
    hub.deliver(&health(2, [record(&newcomer(1), 1, 2).with("DE02.01.030.00", "")]));
    let (one, other) = (of_insurance(&hub, 1), of_health(&hub, 1));
    assert_eq!((one.link.as_str(), other.link.as_str()), ("group/no-key", "group/no-key"));
    assert_eq!(one.entity, other.entity);
    let resident = Token::from_slice(&one.entity.expect("a resident")).unwrap();
    assert_eq!(hub.differences(), 0);
    (hub, resident)
}

fn current(hub: &Inside, id: Token) -> (entity::Entity, entity::Version) {
    hub.hub().db.read(|conn| entity::current(conn, &[id.to_vec()])).unwrap().remove(0)
}

fn seen(hub: &Inside, id: Token) -> Seen {
    Seen { id, version: current(hub, id).0.version }
}

fn two_records_without_a_number_are_one_resident(store: Store) {
    let (hub, resident) = with_newcomer(store);
    let (row, version) = current(&hub, resident);
    let said: serde_json::Map<_, _> = hub::store::codec::decode(&version.document).unwrap();
    assert_eq!(row.state, "live");
    assert!(said.contains_key("insurance_person_no") && said.contains_key("ethnic"), "{said:?}");
    assert!(!said.contains_key("id_no"), "{said:?}");
    // The same again writes nothing, nor do a rebuild and the same model.
    let before = (hub.golden("resident"), hub.seq());
    hub.deliver(&insurance(3, everybody_and([no_number(1)])));
    hub.deliver(&health(3, [record(&newcomer(1), 1, 2).with("DE02.01.030.00", "")]));
    assert_eq!(rebuild::rebuild(hub.hub(), &|_| ()).unwrap().versions, 0);
    assert_eq!(tune::rematch(hub.hub(), &|_| ()).unwrap(), 0);
    assert_eq!((hub.golden("resident"), hub.seq()), before);
    // Somebody who asks is told.
    let cells = cells(&of_health(&hub, 1).contribution().unwrap());
    let found = hub.hub().db.read(|conn| {
        let rules = apply::rules(hub.hub());
        let matcher = hub.hub().models.standing(conn)?.active.expect("a model");
        likeness::who(&rules, conn, &matcher, &cells)
    });
    let Ok(Outcome::Joined(candidates)) = found else { panic!("{found:?}") };
    assert!(candidates.iter().all(|candidate| candidate.record.is_some()), "{candidates:?}");
    // Without one of the two there is nobody again.
    hub.deliver(&insurance(4, everybody_and([])));
    assert_eq!((of_health(&hub, 1).link, of_health(&hub, 1).entity), ("no-key".to_owned(), None));
    assert_eq!(current(&hub, resident).0.state, "ended");
    assert_eq!(hub.differences(), 0);
}

fn a_number_that_comes_leads_on_from_the_resident_without_one(store: Store) {
    let (hub, resident) = with_newcomer(store);
    hub.deliver(&health(3, [record(&newcomer(1), 1, 3)]));
    let (row, _) = hub.entity_of(&newcomer(1).id_no).expect("a resident by number");
    let by_number = Token::from_slice(&row.id).unwrap();
    assert_eq!(of_health(&hub, 1).link, "key");
    let follows = of_insurance(&hub, 1);
    assert_eq!((follows.link.as_str(), follows.entity), ("like/no-key", Some(row.id)));
    let (gone, version) = current(&hub, resident);
    assert_eq!(gone.state, "ended");
    // The name was of one of the two: wherever that has gone, the other has gone too.
    assert_eq!(hub::leaving::merged_into(&version).unwrap(), Some(by_number));
    assert_eq!(hub.differences(), 0);
    // The number was a mistake.
    hub.deliver(&health(4, [record(&newcomer(1), 1, 4).with("DE02.01.030.00", "")]));
    assert_eq!(of_insurance(&hub, 1).entity, Some(resident.to_vec()));
    assert_eq!(current(&hub, resident).0.state, "live");
    assert_eq!(hub.differences(), 0);
}

fn a_clerk_parts_them_and_takes_that_back(store: Store) {
    let (hub, resident) = with_newcomer(store);
    let before = picture(&hub);
    for taken in [of_insurance(&hub, 1), of_health(&hub, 1)] {
        let id = taken.token().unwrap();
        let parted = identify::place(hub.hub(), id, (Some(resident), None), CLERK).expect("it is taken out");
        assert_eq!((of_insurance(&hub, 1).entity, of_health(&hub, 1).entity), (None, None));
        assert_eq!(tune::rematch(hub.hub(), &|_| ()).unwrap(), 0);
        assert_eq!(hub.differences(), 0);
        identify::revoke(hub.hub(), &parted.id, "clerk").expect("it is taken back");
        assert_eq!(picture(&hub), before);
    }
}

fn a_resident_without_a_number_is_merged_and_comes_back(store: Store) {
    let (hub, resident) = with_newcomer(store);
    let (row, _) = hub.entity_of(&Person::nth(4).id_no).unwrap();
    let into = Token::from_slice(&row.id).unwrap();
    let before = picture(&hub);
    let (stays, absorbed) = (seen(&hub, into), seen(&hub, resident));
    let merged = identify::merge(hub.hub(), stays, absorbed, CLERK).expect("they are merged");
    assert_eq!((of_insurance(&hub, 1).entity, of_health(&hub, 1).entity), (Some(into.to_vec()), Some(into.to_vec())));
    assert_eq!(hub::leaving::merged_into(&current(&hub, resident).1).unwrap(), Some(into));
    assert_eq!(hub.differences(), 0);
    identify::revoke(hub.hub(), &merged.id, "clerk").expect("it is taken back");
    assert_eq!(picture(&hub), before);
    assert_eq!(hub.differences(), 0);
}

fn a_clerk_says_that_two_records_are_one_person(store: Store) {
    let mut hub = tuned(store);
    // In so small and clean a city nothing lies between sure and out of the question.
    hub.tamper(|conn| {
        let mut frozen = matching::frozen(conn, 1)?;
        frozen.model.limits.auto = 0.999_9;
        let document = hub::store::codec::encode(&frozen)?;
        diesel::update(model::table).set(model::document.eq(document)).execute(conn)?;
        Ok(())
    });
    hub.restart(|_| ());
    // Alike in all but the phone.
    let moved = Person { phone: "13900000001".to_owned(), ..newcomer(1) };
    hub.deliver(&insurance(2, everybody_and([no_number(1)])));
    hub.deliver(&health(2, [record(&moved, 1, 2).with("DE02.01.030.00", "")]));
    let (one, other) = (of_insurance(&hub, 1), of_health(&hub, 1));
    assert_eq!((&one.entity, &other.entity), (&None, &None), "likely, and not likely enough");
    let asked = hub.hub().db.read(|conn| matching::standing(conn, std::slice::from_ref(&one.id))).unwrap().remove(0);
    let candidate = asked.candidates().unwrap().remove(0);
    assert_eq!((asked.state.as_str(), candidate.record), ("review", Some(other.token().unwrap())));
    let before = picture(&hub);
    let told = Seen { id: candidate.entity, version: 0 };
    let made = identify::review(hub.hub(), one.token().unwrap(), told, Verdict::Same, CLERK).expect("it is decided");
    let (one_now, other_now) = (of_insurance(&hub, 1), of_health(&hub, 1));
    assert_eq!((one_now.link.as_str(), other_now.link.as_str()), ("decision", "decision"));
    assert_eq!((&one_now.entity, &other_now.entity), (&Some(candidate.entity.to_vec()), &one_now.entity));
    assert_eq!(hub.differences(), 0);
    assert_eq!(rebuild::rebuild(hub.hub(), &|_| ()).unwrap().versions, 0);
    // Whoever has not seen that decides of something that is no more.
    let late = identify::review(hub.hub(), other.token().unwrap(), told, Verdict::Same, CLERK);
    assert_eq!(late.err().and_then(|error| error.code), Some("moved-on"));
    identify::revoke(hub.hub(), &made.id, "clerk").expect("it is taken back");
    assert_eq!(picture(&hub), before);
}

/// How the insurers and the health department know some people: 0 not at all (only the insurers), 1 with a number, 2 without,
/// 3 without and under a mistyped name, 4 without and at another home.
type Day = Vec<(u8, u8)>;

const SOME: u32 = 7;

fn known(row: Row, [number, name, home]: [&str; 3], how: u8, person: &Person) -> Row {
    match how {
        1 => row,
        2 => row.with(number, ""),
        3 => row.with(number, "").with(name, &format!("{}某", person.name)),
        _ => row.with(number, "").with(home, "裕华西路900号"),
    }
}

fn deliveries(day: &Day, on: u32) -> [Delivery; 2] {
    let (mut of_insurance, mut of_health) = (Vec::new(), Vec::new());
    for (at, (insured_, healthy)) in (1..).zip(day) {
        // Two who are like each other, and one nobody is like.
        let person = if at % 3 == 0 { newcomer(at).named(&newcomer(at - 1).name) } else { newcomer(at) };
        if *insured_ > 0 {
            let row = insured(&person, &number(PEOPLE + 10 + at));
            of_insurance.push(known(row, ["AAC002", "AAC003", "AAC010"], *insured_, &person));
        }
        let row = record(&person, at, on);
        of_health.push(known(row, ["DE02.01.030.00", "DE02.01.039.00", "DE02.01.009.06"], *healthy, &person));
    }
    [insurance(on, everybody_and(of_insurance)), health(on, of_health)]
}

/// Who is one resident with whom, whatever their names.
fn partition(hub: &Inside) -> BTreeMap<String, (String, Vec<String>)> {
    let rows: Vec<(String, Stored)> = (1..=SOME)
        .flat_map(|at| {
            let insured = hub.contributions(INSURED, &number(PEOPLE + 10 + at));
            insured.into_iter().map(move |row| (format!("i{at}"), row)).chain([(format!("h{at}"), of_health(hub, at))])
        })
        .filter(|(_, row)| row.is_live())
        .collect();
    let mut found = BTreeMap::new();
    for (name, row) in &rows {
        let with = rows.iter().filter(|(_, other)| row.entity.is_some() && other.entity == row.entity);
        found.insert(name.clone(), (row.link.clone(), with.map(|(name, _)| name.clone()).collect()));
    }
    found
}

fn invariant_3_any_order_leaves_the_same_groups(store: Store) {
    let cases = if store == Store::Sqlite { 8 } else { 3 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let hub = std::cell::RefCell::new((tuned(store), 1));
    let days = prop::collection::vec(prop::collection::vec((0..5_u8, 1..5_u8), SOME as usize), 2..4);
    let (mut grouped, mut all) = (0, 0);
    let outcome = TestRunner::new(config).run(&days, |days| {
        let mut hub = hub.borrow_mut();
        for day in &days {
            hub.1 += 1;
            let [insurance, health] = deliveries(day, hub.1);
            hub.0.deliver(&insurance);
            hub.0.deliver(&health);
            prop_assert_eq!(hub.0.differences(), 0);
        }
        let one_way = partition(&hub.0);
        for day in [days.first(), days.last()].into_iter().flatten() {
            hub.1 += 1;
            let [insurance, health] = deliveries(day, hub.1);
            hub.0.deliver(&health);
            hub.0.deliver(&insurance);
        }
        prop_assert_eq!(partition(&hub.0), one_way);
        prop_assert_eq!(tune::rematch(hub.0.hub(), &|_| ()).unwrap(), 0);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    for (link, _) in partition(&hub.borrow().0).values() {
        grouped += usize::from(link.starts_with("group/"));
        all += 1;
    }
    assert!(all >= SOME as usize, "{grouped} of {all}");
}
