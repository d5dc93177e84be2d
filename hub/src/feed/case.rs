//! Test cases as data, `<feed>.tests.toml` beside a mapping: a row or a whole input, and what must come of it.
//!
//! Owns the format of the cases and how they are run. A case that expects nothing wrong fails if anything is.

use std::collections::BTreeMap;
use std::io::Cursor;

use adapters::{DecodeError, Format, Record, Row, format::Encoding};
use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::check::Finding;
use super::files::{self, Files};
use super::{Feed, Outcome};
use crate::reason::Reason;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tests {
    /// A good row that the cases change.
    #[serde(default)]
    row: Map<String, Value>,
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

/// One case: a row (the good one with changes), or an input for the feed's decoder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What must hold, as a sentence.
    name: String,
    /// Columns that stand over those of the good row.
    #[serde(default)]
    fields: Map<String, Value>,
    /// Columns of the good row that are left out.
    #[serde(default)]
    without: Vec<String>,
    /// The day the data tell of.
    #[serde(default)]
    told_on: Option<NaiveDate>,
    /// What must come of the row.
    #[serde(default)]
    expect: Expect,
    /// A delivery as text; encoded as the format declares.
    #[serde(default)]
    input: Option<String>,
    /// A delivery as a file beside this one.
    #[serde(default)]
    input_file: Option<String>,
    /// What must come of the delivery's rows, in order.
    #[serde(default)]
    records: Vec<Expect>,
    /// Values the envelope must have.
    #[serde(default)]
    envelope: BTreeMap<String, String>,
    /// The code of the error that must end the reading.
    #[serde(default)]
    error: Option<String>,
}

/// What must come of a row.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    /// Source key; U+001F between columns.
    key: Option<String>,
    /// The per-row data date.
    data_date: Option<String>,
    /// Attributes by part; others may stand besides, unless `exact`.
    parts: BTreeMap<String, Map<String, Value>>,
    /// The parts hold what is listed and nothing else.
    exact: bool,
    /// `part/attribute` that must say nothing.
    absent: Vec<String>,
    /// `part/attribute` that must be erased.
    erased: Vec<String>,
    /// `code` or `code /pointer` of every issue.
    issues: Vec<String>,
    /// `code` or `code /pointer` of every rejection.
    rejected: Vec<String>,
    /// Whether the row ends its contribution.
    ends: bool,
    /// The source's own time, RFC 3339.
    updated_at: Option<String>,
    /// The code of a row that cannot be read.
    bad: Option<String>,
}

/// Runs the cases of a feed.
pub fn run(files: &Files, feed: &Feed, path: &str, text: &str) -> Vec<Finding> {
    let tests: Tests = match toml::from_str(text) {
        Ok(tests) => tests,
        Err(error) => {
            let line = error.span().map_or(1, |span| files::line_at(text, span.start));
            return vec![Finding::new(path, line, error.message().lines().collect::<Vec<_>>().join("; "))];
        }
    };
    let mut findings = Vec::new();
    for (index, case) in tests.cases.iter().enumerate() {
        let wrong = match (&case.input, &case.input_file) {
            (None, None) => row_case(feed, &tests.row, case),
            _ => input_case(files, feed, path, case),
        };
        let line = files::toml_line(text, &["case".to_owned(), index.to_string(), "name".to_owned()]);
        findings.extend(wrong.into_iter().map(|wrong| Finding::new(path, line, format!("{}: {wrong}", case.name))));
    }
    findings
}

fn row_case(feed: &Feed, good: &Map<String, Value>, case: &Case) -> Vec<String> {
    let mut fields = good.clone();
    fields.extend(case.fields.clone());
    fields.retain(|column, _| !case.without.contains(column));
    compare(feed, fields, case.told_on, &case.expect)
}

/// What a row comes to, against what was expected.
fn compare(feed: &Feed, fields: Map<String, Value>, told_on: Option<NaiveDate>, expect: &Expect) -> Vec<String> {
    let columns = feed.columns(Record { position: 1, line: None, fields });
    let mut wrong = Vec::new();
    let mut rejections = Vec::new();
    match feed.source_key(&columns.fields) {
        Ok(key) => same(&mut wrong, "the key", Some(&key), expect.key.as_ref()),
        Err(reason) => rejections.push(*reason),
    }
    same(&mut wrong, "the data date", columns.data_date.as_ref(), expect.data_date.as_ref());
    match feed.process_on(&columns.fields, told_on) {
        Outcome::Rejected(reasons) => rejections.extend(reasons),
        Outcome::Accepted { parts, issues, updated_at, ends } => {
            let found: BTreeMap<&str, &Map<String, Value>> =
                parts.iter().map(|part| (part.name.as_str(), &part.attributes)).collect();
            if expect.rejected.is_empty() {
                compare_parts(&mut wrong, &found, expect);
                reasons(&mut wrong, "issue", &issues, &expect.issues);
            }
            if ends != expect.ends {
                wrong.push(format!("the row {} its contribution", if ends { "ends" } else { "does not end" }));
            }
            compare_time(&mut wrong, updated_at, expect.updated_at.as_deref());
        }
    }
    reasons(&mut wrong, "rejection", &rejections, &expect.rejected);
    wrong
}

