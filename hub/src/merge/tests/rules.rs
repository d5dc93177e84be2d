//! Each merge rule as sentences.

use serde_json::{Value, json};

use super::{FAMILY, HEALTH, INSURED, MARRIAGE, POLICE, UNEMPLOYED, golden, key, told};
use crate::entity::{EntitySchema, sample};
use crate::merge::{provenance, resident};
use crate::reason::Reason;
use sample::{number, says};

/// The document of a schema with the one attribute `a` under `rule`.
fn under(rule: &Value, contributions: &[crate::contribution::Contribution]) -> Option<Value> {
    let schema = json!({"title": "甲", "x-title-en": "a", "properties": {
        "a": {"title": "甲", "x-title-en": "a", "x-sensitivity": "general", "x-merge": rule},
    }});
    let schema = EntitySchema::parse("sample", &schema).expect("a schema");
    let linked: Vec<_> = contributions.iter().map(|contribution| (contribution, true)).collect();
    resident(&schema, sample::keyring(), &linked).expect("a document").remove("a")
}

#[test]
fn latest_is_the_value_that_changed_last_at_its_source() {
    let old = says(HEALTH, "1").at(5).with("education", "61").build();
    let new = says(FAMILY, "1").at(6).with("education", "21").build();
    assert_eq!(golden(&[new, old])["education"], "21");
}

#[test]
fn a_value_that_did_not_change_is_no_newer_for_a_newer_delivery() {
    let mut confirmed = says(HEALTH, "1").at(5).with("education", "61").build();
    confirmed.as_of.instant = 9;
    let changed = says(FAMILY, "1").at(6).with("education", "21").build();
    assert_eq!(golden(&[confirmed, changed])["education"], "21");
}

#[test]
fn ties_go_by_authority_then_feed_then_key() {
    let rule = json!({"latest": true, "authority": ["health"]});
    let police = says(POLICE, "1").with("a", "police").build();
    let health = says(HEALTH, "1").with("a", "health").build();
    assert_eq!(under(&rule, &[police.clone(), health]), Some(json!("health")));
    let family = says(FAMILY, "1").with("a", "family").build();
    assert_eq!(under(&rule, &[police, family.clone()]), Some(json!("family")), "the smaller feed name");
    let twin = says(FAMILY, "2").with("a", "twin").build();
    let smaller = if family.id < twin.id { "family" } else { "twin" };
    assert_eq!(under(&rule, &[family, twin]), Some(json!(smaller)), "the smaller key");
}

#[test]
fn authority_comes_before_time_and_within_a_department_the_latest_counts() {
    let police = says(POLICE, "1").at(1).with("name", "张三").build();
    let health = says(HEALTH, "1").at(9).with("name", "张珊").build();
    assert_eq!(golden(&[health.clone(), police])["name"], "张三");
    let insured = says(INSURED, "1").at(2).with("name", "张叁").build();
    let unemployed = says(UNEMPLOYED, "1").at(3).with("name", "张山").build();
    assert_eq!(golden(&[health, insured, unemployed])["name"], "张山");
}

#[test]
fn a_department_that_is_not_listed_comes_last() {
    let rule = json!({"authority": ["health"]});
    let health = says(HEALTH, "1").at(1).with("a", "health").build();
    let police = says(POLICE, "1").at(9).with("a", "police").build();
    assert_eq!(under(&rule, &[police.clone(), health]), Some(json!("health")));
    assert_eq!(under(&rule, &[police]), Some(json!("police")));
}

#[test]
fn first_and_max_keep_what_was_said_first_and_what_is_most() {
    let [old, new] = [says(HEALTH, "1").at(1).with("a", "1990-01-01"), says(POLICE, "1").at(2).with("a", "2001-01-01")];
    let both = [new.build(), old.build()];
    assert_eq!(under(&json!({"first": true}), &both), Some(json!("1990-01-01")));
    assert_eq!(under(&json!({"max": true}), &both), Some(json!("2001-01-01")));
    let numbers = [says(HEALTH, "1").with("a", 9).build(), says(POLICE, "1").with("a", 10).build()];
    assert_eq!(under(&json!({"max": true}), &numbers), Some(json!(10)));
}

