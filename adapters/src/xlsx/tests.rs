use std::fmt::Write as _;
use std::io::{Cursor, Write};

use serde_json::json;
use zip::write::SimpleFileOptions;

use super::*;
use crate::charset::gb18030;
use crate::format::Format;
use crate::reading::{Reading, read, read_within};
use crate::record::DecodeErrorKind;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Builds a workbook out of raw XML, so that tests can break every rule.
pub(crate) struct Workbook {
    parts: Vec<(String, String)>,
}

impl Workbook {
    /// A workbook with one sheet of the given name and rows.
    pub(crate) fn new(sheet: &str, sheet_data: &str) -> Self {
        let package = format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        );
        let relationships = format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
        );
        let workbook = format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"{sheet}\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
        );
        let styles = "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
        let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{sheet_data}</sheetData></worksheet>");
        let parts = [
            ("_rels/.rels", package),
            ("xl/_rels/workbook.xml.rels", relationships),
            ("xl/workbook.xml", workbook),
            ("xl/styles.xml", styles.to_owned()),
            ("xl/worksheets/sheet1.xml", sheet),
        ];
        Self { parts: parts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect() }
    }

    /// Adds a part or puts another in its place.
    pub(crate) fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.parts.retain(|(other, _)| other != name);
        self.parts.push((name.to_owned(), text.into()));
        self
    }

    fn replacing(self, name: &str, from: &str, to: &str) -> Self {
        let text = self.parts.iter().find(|(other, _)| other == name).unwrap().1.replace(from, to);
        self.with(name, text)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in &self.parts {
            zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

/// Rows of inline texts; what begins with `<` stands for itself.
pub(crate) fn sheet_rows(rows: &[&[&str]]) -> String {
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        write!(out, "<row r=\"{}\">", number + 1).unwrap();
        for (column, cell) in row.iter().enumerate() {
            let address = format!("{}{}", letters(column as u32), number + 1);
            if let Some(attributes) = cell.strip_prefix("<") {
                write!(out, "<c r=\"{address}\" {attributes}</c>").unwrap();
            } else if !cell.is_empty() {
                write!(out, "<c r=\"{address}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{cell}</t></is></c>")
                    .unwrap();
            }
        }
        out.push_str("</row>");
    }
    out
}

fn format(headings: &[&str], dates: &[&str]) -> Format {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Format::Xlsx(XlsxOptions {
        sheet: Some("失业保险".to_owned()),
        headings: owned(headings),
        positions: Vec::new(),
        total_rows: vec!["合计".to_owned()],
        dates: owned(dates),
    })
}

fn decode(rows: &[&[&str]]) -> Reading {
    read(&format(&["姓名", "证号"], &["日期"]), Workbook::new("失业保险", &sheet_rows(rows)).bytes())
}

#[test]
fn titles_totals_and_empty_rows_are_skipped() {
    let reading = decode(&[
        &["失业保险名单"],
        &["", "证号", " 姓名", "日期"],
        &["", "130108", "䶮𠮷　Ａ", "<><v>32904</v>"],
        &["", "  ", ""],
        &["", "013", "张三", "1990.1.1"],
        &["", "合计", "2", ""],
    ]);
    let expected = [
        json!({"证号": "130108", "姓名": "䶮𠮷　Ａ", "日期": "1990-01-31"}),
        json!({"证号": "013", "姓名": "张三", "日期": "1990.1.1"}),
    ];
    assert_eq!(reading.fields(), expected);
    assert_eq!(reading.records()[1].line, Some(5));
    assert_eq!(reading.envelope.values["total"], "2");
    assert!(reading.envelope.complete);
}

#[test]
fn numbers_are_not_guessed_back() {
    let reading = decode(&[
        &["证号", "姓名", "日期"],
        &["<><v>130108199001010019</v>", "<><v>7</v>", "<s=\"1\"><v>32904.0</v>"],
        &["<><v>1.30108199001010E+17</v>", "<t=\"b\"><v>1</v>", "<><v>19900131</v>"],
        &["<t=\"str\"><f>A1</f><v>00123</v>", "<><f>1+1</f><v>2</v>", "<t=\"d\"><v>1990-01-31T00:00:00</v>"],
    ]);
    let expected = [
        json!({"证号": "1.30108E+17", "姓名": "7", "日期": "1990-01-31"}),
        json!({"证号": "1.30108E+17", "姓名": "TRUE", "日期": "19900131"}),
        json!({"证号": "00123", "姓名": "2", "日期": "1990-01-31"}),
    ];
    assert_eq!(reading.fields(), expected);
}

#[test]
fn serials_of_the_1904_system_are_dates() {
    let rows = sheet_rows(&[&["姓名", "证号", "日期"], &["a", "b", "<><v>31442</v>"]]);
    let workbook = Workbook::new("失业保险", &rows).replacing(
        "xl/workbook.xml",
        "<sheets>",
        "<workbookPr date1904=\"1\"/><sheets>",
    );
    let reading = read(&format(&["姓名", "证号"], &["日期"]), workbook.bytes());
    assert_eq!(reading.fields()[0]["日期"], "1990-01-31");
}

#[test]
fn shared_strings_are_read() {
    let rows = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>\
                <row r=\"2\"><c r=\"A2\" t=\"s\"><v>2</v></c><c r=\"B2\"/></row>";
    let strings = "<sst uniqueCount=\"3\"><si><t>姓名</t></si><si><t>证号</t></si><si><r><t>张</t></r><r><t>三</t></r></si></sst>";
    let reading = read(
        &format(&["姓名", "证号"], &[]),
        Workbook::new("失业保险", rows).with("xl/sharedStrings.xml", strings).bytes(),
    );
    assert_eq!(reading.fields(), vec![json!({"姓名": "张三", "证号": ""})]);
}

#[test]
fn rows_that_cannot_be_records_are_bad_and_reading_goes_on() {
    let mut rows = sheet_rows(&[
        &["姓名", "证号"],
        &["<t=\"e\"><v>#N/A</v>", "1"],
        &["", "", "", "note"],
        &["b", "2", "note"],
        &["c", "3"],
    ]);
    rows.push_str("<row r=\"6\"><c r=\"A6\"><v>1</v></c><c r=\"A6\"><v>2</v></c></row>");
    let reading = read(&format(&["姓名", "证号"], &[]), Workbook::new("失业保险", &rows).bytes());
    assert_eq!(reading.codes(), vec![(1, "error-cell"), (2, "column-count"), (5, "repeated-column")]);
    assert_eq!(reading.bad()[0].fields["姓名"], "#N/A");
    assert_eq!(reading.records()[0].fields["#C"], "note");
    assert_eq!(reading.envelope.columns.len(), 2);
}

#[test]
fn a_cell_in_the_last_corner_costs_nothing() {
    let rows =
        sheet_rows(&[&["姓名", "证号"], &["张三", "1"]]) + "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let workbook = Workbook::new("失业保险", &rows).replacing(
        "xl/worksheets/sheet1.xml",
        "<sheetData>",
        "<dimension ref=\"A1:XFD1048576\"/><sheetData>",
    );
    let bytes = workbook.bytes();
    assert!(bytes.len() < 3_000, "{} bytes", bytes.len());
    let reading = read(&format(&["姓名", "证号"], &[]), bytes);
    assert_eq!(reading.records().len(), 1);
    assert_eq!(reading.codes(), vec![(2, "column-count")]);
    assert_eq!(reading.bad()[0].fields["#XFD"], "1");
    assert_eq!(reading.bad()[0].line, Some(1_048_576));
}

