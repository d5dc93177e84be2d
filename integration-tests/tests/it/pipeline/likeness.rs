//! Records without a usable number find their people by likeness, whenever either comes, and lose them the same way.

use std::collections::{BTreeMap, BTreeSet};

use hub::keyring::Token;
use hub::pipeline::identify::{self, Judge, Seen, Verdict};
use hub::pipeline::{rebuild, tune};
use hub::store::matching;
use integration_tests::world::{
    Delivery, Person, Row, citizen_id, insured, insured_persons, registered, registered_residents,
};
use integration_tests::{Inside, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::identity::{moment, told_of};

pub(super) const INSURED: &str = "social-security/insured-persons";
pub(super) const PEOPLE: u32 = 160;

on_both_stores!(
    without_a_model_nobody_is_placed_by_likeness,
    records_without_a_number_find_their_people,
    evidence_that_comes_later_places_who_waited,
    whoever_loses_their_likeness_waits_again,
    a_new_model_places_as_the_old_one_did_and_writes_nothing,
    a_clerk_has_the_last_word_over_likeness,
    whoever_is_known_under_two_documents_is_shown_to_a_clerk,
    invariant_3_any_order_of_events_leaves_the_same_places,
);

/// The n-th of many days.
pub(super) fn date(day: u32) -> String {
    format!("{}{:02}{:02}", 2020 + day / 336, 1 + day % 336 / 28, 1 + day % 28)
}

pub(super) fn insurance(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    insured_persons(&date(day), 1, rows)
}

pub(super) fn register(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    registered_residents(&date(day), rows)
}

pub(super) fn number(who: u32) -> String {
    format!("{}", 5_000 + who)
}

/// An insured person, every third one without a number.
pub(super) fn row(who: u32) -> Row {
    let row = insured(&Person::nth(who), &number(who));
    if who.is_multiple_of(3) { row.with("AAC002", "") } else { row }
}

/// A city whose model is active.
pub(super) fn tuned(store: Store) -> Inside {
    let hub = Inside::new(store);
    hub.deliver(&register(1, (1..=PEOPLE).map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"))));
    hub.deliver(&insurance(1, (1..=PEOPLE).map(row)));
    let tuned = tune::tune(hub.hub(), "clerk", true, &|_| ()).expect("a model");
    assert!(tuned.active && tuned.effect.loose == u64::from(PEOPLE / 3), "{tuned:?}");
    hub
}

pub(super) fn entity(hub: &Inside, who: u32) -> Option<Vec<u8>> {
    hub.entity_of(&Person::nth(who).id_no).map(|(row, _)| row.id)
}

pub(super) fn link(hub: &Inside, who: u32) -> (String, Option<Vec<u8>>) {
    let row = hub.contribution(INSURED, &number(who));
    (row.link, row.entity)
}

fn without_a_model_nobody_is_placed_by_likeness(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&register(1, (1..=PEOPLE).map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"))));
    hub.deliver(&insurance(1, (1..=PEOPLE).map(row)));
    assert_eq!(link(&hub, 3), ("no-key".to_owned(), None));
    let before = hub.dataset();
    let tuned = tune::tune(hub.hub(), "clerk", false, &|_| ()).expect("a model");
    assert!(!tuned.active && tuned.effect.made > 40 && tuned.effect.broken == 0, "{tuned:?}");
    assert_eq!(hub.dataset(), before, "it has only said what it would do");
    let few = Inside::new(store);
    few.deliver(&insurance(1, [row(1)]));
    let refused = tune::tune(few.hub(), "clerk", true, &|_| ());
    assert_eq!(refused.err().and_then(|error| error.code), Some("too-few-records"));
}

fn records_without_a_number_find_their_people(store: Store) {
    let hub = tuned(store);
    let loose = (1..=PEOPLE).filter(|who| who.is_multiple_of(3));
    let (mut joined, mut waiting) = (0, 0);
    for who in loose {
        match link(&hub, who) {
            (text, Some(found)) => {
                assert_eq!((text.as_str(), Some(found)), ("like/no-key", entity(&hub, who)), "{who}");
                assert!(hub.resident(&Person::nth(who).id_no).unwrap().contains_key("insurance_person_no"));
                joined += 1;
            }
            (_, None) => waiting += 1,
        }
    }
    assert!(joined >= 50 && waiting <= 3, "{joined} joined, {waiting} waiting");
    let counted = |state: &'static str| hub.hub().db.read(|conn| matching::count(conn, state)).unwrap();
    assert_eq!(counted("joined"), joined);
    // The same again writes nothing.
    let before = hub.dataset();
    hub.deliver(&insurance(2, (1..=PEOPLE).map(row)));
    assert_eq!(hub.dataset(), before);
}

fn evidence_that_comes_later_places_who_waited(store: Store) {
    let hub = tuned(store);
    let late = PEOPLE + 2;
    let everybody = || (1..=PEOPLE).map(row);
    hub.deliver(&insurance(2, everybody().chain([insured(&Person::nth(late), &number(late)).with("AAC002", "")])));
    assert_eq!(link(&hub, late), ("no-key".to_owned(), None), "nobody is like this one yet");
    let registered = (1..=PEOPLE).chain([late]).map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"));
    hub.deliver(&register(2, registered));
    let (text, found) = link(&hub, late);
    assert_eq!((text.as_str(), found.clone()), ("like/no-key", entity(&hub, late)));
    assert!(found.is_some());
    // And one whose number comes goes by that.
    hub.deliver(&insurance(3, everybody().chain([insured(&Person::nth(late), &number(late))])));
    assert_eq!(link(&hub, late), ("key".to_owned(), found));
    assert_eq!(
        hub.hub().db.read(|conn| matching::standing(conn, &[hub.contribution(INSURED, &number(late)).id])).unwrap(),
        []
    );
}

fn whoever_loses_their_likeness_waits_again(store: Store) {
    let hub = tuned(store);
    assert_eq!(link(&hub, 3).1, entity(&hub, 3));
    // The person of the register turns out to be another one: other name, birth date, home.
    let other =
        Person { name: "欧阳雪梅".to_owned(), street: "裕华西路900号".to_owned(), ..Person::nth(PEOPLE + 40) };
    let rows = (1..=PEOPLE).map(|who| {
        let person = if who == 3 { other.clone() } else { Person::nth(who) };
        registered(&person, &format!("{who:03}"), "户主")
    });
    hub.deliver(&register(2, rows.collect::<Vec<_>>()));
    assert_eq!(link(&hub, 3), ("no-key".to_owned(), None));
    let back = (1..=PEOPLE).map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"));
    hub.deliver(&register(3, back));
    assert_eq!(link(&hub, 3).1, entity(&hub, 3));
}

fn a_new_model_places_as_the_old_one_did_and_writes_nothing(store: Store) {
    let hub = tuned(store);
    let golden = (hub.golden("resident"), hub.golden("household"), hub.seq());
    let again = tune::tune(hub.hub(), "clerk", true, &|_| ()).expect("a model");
    assert_eq!((again.effect.made, again.effect.broken), (0, 0), "{again:?}");
    assert_eq!((hub.golden("resident"), hub.golden("household"), hub.seq()), golden);
    let rebuilt = rebuild::rebuild(hub.hub(), &|_| ()).unwrap();
    assert_eq!(rebuilt.versions, 0);
    assert_eq!(tune::rematch(hub.hub(), &|_| ()).unwrap(), 0);
}

fn a_clerk_has_the_last_word_over_likeness(store: Store) {
    let hub = tuned(store);
    let row = hub.contribution(INSURED, &number(3));
    let from = row.entity.as_deref().map(|id| Token::from_slice(id).unwrap());
    let judge = Judge { name: "clerk", reason: "看过原件" };
    let parted = identify::place(hub.hub(), row.token().unwrap(), (from, None), judge).expect("it is taken out");
    assert_eq!(link(&hub, 3).1, None, "it is like nobody else");
    tune::rematch(hub.hub(), &|_| ()).unwrap();
    assert_eq!(link(&hub, 3).1, None);
    let (row, _) = hub.entity_of(&Person::nth(4).id_no).unwrap();
    let to = Seen { id: Token::from_slice(&row.id).unwrap(), version: row.version };
    let id = hub.contribution(INSURED, &number(3)).token().unwrap();
    let placed = identify::place(hub.hub(), id, (None, Some(to)), judge).expect("it is placed");
    assert_eq!(link(&hub, 3), ("decision".to_owned(), Some(row.id)));
    for decision in [placed, parted] {
        identify::revoke(hub.hub(), &decision.id, "clerk").expect("it is taken back");
    }
    assert_eq!(link(&hub, 3).1, entity(&hub, 3));
}

fn whoever_is_known_under_two_documents_is_shown_to_a_clerk(store: Store) {
    let hub = tuned(store);
    let pairs = || {
        let (found, next) = hub::api::pairs(hub.hub(), Vec::new(), 10).unwrap();
        assert_eq!(next, None);
        found.iter().map(|pair| serde_json::to_value(pair).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(pairs(), [] as [serde_json::Value; 0], "nobody is known twice, and neighbours are not one person");
    let passport = [("AAC002", ""), ("AAC058", "03"), ("AAC147", "E12345678"), ("AAC161", "ROU")];
    let by_passport =
        passport.iter().fold(insured(&Person::nth(1), "9001"), |row, (name, value)| row.with(name, value));
    hub.deliver(&insurance(2, (1..=PEOPLE).map(row).chain([by_passport.clone()])));
    let traveller = hub.contribution(INSURED, "9001").entity.expect("a resident of their own");
    let citizen = entity(&hub, 1).unwrap();

    let found = pairs();
    assert_eq!(found.len(), 1, "{found:?}");
    let shown =
        |at: usize| Token::try_from(found[0]["residents"][at]["resident"].as_str().unwrap().to_owned()).unwrap();
    let seen = |at: usize| Seen { id: shown(at), version: found[0]["residents"][at]["version"].as_i64().unwrap() };
    assert_eq!(BTreeSet::from([shown(0).to_vec(), shown(1).to_vec()]), BTreeSet::from([traveller, citizen]));
    assert!(found[0]["sentence_zh"].as_str().unwrap().contains("姓名"), "{found:?}");

    // They are two, says one clerk, and takes it back; they are one, says another.
    let judge = Judge { name: "clerk", reason: "看过原件" };
    let record = Token::try_from(found[0]["contribution"].as_str().unwrap().to_owned()).unwrap();
    let same = identify::review(hub.hub(), record, seen(0), Verdict::Same, judge);
    assert_eq!(same.err().and_then(|error| error.code), Some("moved-on"), "two residents are merged by their versions");
    let golden = (hub.golden("resident"), hub.seq());
    let parted = identify::review(hub.hub(), record, seen(0), Verdict::Different, judge).expect("it is said");
    assert_eq!((pairs().len(), hub.golden("resident"), hub.seq()), (0, golden.0, golden.1));
    identify::revoke(hub.hub(), &parted.id, "clerk").expect("it is taken back");
    assert_eq!(pairs().len(), 1);
    identify::merge(hub.hub(), seen(0), seen(1), judge).expect("they are merged");
    assert_eq!(pairs().len(), 0);

    // Whoever was given two numbers: the same of everything else. A twin has a name of their own.
    let second = Person { id_no: citizen_id("130108", &Person::nth(2).birth_date, 400), ..Person::nth(2) };
    let twin =
        Person { id_no: citizen_id("130108", &Person::nth(4).birth_date, 400), ..Person::nth(4).named("周晓梅") };
    let more = [insured(&second, "9002"), insured(&twin, "9003")];
    hub.deliver(&insurance(3, (1..=PEOPLE).map(row).chain([by_passport]).chain(more)));
    let found = pairs();
    assert_eq!((found.len(), &found[0]["ground"]), (1, &serde_json::json!("two_numbers")), "{found:?}");
    assert_eq!(found[0]["residents"][1]["says"]["name"], Person::nth(2).name, "{found:?}");
}

/// Which people the register and the insurers know, and how: 0 not at all, 1 with a number, 2 without, 3 with a
/// mistyped name, 4 under somebody else's number.
type Day = (Vec<bool>, Vec<u8>);

const FIRST: u32 = 150;

fn days() -> impl Strategy<Value = Vec<Day>> {
    let day = (prop::collection::vec(any::<bool>(), 10), prop::collection::vec(0..5_u8, 10));
    prop::collection::vec(day, 2..5)
}

fn deliveries((registered_, insured_): &Day, day: u32) -> [Delivery; 2] {
    let known = |who: u32| who <= FIRST || registered_[(who - FIRST - 1) as usize];
    let register_rows = (1..=PEOPLE).filter(|who| known(*who));
    let register_rows = register_rows.map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"));
    let insured_rows = (1..=PEOPLE).filter_map(|who| {
        let person = Person::nth(who);
        let how = if who <= FIRST { 1 + u8::from(who.is_multiple_of(3)) } else { insured_[(who - FIRST - 1) as usize] };
        let row = insured(&person, &number(who));
        match how {
            0 => None,
            1 => Some(row),
            2 => Some(row.with("AAC002", "")),
            3 => Some(row.with("AAC002", "").with("AAC003", &format!("{}某", person.name))),
            _ => Some(row.with("AAC002", &Person::nth(who - 20).id_no)),
        }
    });
    [register(day, register_rows.collect::<Vec<_>>()), insurance(day, insured_rows.collect::<Vec<_>>())]
}

fn invariant_3_any_order_of_events_leaves_the_same_places(store: Store) {
    let cases = if store == Store::Sqlite { 6 } else { 2 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let hub = std::cell::RefCell::new((tuned(store), 1));
    let places = |hub: &Inside| -> BTreeMap<u32, (String, Option<Vec<u8>>)> {
        let all = (1..=PEOPLE).filter(|who| !hub.contributions(INSURED, &number(*who)).is_empty());
        all.map(|who| (who, link(hub, who))).collect()
    };
    let outcome = TestRunner::new(config).run(&days(), |days| {
        let mut hub = hub.borrow_mut();
        // One way through the days, and the last day by the other order of its deliveries.
        let last = days.last().cloned().unwrap_or_default();
        let mut moments = Vec::new();
        for day in &days {
            hub.1 += 1;
            let [register, insurance] = deliveries(day, hub.1);
            hub.0.deliver(&register);
            hub.0.deliver(&insurance);
            prop_assert_eq!(hub.0.differences(), 0);
            moments.push(moment(&hub.0));
        }
        let one_way = places(&hub.0);
        for day in [days[0].clone(), last] {
            hub.1 += 1;
            let [register, insurance] = deliveries(&day, hub.1);
            hub.0.deliver(&insurance);
            hub.0.deliver(&register);
        }
        prop_assert_eq!(places(&hub.0), one_way);
        prop_assert_eq!(tune::rematch(hub.0.hub(), &|_| ()).unwrap(), 0);
        for (at, places) in moments {
            prop_assert_eq!(told_of(&hub.0, at), places);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
