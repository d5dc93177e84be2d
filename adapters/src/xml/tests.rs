use std::io::{self, Cursor, Read};

use serde_json::json;

use super::*;
use crate::charset::gb18030;
use crate::format::Format;
use crate::reading::{Reading, read, read_from, read_within};

fn options(row: &str) -> XmlOptions {
    toml_like(row, &[], &[], &[])
}

fn toml_like(row: &str, groups: &[&str], positions: &[&str], envelope: &[(&str, &str)]) -> XmlOptions {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    XmlOptions {
        encoding: Encoding::Utf8,
        row: row.to_owned(),
        groups: owned(groups),
        positions: owned(positions),
        envelope: envelope.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect(),
    }
}

fn decode(options: XmlOptions, text: &str) -> Reading {
    read(&Format::Xml(options), text)
}

#[test]
fn a_person_with_two_insurances_is_one_record_with_a_group() {
    let mut options =
        toml_like("DATA/ROWS/ROW", &["INSURED"], &[], &[("date", "DATA/HEAD/DATADATE"), ("n", "DATA/@n")]);
    options.encoding = Encoding::Gb18030;
    let text = r#"<?xml version="1.0" encoding="GB2312"?>
<DATA n="1"><HEAD><DATADATE>20261101</DATADATE></HEAD><ROWS>
<ROW id="7"><AAC003>䶮𠮷 Ａ</AAC003><AAC004/>
  <INSURED><AAE140>110</AAE140></INSURED><INSURED><AAE140>210</AAE140></INSURED></ROW>
</ROWS></DATA>
"#;
    let reading = read(&Format::Xml(options), gb18030(text));
    let person =
        json!({"@id": "7", "AAC003": "䶮𠮷 Ａ", "AAC004": "", "INSURED": [{"AAE140": "110"}, {"AAE140": "210"}]});
    assert_eq!(reading.fields(), vec![person]);
    assert_eq!(reading.records()[0].line, Some(3));
    assert_eq!(reading.envelope.values["date"], "20261101");
    assert_eq!(reading.envelope.values["n"], "1");
    assert!(reading.envelope.columns.contains("INSURED/AAE140"));
    assert!(reading.envelope.complete);
}

#[test]
fn namespaces_cdata_comments_and_the_five_entities_are_read() {
    let text = r#"<x:D xmlns:x="urn:a"><x:R xmlns="urn:b" x:k="&lt;1"><x:a><![CDATA[<&>]]>&amp;&#24352;&#x4E09;<!-- c -->&apos;</x:a></x:R></x:D>"#;
    assert_eq!(decode(options("D/R"), text).fields(), vec![json!({"@k": "<1", "a": "<&>&张三'"})]);
}

#[test]
fn envelope_elements_after_the_rows_are_found() {
    let options = toml_like("D/R", &[], &[], &[("total", "D/T")]);
    let reading = decode(options, "<D><R><a>1</a></R><T> 1 </T></D>");
    assert_eq!(reading.envelope.values["total"], " 1 ");
}

#[test]
fn children_are_bound_by_position_and_counted() {
    let options = toml_like("D/R", &[], &["man", "woman"], &[]);
    let text =
        "<D><R><姓名>a</姓名><姓名/></R><R><姓名>a</姓名></R><R><姓名>a</姓名><姓名>b</姓名><姓名>c</姓名></R></D>";
    let reading = decode(options, text);
    assert_eq!(reading.records()[0].fields["woman"], "");
    assert_eq!(reading.codes(), vec![(2, "column-count"), (3, "column-count")]);
    assert_eq!(reading.bad()[0].fields["姓名"], "a");
    assert_eq!(reading.bad()[0].raw, "<R><姓名>a</姓名></R>");
}

#[test]
fn rows_that_cannot_be_records_are_bad_and_reading_goes_on() {
    let text = "<D><R><a>1</a><a>2</a></R>\n<R><b><c>1</c></b></R>\n<R><a>A&B</a></R>\n<R><a>&nbsp;</a></R>\n<R><a>&#0;</a></R>\n<R><a>\0</a></R><R><a>ok</a></R></D>";
    let reading = decode(options("D/R"), text);
    let codes = [
        "repeated-column",
        "nested-too-deep",
        "unknown-entity",
        "unknown-entity",
        "unknown-entity",
        "undecodable-characters",
    ];
    assert_eq!(reading.codes(), (1..).zip(codes).collect::<Vec<_>>());
    assert_eq!(reading.bad()[1].line, Some(2));
    assert_eq!(reading.records()[0].position, 7);
    assert!(reading.envelope.columns.contains("b/c"), "what is nested is listed");
    assert!(reading.envelope.complete);
}

