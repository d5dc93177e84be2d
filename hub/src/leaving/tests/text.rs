//! Records are passed on as text; here they are read, cut and written anew, attribute by attribute, and must come out the
//! same to the letter.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{HERE, THERE, World, id_text, key, keyring, named, scope};
use crate::leaving::people::{People, keys_in};
use crate::leaving::{Moment, Scope, records};
use crate::store::entity::{self, Version};
use crate::store::{Conn, codec};

/// The slow way.
fn naive(conn: &mut Conn, scope: &Scope, version: &Version) -> Option<String> {
    let mut fields: Map<String, Value> = codec::decode(&version.document).expect("a document");
    if version.state != "live" || !scope.shows_kind(&version.kind) {
        return None;
    }
    if !scope.shows_community(fields.get("community").and_then(Value::as_str)) {
        return None;
    }
    fields.retain(|name, _| scope.shows_field(&version.kind, name));
    let mut keys = BTreeSet::new();
    fields.values().for_each(|value| keys_in(value, &mut keys));
    let people = People::look_up(conn, keyring(), scope, &keys, None).expect("people");
    let shown = |(name, value): (String, Value)| Some((name.clone(), people.shown(scope, &name, value, i64::MAX)?));
    let mut record: Map<String, Value> = fields.into_iter().filter_map(shown).collect();
    let id = crate::keyring::Token::from_slice(&version.entity).expect("an id");
    record.insert("id".to_owned(), Value::String(id.to_string()));
    Some(Value::Object(record).to_string())
}

/// A value as mappings make them, with people in it and lists that are empty, at any depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("a \"key\": with [] and \\ in it")),
        prop::sample::select(vec!["a", "b", "nobody"]).prop_map(named),
        Just(json!({"name": "named only"})),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"key": "no token"})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let known =
        ["spouse", "father", "members", "head", "name", "key", "id", "a", "zone", "phones", "marriages", "居住"];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[a-z\"\\\\]{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_leaves_as_text_is_what_would_be_written_anew(
        documents in prop::collection::vec((prop::collection::btree_map(name(), value(), 0..7), any::<bool>()), 1..6),
    ) {
        let world = World::new();
        let who: Vec<String> = (0..documents.len()).map(|number| format!("person {number}")).collect();
        let written: Vec<(&str, Option<Value>)> = documents.iter().zip(&who).map(|((fields, here), who)| {
            let mut fields: Map<String, Value> = fields.clone().into_iter().collect();
            fields.insert("community".to_owned(), json!(if *here { HERE } else { THERE }));
            (who.as_str(), Some(Value::Object(fields)))
        }).collect();
        world.residents(1, &[("a", Some(json!({"name": "a", "community": HERE}))), ("b", Some(json!({"community": THERE})))]);
        world.residents(2, &written);
        let fields = ["spouse", "members", "name", "phones", "marriages", "zone", "id", "居住"];
        for scope in [Scope::All, scope(&["*"], &fields), scope(&[HERE], &fields), scope(&[HERE], &["marriages"])] {
            world.db.read(|conn| {
                let versions = entity::changes(conn, 0, 100)?;
                let shown = records(conn, keyring(), &scope, &versions, Moment::Now)?;
                for (version, shown) in versions.iter().zip(shown) {
                    let anew = naive(conn, &scope, version);
                    assert_eq!(shown.as_ref().map(|record| record.text()), anew.as_deref());
                    if let Some(text) = anew {
                        assert!(!text.contains(&key("a").to_string()), "{text}");
                    }
                }
                Ok(())
            }).expect("records");
        }
    }
}

#[test]
fn an_attribute_whose_name_must_be_escaped_is_still_looked_through() {
    let world = World::new();
    let document = json!({"community": HERE, "quoted \"name\"": {"spouse": named("b")}, "\u{e9}": [named("b")]});
    world.residents(1, &[("a", Some(document)), ("b", Some(json!({"name": "b", "community": HERE})))]);
    let read = |conn: &mut Conn| {
        let versions = entity::changes(conn, 0, 1)?;
        records(conn, keyring(), &Scope::All, &versions, Moment::Now)
    };
    let shown = world.db.read(read).expect("records").pop().flatten().expect("a record").value();
    assert_eq!(shown["quoted \"name\""]["spouse"], json!({"id": id_text("b"), "name": "b"}), "{shown}");
    assert_eq!(shown["\u{e9}"][0], json!({"id": id_text("b"), "name": "b"}), "{shown}");
}
