use serde_json::{Value, json};

use super::{HERE, THERE, World, agreement, id, id_text, keyring, named, scope};
use crate::config::{Agreement, Config};
use crate::leaving::{Moment, Scope, record};
use crate::store::entity;

/// The record of a resident as a scope sees it now.
fn seen(world: &World, scope: &Scope, kind: &str, who: &str) -> Option<Value> {
    let read = |conn: &mut crate::store::Conn| {
        let (_, version) = entity::current(conn, &[id(kind, who)])?.pop().expect("an entity");
        record(conn, keyring(), scope, &version, Moment::Now)
    };
    world.db.read(read).expect("a record").map(|record| record.value())
}

#[test]
fn an_empty_list_anywhere_allows_nothing() {
    let world = World::new();
    world.residents(1, &[("a", Some(json!({"name": "a", "community": HERE})))]);
    let whole = agreement(&["*"], &["name"]);
    assert!(seen(&world, &Scope::Agreement(whole.clone()), "resident", "a").is_some());
    let nothing = [
        Agreement::default(),
        Agreement { entities: Vec::new(), ..whole.clone() },
        Agreement { communities: Vec::new(), ..whole.clone() },
        Agreement { fields: [("resident".to_owned(), Vec::new())].into(), ..whole.clone() },
        Agreement { fields: [("household".to_owned(), vec!["number".to_owned()])].into(), ..whole },
    ];
    for agreement in nothing {
        assert_eq!(seen(&world, &Scope::Agreement(agreement.clone()), "resident", "a"), None, "{agreement:?}");
        assert_eq!(world.events(&Scope::Agreement(agreement.clone()), 10), [], "{agreement:?}");
        assert_eq!(world.snapshot(&Scope::Agreement(agreement), 1, 10), []);
    }
    assert_eq!(
        seen(&world, &Scope::of_agreement(&Config::default(), "nobody"), "resident", "a"),
        None,
        "an agreement that is not configured"
    );
}

#[test]
fn only_agreed_fields_leave_with_id_and_community() {
    let world = World::new();
    let document = json!({"name": "a", "id_no": "11010519491231002X", "community": HERE, "phones": [{"number": "1"}]});
    world.residents(1, &[("a", Some(document))]);
    let shown = seen(&world, &scope(&[HERE], &["name", "education"]), "resident", "a");
    assert_eq!(shown, Some(json!({"id": id_text("a"), "community": HERE, "name": "a"})));
}

#[test]
fn a_community_that_is_not_agreed_is_not_seen_nor_is_a_resident_without_one() {
    let world = World::new();
    world.residents(1, &[("a", Some(json!({"name": "a", "community": THERE}))), ("b", Some(json!({"name": "b"})))]);
    for who in ["a", "b"] {
        assert_eq!(seen(&world, &scope(&[HERE], &["name"]), "resident", who), None);
        assert!(seen(&world, &scope(&["*"], &["name"]), "resident", who).is_some());
    }
}

#[test]
fn a_key_token_never_leaves_not_even_to_an_administrator() {
    let world = World::new();
    let document = json!({
        "community": HERE, "spouse": named("b"), "father": named("nobody we know"),
        "marriages": [{"spouse": named("b"), "state": "married", "since": "2020-01-01"}],
    });
    world.residents(1, &[("a", Some(document)), ("b", Some(json!({"name": "b", "community": HERE})))]);
    let shown = seen(&world, &Scope::All, "resident", "a").expect("a record");
    assert!(!shown.to_string().contains("\"key\""), "{shown}");
    assert_eq!(shown["spouse"], json!({"id": id_text("b"), "name": "b"}));
    assert_eq!(shown["father"], json!({"name": "nobody we know"}));
    assert_eq!(shown["marriages"][0]["spouse"]["id"], json!(id_text("b")));
}

#[test]
fn a_person_out_of_scope_is_left_out_of_the_records_of_others() {
    let world = World::new();
    let document = json!({
        "name": "a", "community": HERE, "spouse": named("b"), "mother": named("c"), "father": {"name": "d"},
        "marriages": [{"spouse": named("b"), "state": "married"}],
    });
    let people = [
        ("a", Some(document)),
        ("b", Some(json!({"name": "b", "community": THERE}))),
        ("c", Some(json!({"name": "c", "community": HERE}))),
    ];
    world.residents(1, &people);
    let fields = ["name", "spouse", "mother", "father", "marriages"];
    let shown = seen(&world, &scope(&[HERE], &fields), "resident", "a").expect("a record");
    assert_eq!(
        shown,
        json!({
            "id": id_text("a"), "name": "a", "community": HERE,
            "mother": {"id": id_text("c"), "name": "c"}, "marriages": [{"state": "married"}],
        })
    );
}

#[test]
fn a_member_of_a_household_shows_no_more_than_the_agreement_on_residents_allows() {
    let world = World::new();
    world.residents(1, &[("a", Some(json!({"name": "a", "community": HERE}))), ("b", Some(json!({"name": "b"})))]);
    let mut member = named("a");
    member["relation"] = json!("02");
    let household = json!({"number": "7", "community": HERE, "members": [member, named("b"), {"name": "an infant"}]});
    world.written("household", 2, &[("h", Some(household))]);

    let with_names = seen(&world, &scope(&[HERE], &["name"]), "household", "h").expect("a record");
    assert_eq!(with_names["members"], json!([{"id": id_text("a"), "name": "a", "relation": "02"}]));

    let without_names = seen(&world, &scope(&[HERE], &["sex"]), "household", "h").expect("a record");
    assert_eq!(without_names["members"], json!([{"id": id_text("a"), "relation": "02"}]));

    let mut households_only = agreement(&[HERE], &[]);
    households_only.entities = vec!["household".to_owned()];
    let without_residents = seen(&world, &Scope::Agreement(households_only), "household", "h").expect("a record");
    assert_eq!(without_residents.get("members"), None);
}