#[test]
fn what_is_no_workbook_or_not_the_declared_one_is_named() {
    let xls = [&[0xD0, 0xCF, 0x11, 0xE0][..], &[0; 600]].concat();
    let good = || Workbook::new("失业保险", &sheet_rows(&[&["姓名", "证号"]]));
    for (bytes, kind) in [
        (vec![], DecodeErrorKind::Truncated),
        (b"PK".to_vec(), DecodeErrorKind::Truncated),
        (xls, DecodeErrorKind::Malformed),
        (b"\n<html><table><tr><td>1</td></tr></table></html>".to_vec(), DecodeErrorKind::Malformed),
        (gb18030("姓名,证号\n"), DecodeErrorKind::Malformed),
        (b"PK\x03\x04 and nothing".to_vec(), DecodeErrorKind::Truncated),
        (Workbook::new("养老保险", "").bytes(), DecodeErrorKind::Missing),
        (Workbook::new("失业保险", &sheet_rows(&[&["姓名", "电话"]])).bytes(), DecodeErrorKind::Missing),
        (Workbook::new("失业保险", "").bytes(), DecodeErrorKind::Missing),
        (good().with("xl/vbaProject.bin", "x").bytes(), DecodeErrorKind::Forbidden),
        (
            good().with("xl/theme/theme1.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>").bytes(),
            DecodeErrorKind::Forbidden,
        ),
        (good().with("xl/worksheets/sheet1.xml", "<worksheet><sheetData>").bytes(), DecodeErrorKind::Malformed),
        (good().with("xl/workbook.xml", "<workbook/>").bytes(), DecodeErrorKind::Missing),
        (good().with("_rels/.rels", "").bytes(), DecodeErrorKind::Malformed),
    ] {
        let reading = read(&format(&["姓名", "证号"], &[]), bytes);
        assert_eq!(reading.kind(), Some(kind), "{:?}", reading.error);
    }
    let repeated = decode(&[&["姓名", "证号", "姓名"], &["a", "1", "b"]]);
    assert_eq!(repeated.kind(), Some(DecodeErrorKind::Malformed));
}

