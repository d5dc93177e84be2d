//! Whom a record is about, as the set of live contributions tells it.

use integration_tests::world::{
    Delivery, Person, Row, citizen_id, health_record, health_records, insured, insured_persons, registered,
    registered_residents, unemployed, unemployment_insurance,
};
use integration_tests::{Inside, Store};

const INSURED: &str = "social-security/insured-persons";
const UNEMPLOYED: &str = "social-security/unemployment-insurance";

on_both_stores!(
    a_corrected_number_moves_the_record_and_versions_both,
    a_record_without_number_resolves_when_its_alias_is_learned,
    an_alias_tied_to_two_people_means_nobody,
    a_child_under_its_parents_number_waits_and_joins_nobody,
    a_placeholder_joins_nobody,
    a_wrong_check_digit_is_kept_with_an_issue_and_unresolved,
    fifteen_digits_become_eighteen,
    without_birth_dates_one_name_joins_and_two_do_not,
    an_anchor_that_arrives_late_decides_who_joins,
    a_household_ends_with_its_last_member,
    whoever_moves_changes_both_households,
    a_death_ends_nothing,
    two_departments_make_one_resident,
    aliases_are_not_transitive,
);

pub(super) fn insurance(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    insured_persons(&format!("202611{day:02}"), 1, rows)
}

pub(super) fn unemployment(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    unemployment_insurance(&format!("2026-11-{day:02}T00:00:00+08:00"), rows)
}

pub(super) fn register(day: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    registered_residents(&format!("202611{day:02}"), rows)
}

fn employers(hub: &Inside, person: &Person) -> Vec<String> {
    let document = hub.resident(&person.id_no).unwrap_or_default();
    let list = document.get("insurances").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    list.iter().map(|insurance| insurance["employer_no"].as_str().unwrap_or_default().to_owned()).collect()
}

fn a_corrected_number_moves_the_record_and_versions_both(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    // Zhang's record was sent under Li's number; Li is known from the register, too.
    hub.deliver(&register(1, [registered(&li, "001", "户主")]));
    let mistyped = insured(&zhang, "1001").with("AAC002", &li.id_no).with("AAC006", &li.birth_date);
    hub.deliver(&insurance(1, [mistyped]));
    let of_li = hub.entity_of(&li.id_no).unwrap().0;
    assert_eq!(hub.contribution(INSURED, "1001").entity, Some(of_li.id.clone()));

    let receipt = hub.deliver(&insurance(2, [insured(&zhang, "1001")]));
    assert_eq!(receipt.applied, 1);
    let of_zhang = hub.entity_of(&zhang.id_no).unwrap().0;
    assert_eq!(hub.contribution(INSURED, "1001").entity, Some(of_zhang.id));
    assert_eq!(hub.entity_of(&li.id_no).unwrap().0.version, of_li.version + 1);
    assert!(!hub.resident(&li.id_no).unwrap().contains_key("phones"), "nothing of Zhang's stays with Li");

    // And where nobody else speaks of the wrong number, its resident ends.
    hub.deliver(&insurance(
        3,
        [insured(&zhang, "1001").with("AAC002", &Person::nth(3).id_no).with("AAC006", &Person::nth(3).birth_date)],
    ));
    assert_eq!(hub.resident(&zhang.id_no), None);
    assert!(hub.resident(&Person::nth(3).id_no).is_some());
}

fn a_record_without_number_resolves_when_its_alias_is_learned(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    let blank = unemployed(&zhang, "1001").with("公民身份证", "");
    hub.deliver(&unemployment(1, [blank.clone()]));
    assert_eq!((hub.contribution(UNEMPLOYED, "1001").link.as_str(), hub.seq()), ("no-key", 0));

    hub.deliver(&insurance(1, [insured(&zhang, "1001"), insured(&li, "1002")]));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "alias");
    assert_eq!(employers(&hub, &zhang), ["2001"]);
    assert!(employers(&hub, &li).is_empty());

    // The number passes to Li: the record without number goes with it.
    hub.deliver(&insurance(2, [insured(&li, "1001")]));
    assert_eq!(employers(&hub, &li), ["2001"]);
    assert_eq!(hub.resident(&zhang.id_no), None);

    // And is lost when nobody ties the number any more.
    hub.deliver(&insurance(3, [insured(&zhang, "1003")]));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "no-key");
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").entity, None);
    assert_eq!(hub.resident(&li.id_no), None);
}