#[test]
fn half_a_character_spoils_one_row_only() {
    let mut options = options("D/R");
    options.encoding = Encoding::Gb18030;
    let mut bytes = gb18030("<D><R><a>张三</a></R>");
    let cut = bytes.len() - gb18030("</a></R>").len() - 1;
    bytes.remove(cut);
    bytes.extend(gb18030("<R><a>李四</a></R></D>"));
    let reading = read(&Format::Xml(options), bytes);
    assert_eq!(reading.codes(), vec![(1, "undecodable-characters")]);
    assert_eq!(reading.bad()[0].fields["a"], "张\u{FFFD}");
    assert_eq!(reading.records()[0].fields["a"], "李四");
}

#[test]
fn a_document_type_is_forbidden_wherever_it_stands() {
    let bomb = r#"<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><D><R><a>&b;</a></R></D>"#;
    let inside = "<D><!DOCTYPE d SYSTEM \"file:///etc/passwd\"><R><a>1</a></R></D>";
    for text in [bomb, inside] {
        assert_eq!(decode(options("D/R"), text).kind(), Some(DecodeErrorKind::Forbidden), "{text}");
    }
}

#[test]
fn documents_that_break_the_rules_are_named() {
    for (text, kind) in [
        ("", DecodeErrorKind::Truncated),
        ("<D><R><a>1</a></R>", DecodeErrorKind::Truncated),
        ("<D><R><a>1</a></R></D", DecodeErrorKind::Truncated),
        ("<D><R a=\"1></R></D>", DecodeErrorKind::Truncated),
        ("<D><R><a>1</b></R></D>", DecodeErrorKind::Malformed),
        ("<D></D></D>", DecodeErrorKind::Malformed),
        ("<D/><D/>", DecodeErrorKind::Malformed),
        ("<D/>x", DecodeErrorKind::Malformed),
        ("x<D/>", DecodeErrorKind::Malformed),
        ("<html><body>login</body></html>", DecodeErrorKind::Missing),
    ] {
        let reading = decode(options("D/ROWS/R"), text);
        assert_eq!(reading.kind(), Some(kind), "{text}: {:?}", reading.error);
        assert!(!reading.envelope.complete);
    }
    let none = decode(options("D/R"), "<D/>");
    assert!(none.error.is_none() && none.rows.is_empty() && none.envelope.complete, "no row is no fault of the file");
}

#[test]
fn malformed_bytes_of_utf8_are_an_error_with_their_byte() {
    let reading = read(&Format::Xml(options("D/R")), b"<D><R><a>1</a></R><R><a>\xC3(</a></R></D>".to_vec());
    let error = reading.error.unwrap();
    assert_eq!((error.kind, error.place.as_str()), (DecodeErrorKind::Encoding, "byte 24"));
}

#[test]
fn limits_make_bad_records_or_end_the_reading() {
    let limits = Limits { record_bytes: 200, columns: 3, group_items: 2, depth: 4, ..Limits::default() };
    let format = Format::Xml(toml_like("D/R", &["g"], &[], &[]));
    let long = format!("<D><R><a>{}</a></R><R><a>ok</a></R></D>", "x".repeat(300));
    assert_eq!(read_within(&format, &limits, long).codes(), vec![(1, "record-too-large")]);
    let wide = "<D><R><a/><b/><c/><d/></R></D>";
    assert_eq!(read_within(&format, &limits, wide).codes(), vec![(1, "too-many-columns")]);
    let many = "<D><R><g/><g/><g/></R></D>";
    assert_eq!(read_within(&format, &limits, many).codes(), vec![(1, "too-many-items")]);
    let deep = "<D><R><a><b><c/></b></a></R></D>";
    assert_eq!(read_within(&format, &limits, deep).kind(), Some(DecodeErrorKind::Limit));
    let ever_new = (0..9).map(|n| format!("<R><c{n}/></R>")).collect::<String>();
    assert_eq!(read_within(&format, &limits, format!("<D>{ever_new}</D>")).kind(), Some(DecodeErrorKind::Limit));
}

/// Gives `<D><R><a>` and then the same letter for ever, and counts what is taken.
struct Endless(Cursor<&'static [u8]>, std::sync::Arc<std::sync::atomic::AtomicU64>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.0.read(buffer)? {
            0 => {
                buffer.fill(b'x');
                buffer.len()
            }
            count => count,
        };
        self.1.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

#[test]
fn a_text_without_end_is_refused_before_it_is_collected() {
    for start in ["<D><R><a>", "<D><R a='", "<D><!--", "<D><![CDATA[", "<D><?", "<D>&", "<D><R><a></"] {
        let taken = std::sync::Arc::default();
        let input = Endless(Cursor::new(start.as_bytes()), std::sync::Arc::clone(&taken));
        let reading = read_from(&Format::Xml(options("D/R")), &Limits::default(), Box::new(input));
        assert_eq!(reading.kind(), Some(DecodeErrorKind::Limit), "{start}");
        let taken = taken.load(std::sync::atomic::Ordering::Relaxed);
        assert!(taken < 2 << 20, "{start}: {taken} bytes were read for a limit of 1 MiB");
    }
}