#[test]
fn null_erases_where_it_wins_and_only_there() {
    let said = says(HEALTH, "1").at(5).with("education", "61").build();
    let older = says(FAMILY, "1").at(4).with("education", Value::Null).build();
    assert_eq!(golden(&[said.clone(), older])["education"], "61");
    let newer = says(FAMILY, "1").at(6).with("education", Value::Null).build();
    assert_eq!(golden(&[said, newer]).get("education"), None);
}

#[test]
fn the_number_comes_only_from_records_linked_by_key() {
    let by_key = says(HEALTH, "1").at(1).person(&number("1980-05-17", 123), "张三").build();
    let wrong = says(POLICE, "1").at(9).person("130108198005171230", "张三").with("id_type", "01").build();
    let linked = [(&wrong, false), (&by_key, true)];
    let document = resident(sample::resident(), sample::keyring(), &linked).expect("a document");
    assert_eq!(document["id_no"], number("1980-05-17", 123));
    assert_eq!(document.get("id_type"), None);
    assert_eq!(document["name"], "张三");
}

#[test]
fn an_address_comes_whole_from_one_source() {
    let divided = says(HEALTH, "1").at(1).with("current_address", json!({"division": "130108001001"})).build();
    let text = says(INSURED, "1").at(2).with("current_address", json!({"text": "槐安东路1号"})).build();
    assert_eq!(golden(&[divided, text])["current_address"], json!({"text": "槐安东路1号"}));
}

#[test]
fn the_attributes_of_a_group_come_from_one_source_together() {
    let moved = says(POLICE, "1").at(1).with("household_station", "东苑").with("household_no", "1");
    let moved = moved.with("household_relation", "02").build();
    let newer = says(POLICE, "2").at(2).with("household_station", "裕强").with("household_no", "7").build();
    let document = golden(&[moved, newer]);
    assert_eq!((&document["household_station"], &document["household_no"]), (&json!("裕强"), &json!("7")));
    assert_eq!(document.get("household_relation"), None, "the relation was to the head of another household");
}

#[test]
fn a_list_is_the_union_of_its_items_and_each_item_comes_whole_from_the_latest_source() {
    let insured = says(INSURED, "1").at(1);
    let insured = insured.with(
        "insurances",
        json!([
            {"type": "110", "employer_no": "E1", "status": "1", "base": "5000"},
            {"type": "210", "employer_no": "E1", "status": "1", "since": "2010-01-01"},
        ]),
    );
    let unemployed = says(UNEMPLOYED, "1").at(2);
    let unemployed = unemployed.with("insurances", json!([{"type": "210", "employer_no": "E1", "status": "2"}]));
    let both = golden(&[unemployed.build(), insured.clone().build()]);
    assert_eq!(
        both["insurances"],
        json!([
            {"type": "110", "employer_no": "E1", "status": "1", "base": "5000"},
            {"type": "210", "employer_no": "E1", "status": "2"},
        ])
    );
    let dropped = says(UNEMPLOYED, "1").at(3).with("insurances", json!([]));
    let back = golden(&[dropped.build(), insured.build()]);
    assert_eq!(
        back["insurances"][1],
        json!({"type": "210", "employer_no": "E1", "status": "1", "since": "2010-01-01"})
    );
}

#[test]
fn an_item_vanishes_when_the_only_source_that_says_it_drops_it() {
    let insured = says(INSURED, "1").at(1).with("phones", json!([{"number": "13800000001"}])).build();
    let health = says(HEALTH, "1").at(1).with("phones", json!([{"number": "13800000002"}])).build();
    assert_eq!(
        golden(&[insured.clone(), health])["phones"],
        json!([{"number": "13800000001"}, {"number": "13800000002"}])
    );
    for nothing in [json!([]), Value::Null] {
        let health = says(HEALTH, "1").at(2).with("phones", nothing).build();
        assert_eq!(golden(&[insured.clone(), health])["phones"], json!([{"number": "13800000001"}]));
    }
}

#[test]
fn a_reference_shows_key_and_name_and_the_key_only_of_a_good_number() {
    let wife = number("1982-01-02", 124);
    let good = says(FAMILY, "1").with("spouse", json!({"id_no": wife, "name": "李四"})).build();
    assert_eq!(golden(&[good])["spouse"], json!({"key": key(&wife), "name": "李四"}));
    let wrong = says(FAMILY, "1").with("spouse", json!({"id_no": "130108198201021240", "name": "李四"})).build();
    assert_eq!(golden(&[wrong])["spouse"], json!({"name": "李四"}));
    let nobody = says(FAMILY, "1").with("spouse", json!({})).build();
    assert_eq!(golden(&[nobody]).get("spouse"), None);
}

