//! An Office Open XML workbook of one sheet, streamed: a merged title row, headings, rows, a total row.
//!
//! Text stands inline in its cell, so that no table of strings has to be kept; dates are serial numbers with a style.

use std::io::{self, Write};

use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::super::CityDelivery;
use super::super::feed::Row;
use super::sink::{Encoding, Sink};
use super::xml;

/// What stands around the rows.
pub(in crate::city) struct Sheet<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub columns: &'a [&'a str],
    /// Columns whose cells are dates where they hold a serial number.
    pub dates: &'a [usize],
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// Writes the workbook of a delivery; answers the number of rows.
pub(in crate::city) fn write(out: &mut dyn Write, sheet: &Sheet<'_>, delivery: &CityDelivery) -> io::Result<u64> {
    let mut archive = ZipWriter::new_stream(out);
    for (name, content) in parts(sheet.name) {
        archive.start_file(name, options())?;
        archive.write_all(HEAD.as_bytes())?;
        archive.write_all(content.as_bytes())?;
    }
    archive.start_file("xl/worksheets/sheet1.xml", options())?;
    let rows = worksheet(&mut archive, sheet, delivery)?;
    archive.finish()?.into_inner().flush()?;
    Ok(rows)
}

/// The fastest compression, and one time of day for all, so that the same rows are the same bytes.
fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(DateTime::default())
}

fn parts(sheet: &str) -> [(&'static str, String); 5] {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let types = format!(
        "<Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{kind}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{kind}.worksheet+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{kind}.styles+xml\"/></Types>"
    );
    let package = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\">\
         <Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let workbook = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>\
         <sheet name=\"{sheet}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\">\
         <Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"rId2\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
    );
    // Style 0 is general, style 1 a date (the built-in format 14).
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\">\
         <fonts count=\"1\"><font><sz val=\"11\"/><name val=\"宋体\"/></font></fonts>\
         <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>\
         <fill><patternFill patternType=\"gray125\"/></fill></fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"2\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
         <xf numFmtId=\"14\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>"
    );
    [
        ("[Content_Types].xml", types),
        ("_rels/.rels", package),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/styles.xml", styles),
    ]
}

fn worksheet(
    archive: &mut ZipWriter<StreamWriter<&mut dyn Write>>,
    sheet: &Sheet<'_>,
    delivery: &CityDelivery,
) -> io::Result<u64> {
    let letters: Vec<String> = (b'A'..=b'Z').map(|letter| char::from(letter).to_string()).collect();
    let mut sink = Sink::new(archive, Encoding::Utf8);
    sink.text.push_str(HEAD);
    sink.text.push_str(&format!("<worksheet xmlns=\"{MAIN}\"><sheetData>"));
    begin(&mut sink.text, "1");
    text_cell(&mut sink.text, &letters[0], "1", sheet.title);
    sink.text.push_str("</row>");
    begin(&mut sink.text, "2");
    for (letter, heading) in letters.iter().zip(sheet.columns) {
        text_cell(&mut sink.text, letter, "2", heading);
    }
    sink.text.push_str("</row>");
    let mut line = 2_u64;
    delivery.each_row(&mut |row| {
        line += 1;
        let number = line.to_string();
        begin(&mut sink.text, &number);
        cells(&mut sink.text, &letters, &number, row, sheet.dates);
        sink.text.push_str("</row>");
        sink.relieve()
    })?;
    let rows = line - 2;
    let after = (line + 1).to_string();
    begin(&mut sink.text, &after);
    text_cell(&mut sink.text, &letters[0], &after, "合计");
    sink.text.push_str(&format!("<c r=\"B{after}\"><v>{rows}</v></c></row></sheetData>"));
    let last = &letters[sheet.columns.len() - 1];
    sink.text.push_str(&format!("<mergeCells count=\"1\"><mergeCell ref=\"A1:{last}1\"/></mergeCells></worksheet>"));
    sink.finish()?;
    Ok(rows)
}

fn begin(text: &mut String, line: &str) {
    text.extend(["<row r=\"", line, "\">"]);
}

fn cells(text: &mut String, letters: &[String], line: &str, row: &Row, dates: &[usize]) {
    for (place, (letter, value)) in letters.iter().zip(row.cells.iter()).enumerate() {
        // A serial number has five digits; dates typed as text are longer.
        let serial = dates.contains(&place) && value.len() == 5 && value.bytes().all(|byte| byte.is_ascii_digit());
        if serial {
            text.extend(["<c r=\"", letter, line, "\" s=\"1\"><v>", value, "</v></c>"]);
        } else if !value.is_empty() {
            text_cell(text, letter, line, value);
        }
    }
}

fn text_cell(text: &mut String, letter: &str, line: &str, value: &str) {
    text.extend(["<c r=\"", letter, line, "\" t=\"inlineStr\"><is><t>"]);
    xml::escape(text, value);
    text.push_str("</t></is></c>");
}
