//! Properties of every feed in the binary, over any JSON a decoder may hand on.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::mapping::message;

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::embedded().unwrap())
}

fn feed(name: &str) -> std::sync::Arc<Feed> {
    catalogue().get(name).unwrap()
}

fn record(fields: Value) -> Record {
    let Value::Object(fields) = fields else { unreachable!("an object was written") };
    Record { position: 1, line: None, fields }
}

#[test]
fn an_issue_is_about_the_one_attribute_that_reads_its_column() {
    let insured = feed("social-security/insured-persons");
    let about = |pointer: &str| insured.attribute_of("person", &message::reason("code-unknown", pointer, None));
    assert_eq!(about("/AAC004"), Some("sex"));
    assert_eq!(about("/INSURED/1/AAE140"), Some("insurances"), "by its group");
    assert_eq!(about("/AAC301"), Some("current_address"), "by a field of it");
    assert_eq!((about("/ROWNO"), about("")), (None, None));
    // Where two attributes are made of one column, it does not tell which.
    let all = || catalogue().feeds().flat_map(|feed| feed.parts.iter().map(move |part| (feed, part)));
    let shared = all().find_map(|(feed, part)| {
        let columns = feed.used.columns.iter();
        let mut twice = columns.filter(|c| part.attributes.iter().filter(|(_, a)| a.reads(c)).count() > 1);
        twice.next().map(|column| (feed, part, column))
    });
    let (feed, part, column) = shared.expect("some mapping reads a column twice");
    let issue = message::reason("code-unknown", crate::mapping::pointer(column), None);
    assert_eq!(feed.attribute_of(&part.name, &issue), None, "{} {column}", feed.spec.feed);
}

/// Values that look like something, and anything else.
fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", " ", "0", "1", "01", "IA", "男", "汉族", "正常", "19900101", "1990-01-01", "1900-02-30", "20990101", "99991231",
            "130108199001010013", "130108199001010014", "110105491231002", "1.30108E+17", "13900000001/", "王小明", "王*", "？",
            "130108001001", "八五零社区居委会", "未婚", "１２", "\u{3000}",
        ]).prop_map(Value::from),
        2 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn values(names: Vec<String>) -> impl Strategy<Value = Value> {
    let item = prop::collection::vec(scalars(), names.len())
        .prop_map(move |values| Value::Object(names.iter().cloned().zip(values).collect()));
    prop_oneof![
        6 => scalars(),
        3 => prop::collection::vec(prop_oneof![4 => item, 1 => scalars()], 0..4).prop_map(Value::from),
        1 => Just(json!({"a": ["b"]})),
    ]
}

/// A feed and a row of any values under its columns, some columns missing.
fn rows() -> impl Strategy<Value = (String, Map<String, Value>)> {
    let names: Vec<String> = catalogue().feeds().map(|feed| feed.spec.feed.clone()).collect();
    prop::sample::select(names).prop_flat_map(|name| {
        let used = feed(&name).used.clone();
        let inner: Vec<String> = used.groups.values().flatten().cloned().collect();
        let columns: Vec<String> = used.columns.iter().chain(used.groups.keys()).cloned().collect();
        let cells = prop::collection::vec(prop::option::weighted(0.9, values(inner)), columns.len());
        cells.prop_map(move |cells| {
            let row = columns.iter().cloned().zip(cells).filter_map(|(column, cell)| Some((column, cell?)));
            (name.clone(), row.collect())
        })
    })
}

