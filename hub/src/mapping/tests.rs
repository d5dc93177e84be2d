//! The rules of the mapping format, each on a small part of its own.

use std::collections::BTreeMap;

use serde_json::json;

use super::compile::{Compiler, Problem};
use super::*;
use crate::code::CodeTable;
use crate::feed::spec::PartSpec;

fn tables() -> BTreeMap<String, CodeTable> {
    let sex = CodeTable::read("sex", "code,name_zh,name_en\n1,男,male\n2,女,female\n".as_bytes()).unwrap();
    BTreeMap::from([("sex".to_owned(), sex)])
}

fn compiled(attributes: &str) -> (compile::Part, Vec<Problem>) {
    let text = format!("name = 'p'\nentity = 'resident'\n[attributes]\n{attributes}");
    let spec: PartSpec = toml::from_str(&text).unwrap();
    let tables = tables();
    let mut compiler = Compiler::new(&tables);
    let part = compiler.part(0, &spec);
    (part, compiler.problems)
}

/// The attributes, the issues and the rejections of a row, as words.
fn mapped(attributes: &str, row: Value) -> (Value, Vec<String>, Vec<String>) {
    with_faults(attributes, row, &[])
}

fn with_faults(attributes: &str, row: Value, faults: &[Reason]) -> (Value, Vec<String>, Vec<String>) {
    let (part, problems) = compiled(attributes);
    assert_eq!(problems, []);
    let mut run = Run::new(faults, None);
    let said = run.part(&part.name, &part.attributes, row.as_object().unwrap());
    let words =
        |reasons: Vec<Reason>| reasons.iter().map(|reason| format!("{} {}", reason.code, reason.pointer)).collect();
    (Value::Object(said), words(run.issues), words(run.rejections))
}

fn problems(attributes: &str) -> Vec<String> {
    compiled(attributes)
        .1
        .into_iter()
        .map(|problem| format!("{}: {}", problem.path.join("."), problem.message))
        .collect()
}

const NONE: Vec<String> = Vec::new();

#[test]
fn a_blank_says_nothing_unless_it_erases() {
    let attributes = "a = { from = 'A' }\nb = { from = 'B', blank = 'erases' }\nc = { from = 'C', blank = 'issue' }";
    let issues = vec!["value-missing /C".to_owned()];
    let row = json!({"A": " ", "B": "\u{3000}", "C": ""});
    assert_eq!(mapped(attributes, row), (json!({"b": null}), issues, NONE));
}

#[test]
fn names_and_numbers_reject_and_the_rest_drops() {
    let attributes = "name = { from = 'N', with = ['name'] }\nid_no = { from = 'I', with = ['id_no'] }\nsex = { from = 'S', codes = 'sex' }";
    let (said, issues, rejections) = mapped(attributes, json!({"N": "王*", "I": "无", "S": "x"}));
    assert_eq!((said, issues), (json!({}), vec!["code-unknown /S".to_owned()]));
    assert_eq!(rejections, ["id-unreadable /I", "name-masked /N"]);
}

#[test]
fn the_mapping_may_say_otherwise() {
    let attributes = "name = { from = 'N', with = ['name'], on_error = 'drop' }\nsex = { from = 'S', codes = 'sex', on_error = 'reject' }";
    let (_, issues, rejections) = mapped(attributes, json!({"N": "王*", "S": "x"}));
    assert_eq!((issues, rejections), (vec!["name-masked /N".to_owned()], vec!["code-unknown /S".to_owned()]));
}

#[test]
fn fields_drop_one_by_one_and_a_required_one_takes_the_whole_along() {
    let attributes = "
        o = { fields = { x = { from = 'X', with = ['integer'] }, y = { from = 'Y', with = ['integer'] } } }
        r = { fields = { x = { from = 'X', with = ['integer'], required = true }, y = { from = 'Y', with = ['integer'] } } }";
    let (said, issues, _) = mapped(attributes, json!({"X": "x", "Y": "2"}));
    assert_eq!((said, issues), (json!({"o": {"y": 2}}), vec!["integer-invalid /X".to_owned()]));
    assert_eq!(mapped(attributes, json!({})).1, ["value-missing /X"]);
}

