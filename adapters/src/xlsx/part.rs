//! Looks through one XML part of a workbook before calamine reads it.
//!
//! calamine collects whole texts, reserves memory by the count a shared-strings part claims, copies fonts into every cell
//! format and adds up the digits of a cell's address without looking. All that is bounded here: what passes cannot make
//! it take more than the limits. Also refuses document types and parts that are not well-formed.

use std::io::{BufReader, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::package::damaged;
use crate::format::Limits;
use crate::record::{DecodeError, DecodeErrorKind};
use crate::xml::TokenGuard;

/// Most bytes of a part that is neither a sheet nor the shared strings.
const OTHER_PART_BYTES: u64 = 16 << 20;

/// Most bytes that cell formats may take with their fonts and number formats copied into each.
const STYLE_BYTES: usize = 256 << 20;

/// Deepest nesting of a part's elements.
const DEPTH: usize = 256;

/// Bytes one shared string takes besides its text.
const STRING_BYTES: u64 = 40;

/// Elements that calamine collects from parts other than sheets; a sheet may be as large as the workbook.
const NOT_IN_SHEETS: [&str; 10] =
    ["sst", "si", "styleSheet", "fonts", "numFmts", "cellXfs", "xf", "sheet", "definedName", "Relationship"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sheet,
    Strings,
    Other,
}

/// Reads the part to its end or to the first fault.
pub(crate) fn check(input: &mut dyn Read, limits: &Limits, place: &str) -> Result<(), DecodeError> {
    let mut reader = Reader::from_reader(TokenGuard::new(BufReader::new(input), limits.record_bytes, "record_bytes"));
    reader.config_mut().expand_empty_elements = true;
    let mut check = Check { limits, place, kind: Kind::Other, depth: 0, whole: 0, strings: 0, formats: 0, longest: 0 };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        // A cell or a shared string as a whole has the budget of one record.
        if check.whole == 0 {
            reader.get_mut().renew();
        }
        let event = reader.read_event_into(&mut buffer).map_err(|error| check.explain(error))?;
        let bytes = reader.get_ref().offset();
        match event {
            Event::Start(tag) => check.open(&tag)?,
            Event::End(_) => check.close(),
            Event::DocType(_) => {
                let message = "The workbook holds a document type (DOCTYPE), which is never read.";
                return Err(check.fault(DecodeErrorKind::Forbidden, message));
            }
            Event::Eof if check.depth > 0 => return Err(check.malformed()),
            Event::Eof => return Ok(()),
            Event::Text(text) => check.longest = check.longest.max(text.len()),
            _ => {}
        }
        check.bounds(bytes)?;
    }
}

struct Check<'a> {
    limits: &'a Limits,
    place: &'a str,
    kind: Kind,
    depth: usize,
    /// Depth of the open cell or shared string; 0 outside.
    whole: usize,
    strings: u64,
    formats: usize,
    longest: usize,
}

impl Check<'_> {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), DecodeError> {
        self.depth += 1;
        self.longest = self.longest.max(tag.len());
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.depth == 1 && name == "worksheet" {
            self.kind = Kind::Sheet;
        }
        if self.kind == Kind::Sheet && NOT_IN_SHEETS.contains(&name) {
            return Err(self.malformed());
        }
        match name {
            "sst" => {
                self.kind = Kind::Strings;
                let claimed = attribute(tag, "uniqueCount").and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
                if claimed.saturating_mul(STRING_BYTES) > self.limits.shared_string_bytes {
                    return Err(self.too_many_strings());
                }
            }
            "si" => self.strings += 1,
            "xf" => self.formats += 1,
            "row" => self.address(tag, "r", is_row)?,
            "c" => self.address(tag, "r", is_cell)?,
            "dimension" => {
                self.address(tag, "ref", |range| range.split(':').count() < 3 && range.split(':').all(is_cell))?
            }
            "Relationship" => self.relationship(tag)?,
            _ => {}
        }
        if self.whole == 0 && matches!((self.kind, name), (Kind::Sheet, "c") | (Kind::Strings, "si")) {
            self.whole = self.depth;
        }
        Ok(())
    }

    fn close(&mut self) {
        if self.whole == self.depth {
            self.whole = 0;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn bounds(&self, bytes: u64) -> Result<(), DecodeError> {
        if self.depth > DEPTH {
            return Err(self.fault(DecodeErrorKind::Limit, format!("Elements are nested deeper than {DEPTH}.")));
        }
        match self.kind {
            Kind::Strings if bytes + self.strings * STRING_BYTES > self.limits.shared_string_bytes => {
                Err(self.too_many_strings())
            }
            Kind::Other if bytes > OTHER_PART_BYTES => {
                let message = format!("A part that is no sheet is larger than {OTHER_PART_BYTES} bytes.");
                Err(self.fault(DecodeErrorKind::Limit, message))
            }
            Kind::Other if self.formats.saturating_mul(self.longest) > STYLE_BYTES => {
                Err(self.fault(DecodeErrorKind::Limit, "The cell formats of the workbook are too large."))
            }
            _ => Ok(()),
        }
    }

    fn address(&self, tag: &BytesStart<'_>, name: &str, is_valid: impl Fn(&str) -> bool) -> Result<(), DecodeError> {
        match attribute(tag, name) {
            Some(address) if !is_valid(&address) => Err(self.malformed()),
            _ => Ok(()),
        }
    }

    /// What calamine opens by a relationship must be a part that was checked.
    fn relationship(&self, tag: &BytesStart<'_>) -> Result<(), DecodeError> {
        let kind = attribute(tag, "Type").unwrap_or_default();
        let opened = kind.ends_with("sheet") || kind.ends_with("/officeDocument");
        let target = attribute(tag, "Target").unwrap_or_default().to_lowercase();
        if opened && !target.ends_with(".xml") { Err(self.malformed()) } else { Ok(()) }
    }

    fn too_many_strings(&self) -> DecodeError {
        let most = self.limits.shared_string_bytes;
        let message = format!("The shared strings take more than {most} bytes (limit shared_string_bytes).");
        self.fault(DecodeErrorKind::Limit, message)
    }

    fn malformed(&self) -> DecodeError {
        self.fault(DecodeErrorKind::Malformed, "A part of the workbook breaks the rules of its format.")
    }

    fn explain(&self, error: Error) -> DecodeError {
        match error {
            Error::Io(error) => damaged(&error, self.place),
            _ => self.malformed(),
        }
    }

    fn fault(&self, kind: DecodeErrorKind, message: impl Into<String>) -> DecodeError {
        DecodeError::new(kind, self.place, message)
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name);
    found.map(|attribute| attribute.value.into_owned())
}

fn is_row(number: &str) -> bool {
    number.len() <= 7 && number.parse().is_ok_and(|row: u32| (1..=1_048_576).contains(&row))
}

fn is_cell(address: &str) -> bool {
    let letters = address.bytes().take_while(u8::is_ascii_alphabetic).count();
    let column = address
        .bytes()
        .take(letters.min(4))
        .fold(0, |sum: u32, letter| sum * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    (1..=16_384).contains(&column) && is_row(&address[letters..])
}
