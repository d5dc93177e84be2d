use serde_json::json;

use super::*;
use crate::charset::gb18030;
use crate::format::{Encoding, Format};
use crate::reading::{Reading, read, read_within};

fn options(headings: &[&str], positions: &[&str], trailer: Option<&str>) -> TextOptions {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TextOptions {
        encoding: Encoding::Utf8,
        delimiter: ',',
        headings: owned(headings),
        positions: owned(positions),
        trailer: trailer.map(str::to_owned),
    }
}

fn decode(options: &TextOptions, text: &str) -> Reading {
    read(&Format::Text(options.clone()), text)
}

#[test]
fn the_heading_line_is_found_under_titles_and_binds_by_name() {
    let text = "常住人口\r\n制表:,2026-11-01\r\n\r\n身份证号 ,　姓名,备注\r\n1,张三,\r\n";
    let reading = decode(&options(&["姓名", "身份证号"], &[], None), text);
    assert_eq!(reading.fields(), vec![json!({"姓名": "张三", "身份证号": "1", "备注": ""})]);
    assert_eq!(reading.records()[0].line, Some(5));
    assert!(reading.envelope.columns.contains("备注"), "extra columns are listed");
    assert!(reading.envelope.complete);
}

#[test]
fn quotes_hold_delimiters_line_breaks_and_doubled_quotes() {
    let text = "a,b\n\"1,\"\"x\"\"\r\n2\",y\"z\n \"3\",\"\"\n\"4\"5,6\n";
    let reading = decode(&options(&["a", "b"], &[], None), text);
    let expected =
        [json!({"a": "1,\"x\"\r\n2", "b": "y\"z"}), json!({"a": " \"3\"", "b": ""}), json!({"a": "45", "b": "6"})];
    assert_eq!(reading.fields(), expected);
    let lines: Vec<_> = reading.records().iter().map(|record| record.line).collect();
    assert_eq!(lines, [Some(2), Some(4), Some(5)]);
}

#[test]
fn repeated_headings_are_bound_by_position_only() {
    let text = "证号,姓名,姓名\n1,a,b\n";
    let headings = ["证号", "姓名", "姓名"];
    let reading = decode(&options(&headings, &["no", "man", "woman"], None), text);
    assert_eq!(reading.fields(), vec![json!({"no": "1", "man": "a", "woman": "b"})]);
    assert_eq!(decode(&options(&headings, &[], None), text).kind(), Some(DecodeErrorKind::Malformed));
    let exchanged = decode(&options(&["姓名", "证号"], &["man", "no"], None), "证号,姓名\n1,a\n");
    assert_eq!(exchanged.kind(), Some(DecodeErrorKind::Missing));
    let none = decode(&options(&[], &["no", "man", "woman"], None), "1,a,b\n");
    assert_eq!(none.fields().len(), 1, "without declared headings the first line is a row");
}

#[test]
fn the_trailer_gives_the_total_and_proves_the_end() {
    let options = options(&["a", "b"], &[], Some("合计"));
    let reading = decode(&options, "a,b\n1,2\n合计,1");
    assert_eq!(reading.envelope.values["total"], "1");
    assert!(reading.envelope.complete, "the trailer stands for the line break after it");
    assert!(!decode(&options, "a,b\n1,2\n合计,").envelope.complete, "a trailer without a number proves nothing");
    assert!(!decode(&options, "a,b\n1,2").envelope.complete);
    assert_eq!(decode(&options, "a,b\n合计,1\n1,2\n").codes(), vec![(1, "after-trailer")]);
    assert_eq!(decode(&options, "a,b\n合计,1\n合计,1\n").kind(), Some(DecodeErrorKind::Malformed));
}

#[test]
fn rows_of_another_width_are_bad() {
    let reading = decode(&options(&["a", "b"], &[], None), "a,b\n1\n1,2,3\n1,2\n");
    assert_eq!(reading.codes(), vec![(1, "column-count"), (2, "column-count")]);
    assert_eq!(reading.bad()[1].fields["#3"], "3");
    assert_eq!(reading.bad()[1].raw, "1,2,3");
    assert_eq!(reading.envelope.columns.len(), 2);
}

