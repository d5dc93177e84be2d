//! Invariant 3 as far as merge goes: the document is a function of the set of contributions, and provenance is the
//! same decision seen whole.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{FAMILY, HEALTH, INSURED, MARRIAGE, POLICE, UNEMPLOYED};
use crate::contribution::Contribution;
use crate::entity::{Rule, sample};
use crate::merge::{ISSUES, provenance, resident};
use sample::{Builder, number, says};

type Set = Vec<(Contribution, bool)>;

/// Attribute, value, and when it last changed.
type Said = (&'static str, Value, i64);

fn golden(set: &Set) -> Map<String, Value> {
    let linked: Vec<_> = set.iter().map(|(contribution, by_key)| (contribution, *by_key)).collect();
    resident(sample::resident(), sample::keyring(), &linked).expect("a document")
}

fn told(set: &Set) -> Map<String, Value> {
    let linked: Vec<_> = set.iter().map(|(contribution, by_key)| (contribution, *by_key)).collect();
    super::read(&provenance(sample::resident(), sample::keyring(), &linked, &|_, _| None).expect("a provenance"))
}

/// One thing that a contribution may say.
fn statement() -> impl Strategy<Value = Said> {
    let one_of = |values: Vec<Value>| prop::sample::select(values);
    let person = |who: u16| json!({"id_no": number("1982-01-02", who), "name": format!("某{who}")});
    let event = |operation: &str, on: &str, who: u16| json!({"operation": operation, "certificate_no": format!("{operation}{who}"), "registered_on": on, "spouse": person(who)});
    let said = prop_oneof![
        one_of(vec![json!("张三"), json!("张珊"), Value::Null]).prop_map(|value| ("name", value)),
        one_of(vec![json!(number("1980-05-17", 1)), json!("x")]).prop_map(|value| ("id_no", value)),
        one_of(vec![json!("10"), json!("21"), json!("22"), json!("30"), Value::Null])
            .prop_map(|value| ("marital", value)),
        one_of(vec![json!({"division": "130108001001"}), json!({"text": "路"}), Value::Null])
            .prop_map(|value| ("current_address", value)),
        one_of(vec![json!({"division": "130108001002"}), json!({"division": "130108001000"})])
            .prop_map(|value| ("registered_address", value)),
        one_of(vec![
            json!([{"number": "1"}]),
            json!([{"number": "2"}, {"number": "1", "x": 1}]),
            json!([]),
            Value::Null
        ])
        .prop_map(|value| ("phones", value)),
        one_of(vec![json!("东苑"), json!("裕强")]).prop_map(|value| ("household_station", value)),
        one_of(vec![json!("1"), json!("2"), Value::Null]).prop_map(|value| ("household_no", value)),
        one_of(vec![person(1), person(2), json!({"name": "某1"}), json!({})]).prop_map(|value| ("spouse", value)),
        one_of(vec![
            json!([event("IA", "2001-01-01", 1)]),
            json!([event("IA", "2001-01-02", 1), event("IB", "2002-01-01", 1)]),
            json!([event("ID", "2003-01-01", 1)]),
            json!([event("IA", "2004-01-01", 2), {"operation": "IB", "spouse": {"name": "某2"}}]),
        ])
        .prop_map(|value| ("marriage_events", value)),
    ];
    (said, 0..4i64).prop_map(|((attribute, value), at)| (attribute, value, at))
}

fn set() -> impl Strategy<Value = Set> {
    let feed = prop::sample::select(vec![POLICE, HEALTH, FAMILY, INSURED, UNEMPLOYED, MARRIAGE]);
    let contribution = (feed, prop::collection::vec(statement(), 0..7), any::<bool>());
    prop::collection::vec(contribution, 0..7).prop_map(|told| {
        let build = |(place, (feed, said, by_key)): (usize, (&str, Vec<Said>, bool))| {
            let says_all = |builder: Builder, (attribute, value, at): Said| builder.at(at).with(attribute, value);
            (said.into_iter().fold(says(feed, &place.to_string()), says_all).build(), by_key)
        };
        told.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn golden_of_a_set_equals_golden_of_any_permutation(
        (given, shuffled) in set().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(golden(&given), golden(&shuffled));
        prop_assert_eq!(told(&given), told(&shuffled));
    }

    #[test]
    fn what_is_taken_away_and_put_back_leaves_no_trace(all in set(), pick in any::<prop::sample::Index>()) {
        prop_assume!(!all.is_empty());
        let before = golden(&all);
        let mut changed = all.clone();
        let taken = changed.remove(pick.index(all.len()));
        let _without = golden(&changed);
        changed.push(taken);
        prop_assert_eq!(golden(&changed), before);
    }

    #[test]
    fn what_provenance_calls_winning_is_the_document(all in set()) {
        let schema = sample::resident();
        let (document, provenance) = (golden(&all), told(&all));
        for (attribute, claims) in provenance.iter().filter(|(attribute, _)| *attribute != ISSUES) {
            let winners: Vec<Value> = claims.as_array().into_iter().flatten().filter(|claim| claim["wins"] == true)
                .map(|claim| claim["value"].clone()).collect();
            let merge = schema.attribute(attribute).and_then(|attribute| attribute.merge.as_ref());
            let list = attribute == "marriages" || merge.is_some_and(|merge| matches!(merge.rule, Rule::Keyed(_)));
            let won = if list { Some(Value::Array(winners)) } else { winners.first().cloned() };
            let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            prop_assert_eq!(document.get(attribute), won.as_ref().filter(|value| !empty(value)), "{}", attribute);
            let wins: Vec<bool> = claims.as_array().into_iter().flatten().map(|claim| claim["wins"] == true).collect();
            prop_assert!(wins.is_sorted_by_key(|wins| !wins), "winners stand first");
        }
        prop_assert!(document.keys().all(|attribute| provenance.contains_key(attribute)));
    }

    #[test]
    fn a_document_holds_only_what_the_schema_declares_and_no_null(all in set()) {
        let schema = sample::resident();
        for (attribute, value) in golden(&all) {
            prop_assert!(schema.attribute(&attribute).is_some() && !value.is_null());
            prop_assert!(attribute != "marriage_events");
        }
    }
}
