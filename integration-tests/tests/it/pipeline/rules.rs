//! Rules that change between deliveries, and in the middle of one.

use std::path::Path;

use hub::pipeline::apply;
use integration_tests::place;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use integration_tests::{Inside, Store};

const FEED: &str = "social-security/insured-persons";
const MAPPING: &str = "mappings/social-security/insured-persons.toml";

on_both_stores!(
    the_next_delivery_is_mapped_under_the_new_rules,
    a_delivery_inspected_under_old_rules_is_compared_anew,
    a_run_pins_its_fingerprint,
    a_lost_spill_under_stricter_rules_loses_no_row,
);

fn night(number: u32, people: &[Person]) -> Delivery {
    insured_persons(&format!("202611{number:02}"), 1, people.iter().map(|p| insured(p, &p.phone)))
}

/// A folder with the feed's mapping, `from` replaced by `to`.
pub(super) fn changed(from: &str, to: &str) -> tempfile::TempDir {
    let folder = place::temporary_folder("rules");
    let old = std::fs::read_to_string(place::workspace().join(MAPPING)).unwrap();
    assert!(old.contains(from));
    let path = folder.path().join(MAPPING);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, old.replace(from, to)).unwrap();
    folder
}

/// Rules under which the phone comes from no column that is sent.
fn without_phones() -> tempfile::TempDir {
    changed("from = \"AAC067\"", "from = \"AAC147\"")
}

fn use_rules(hub: &mut Inside, folder: &Path) {
    hub.restart(|config| config.data.folder = Some(folder.to_owned()));
}

fn the_next_delivery_is_mapped_under_the_new_rules(store: Store) {
    let mut hub = Inside::new(store);
    let people = Person::first(2);
    hub.deliver(&night(1, &people));
    let old = hub.contribution(FEED, &people[0].phone).fingerprint;
    let rules = without_phones();
    use_rules(&mut hub, rules.path());
    assert!(hub.resident(&people[0].id_no).unwrap().contains_key("phones"), "rules alone change nothing");

    let receipt = hub.deliver(&night(2, &people));
    assert_eq!((receipt.applied, receipt.unchanged), (2, 0));
    let new = hub.contribution(FEED, &people[0].phone).fingerprint;
    assert_ne!(new, old);
    assert_eq!(receipt.fingerprint, Some(new));
    assert!(!hub.resident(&people[0].id_no).unwrap().contains_key("phones"));
    assert_eq!(hub.deliver(&night(3, &people)).unchanged, 2);
}

fn a_delivery_inspected_under_old_rules_is_compared_anew(store: Store) {
    let mut hub = Inside::new(store);
    let people = Person::first(2);
    hub.deliver(&night(1, &people));
    let ready = hub.inspect(&night(2, &people));
    let rules = without_phones();
    use_rules(&mut hub, rules.path());
    let receipt = hub.apply(&ready.id);
    assert_eq!((receipt.applied, receipt.unchanged), (2, 0));
    assert_ne!(receipt.fingerprint, ready.fingerprint);
}

/// A delivery whose apply has ended after its first chunk of one row.
fn half_applied(store: Store, people: &[Person]) -> (Inside, String) {
    let hub = Inside::with(store, |config| {
        config.work.chunk = 1;
        config.work.lease_ms = 1;
    });
    let ready = hub.inspect(&night(1, people));
    let other = hub.another();
    let take_over = |_| {
        other.db.lease(&other.instance, other.now(), 1, |_| true).unwrap().unwrap();
    };
    assert!(apply::apply(hub.hub(), &ready.id, &take_over).is_err());
    other.give_back().unwrap();
    (hub, ready.id)
}

fn a_run_pins_its_fingerprint(store: Store) {
    let people = Person::first(3);
    let (mut hub, id) = half_applied(store, &people);
    let rules = without_phones();
    use_rules(&mut hub, rules.path());
    let receipt = hub.apply(&id);
    assert_eq!(receipt.applied, 3);
    for person in &people {
        assert_eq!(Some(hub.contribution(FEED, &person.phone).fingerprint), receipt.fingerprint);
        assert!(hub.resident(&person.id_no).unwrap().contains_key("phones"), "the run goes on as it began");
    }
    assert_eq!(hub.deliver(&night(2, &people)).applied, 3);
}

fn a_lost_spill_under_stricter_rules_loses_no_row(store: Store) {
    let people = Person::first(3);
    let (mut hub, id) = half_applied(store, &people);
    // Rules under which nobody can be taken: a name is wanted where none is sent.
    let rules = changed("[part.attributes.name]\nfrom = \"AAC003\"", "[part.attributes.name]\nfrom = \"AAC147\"");
    use_rules(&mut hub, rules.path());
    std::fs::remove_file(hub.hub().landing.spill(&id)).unwrap();
    let receipt = hub.apply(&id);
    assert_eq!((receipt.state.as_str(), receipt.applied, receipt.rejected, receipt.waiting()), ("applied", 1, 2, 0));
    assert_eq!(hub.rejections_in(FEED, "open").len(), 2);
}
