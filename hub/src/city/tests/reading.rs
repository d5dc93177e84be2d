//! Reads the generated files back with plain means, not with the hub's decoders.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use quick_xml::events::Event;

use super::super::CityDelivery;
use super::super::feed::Feed;

/// A row as columns by place, and its repeated groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub cells: Vec<String>,
    pub groups: Vec<BTreeMap<String, String>>,
}

/// The bytes of a delivery.
pub(super) fn bytes(delivery: &CityDelivery) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = delivery.write(&mut bytes).expect("a vector takes all");
    assert_eq!(rows, delivery.total, "{} says how many rows it holds", delivery.file_name);
    bytes
}

/// The rows of a delivery.
pub(super) fn rows(delivery: &CityDelivery) -> Vec<Read> {
    let bytes = bytes(delivery);
    let feed = Feed::ALL.into_iter().find(|feed| feed.name() == delivery.feed).expect("a known feed");
    let rows = match feed {
        Feed::Registered => text(&bytes),
        Feed::Population => xml(std::str::from_utf8(&bytes).expect("UTF-8"), "人口", ""),
        Feed::Insured => xml(&gb18030(&bytes), "ROW", "INSURED"),
        Feed::Unemployment => sheet(bytes, delivery.total),
        Feed::Marriage => xml(std::str::from_utf8(&bytes).expect("UTF-8"), "记录", ""),
        Feed::Health => json(&bytes, feed.shape().columns),
    };
    assert_eq!(rows.len() as u64, delivery.total);
    rows
}

pub(super) fn gb18030(bytes: &[u8]) -> String {
    let (text, bad) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    assert!(!bad);
    text.into_owned()
}

fn text(bytes: &[u8]) -> Vec<Read> {
    let text = gb18030(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> =
        reader.records().map(|row| row.expect("a line").iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows.remove(0), Feed::Registered.shape().columns);
    let trailer = rows.pop().expect("a trailer");
    assert_eq!(trailer, ["合计".to_owned(), rows.len().to_string()]);
    rows.into_iter().map(|cells| Read { cells, groups: Vec::new() }).collect()
}

fn xml(text: &str, row: &str, group: &str) -> Vec<Read> {
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut rows, mut path) = (Vec::<Read>::new(), Vec::<String>::new());
    let mut value = String::new();
    loop {
        let event = reader.read_event().expect("well-formed XML");
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                if name == row {
                    rows.push(Read { cells: Vec::new(), groups: Vec::new() });
                } else if name == group && path.last().is_some_and(|parent| parent == row) {
                    rows.last_mut().expect("a row").groups.push(BTreeMap::new());
                }
                value.clear();
                path.push(name);
            }
            Event::Text(text) => value.push_str(text),
            Event::Eof => break,
            _ => {}
        }
        if matches!(event, Event::Empty(_) | Event::End(_)) {
            let name = path.pop().expect("an open element");
            if path.last().is_some_and(|parent| parent == row) && name != group {
                rows.last_mut().expect("a row").cells.push(std::mem::take(&mut value));
            } else if !group.is_empty() && path.last().is_some_and(|parent| parent == group) {
                let groups = &mut rows.last_mut().expect("a row").groups;
                groups.last_mut().expect("a group").insert(name, std::mem::take(&mut value));
            }
        }
    }
    assert!(path.is_empty());
    rows
}

fn sheet(bytes: Vec<u8>, total: u64) -> Vec<Read> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    #[expect(clippy::disallowed_methods, reason = "the sheet is our own and small")]
    let range = book.worksheet_range("失业保险").expect("the sheet");
    let mut rows: Vec<Vec<String>> = range
        .rows()
        .map(|row| {
            let cell = |cell: &Data| match cell {
                Data::DateTime(serial) => (serial.as_f64() as i64).to_string(),
                other => other.to_string(),
            };
            row.iter().map(cell).collect()
        })
        .collect();
    assert!(rows.remove(0)[0].starts_with("职工失业保险参保信息"));
    assert_eq!(rows.remove(0), Feed::Unemployment.shape().columns);
    let trailer = rows.pop().expect("a total row");
    assert_eq!(trailer[..2], ["合计".to_owned(), total.to_string()]);
    rows.into_iter().map(|cells| Read { cells, groups: Vec::new() }).collect()
}

fn json(bytes: &[u8], columns: &[&str]) -> Vec<Read> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let rows: Vec<serde_json::Map<String, serde_json::Value>> = if text.starts_with('[') {
        serde_json::from_str(text).expect("an array")
    } else {
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
    };
    let cell = |row: &serde_json::Map<String, serde_json::Value>, column: &str| {
        row.get(column).map_or(String::new(), |value| value.as_str().expect("a string").to_owned())
    };
    let read = |row| Read { cells: columns.iter().map(|column| cell(&row, column)).collect(), groups: Vec::new() };
    rows.into_iter().map(read).collect()
}
