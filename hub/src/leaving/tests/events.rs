use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{HERE, THERE, World, id_text, named, scope};
use crate::leaving::{Event, Operation, Record, Scope};

fn told(events: &[Event]) -> Vec<(String, &'static str)> {
    events.iter().map(|event| (event.id.clone(), event.operation.text())).collect()
}

#[test]
fn a_reader_is_told_what_comes_into_its_scope_changes_in_it_and_leaves_it() {
    let world = World::new();
    world.residents(1, &[("a", Some(json!({"name": "a", "community": THERE})))]);
    world.residents(2, &[("a", Some(json!({"name": "a", "community": HERE, "sex": "1"})))]);
    world.residents(3, &[("a", Some(json!({"name": "a", "community": HERE, "sex": "2"})))]);
    world.residents(4, &[("a", Some(json!({"name": "A", "community": HERE, "sex": "2"})))]);
    world.residents(5, &[("a", Some(json!({"name": "A", "community": THERE, "sex": "2"})))]);
    world.residents(6, &[("a", Some(json!({"name": "A", "community": HERE})))]);
    world.residents(7, &[("a", None)]);

    let events = world.events(&scope(&[HERE], &["name"]), 100);
    let expected = [("e-2", "added"), ("e-4", "changed"), ("e-5", "removed"), ("e-6", "added"), ("e-7", "removed")];
    assert_eq!(told(&events), expected.map(|(id, word)| (id.to_owned(), word)), "3 changed only what is not agreed");
    let full = json!({"id": id_text("a"), "name": "a", "community": HERE});
    assert_eq!(events[0].data.as_ref().map(Record::value), Some(full));
    assert_eq!(events[2].data, None, "what is removed says nothing but its id");
    assert_eq!(world.events(&scope(&[HERE], &["name"]), 1), events, "the size of pages does not matter");
}

#[test]
fn a_couple_that_comes_with_one_transaction_is_told_with_each_other() {
    let world = World::new();
    let one = |other: &str| Some(json!({"community": HERE, "spouse": named(other)}));
    world.residents(1, &[("a", one("b")), ("b", one("a"))]);
    world.residents(2, &[("c", one("d"))]);
    world.residents(3, &[("d", one("c"))]);
    let scope = scope(&[HERE], &["spouse", "name"]);
    for limit in [1, 2, 100] {
        let events = world.events(&scope, limit);
        let spouse = |index: usize| events[index].data.as_ref()?.value().get("spouse").cloned();
        assert_eq!(spouse(0), Some(json!({"id": id_text("b"), "name": "b"})), "pages of {limit}");
        assert_eq!(spouse(1), Some(json!({"id": id_text("a"), "name": "a"})));
        assert_eq!(spouse(2), None, "whoever comes with a later transaction was not there yet");
        assert_eq!(spouse(3), Some(json!({"id": id_text("c"), "name": "c"})));
    }
}

#[test]
fn an_event_is_the_same_whenever_it_is_asked_for() {
    let world = World::new();
    let spouse_at = |community: &str| Some(json!({"name": "b", "community": community}));
    world.residents(1, &[("a", Some(json!({"community": HERE, "spouse": named("b")}))), ("b", spouse_at(HERE))]);
    let scope = scope(&[HERE], &["spouse", "name"]);
    let first = world.events(&scope, 100);
    world.residents(2, &[("b", spouse_at(THERE))]);
    world.residents(3, &[("b", None)]);
    assert_eq!(world.events(&scope, 100)[..2], first);
}

#[test]
fn a_snapshot_is_of_one_seq_whatever_is_written_later() {
    let world = World::new();
    let at = |name: &str| Some(json!({"name": name, "community": HERE}));
    world.residents(1, &[("a", at("a")), ("b", at("b")), ("c", Some(json!({"name": "c", "community": THERE})))]);
    world.residents(2, &[("a", at("A"))]);
    let scope = scope(&[HERE], &["name"]);
    let before = world.snapshot(&scope, 3, 1);
    world.residents(3, &[("b", None), ("c", at("c")), ("d", at("d"))]);
    assert_eq!(world.snapshot(&scope, 3, 100), before);
    let name = |event: &Event| Some(event.data.as_ref()?.value().get("name")?.as_str()?.to_owned());
    let mut names: Vec<String> = before.iter().filter_map(name).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    assert!(before.iter().all(|event| event.operation == Operation::Added));
    assert!(before.iter().all(|event| event.id == format!("e-3-{}", event.entity)), "{before:?}");
}

/// What a reader holds that began with nothing and heard of all events.
fn held(events: &[Event]) -> BTreeMap<String, Value> {
    let mut held = BTreeMap::new();
    for event in events {
        let id = event.entity.to_string();
        match (&event.operation, &event.data) {
            (Operation::Added, Some(data)) => assert!(held.insert(id, data.value()).is_none(), "added twice"),
            (Operation::Changed, Some(data)) => {
                let before = held.insert(id, data.value());
                assert!(before.is_some_and(|before| before != data.value()), "changed without a difference");
            }
            (Operation::Removed, None) => assert!(held.remove(&id).is_some(), "removed what was not there"),
            other => panic!("{other:?}"),
        }
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn who_hears_every_change_holds_what_a_snapshot_shows(
        steps in proptest::collection::vec((0..4_usize, 0..4_usize, 0..3_usize), 1..24),
    ) {
        let world = World::new();
        let mut stands = BTreeMap::new();
        let mut last = 0;
        for (now, (who, place, name)) in steps.iter().enumerate() {
            let (who, name) = (["a", "b", "c", "d"][*who], ["x", "y", "z"][*name]);
            let document = [HERE, THERE].get(*place).map(|place| json!({"community": place, "name": name, "sex": "1"}));
            // The pipeline writes no version that is as the one before, and ends nothing that is not there.
            if stands.insert(who, document.clone()).unwrap_or_default() == document {
                continue;
            }
            last += 1;
            world.residents(now as i64 + 1, &[(who, document)]);
        }
        for scope in [scope(&[HERE], &["name"]), scope(&["*"], &["sex"]), Scope::All] {
            let shown: BTreeMap<String, Value> = world
                .snapshot(&scope, last, 3)
                .into_iter()
                .filter_map(|event| Some((event.entity.to_string(), event.data?.value())))
                .collect();
            prop_assert_eq!(held(&world.events(&scope, 5)), shown);
        }
    }
}
