use serde_json::json;

use super::*;
use crate::format::Format;
use crate::reading::{Reading, read, read_within, text};

fn options(rows: Option<&str>, groups: &[&str], envelope: &[&str]) -> Format {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Format::Json(JsonOptions { rows: rows.map(str::to_owned), groups: owned(groups), envelope: owned(envelope) })
}

fn decode(text: &str) -> Reading {
    read(&options(None, &["g"], &["asOf"]), text)
}

#[test]
fn arrays_and_lines_give_the_same_records() {
    let array =
        decode("\u{FEFF} [\n {\"a\":\"䶮\",\"n\":null,\"b\":true,\"g\":[{\"x\":1}]},\n {\"a\":\"}]\\\"{\"} ]\n");
    let lines = decode("{\"a\":\"䶮\",\"n\":null,\"b\":true,\"g\":[{\"x\":1}]}\r\n\n{\"a\":\"}]\\\"{\"}\n");
    let expected = [json!({"a": "䶮", "n": null, "b": true, "g": [{"x": 1}]}), json!({"a": "}]\"{"})];
    for (reading, begin) in [(array, [2, 3]), (lines, [1, 3])] {
        assert_eq!(reading.fields(), expected);
        assert!(reading.envelope.complete);
        let lines: Vec<_> = reading.records().iter().map(|record| record.line.unwrap()).collect();
        assert_eq!(lines, begin);
        assert!(reading.envelope.columns.contains("g/x"));
    }
}