#[test]
fn a_community_is_that_of_the_current_division_else_of_the_registered_one() {
    let registered = says(POLICE, "1").with("registered_address", json!({"division": "130108001001"})).build();
    let current = |division: &str| says(HEALTH, "1").with("current_address", json!({"division": division})).build();
    assert_eq!(golden(&[registered.clone(), current("130108002003")])["community"], "130108002003");
    for no_community in ["130108002000", "130108", "13010800200A"] {
        assert_eq!(golden(&[registered.clone(), current(no_community)])["community"], "130108001001");
    }
    assert_eq!(golden(&[current("130108002000")]).get("community"), None);
}

#[test]
fn a_death_sets_the_date_and_ends_nothing() {
    let police = says(POLICE, "1").with("name", "张三").with("registered_address", json!({"division": "130108001001"}));
    let health = says(HEALTH, "1").with("death_date", "2026-10-31").with("phones", json!([{"number": "13800000001"}]));
    let document = golden(&[police.build(), health.build()]);
    let shown: Vec<&str> = document.keys().map(String::as_str).collect();
    assert_eq!(shown, ["community", "death_date", "name", "phones", "registered_address"]);
}

#[test]
fn what_the_schema_does_not_know_is_not_shown() {
    assert_eq!(golden(&[says(HEALTH, "1").with("diagnoses", "I10").build()]).len(), 0);
}

#[test]
fn provenance_shows_losers_too_the_winner_first() {
    let police = says(POLICE, "1").at(1).with("name", "张三").build();
    let health = says(HEALTH, "1").at(9).with("name", "张珊").build();
    let name = told(&[health.clone(), police.clone()])["name"].clone();
    assert_eq!(
        name,
        json!([
            {"contribution": police.id, "feed": POLICE, "as_of": 1, "changed_at": 1, "value": "张三", "wins": true},
            {"contribution": health.id, "feed": HEALTH, "as_of": 9, "changed_at": 9, "value": "张珊", "wins": false},
        ])
    );
}

#[test]
fn provenance_shows_what_was_dropped_as_bad() {
    let check = Reason::new("id-check-digit", "/AAC002", "校验位错误", "wrong check digit").with_value("1");
    let sex = Reason::new("code-unknown", "/AAC004", "代码未知", "unknown code").with_value("7");
    let insured = says(INSURED, "1").person("130108198005171230", "张三").issue(check).issue(sex).build();
    let provenance = told(&[insured.clone(), says(MARRIAGE, "1").with("name", "张三").build()]);
    assert_eq!(provenance["id_no"][0]["issue"]["code"], "id-check-digit");
    assert_eq!(provenance["issues"][0]["issue"]["pointer"], "/AAC004");
    assert_eq!(provenance["issues"][0]["contribution"], json!(insured.id));
    assert!(!json!(provenance).to_string().contains("\"7\""), "the value as sent stays with the row");
}

#[test]
fn an_issue_stands_at_the_attribute_that_the_mapping_makes_of_its_column() {
    let sex = Reason::new("code-unknown", "/AAC004", "代码未知", "unknown code");
    let spouse = Reason::new("id-check-digit", "/AAC020", "校验位错误", "wrong check digit");
    let insured = says(INSURED, "1").person("130108198005171230", "张三").issue(sex).issue(spouse).build();
    let mapped = |_: &_, issue: &Reason| match issue.pointer.as_str() {
        "/AAC004" => Some("sex".to_owned()),
        "/AAC020" => Some("no attribute of a resident".to_owned()),
        _ => None,
    };
    let linked = [(&insured, true)];
    let provenance = provenance(sample::resident(), sample::keyring(), &linked, &mapped).expect("a provenance");
    let provenance = super::read(&provenance);
    assert_eq!(provenance["sex"][0]["issue"]["code"], "code-unknown");
    assert_eq!(provenance["sex"][0].get("value"), None, "it was dropped");
    assert_eq!(provenance["id_no"][0]["issue"]["code"], "id-check-digit", "named by its code");
    assert_eq!(provenance.get("issues"), None);
}
