//! The formats a feed may declare, one variant each, and the one place that opens them.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::json::JsonDecoder;
use crate::record::{DecodeError, Decoder, Once};
use crate::text::TextDecoder;
use crate::xlsx::XlsxDecoder;
use crate::xml::XmlDecoder;

/// A file format with its options, as the `[format]` table of a feed declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Format {
    /// One element per row.
    Xml(XmlOptions),
    /// Delimited text.
    Text(TextOptions),
    /// One JSON array (or an object holding one), or one JSON object per line.
    Json(JsonOptions),
    /// The first or the named sheet of an Office Open XML workbook.
    Xlsx(XlsxOptions),
}

/// Options of XML feeds. Children of a row are columns by their local names, attributes of the row element `@name`, text
/// directly in it `#text`; attributes of its children are not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlOptions {
    /// `utf-8` or `gb18030`; holds over the XML declaration (files declared GB2312 hold GBK).
    #[serde(default)]
    pub encoding: Encoding,
    /// Path of the row element by local names from the root: `DATA/ROWS/ROW`.
    pub row: String,
    /// Repeated child elements of a row that are groups of scalars: local name of the element.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Bind children by their order to these names instead of by element name; a row with another number of children is
    /// a bad record `column-count`.
    #[serde(default)]
    pub positions: Vec<String>,
    /// Elements outside the rows whose text goes to the envelope: name in the envelope, path from the root; a path that
    /// ends in `/@name` takes an attribute.
    #[serde(default)]
    pub envelope: BTreeMap<String, String>,
}

/// Options of delimited text feeds. Without `headings` and `positions` the first line that is not blank is the heading line.
/// A column with a blank heading is named by its place: `#5`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextOptions {
    /// `utf-8` or `gb18030`.
    #[serde(default)]
    pub encoding: Encoding,
    /// One character between the fields.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// The headings to look for, in any order when bound by name; lines before the heading line are skipped.
    #[serde(default)]
    pub headings: Vec<String>,
    /// Bind by position to these names; the heading line, if `headings` are given, is found and checked first.
    #[serde(default)]
    pub positions: Vec<String>,
    /// First field of a trailer line such as `合计`; its second field goes to the envelope as `total`.
    #[serde(default)]
    pub trailer: Option<String>,
}

/// Options of JSON feeds. Whole numbers of up to 18 digits stay numbers; every other number becomes a string of its text as
/// sent (`"1.30108E+17"`), so that none is ever rounded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonOptions {
    /// Name of the top-level key that holds the array of rows; without it the document is the array, or JSON lines
    /// (told apart by the first character).
    #[serde(default)]
    pub rows: Option<String>,
    /// Keys of a row that hold arrays of flat objects.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Top-level keys (with `rows`) that go to the envelope under their own name; among JSON lines, a line whose keys are
    /// all named here.
    #[serde(default)]
    pub envelope: Vec<String>,
}

/// Options of XLSX feeds. All values are strings: text as it is, numbers with all their digits below 1e15 and from there on
/// as Excel shows them (`1.30108E+17`), cells formatted as dates as ISO dates, blank cells as empty strings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XlsxOptions {
    /// Name of the sheet; the first one without it.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The headings that mark the heading row; title rows before it are skipped.
    pub headings: Vec<String>,
    /// Bind by position to these names instead of by heading.
    #[serde(default)]
    pub positions: Vec<String>,
    /// First cells that mark a total row (`合计`); such rows are skipped and their first number goes to the envelope as `total`.
    #[serde(default)]
    pub total_rows: Vec<String>,
    /// Columns that are dates: serial numbers in them become ISO dates (`1990-01-31`) also where the cell is not formatted
    /// as a date; years, months and days written as numbers (1990, 199001, 19900131) stay.
    #[serde(default)]
    pub dates: Vec<String>,
}

/// Character encodings a feed may declare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB 18030, which includes GBK and GB 2312.
    #[serde(rename = "gb18030")]
    Gb18030,
}

/// Limits every decoder keeps; passing one is a [`crate::DecodeErrorKind::Limit`] or a bad record `record-too-large`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most bytes of one record after decoding (default 1 MiB).
    pub record_bytes: usize,
    /// Most columns of one record, and most different ones of a delivery (default 1,000).
    pub columns: usize,
    /// Most items of one repeated group (default 1,000).
    pub group_items: usize,
    /// Deepest nesting of elements or JSON values (default 32).
    pub depth: usize,
    /// Most rows of a sheet (default 1,048,576).
    pub sheet_rows: u64,
    /// Most bytes a workbook may unzip to (default 1 GiB).
    pub unzipped_bytes: u64,
    /// Most bytes of shared strings of a workbook (default 64 MiB).
    pub shared_string_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1 << 20,
            columns: 1_000,
            group_items: 1_000,
            depth: 32,
            sheet_rows: 1_048_576,
            unzipped_bytes: 1 << 30,
            shared_string_bytes: 64 << 20,
        }
    }
}

fn comma() -> char {
    ','
}

/// Opens a delivery of the given format. `input` is the decompressed bytes as sent, before charset decoding.
pub fn open(format: &Format, limits: &Limits, input: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>, DecodeError> {
    Ok(match format {
        Format::Xml(options) => Once::boxed(XmlDecoder::open(options, limits, input)?),
        Format::Text(options) => Once::boxed(TextDecoder::open(options, limits, input)?),
        Format::Json(options) => Once::boxed(JsonDecoder::open(options, limits, input)?),
        Format::Xlsx(options) => Once::boxed(XlsxDecoder::open(options, limits, input)?),
    })
}
