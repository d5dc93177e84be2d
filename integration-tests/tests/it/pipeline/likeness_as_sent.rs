//! What could not be read for a resident's record is still evidence of whom a record is about, and of nothing else.

use std::collections::BTreeMap;

use hub::matching::as_sent;
use hub::pipeline::{rebuild, tune};
use hub::store::matching;
use integration_tests::world::{Delivery, Person, Row, insured, registered};
use integration_tests::{Inside, Store};
use serde_json::json;

use super::likeness::{INSURED, PEOPLE, entity, insurance, link, number, register};
use super::rules::changed;

on_both_stores!(a_record_with_a_masked_name_and_a_year_finds_its_person);

/// Whom the insurers know by a masked name and a year before anybody else knows them.
const LATE: u32 = PEOPLE + 2;

/// Without a number, the name masked behind the surname, and the year alone of the birth date.
fn masked(person: &Person) -> Row {
    let hidden = |(at, letter): (usize, char)| if at == 1 { '*' } else { letter };
    let name: String = person.name.chars().enumerate().map(hidden).collect();
    let row = insured(person, &number(LATE)).with("AAC002", "").with("AAC003", &name);
    row.with("AAC006", &person.birth_date[..4])
}

fn row(who: u32) -> Row {
    let person = Person::nth(who);
    match who % 6 {
        0 => masked(&person).with("BAC001", &number(who)),
        3 => insured(&person, &number(who)).with("AAC002", ""),
        _ => insured(&person, &number(who)),
    }
}

fn everybody(day: u32, late: Option<Row>) -> Delivery {
    insurance(day, (1..=PEOPLE).map(row).chain(late))
}

fn residents(day: u32, late: Option<&Person>) -> Delivery {
    let known = (1..=PEOPLE).map(|who| registered(&Person::nth(who), &format!("{who:03}"), "户主"));
    register(day, known.chain(late.map(|person| registered(person, "900", "户主"))))
}

/// A city in which names may be masked, and its active model.
fn tuned(store: Store) -> Inside {
    let named = "required = true\n\n[part.attributes.sex]";
    let rules = changed(named, &named.replacen('\n', "\non_error = \"drop\"\n", 1));
    let hub = Inside::with(store, |config| config.data.folder = Some(rules.path().to_owned()));
    hub.deliver(&residents(1, None));
    hub.deliver(&everybody(1, None));
    assert!(tune::tune(hub.hub(), "clerk", true, &|_| ()).expect("a model").active);
    hub
}

fn a_record_with_a_masked_name_and_a_year_finds_its_person(store: Store) {
    let hub = tuned(store);
    let is_placed = |who: &u32| link(&hub, *who) == ("like/no-key".to_owned(), entity(&hub, *who));
    let placed = (1..=PEOPLE).filter(|who| who.is_multiple_of(6)).filter(is_placed).count();
    assert!(placed >= 24, "{placed} of {}", PEOPLE / 6);
    let person = Person::nth(LATE);
    let masked = masked(&person);
    let receipt = hub.deliver(&everybody(2, Some(masked.clone())));
    assert_eq!((receipt.applied, receipt.rejected), (1, 0));
    let issues = hub.issues(&receipt.id).into_iter().filter(|(position, _)| *position > i64::from(PEOPLE));
    let codes: Vec<String> = issues.map(|(_, code)| code).collect();
    assert_eq!(codes, ["date-invalid", "value-missing", "name-masked"]);
    assert_eq!(link(&hub, LATE), ("no-key".to_owned(), None), "nobody is like this one yet");
    hub.deliver(&residents(2, Some(&person)));
    let found = entity(&hub, LATE);
    assert!(found.is_some());
    assert_eq!(link(&hub, LATE), ("like/no-key".to_owned(), found.clone()));
    // The resident has what was readable of the record, and nothing else of it.
    let golden = hub.resident(&person.id_no).unwrap();
    assert_eq!(golden["insurance_person_no"], number(LATE).as_str());
    assert_eq!((&golden["name"], &golden["birth_date"]), (&person.name.as_str().into(), &"1984-07-19".into()));
    assert!(!serde_json::to_string(&golden).unwrap().contains('*'));
    // A clerk sees what was compared.
    let row = hub.contribution(INSURED, &number(LATE));
    let sent = BTreeMap::from([("birth_date", "1984".to_owned()), ("name", "赵*英".to_owned())]);
    assert_eq!(as_sent(&row.contribution().unwrap()), sent);
    let shown = hub.hub().db.read(|conn| {
        let standing = matching::standing(conn, std::slice::from_ref(&row.id))?;
        hub::api::reviews(hub.hub(), conn, &standing)
    });
    let shown = serde_json::to_value(shown.unwrap()).unwrap();
    assert_eq!((&shown[0]["sent"], shown[0]["says"].get("name")), (&json!(sent), None), "{shown}");
    // The same again, a rebuild and the same model write nothing.
    let before = hub.dataset();
    hub.deliver(&everybody(3, Some(masked.clone())));
    assert_eq!(rebuild::rebuild(hub.hub(), &|_| ()).unwrap().versions, 0);
    assert_eq!(tune::rematch(hub.hub(), &|_| ()).unwrap(), 0);
    assert_eq!((hub.dataset(), hub.differences()), (before, 0));

    // What was sent changes, and nothing that could be read: it is somebody else now.
    let other = masked.clone().with("AAC003", "司马*").with("AAC006", "1957");
    hub.deliver(&everybody(4, Some(other)));
    assert_eq!(link(&hub, LATE), ("no-key".to_owned(), None));
    assert_eq!(hub.differences(), 0);
    hub.deliver(&everybody(5, Some(masked)));
    assert_eq!(link(&hub, LATE).1, found);

    // Corrected, it goes by its number.
    hub.deliver(&everybody(6, Some(insured(&person, &number(LATE)))));
    assert_eq!(link(&hub, LATE), ("key".to_owned(), found));
    let standing = hub.hub().db.read(|conn| matching::standing(conn, std::slice::from_ref(&row.id)));
    assert_eq!(standing.unwrap(), []);
    assert_eq!(rebuild::rebuild(hub.hub(), &|_| ()).unwrap().versions, 0);
    assert_eq!(hub.differences(), 0);
}