#[test]
fn a_group_is_a_list_and_its_items_have_their_places() {
    let attributes = "l = { group = 'G', fields = { s = { from = 'S', codes = 'sex' } } }";
    let row = json!({"G": [{"S": "男"}, {"S": "x"}, 7, {"S": "2"}]});
    let issues = vec!["code-unknown /G/1/S".to_owned(), "not-a-list /G/2".to_owned()];
    assert_eq!(mapped(attributes, row), (json!({"l": [{"s": "1"}, {"s": "2"}]}), issues, NONE));
    assert_eq!(mapped(attributes, json!({"G": "none"})).1, ["not-a-list /G"]);
    assert_eq!(mapped(attributes, json!({"G": []})), (json!({}), NONE, NONE));
}

#[test]
fn the_first_way_that_applies_and_says_something_counts() {
    let attributes = "a = { first_of = [{ when = 'row.T == \"1\"', from = 'A' }, { from = 'B' }, { const = 'none' }] }";
    assert_eq!(mapped(attributes, json!({"T": "1", "A": "a", "B": "b"})).0, json!({"a": "a"}));
    assert_eq!(mapped(attributes, json!({"T": "1", "A": "", "B": "b"})).0, json!({"a": "b"}));
    assert_eq!(mapped(attributes, json!({"T": "2", "A": "a"})).0, json!({"a": "none"}));
}

#[test]
fn an_expression_gives_a_value_that_goes_on_its_way() {
    let attributes = "a = { cel = 'row.X + \"-\" + row.Y', with = ['upper'] }\nb = { cel = 'row.X.size() > 1' }";
    assert_eq!(mapped(attributes, json!({"X": "ab", "Y": "c"})).0, json!({"a": "AB-C", "b": true}));
    let failing = mapped("a = { cel = 'row.X + 1' }", json!({"X": "a"}));
    assert_eq!(failing, (json!({}), vec!["expression-failed /X".to_owned()], NONE));
}

#[test]
fn columns_joined_leave_out_blanks() {
    let attributes = "a = { from_all = ['X', 'Y', 'Z'], join = ' ' }";
    assert_eq!(mapped(attributes, json!({"X": " a ", "Y": "", "Z": 3})).0, json!({"a": "a 3"}));
    assert_eq!(mapped(attributes, json!({})), (json!({}), NONE, NONE));
}

#[test]
fn one_cell_may_hold_several_values() {
    let attributes = "p = { from = 'P', with = ['split', 'phone'], item = 'number' }\ns = { from = 'S', with = ['split:+'], codes = 'sex' }";
    let (said, issues, _) = mapped(attributes, json!({"P": "13900000000，x 13900000000", "S": "男+女"}));
    assert_eq!(said, json!({"p": [{"number": "13900000000"}], "s": ["1", "2"]}));
    assert_eq!(issues, ["phone-invalid /P"]);
}

#[test]
fn spaces_stand_between_values_or_within_one() {
    let attributes = "p = { from = 'P', with = ['split', 'phone'] }";
    for (sent, phones) in [
        ("13900000000 85550001", json!(["13900000000", "85550001"])),
        ("139 0000 0000", json!(["13900000000"])),
        ("+86 13900000000；0311 8555 0001", json!(["13900000000", "0311-85550001"])),
        ("(0311) 85550001 / 139 0000 0000", json!(["0311-85550001", "13900000000"])),
        ("8603118 5551234", json!(["8603118", "5551234"])),
    ] {
        assert_eq!(mapped(attributes, json!({"P": sent})), (json!({"p": phones}), NONE, NONE), "{sent}");
    }
    let (said, issues, _) = mapped(attributes, json!({"P": "无 13900000000"}));
    assert_eq!((said, issues), (json!({"p": ["13900000000"]}), vec!["phone-invalid /P".to_owned()]));
}

/// The issues of a row of two parts, as code, pointer, attribute and value as sent.
fn told(parts: [(&str, &str); 2], row: Value) -> Vec<[String; 4]> {
    let mut run = Run::new(&[], None);
    for (name, attributes) in parts {
        let (part, problems) = compiled(attributes);
        assert_eq!(problems, []);
        run.part(name, &part.attributes, row.as_object().unwrap());
    }
    let told = |reason: Reason| {
        [reason.code, reason.pointer, reason.attribute.unwrap_or_default(), reason.value.unwrap_or_default()]
    };
    run.issues.into_iter().chain(run.rejections).map(told).collect()
}