#[test]
fn the_object_around_the_rows_gives_the_envelope_from_both_sides() {
    let format = options(Some("rows"), &[], &["asOf", "total"]);
    let reading = read(&format, r#"{"x":[[1]],"asOf":"2026-11-01","rows":[{"a":1},{"a":2}],"total":2}"#);
    assert_eq!(reading.records().len(), 2);
    assert_eq!(reading.envelope.values["asOf"], "2026-11-01");
    assert_eq!(reading.envelope.values["total"], "2");
    assert!(reading.envelope.complete);
    for (text, kind) in [
        (r#"{"row":[]}"#, DecodeErrorKind::Missing),
        (r#"{"rows":{}}"#, DecodeErrorKind::Malformed),
        (r#"{"rows":[],"rows":[]}"#, DecodeErrorKind::Malformed),
        (r#"[{"a":1}]"#, DecodeErrorKind::Malformed),
        (r#"{"rows":[{"a":1}]"#, DecodeErrorKind::Truncated),
        (r#"{"rows":[{"a":1}]} x"#, DecodeErrorKind::Malformed),
    ] {
        let reading = read(&format, text);
        assert_eq!(reading.kind(), Some(kind), "{text}");
        assert!(!reading.envelope.complete);
    }
}

#[test]
fn a_line_of_envelope_names_only_is_no_row() {
    let reading = decode("{\"asOf\":\"2026-11-01\"}\n{\"asOf\":\"x\",\"a\":1}\n");
    assert_eq!(reading.envelope.values["asOf"], "2026-11-01");
    assert_eq!(reading.fields(), vec![json!({"asOf": "x", "a": 1})]);
}

#[test]
fn numbers_are_never_rounded() {
    let reading = decode(r#"[{"id":130108199001010019,"shown":1.30108E+17,"long":1301081990010100190,"h":1.70}]"#);
    let fields = &reading.records()[0].fields;
    assert_eq!(fields["id"].to_string(), "130108199001010019");
    assert_eq!(text(fields, "shown"), "1.30108E+17");
    assert_eq!(text(fields, "long"), "1301081990010100190");
    assert_eq!(text(fields, "h"), "1.70");
}

#[test]
fn rows_that_cannot_be_records_are_bad_and_reading_goes_on() {
    let rows = [
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"g":[{"x":[1]}]}"#,
        r#"{"g":{"x":1}}"#,
        r#"{"g":[1]}"#,
        r#"{"g":[{"x":1,"x":2}]}"#,
        r#"{"secret" : 01}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\u0000"}"#,
    ];
    let codes = [
        "repeated-column",
        "nested-too-deep",
        "nested-too-deep",
        "group-shape",
        "group-shape",
        "repeated-column",
        "malformed",
        "malformed",
        "undecodable-characters",
    ];
    let array = format!("[{},{{\"a\":\"ok\"}}]", rows.join(","));
    let lines = rows.join("\n") + "\n{\"a\":\"ok\"}\n";
    for document in [array, lines] {
        let reading = decode(&document);
        assert_eq!(reading.codes(), (1..).zip(codes).collect::<Vec<_>>());
        assert_eq!(reading.records()[0].position, 10);
        assert!(reading.envelope.complete);
        for column in ["a/b", "g/x", "secret"] {
            assert!(reading.envelope.columns.contains(column), "{column} is listed though its row is bad");
        }
    }
    assert_eq!(decode("[1,\"x\",[2]]").codes().len(), 3);
}

#[test]
fn documents_that_break_the_rules_are_named() {
    for (text, kind) in [
        ("", DecodeErrorKind::Truncated),
        (" \n ", DecodeErrorKind::Truncated),
        ("[", DecodeErrorKind::Truncated),
        ("[{\"a\":1}", DecodeErrorKind::Truncated),
        ("[{\"a\":1},", DecodeErrorKind::Truncated),
        ("[{\"a\":\"1", DecodeErrorKind::Truncated),
        ("[{\"a\":1},]", DecodeErrorKind::Malformed),
        ("[{\"a\":1} {\"a\":2}]", DecodeErrorKind::Malformed),
        ("[,]", DecodeErrorKind::Malformed),
        ("[{\"a\":1}] []", DecodeErrorKind::Malformed),
        ("<html>", DecodeErrorKind::Malformed),
        ("null", DecodeErrorKind::Malformed),
    ] {
        let reading = decode(text);
        assert_eq!(reading.kind(), Some(kind), "{text}: {:?}", reading.error);
        assert!(!reading.envelope.complete);
    }
    assert!(decode("[]").envelope.complete);
}

#[test]
fn ten_million_levels_are_refused_without_recursion() {
    let deep = "[".repeat(10_000_000);
    assert_eq!(decode(&deep).kind(), Some(DecodeErrorKind::Limit));
    let object = "{\"a\":".repeat(10_000_000);
    assert_eq!(decode(&format!("[{object}")).kind(), Some(DecodeErrorKind::Limit));
    assert_eq!(decode(&object).codes(), vec![(1, "record-too-large")], "one line of a delivery of lines");
    let line = "{\"a\":".repeat(100) + "1" + &"}".repeat(100) + "\n{\"a\":1}\n";
    let reading = decode(&line);
    assert_eq!(reading.codes(), vec![(1, "nested-too-deep")]);
    assert_eq!(reading.records().len(), 1);
}

#[test]
fn limits_make_bad_records() {
    let limits = Limits { record_bytes: 60, columns: 3, group_items: 2, ..Limits::default() };
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000));
    for (row, code) in [
        (long.as_str(), "record-too-large"),
        (r#"{"a":1,"b":2,"c":3,"d":4}"#, "too-many-columns"),
        (r#"{"g":[{},{},{}]}"#, "too-many-items"),
    ] {
        let reading = read_within(&options(None, &["g"], &[]), &limits, format!("[{row},{{\"a\":1}}]"));
        assert_eq!(reading.codes(), vec![(1, code)]);
        assert_eq!(reading.records().len(), 1);
    }
    let ever_new = (0..9).map(|n| format!("{{\"c{n}\":1}}\n")).collect::<String>();
    assert_eq!(read_within(&options(None, &[], &[]), &limits, ever_new).kind(), Some(DecodeErrorKind::Limit));
}

#[test]
fn an_unterminated_last_line_is_not_complete() {
    let reading = decode("{\"a\":1}\n{\"a\":2}");
    assert_eq!(reading.records().len(), 2);
    assert!(!reading.envelope.complete);
}

#[test]
fn malformed_bytes_end_the_reading() {
    let reading = read(&options(None, &[], &[]), b"[{\"a\":\"\xFF\"}]".to_vec());
    assert_eq!(reading.kind(), Some(DecodeErrorKind::Encoding));
}
