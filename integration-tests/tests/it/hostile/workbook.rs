//! Workbooks that are small on disk and huge to whoever believes them.

use std::io::{Cursor, Read as _, Write as _};

use integration_tests::hub::Hub;
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, unemployed, unemployment_insurance};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{Comes, comes_to, is_unharmed, memory_is_bounded};

const AS_OF: &str = "2026-11-01T09:00:00+08:00";
const SHEET: &str = "xl/worksheets/sheet1.xml";

fn good() -> Delivery {
    unemployment_insurance(AS_OF, [unemployed(&Person::nth(1), "1001"), unemployed(&Person::nth(2), "1002")])
}

/// The same workbook with one part changed, or added where it has none of that name.
fn with_part(delivery: &Delivery, name: &str, change: impl Fn(String) -> String) -> Delivery {
    let mut book = ZipArchive::new(Cursor::new(&delivery.bytes)).unwrap();
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let mut names: Vec<String> = book.file_names().map(|name| name.unwrap().into_owned()).collect();
    let is_new = !names.iter().any(|found| found == name);
    names.extend(is_new.then(|| name.to_owned()));
    for part in names {
        let mut text = String::new();
        if let Ok(mut found) = book.by_name(&part) {
            found.read_to_string(&mut text).unwrap();
        }
        let text = if part == name { change(text) } else { text };
        file.start_file(part, SimpleFileOptions::default()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    delivery.clone().with_bytes(file.finish().unwrap().into_inner())
}

fn with_row(delivery: &Delivery, row: &str) -> Delivery {
    with_part(delivery, SHEET, |sheet| sheet.replace("</sheetData>", &format!("{row}</sheetData>")))
}

#[test]
fn a_cell_in_the_last_corner_costs_no_memory() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let corner = r#"<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>角</t></is></c></row>"#;
    let small = with_row(&good(), corner);
    assert!(small.bytes.len() < 4_000, "a small file: {} bytes", small.bytes.len());
    comes_to(&hub, "XFD1048576", &small, Comes::Releasable("total-mismatch"));
    let alone = with_part(&good(), SHEET, |_| {
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>
           <sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>"#
            .to_owned()
    });
    comes_to(&hub, "only XFD1048576", &alone, Comes::Held("missing"));
    let beyond =
        with_row(&good(), r#"<row r="99999999999999999999"><c r="ZZZZZZ99999999999999999999"><v>1</v></c></row>"#);
    comes_to(&hub, "beyond the last corner", &beyond, Comes::Held("malformed"));
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn another_sheet_is_not_taken_for_the_right_one() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let renamed = with_part(&good(), "xl/workbook.xml", |book| book.replace("失业保险", "Sheet1"));
    comes_to(&hub, "a sheet of another name", &renamed, Comes::Held("missing"));
    let headings = with_part(&good(), SHEET, |sheet| sheet.replace("公民身份证", "护照"));
    comes_to(&hub, "another heading", &headings, Comes::Held("missing"));
    is_unharmed(&mut hub);
}

#[test]
fn a_workbook_that_unzips_without_end_is_held() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings";
    let linked = with_part(&good(), "xl/_rels/workbook.xml.rels", |parts| {
        parts.replace(
            "</Relationships>",
            &format!("<Relationship Id=\"rId9\" Type=\"{types}\" Target=\"sharedStrings.xml\"/></Relationships>"),
        )
    });
    let string = format!("<si><t>{}</t></si>", "0".repeat(30_000));
    let bomb = with_part(&linked, "xl/sharedStrings.xml", |_| {
        let strings = string.repeat(3_000);
        format!("<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">{strings}</sst>")
    });
    assert!(bomb.bytes.len() < 1 << 20, "a small file: {} bytes", bomb.bytes.len());
    comes_to(&hub, "90 MB of shared strings", &bomb, Comes::Held("limit"));
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn a_number_excel_has_rounded_is_never_guessed() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let rows =
        [unemployed(&Person::nth(1), "1001").with("公民身份证", "1.30108E+17"), unemployed(&Person::nth(2), "1002")];
    comes_to(&hub, "1.30108E+17", &unemployment_insurance(AS_OF, rows), Comes::Rejected("id-unreadable"));
    is_unharmed(&mut hub);
}