#[test]
fn columns_are_bound_by_position_where_headings_repeat() {
    let mut format = format(&["证号", "姓名", "姓名"], &[]);
    if let Format::Xlsx(options) = &mut format {
        options.positions = ["no", "man", "woman"].map(str::to_owned).to_vec();
        options.sheet = None;
    }
    let rows = sheet_rows(&[&["证号", "姓名", "姓名"], &["1", "a", "b"]]);
    let reading = read(&format, Workbook::new("any", &rows).bytes());
    assert_eq!(reading.fields(), vec![json!({"no": "1", "man": "a", "woman": "b"})]);
}

#[test]
fn workbooks_that_claim_or_hold_too_much_are_refused() {
    let rows = sheet_rows(&[&["姓名", "证号"], &["a", "1"], &["b", "2"], &["c", "3"]]);
    let book = || Workbook::new("失业保险", &rows);
    let giant = "x".repeat(2 << 20);
    let styles = format!(
        "<styleSheet><fonts><font><name val=\"{}\"/></font></fonts><cellXfs>{}</cellXfs></styleSheet>",
        "x".repeat(1 << 19),
        "<xf fontId=\"0\"/>".repeat(1_000)
    );
    let split_cell =
        format!("<row r=\"9\"><c r=\"A9\" t=\"inlineStr\"><is><t>{}</t></is></c></row>", "x<!---->".repeat(1 << 17));
    let wide: String = (0..1_001).map(|column| format!("<c r=\"{}1\"><v>1</v></c>", letters(column))).collect();
    let deep = "<a>".repeat(300) + &"</a>".repeat(300);
    for workbook in [
        book().with("xl/sharedStrings.xml", "<sst uniqueCount=\"99999999999\"/>"),
        book().with("xl/sharedStrings.xml", format!("<sst>{}</sst>", "<si/>".repeat(40_000))),
        book().with("xl/sharedStrings.xml", format!("<sst><si><t>{giant}</t></si></sst>")),
        book().with("xl/styles.xml", styles),
        book().with("xl/theme.xml", deep),
        book().with("xl/other.xml", format!("<a>{}</a>", format!("<b>{}</b>", "x".repeat(9_000)).repeat(2_000))),
        book().with("xl/media/image1.png", "x".repeat(24 << 20)),
        Workbook::new(
            "失业保险",
            &format!("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{giant}</t></is></c></row>"),
        ),
        Workbook::new("失业保险", &(rows.clone() + &split_cell)),
        Workbook::new("失业保险", &format!("<row r=\"1\">{wide}</row>")),
    ] {
        let limits = Limits { unzipped_bytes: 20 << 20, shared_string_bytes: 1 << 20, ..Limits::default() };
        let mut format = format(&["1"], &[]);
        if let Format::Xlsx(options) = &mut format {
            options.positions = vec!["a".to_owned()];
        }
        let reading = read_within(&format, &limits, workbook.bytes());
        assert_eq!(reading.kind(), Some(DecodeErrorKind::Limit), "{:?}", reading.error);
    }
    let limits = Limits { sheet_rows: 3, ..Limits::default() };
    let reading = read_within(&format(&["姓名", "证号"], &[]), &limits, book().bytes());
    assert_eq!(reading.kind(), Some(DecodeErrorKind::Limit));
}

#[test]
fn addresses_that_no_sheet_has_are_malformed() {
    for cell in ["A99999999999", "XFE1", "AAAAAAAAAAAA1", "A0", "1", "A", "A1048577", "名1"] {
        let rows = format!("<row r=\"1\"><c r=\"{cell}\"><v>1</v></c></row>");
        let reading = read(&format(&["姓名"], &[]), Workbook::new("失业保险", &rows).bytes());
        assert_eq!(reading.kind(), Some(DecodeErrorKind::Malformed), "{cell}");
    }
    let back = "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"1\"><c r=\"A1\"><v>1</v></c></row>";
    let reading = read(&format(&["1"], &[]), Workbook::new("失业保险", back).bytes());
    assert_eq!(reading.kind(), Some(DecodeErrorKind::Malformed));
}

#[test]
fn a_row_larger_than_a_record_is_bad() {
    let text = "x".repeat(600);
    let rows = sheet_rows(&[&["姓名", "证号"], &[&text, &text], &["a", "1"]]);
    let limits = Limits { record_bytes: 1_000, ..Limits::default() };
    let reading = read_within(&format(&["姓名", "证号"], &[]), &limits, Workbook::new("失业保险", &rows).bytes());
    assert_eq!(reading.codes(), vec![(1, "record-too-large")]);
    assert_eq!(reading.records().len(), 1);
}