fn same(wrong: &mut Vec<String>, what: &str, found: Option<&String>, expected: Option<&String>) {
    if expected.is_some() && found != expected {
        wrong.push(format!("{what} is {found:?}, expected {expected:?}"));
    }
}

fn compare_time(wrong: &mut Vec<String>, found: Option<i64>, expected: Option<&str>) {
    let Some(expected) = expected else { return };
    match DateTime::parse_from_rfc3339(expected) {
        Ok(time) if Some(time.timestamp_micros()) == found => {}
        Ok(_) => wrong.push(format!("the source's own time is {found:?}, expected {expected}")),
        Err(_) => wrong.push(format!("`{expected}` is no time of RFC 3339")),
    }
}

fn compare_parts(wrong: &mut Vec<String>, found: &BTreeMap<&str, &Map<String, Value>>, expect: &Expect) {
    let get = |part: &str, attribute: &str| found.get(part).and_then(|attributes| attributes.get(attribute));
    for (part, attributes) in &expect.parts {
        for (attribute, value) in attributes {
            if get(part, attribute) != Some(value) {
                let found = get(part, attribute).map_or("absent".to_owned(), Value::to_string);
                wrong.push(format!("{part}/{attribute} is {found}, expected {value}"));
            }
        }
        if expect.exact {
            let besides = found.get(part.as_str()).into_iter().flat_map(|found| found.keys());
            for attribute in besides.filter(|attribute| !attributes.contains_key(*attribute)) {
                wrong.push(format!("{part}/{attribute} is there and was not expected"));
            }
        }
    }
    let named = |place: &str| place.split_once('/').map(|(part, attribute)| get(part, attribute).cloned());
    for place in &expect.absent {
        match named(place) {
            Some(None) => {}
            Some(Some(value)) => wrong.push(format!("{place} is {value}, expected nothing")),
            None => wrong.push(format!("`{place}` is not written as part/attribute")),
        }
    }
    for place in &expect.erased {
        if named(place).flatten() != Some(Value::Null) {
            wrong.push(format!("{place} is not erased"));
        }
    }
}

/// Every reason must be expected and every expected one be there, in any order.
fn reasons(wrong: &mut Vec<String>, what: &str, found: &[Reason], expected: &[String]) {
    let mut left: Vec<&String> = expected.iter().collect();
    for reason in found {
        let full = format!("{} {}", reason.code, reason.pointer);
        match left.iter().position(|expected| **expected == full || **expected == reason.code) {
            Some(index) => drop(left.remove(index)),
            None => wrong.push(format!("unexpected {what} `{}`", full.trim_end())),
        }
    }
    wrong.extend(left.into_iter().map(|missing| format!("missing {what} `{missing}`")));
}

fn input_case(files: &Files, feed: &Feed, path: &str, case: &Case) -> Vec<String> {
    let bytes = match (&case.input, &case.input_file) {
        (Some(text), None) => encode(&feed.spec.format, text),
        (None, Some(name)) => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            match files.get(&format!("{folder}/{name}")) {
                Some(bytes) => bytes.to_vec(),
                None => return vec![format!("there is no file `{name}` beside the tests")],
            }
        }
        _ => return vec!["a case has `input` or `input_file`, not both".to_owned()],
    };
    let mut wrong = Vec::new();
    let error = read(feed, bytes, case, &mut wrong).err().map(|error| error.kind.code().to_owned());
    if error != case.error {
        wrong.push(format!("reading ended with {error:?}, expected {:?}", case.error));
    }
    wrong
}

fn encode(format: &Format, text: &str) -> Vec<u8> {
    let encoding = match format {
        Format::Xml(options) => options.encoding,
        Format::Text(options) => options.encoding,
        Format::Json(_) | Format::Xlsx(_) => Encoding::Utf8,
    };
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Gb18030 => encoding_rs::GB18030.encode(text).0.into_owned(),
    }
}

fn read(feed: &Feed, bytes: Vec<u8>, case: &Case, wrong: &mut Vec<String>) -> Result<(), DecodeError> {
    let mut decoder = adapters::open(&feed.spec.format, &feed.spec.decode_limits, Box::new(Cursor::new(bytes)))?;
    let mut rows = 0;
    while let Some(row) = decoder.next_row()? {
        let expect = case.records.get(rows);
        rows += 1;
        let said: Vec<String> = match (row, expect) {
            (_, None) => Vec::new(),
            (Row::Record(_), Some(Expect { bad: Some(code), .. })) => vec![format!("is good, expected `{code}`")],
            (Row::Record(record), Some(expect)) => compare(feed, record.fields, case.told_on, expect),
            (Row::Bad(bad), Some(expect)) if expect.bad.as_deref() == Some(bad.code) => Vec::new(),
            (Row::Bad(bad), Some(_)) => vec![format!("cannot be read: `{}`", bad.code)],
        };
        wrong.extend(said.into_iter().map(|said| format!("row {rows}: {said}")));
    }
    if rows != case.records.len() {
        wrong.push(format!("there are {rows} rows, expected {}", case.records.len()));
    }
    let envelope = decoder.envelope();
    for (name, value) in &case.envelope {
        same(wrong, &format!("the envelope's `{name}`"), envelope.values.get(name), Some(value));
    }
    if !envelope.complete {
        wrong.push("the format has not proved its end".to_owned());
    }
    Ok(())
}