/// The entity's schema over what a part says; derived attributes and erased ones aside.
fn conforms(part: &Part) -> Result<(), String> {
    static RESIDENT: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = catalogue().entity_schema("resident").unwrap();
    let validator = RESIDENT.get_or_init(|| jsonschema::draft202012::new(schema).unwrap());
    validator
        .validate(&Value::Object(part.attributes.clone()))
        .map_err(|error| format!("{error} at {}", error.instance_path()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_row_is_answered_and_always_alike((name, row) in rows()) {
        let feed = feed(&name);
        let _ = feed.source_key(&row);
        let outcome = feed.process(&row);
        prop_assert_eq!(&outcome, &feed.process(&row));
        let reasons = match &outcome {
            Outcome::Rejected(reasons) => {
                prop_assert!(!reasons.is_empty(), "a rejection has a reason");
                reasons
            }
            Outcome::Accepted { parts, issues, .. } => {
                prop_assert_eq!(parts.len(), feed.spec.parts.len());
                for part in parts {
                    if let Err(wrong) = conforms(part) {
                        prop_assert!(false, "{}: {wrong}", part.name);
                    }
                }
                issues
            }
        };
        for reason in reasons {
            prop_assert!(message::is_known(&reason.code), "{} has no sentence", reason.code);
            let column = reason.column();
            prop_assert!(reason.pointer.is_empty() || feed.used.columns.contains(&column) || feed.used.groups.contains_key(&column));
        }
    }

    #[test]
    fn columns_that_no_mapping_uses_change_nothing((name, row) in rows(), more in any::<String>(), value in scalars()) {
        let feed = feed(&name);
        let plain = feed.columns(Record { position: 1, line: None, fields: row.clone() });
        let mut fields = row;
        if !feed.used.columns.contains(&more) && !feed.used.groups.contains_key(&more) {
            fields.insert(more, value.clone());
        }
        for group in feed.used.groups.keys() {
            if let Some(Value::Array(items)) = fields.get_mut(group) {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| drop(item.insert("ROWNO".to_owned(), value.clone())));
            }
        }
        let more = feed.columns(Record { position: 2, line: Some(9), fields });
        prop_assert_eq!(plain.fields, more.fields);
    }
}

#[test]
fn the_six_feeds_are_in_the_binary() {
    let names: Vec<&str> = catalogue().feeds().map(|feed| feed.spec.feed.as_str()).collect();
    assert_eq!(
        names,
        [
            "civil-affairs/marriage-registrations",
            "family-planning/population",
            "health/resident-health-records",
            "public-security/registered-residents",
            "social-security/insured-persons",
            "social-security/unemployment-insurance",
        ]
    );
    assert_eq!(catalogue().codes("divisions").map(|table| table.rows.len()), Some(128));
}

#[test]
fn row_numbers_and_the_as_of_are_not_kept() {
    let population = feed("family-planning/population");
    let columns = population.columns(record(json!({"姓名": "王小明", "数据日期": " 2026-11-01 ", "序号": "1"})));
    assert_eq!(columns.fields, record(json!({"姓名": "王小明"})).fields);
    assert_eq!(columns.data_date.as_deref(), Some("2026-11-01"));
}

#[test]
fn health_refuses_what_is_not_base_data() {
    let health = feed("health/resident-health-records");
    assert_eq!(health.spec.forbidden, ["crowdType", "diagnoses", "pastHistory"]);
}

#[test]
fn a_key_of_several_columns_needs_all_of_them() {
    let mut spec = feed("public-security/registered-residents").spec.clone();
    spec.key.columns = vec!["派出所".to_owned(), "户号".to_owned()];
    let mut files = files::Files::embedded();
    files.put("mappings/public-security/registered-residents.toml", toml::to_string(&spec).unwrap());
    let feed = Catalogue::of(&files).unwrap().get(&spec.feed).unwrap();
    let key = |fields: Value| feed.source_key(&record(fields).fields);
    assert_eq!(key(json!({"派出所": " 裕兴 ", "户号": "1"})), Ok("裕兴\u{1f}1".to_owned()));
    assert_eq!(key(json!({"派出所": "裕兴", "户号": ""})).unwrap_err().pointer, "/户号");
}

#[test]
fn the_fingerprint_changes_with_the_rules_and_with_nothing_else() {
    let path = "mappings/social-security/insured-persons.toml";
    let base = files::Files::embedded();
    let text = base.text(path).unwrap().to_owned();
    let of = |path: &str, text: String| {
        let mut files = base.clone();
        files.put(path, text);
        Catalogue::of(&files).unwrap().get("social-security/insured-persons").unwrap().fingerprint.clone()
    };
    let now = feed("social-security/insured-persons").fingerprint.clone();
    assert_eq!(now.len(), 32);
    assert_eq!(of(path, text.replace("参保人员信息", "参保人员")), now);
    assert_eq!(of(path, text.replace("rejected_percent = 5.0", "rejected_percent = 7.0")), now);
    assert_ne!(of(path, text.replace("with = [\"split\", \"phone\"]", "with = [\"split:/\", \"phone\"]")), now);
    let codes = base.text("schemas/codes/sex.csv").unwrap().to_owned();
    assert_eq!(of("schemas/codes/sex.csv", codes.replace("unknown,verified", "not known,verified")), now);
    assert_ne!(of("schemas/codes/sex.csv", codes.replace("9,未说明的性别", "8,未说明的性别")), now);
    let schema = base.text("schemas/feeds/social-security/insured-persons.json").unwrap().to_owned();
    assert_ne!(of("schemas/feeds/social-security/insured-persons.json", schema.replace("200", "300")), now);
}

/// The text of a fenced block of the page on adding a feed, without its indentation.
fn example(language: &str, nth: usize) -> String {
    let page = include_str!("../../docs/adding-a-feed.md");
    let block = page.split(&format!("```{language}\n")).nth(nth).unwrap().split("```").next().unwrap();
    block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_of_the_page_on_adding_a_feed_works_as_it_stands() {
    let mut files = files::Files::embedded();
    files.put("schemas/feeds/disability/certificate-holders.json", example("json", 1));
    files.put("mappings/disability/certificate-holders.toml", example("toml", 1));
    files.put("mappings/disability/certificate-holders.tests.toml", example("toml", 2));
    assert_eq!(check::check_files(&files), []);
    assert!(Catalogue::of(&files).unwrap().get("disability/certificate-holders").is_some());
}