fn an_alias_tied_to_two_people_means_nobody(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001").with("公民身份证", "")]));
    // Half width and full width are two source keys and one number.
    let both = [insured(&zhang, "1001"), insured(&li, "１００１")];
    hub.deliver(&insurance(1, both));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "alias-suspended");
    assert!(hub.resident(&zhang.id_no).is_some() && hub.resident(&li.id_no).is_some(), "a good key is a good key");

    hub.deliver(&insurance(2, [insured(&zhang, "1001"), insured(&li, "1002")]));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "alias");
    assert_eq!(employers(&hub, &zhang), ["2001"]);
}

fn a_child_under_its_parents_number_waits_and_joins_nobody(store: Store) {
    let hub = Inside::new(store);
    let (parent, child) = (Person::nth(1), Person::nth(30));
    hub.deliver(&unemployment(1, [unemployed(&child, "2002").with("公民身份证", "")]));
    hub.deliver(&insurance(1, [insured(&parent, "1001")]));
    let before = hub.entity_of(&parent.id_no).unwrap();
    let of_child = insured(&child, "2002").with("AAC002", &parent.id_no);
    hub.deliver(&insurance(2, [insured(&parent, "1001"), of_child.clone()]));
    let waiting = hub.contribution(INSURED, "2002");
    assert_eq!((waiting.link.as_str(), waiting.entity), ("key-disagrees", None));
    assert_eq!(hub.entity_of(&parent.id_no).unwrap().0.version, before.0.version);
    assert_eq!(hub.contribution(UNEMPLOYED, "2002").link, "no-key", "it teaches no alias");

    // Alone under the number it joins nobody either.
    hub.deliver(&insurance(3, [of_child]));
    assert_eq!(hub.contribution(INSURED, "2002").link, "key-disagrees");
    assert_eq!(hub.resident(&parent.id_no), None);

    // With its own number it is itself, and teaches.
    hub.deliver(&insurance(4, [insured(&child, "2002")]));
    assert_eq!(hub.resident(&child.id_no).unwrap()["name"], child.name.as_str());
    assert_eq!(hub.contribution(UNEMPLOYED, "2002").link, "alias");
}

fn a_placeholder_joins_nobody(store: Store) {
    let hub = Inside::new(store);
    let one = Person::nth(1);
    let under = |n: u32| {
        insured(&one, &format!("100{n}")).with("AAC003", &format!("某人{}", ["甲", "乙", "丙", "丁"][n as usize]))
    };
    hub.deliver(&insurance(1, (0..3).map(under)));
    assert!(hub.resident(&one.id_no).is_some(), "three spellings may be one person");
    hub.deliver(&insurance(2, (0..4).map(under)));
    assert_eq!(hub.resident(&one.id_no), None);
    assert!((0..4).all(|n| hub.contribution(INSURED, &format!("100{n}")).link == "placeholder-key"));
    // A record of another department under the same number waits as well.
    hub.deliver(&register(1, [registered(&one, "001", "户主")]));
    assert_eq!(hub.resident(&one.id_no), None);
    hub.deliver(&insurance(3, (0..2).map(under)));
    assert!(hub.resident(&one.id_no).is_some());
}

fn a_wrong_check_digit_is_kept_with_an_issue_and_unresolved(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let last = if zhang.id_no.ends_with('1') { "2" } else { "1" };
    let wrong = format!("{}{last}", &zhang.id_no[..17]);
    let receipt = hub.deliver(&insurance(1, [insured(&zhang, "1001").with("AAC002", &wrong)]));
    assert_eq!((receipt.applied, receipt.rejected), (1, 0));
    assert_eq!(hub.issues(&receipt.id), [(1, "id-check-digit".to_owned())]);
    let row = hub.contribution(INSURED, "1001");
    assert_eq!((row.link.as_str(), row.entity.clone()), ("key-invalid", None));
    assert_eq!(row.document().unwrap().attributes["id_no"], wrong.as_str());

    // Unless an alias resolves it.
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001")]));
    assert_eq!(hub.contribution(INSURED, "1001").link, "alias");
    assert!(hub.resident(&zhang.id_no).unwrap().contains_key("phones"));
}

fn fifteen_digits_become_eighteen(store: Store) {
    let hub = Inside::new(store);
    let mut zhang = Person::nth(1);
    zhang.birth_date = "19660612".to_owned();
    zhang.id_no = citizen_id("130108", "19660612", 11);
    let short = format!("{}{}", &zhang.id_no[..6], &zhang.id_no[8..17]);
    hub.deliver(&insurance(1, [insured(&zhang, "1001").with("AAC002", &short)]));
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    assert_eq!(hub.golden("resident").len(), 1);
    assert_eq!(hub.resident(&zhang.id_no).unwrap()["id_no"], zhang.id_no.as_str());
}