#[test]
fn a_reason_names_the_part_and_the_attribute_that_was_read() {
    let attributes = "id_no = { from = 'I', with = ['id_no'] }
        sex = { first_of = [{ from = 'S', codes = 'sex' }] }
        home = { fields = { kind = { from = 'K', codes = 'sex' } } }
        list = { group = 'G', fields = { kind = { from = 'K', codes = 'sex' } } }";
    let row = json!({"I": "无", "S": " x", "K": "y", "G": [{"K": "z"}]});
    let expected = [
        ["code-unknown", "/K", "a/home", "y"],
        ["code-unknown", "/G/0/K", "a/list", "z"],
        ["code-unknown", "/S", "a/sex", " x"],
        ["id-unreadable", "/I", "a/id_no", "无"],
    ];
    assert_eq!(told([("a", attributes), ("b", "")], row), expected);
}

#[test]
fn a_column_is_told_of_whose_own_it_is() {
    let of = |own: &str, other: &str| {
        format!(
            "name = {{ from = '{own}', with = ['name'], on_error = 'drop' }}
            spouse = {{ fields = {{ name = {{ from = '{other}', with = ['name'] }} }} }}"
        )
    };
    let told = told([("man", &of("M", "W")), ("woman", &of("W", "M"))], json!({"M": "李*", "W": "王*"}));
    assert_eq!(told, [["name-masked", "/M", "man/name", "李*"], ["name-masked", "/W", "woman/name", "王*"]]);
}

#[test]
fn what_the_schema_refused_is_not_read_and_its_reason_stands() {
    let faults = [message::reason("too-long", "/A~1B", Some("…")), message::reason("pattern", "/G/1/S", None)];
    let attributes = "name = { from = 'A/B' }\nl = { group = 'G', fields = { s = { from = 'S' } } }";
    let row = json!({"A/B": "王", "G": [{"S": "a"}, {"S": "b"}]});
    let (said, issues, rejections) = with_faults(attributes, row, &faults);
    assert_eq!(said, json!({"l": [{"s": "a"}]}));
    assert_eq!((issues, rejections), (vec!["pattern /G/1/S".to_owned()], vec!["too-long /A~1B".to_owned()]));
}

#[test]
fn a_cell_that_is_no_scalar_is_bad() {
    assert_eq!(mapped("a = { from = 'A' }", json!({"A": ["x"]})).1, ["not-scalar /A"]);
}

#[test]
fn a_number_of_a_sheet_is_written_as_what_it_is() {
    let attributes = "a = { from = 'A' }\nb = { from = 'B' }";
    assert_eq!(mapped(attributes, json!({"A": 19900101.0, "B": 0.5})).0, json!({"a": "19900101", "b": "0.5"}));
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    let place = "part.0.attributes.a";
    for (attribute, key, message) in [
        ("{}", "", "say once where it comes from"),
        ("{ from = 'A', const = 1 }", "", "say once where it comes from"),
        ("{ const = 1, with = ['trim'] }", ".with", "`with` has nothing to act on here"),
        ("{ from = 'A', as_list = true }", ".as_list", "`as_list` has nothing to act on here"),
        ("{ from = 'A', item = 'n' }", ".item", "`item` has nothing to act on here"),
        ("{ from = 'A', scheme = 's' }", ".scheme", "`scheme` has nothing to act on here"),
        ("{ from = 'A', with = ['bool', 'trim'] }", ".with", "nothing can follow `bool`"),
        ("{ from = 'A', with = ['split', 'split'] }", ".with", "a cell can be split once"),
        ("{ from = 'A', when = 'row' }", ".when", "columns are named literally"),
        ("{ from = 'A', codes = 'sexes' }", ".codes", "there is no code table `sexes`"),
        (
            "{ fields = { b = { from = 'B', blank = 'erases' } } }",
            ".fields.b.blank",
            "only an attribute itself can be erased",
        ),
        (
            "{ group = 'G', fields = { b = { group = 'H', fields = { c = { from = 'C' } } } } }",
            ".fields.b.group",
            "cannot stand in a group",
        ),
    ] {
        let found = problems(&format!("a = {attribute}"));
        let told =
            found.iter().any(|problem| problem.starts_with(&format!("{place}{key}: ")) && problem.contains(message));
        assert!(told, "{attribute}: {found:?}");
    }
}