#[test]
fn undecodable_characters_spoil_one_row_only() {
    let mut options = options(&["姓名", "性别"], &[], None);
    options.encoding = Encoding::Gb18030;
    let bytes = [&gb18030("姓名,性别\n张")[..], &[0xC8], &gb18030(",男\n䶮𠮷,女\nA\0,男\n")].concat();
    let reading = read(&Format::Text(options), bytes);
    assert_eq!(reading.codes(), vec![(1, "undecodable-characters"), (3, "undecodable-characters")]);
    assert_eq!(reading.bad()[0].fields["姓名"], "张\u{FFFD}");
    assert_eq!(reading.records()[0].fields["姓名"], "䶮𠮷");
}

#[test]
fn a_row_over_the_limit_is_bad_and_the_next_line_is_read() {
    let limits = Limits { record_bytes: 40, ..Limits::default() };
    let text = format!("a,b\n{},1\n2,3\n\"{}\",4\n5,6\n", "x".repeat(4_000), "y".repeat(4_000));
    let reading = read_within(&Format::Text(options(&["a", "b"], &[], None)), &limits, text);
    assert_eq!(reading.codes(), vec![(1, "record-too-large"), (3, "record-too-large")]);
    let lines: Vec<_> = reading.records().iter().map(|record| (record.position, record.line)).collect();
    assert_eq!(lines, [(2, Some(3)), (4, Some(5))]);
}

#[test]
fn a_line_of_64_mb_is_one_bad_record() {
    let mut text = b"a,b\n".to_vec();
    text.resize(64 << 20, b'x');
    text.extend_from_slice(b"\n1,2\n");
    let reading = read(&Format::Text(options(&["a", "b"], &[], None)), text);
    assert_eq!(reading.codes(), vec![(1, "record-too-large")]);
    assert!(reading.bad()[0].raw.len() <= 64 << 10);
    assert_eq!(reading.records().len(), 1);
}

#[test]
fn a_quote_that_is_never_closed_costs_one_line() {
    let limits = Limits { record_bytes: 100, ..Limits::default() };
    let rows: String = (0..50).map(|n| format!("{n},ok\n")).collect();
    let format = Format::Text(options(&["a", "b"], &[], None));
    let reading = read_within(&format, &limits, format!("a,b\n\"x,1\r\n{rows}"));
    assert_eq!(reading.codes(), vec![(1, "unclosed-quote")]);
    assert_eq!(reading.bad()[0].raw, "\"x,1");
    assert_eq!(reading.records().len(), 50);
    assert_eq!(reading.records()[49].line, Some(52));
    assert!(reading.envelope.complete);
    let cut = read_within(&format, &limits, "a,b\n1,2\n\"x\ny\n");
    assert!(!cut.envelope.complete, "a line break inside a quote is no end of a row");
    assert_eq!(cut.codes()[0], (2, "unclosed-quote"));
}

#[test]
fn files_without_what_is_declared_are_named() {
    let options = options(&["a", "b"], &[], None);
    assert_eq!(decode(&options, "").kind(), Some(DecodeErrorKind::Truncated));
    assert_eq!(decode(&options, "a,c\n1,2\n").kind(), Some(DecodeErrorKind::Missing));
    let late = "x\n".repeat(HEADING_ROWS) + "a,b\n1,2\n";
    assert_eq!(decode(&options, &late).kind(), Some(DecodeErrorKind::Missing));
    let wide = (0..100_000).map(|n| format!("c{n},")).collect::<String>() + "a,b\n";
    assert_eq!(decode(&options, &wide).kind(), Some(DecodeErrorKind::Missing));
    assert_eq!(decode(&options, &format!("a,b,{wide}")).kind(), Some(DecodeErrorKind::Limit));
    let wide_row = format!("a,b\n{}\n1,2\n", ",".repeat(100_000));
    assert_eq!(decode(&options, &wide_row).codes(), vec![(1, "column-count")]);
}

#[test]
fn a_gb_file_declared_utf8_is_named() {
    let reading = read(&Format::Text(options(&["姓名"], &[], None)), gb18030("姓名,性别\n张三,男\n"));
    assert_eq!(reading.kind(), Some(DecodeErrorKind::Encoding));
}