fn without_birth_dates_one_name_joins_and_two_do_not(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001")]));
    assert!(hub.resident(&zhang.id_no).is_some());
    hub.deliver(&unemployment(2, [unemployed(&zhang, "1001"), unemployed(&zhang, "1002").with("姓名", "李四")]));
    assert_eq!(hub.resident(&zhang.id_no), None, "nobody knows which of the two it is");
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "key-disagrees");
}

fn an_anchor_that_arrives_late_decides_who_joins(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001"), unemployed(&zhang, "1002").with("姓名", "李四")]));
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "key");
    assert_eq!(hub.contribution(UNEMPLOYED, "1002").link, "key-disagrees");
    assert_eq!(employers(&hub, &zhang), ["2001"]);
}

fn members(hub: &Inside, number: &str) -> Vec<String> {
    let found = hub.households().into_iter().find(|document| document["number"] == number);
    let members = found.and_then(|document| document["members"].as_array().cloned()).unwrap_or_default();
    members.iter().map(|member| member["name"].as_str().unwrap_or_default().to_owned()).collect()
}

fn a_household_ends_with_its_last_member(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li) = (Person::nth(1), Person::nth(2));
    let wang = registered(&Person::nth(3), "002", "户主");
    hub.deliver(&register(1, [registered(&zhang, "001", "户主"), registered(&li, "001", "配偶"), wang.clone()]));
    assert_eq!((hub.households().len(), members(&hub, "001").len()), (2, 2));
    hub.deliver(&register(2, [registered(&li, "001", "户主"), wang.clone()]));
    assert_eq!(members(&hub, "001"), [li.name]);
    hub.deliver(&register(3, [wang]));
    assert_eq!(hub.households().len(), 1);
    assert!(members(&hub, "001").is_empty());
}

fn whoever_moves_changes_both_households(store: Store) {
    let hub = Inside::new(store);
    let (zhang, li, wang) = (Person::nth(1), Person::nth(2), Person::nth(3));
    let day = |day, number| {
        register(
            day,
            [registered(&zhang, "001", "户主"), registered(&li, "002", "户主"), registered(&wang, number, "子")],
        )
    };
    hub.deliver(&day(1, "001"));
    let changes = hub.seq();
    hub.deliver(&day(2, "002"));
    assert_eq!((members(&hub, "001").len(), members(&hub, "002").len()), (1, 2));
    // Two households and the resident whose household number it is.
    assert!((2..=3).contains(&(hub.seq() - changes)), "{}", hub.seq() - changes);
    // The same number at another station is another household.
    hub.deliver(&register(
        3,
        [registered(&zhang, "001", "户主"), registered(&li, "001", "户主").with("派出所", "东苑派出所")],
    ));
    assert_eq!(hub.households().len(), 2);
}

fn a_death_ends_nothing(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    let record = health_record(&zhang, "13010800100000001", "2026-11-01T08:00:00");
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 0, [record.with("DE02.01.036.00", "20261030")]));
    let document = hub.resident(&zhang.id_no).unwrap();
    assert_eq!(document["death_date"], "2026-10-30");
    assert_eq!(hub.households().len(), 1);
}

fn two_departments_make_one_resident(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    let version = hub.entity_of(&zhang.id_no).unwrap().0.version;
    hub.deliver(&insurance(1, [insured(&zhang, "1001")]));
    assert_eq!(hub.golden("resident").len(), 1);
    assert_eq!(hub.entity_of(&zhang.id_no).unwrap().0.version, version + 1);
    // One of them gone, the other's word stays.
    hub.deliver(&insurance(2, [insured(&Person::nth(2), "1002")]));
    let document = hub.resident(&zhang.id_no).unwrap();
    assert!(!document.contains_key("phones") && document["name"] == zhang.name.as_str());
}

fn aliases_are_not_transitive(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    // The unemployment record is Zhang's by its alias alone; it teaches nobody, so with the teacher gone it is nobody's.
    hub.deliver(&insurance(1, [insured(&zhang, "1001")]));
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001").with("公民身份证", "")]));
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    hub.deliver(&insurance(2, [insured(&zhang, "1009")]));
    assert!(hub.resident(&zhang.id_no).is_some());
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "no-key");
}
