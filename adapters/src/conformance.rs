//! What every format must do alike: one list of ways to send, and tests that run over the whole list.

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::charset::gb18030;
use crate::format::{Encoding, JsonOptions, TextOptions, XlsxOptions, XmlOptions};
use crate::reading::{Chunks, Reading, read, read_from};
use crate::xlsx::tests::{Workbook, sheet_rows};
use crate::{Compression, DecodeErrorKind, Format, Limits, decompress};

const COLUMNS: [&str; 3] = ["key", "姓名", "备注"];

/// A person as three columns.
type Person = [String; 3];

/// One way to send the same rows.
struct Way {
    name: &'static str,
    format: Format,
    encode: fn(&[Person]) -> Vec<u8>,
    /// Whether the format itself proves its end; text needs its control total.
    proves_end: bool,
}

fn ways() -> Vec<Way> {
    let columns = || COLUMNS.map(str::to_owned).to_vec();
    let xml = |encoding| {
        let envelope = [("total".to_owned(), "D/N".to_owned())].into();
        Format::Xml(XmlOptions { encoding, row: "D/R".to_owned(), groups: vec![], positions: vec![], envelope })
    };
    let text = |encoding, delimiter, trailer: Option<&str>| {
        let trailer = trailer.map(str::to_owned);
        Format::Text(TextOptions { encoding, delimiter, headings: columns(), positions: vec![], trailer })
    };
    let json = |rows: Option<&str>| {
        let envelope = vec!["total".to_owned()];
        Format::Json(JsonOptions { rows: rows.map(str::to_owned), groups: vec![], envelope })
    };
    let xlsx = XlsxOptions { headings: columns(), total_rows: vec!["合计".to_owned()], ..XlsxOptions::default() };
    vec![
        Way { name: "xml", format: xml(Encoding::Utf8), encode: as_xml, proves_end: true },
        Way {
            name: "xml gb18030",
            format: xml(Encoding::Gb18030),
            encode: |people| gb18030(&String::from_utf8(as_xml(people)).unwrap()),
            proves_end: true,
        },
        Way { name: "text", format: text(Encoding::Utf8, ',', None), encode: |p| as_text(p, ','), proves_end: false },
        Way {
            name: "text gb18030 with trailer",
            format: text(Encoding::Gb18030, '｜', Some("合计")),
            encode: |people| {
                let text = String::from_utf8(as_text(people, '｜')).unwrap();
                gb18030(&format!("{text}合计｜{}｜\r\n", people.len()))
            },
            proves_end: false,
        },
        Way {
            name: "json array",
            format: json(None),
            encode: |p| as_json(p).to_string().into_bytes(),
            proves_end: true,
        },
        Way {
            name: "json object",
            format: json(Some("rows")),
            encode: |people| format!("{:#}", json!({"total": people.len(), "rows": as_json(people)})).into_bytes(),
            proves_end: true,
        },
        Way { name: "json lines", format: json(None), encode: as_lines, proves_end: false },
        Way { name: "xlsx", format: Format::Xlsx(xlsx), encode: as_xlsx, proves_end: true },
    ]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn as_xml(people: &[Person]) -> Vec<u8> {
    let row = |person: &Person| {
        let fields = COLUMNS.iter().zip(person).map(|(name, value)| format!("<{name}>{}</{name}>", escape(value)));
        format!("<R>{}</R>\n", fields.collect::<String>())
    };
    format!("<D>\n{}<N>{}</N></D>\n", people.iter().map(row).collect::<String>(), people.len()).into_bytes()
}

fn as_text(people: &[Person], delimiter: char) -> Vec<u8> {
    let line = |fields: Vec<String>| fields.join(&delimiter.to_string()) + "\r\n";
    let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
    let rows = people.iter().map(|person| line(person.iter().map(quoted).collect()));
    (line(COLUMNS.map(str::to_owned).to_vec()) + &rows.collect::<String>()).into_bytes()
}

fn object(person: &Person) -> Value {
    COLUMNS.iter().zip(person).map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

fn as_json(people: &[Person]) -> Value {
    people.iter().map(object).collect()
}

fn as_lines(people: &[Person]) -> Vec<u8> {
    people.iter().map(|person| object(person).to_string() + "\n").collect::<String>().into_bytes()
}

fn as_xlsx(people: &[Person]) -> Vec<u8> {
    let rows: Vec<Vec<String>> =
        people.iter().map(|person| person.iter().map(|value| escape(value)).collect()).collect();
    let mut all: Vec<Vec<&str>> = vec![COLUMNS.to_vec()];
    all.extend(rows.iter().map(|row| row.iter().map(String::as_str).collect()));
    let all: Vec<&[&str]> = all.iter().map(Vec::as_slice).collect();
    Workbook::new("名单", &sheet_rows(&all)).bytes()
}

fn people(count: usize) -> Vec<Person> {
    let names = ["张三", "䶮𠮷㙍", "Ａ１　", "a,b｜\"c\"\n<d>&e;", "阿·买买提", ""];
    let person = |n: usize| [format!("k{n}"), names[n % names.len()].to_owned(), "x".repeat(n % 40)];
    (1..=count).map(person).collect()
}

fn expected(people: &[Person]) -> Vec<Value> {
    people.iter().map(object).collect()
}

#[test]
fn the_same_rows_give_the_same_records_in_every_format() {
    let people = people(500);
    for way in ways() {
        let reading = read(&way.format, (way.encode)(&people));
        assert_eq!(reading.fields(), expected(&people), "{}", way.name);
        assert!(reading.envelope.complete, "{}", way.name);
        let columns: Vec<&str> = reading.envelope.columns.iter().map(String::as_str).collect();
        assert_eq!(columns, ["key", "备注", "姓名"], "{}", way.name);
    }
}

#[test]
fn rows_are_numbered_from_one_and_lines_go_up() {
    for way in ways() {
        let reading = read(&way.format, (way.encode)(&people(20)));
        let positions: Vec<u64> = reading.records().iter().map(|record| record.position).collect();
        assert_eq!(positions, (1..=20).collect::<Vec<_>>(), "{}", way.name);
        let lines: Vec<_> = reading.records().iter().map(|record| record.line.unwrap()).collect();
        let step = if way.name == "json array" { 0 } else { 1 };
        assert!(lines.windows(2).all(|pair| pair[1] >= pair[0] + step), "{}: {lines:?}", way.name);
    }
}

#[test]
fn a_file_cut_at_each_tenth_is_never_a_whole_one() {
    let people = people(200);
    for way in ways() {
        let whole = (way.encode)(&people);
        for tenth in 0..10 {
            let cut = whole[..whole.len() * tenth / 10].to_vec();
            assert_is_not_whole(&way, &read(&way.format, cut), people.len(), &format!("{tenth}/10"));
        }
        let last = whole[..whole.len() - 3].to_vec();
        assert_is_not_whole(&way, &read(&way.format, last), people.len(), "the last bytes");
    }
}

fn assert_is_not_whole(way: &Way, reading: &Reading, total: usize, cut: &str) {
    // What cannot prove its end is told by the control total that such a feed must have.
    let told_by_total = !way.proves_end && (reading.records().len() < total || !reading.envelope.complete);
    let refused = reading.error.is_some() || !reading.envelope.complete;
    assert!(refused || told_by_total, "{} cut at {cut} passes for whole", way.name);
}

#[test]
fn an_empty_file_is_truncated_in_every_format() {
    for way in ways() {
        assert_eq!(read(&way.format, vec![]).kind(), Some(DecodeErrorKind::Truncated), "{}", way.name);
    }
}

#[test]
fn a_compressed_delivery_is_read_and_a_cut_one_is_truncated() {
    let people = people(2_000);
    for way in ways() {
        let compressed = zstd::encode_all((way.encode)(&people).as_slice(), 1).unwrap();
        let read = |bytes: Vec<u8>| {
            read_from(&way.format, &Limits::default(), decompress(Compression::Zstd, Cursor::new(bytes)))
        };
        assert_eq!(read(compressed.clone()).fields().len(), 2_000, "{}", way.name);
        let cut = compressed[..compressed.len() / 2].to_vec();
        assert_eq!(read(cut).kind(), Some(DecodeErrorKind::Truncated), "{}", way.name);
    }
}

#[test]
fn nul_bytes_and_garbage_are_refused_in_every_format() {
    for way in ways() {
        for bytes in [vec![0; 5_000], vec![0xFF; 5_000], b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec()] {
            assert!(read(&way.format, bytes).error.is_some(), "{}", way.name);
        }
    }
}

#[test]
fn an_id_shown_in_scientific_form_stays_as_shown() {
    for way in ways() {
        let person = ["k1".to_owned(), "1.30108E+17".to_owned(), String::new()];
        let reading = read(&way.format, (way.encode)(&[person]));
        assert_eq!(reading.fields()[0]["姓名"], "1.30108E+17", "{}", way.name);
    }
}

/// One byte put in, taken out or changed.
fn damage(mut bytes: Vec<u8>, at: usize, with: u8, how: u8) -> Vec<u8> {
    let at = at % bytes.len();
    match how % 3 {
        0 => bytes[at] = with,
        1 => bytes.insert(at, with),
        _ => drop(bytes.remove(at)),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_every_format(values in prop::collection::vec("[ -~张三䶮𠮷Ａ１　·\n]{0,30}", 1..8)) {
        let people: Vec<Person> =
            values.iter().enumerate().map(|(n, value)| [format!("k{n}"), value.clone(), "-".to_owned()]).collect();
        for way in ways() {
            let reading = read(&way.format, (way.encode)(&people));
            prop_assert_eq!(reading.fields(), expected(&people), "{}", way.name);
        }
    }

    #[test]
    fn small_reads_give_what_one_large_read_gives(size in 1usize..200, count in 1usize..60) {
        let people = people(count);
        for way in ways() {
            let bytes = (way.encode)(&people);
            let input = Chunks(Cursor::new(bytes.clone()), size);
            let chunked = read_from(&way.format, &Limits::default(), Box::new(input));
            let whole = read(&way.format, bytes);
            prop_assert_eq!(chunked.rows, whole.rows, "{}", way.name);
            prop_assert_eq!(chunked.envelope, whole.envelope, "{}", way.name);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        for way in ways() {
            read(&way.format, bytes.clone());
            read(&way.format, [b"PK\x03\x04", bytes.as_slice()].concat());
        }
    }

    #[test]
    fn markup_soup_never_panics(text in "[<>/&;!\\[\\]{}\",:=#a张\n0-9?-]{0,400}") {
        for way in ways() {
            read(&way.format, text.clone());
            read(&way.format, format!("<D><R>{text}</R></D>"));
            read(&way.format, format!("[{{\"key\":{text}}}]"));
        }
        for part in ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "_rels/.rels"] {
            let workbook = Workbook::new("名单", "<row/>").with(part, format!("<worksheet>{text}</worksheet>"));
            read(&Format::Xlsx(XlsxOptions::default()), workbook.bytes());
        }
    }

    #[test]
    fn damaged_files_never_panic(at in any::<usize>(), with in any::<u8>(), how in any::<u8>()) {
        let people = people(12);
        for way in ways() {
            read(&way.format, damage((way.encode)(&people), at, with, how));
        }
    }

    #[test]
    fn damaged_sheets_never_panic(at in any::<usize>(), with in any::<char>(), how in any::<u8>()) {
        let rows = sheet_rows(&[&["key", "姓名", "备注"], &["<t=\"s\"><v>0</v>", "<s=\"1\"><v>32904</v>", "<t=\"b\"><v>1</v>"]]);
        let mut characters: Vec<char> = rows.chars().collect();
        let at = at % characters.len();
        match how % 3 {
            0 => characters[at] = with,
            1 => characters.insert(at, with),
            _ => drop(characters.remove(at)),
        }
        let workbook = Workbook::new("名单", &characters.into_iter().collect::<String>())
            .with("xl/sharedStrings.xml", "<sst><si><t>k</t></si></sst>");
        read(&Format::Xlsx(XlsxOptions { dates: vec!["姓名".to_owned()], ..XlsxOptions::default() }), workbook.bytes());
    }
}
