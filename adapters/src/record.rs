//! What a decoder hands on: records, rows it could not read, and what stands around them.
//!
//! A decoded record is a tree one level deep: scalars, and repeated groups of scalars. Nothing here interprets a value.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::{Map, Value};

/// One decoded row with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Number of the row in its delivery, counted from 1 over good and bad rows alike.
    pub position: u64,
    /// Line (text, JSON lines, XML) or sheet row where the record begins, counted from 1; `None` where the format has none.
    pub line: Option<u64>,
    /// Scalars by column name (strings as sent; JSON scalars keep their type) and repeated groups as arrays of objects.
    pub fields: Map<String, Value>,
}

/// A row that could not become a record; the delivery goes on after it.
#[derive(Debug, Clone, PartialEq)]
pub struct BadRecord {
    /// Number of the row in its delivery, counted from 1 over good and bad rows alike.
    pub position: u64,
    /// Where the row begins, as in [`Record::line`].
    pub line: Option<u64>,
    /// Stable reason: one of [`BadRecord::CODES`].
    pub code: &'static str,
    /// What is wrong in one English sentence, without any value of the row.
    pub message: String,
    /// What could be read of the row, so that a clerk can edit it; cut at 64 KiB.
    pub fields: Map<String, Value>,
    /// The row's bytes after charset decoding, for recognising the same bad row on later nights; cut at 64 KiB.
    pub raw: String,
}

impl BadRecord {
    /// Every reason a decoder gives for a bad record.
    pub const CODES: [&'static str; 14] = [
        "after-trailer",
        "column-count",
        "error-cell",
        "group-shape",
        "malformed",
        "nested-too-deep",
        "not-an-object",
        "record-too-large",
        "repeated-column",
        "too-many-columns",
        "too-many-items",
        "unclosed-quote",
        "undecodable-characters",
        "unknown-entity",
    ];
}

/// What a decoder yields next.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A record.
    Record(Record),
    /// A row that could not be read.
    Bad(BadRecord),
}

/// What stands around the records: known in full only once the decoder has returned `Ok(None)`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Envelope {
    /// Values outside the rows (header elements, top-level JSON keys, trailer fields) by the path or name the format declares.
    pub values: BTreeMap<String, String>,
    /// Every column name seen, in headings or in records, with those of groups as `group/column`.
    pub columns: BTreeSet<String>,
    /// Whether the format itself proved its end (root element closed, array closed, last line terminated, workbook whole).
    pub complete: bool,
}

/// Reads a delivery row by row.
pub trait Decoder: Send {
    /// The next row; `Ok(None)` at the end. After an error nothing more can be read.
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError>;
    /// What stands around the rows, as far as it has been read.
    fn envelope(&self) -> &Envelope;
}

/// A decoder that is not asked again after its end or an error.
pub(crate) struct Once<D> {
    decoder: D,
    ended: bool,
}

impl<D: Decoder + 'static> Once<D> {
    pub(crate) fn boxed(decoder: D) -> Box<dyn Decoder> {
        Box::new(Self { decoder, ended: false })
    }
}

impl<D: Decoder> Decoder for Once<D> {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        if self.ended {
            return Ok(None);
        }
        let next = self.decoder.next_row();
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    fn envelope(&self) -> &Envelope {
        self.decoder.envelope()
    }
}

/// Why a delivery as a whole cannot be read on.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?} at {place}: {message}")]
pub struct DecodeError {
    /// What kind of fault it is.
    pub kind: DecodeErrorKind,
    /// Where: `line 7`, `sheet 'x' row 3`, `byte 1024`, or `start`.
    pub place: String,
    /// One English sentence, without any value of the delivery.
    pub message: String,
}

impl DecodeError {
    pub(crate) fn new(kind: DecodeErrorKind, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, place: place.into(), message: message.into() }
    }

    /// What an error of a reader means: of [`crate::decompress()`], of a charset layer, or of the disk. `place` is used
    /// where the reader does not know a better one.
    pub fn from_read(error: &io::Error, place: impl Into<String>) -> Self {
        let place = place.into();
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<ReadFault>()) {
            return Self::new(fault.kind, fault.place.clone().unwrap_or(place), fault.message.clone());
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::new(
                DecodeErrorKind::Truncated,
                place,
                "The input ends in the middle of its compressed data.",
            );
        }
        Self::new(DecodeErrorKind::Io, place, format!("Reading the input failed ({}).", error.kind()))
    }
}

/// The cause inside an [`io::Error`] of this crate's readers; [`DecodeError::from_read`] takes it out again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ReadFault {
    /// What kind of fault it is.
    pub kind: DecodeErrorKind,
    /// Where, if the reader knows it better than its caller.
    pub place: Option<String>,
    /// One English sentence, without any value of the delivery.
    pub message: String,
}

impl From<ReadFault> for io::Error {
    fn from(fault: ReadFault) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, fault)
    }
}

/// The kinds of fault that end the reading of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The input ends before its format does.
    Truncated,
    /// The input breaks the rules of its format.
    Malformed,
    /// The bytes are not in the declared encoding.
    Encoding,
    /// A limit of [`crate::Limits`] was passed; the message names limit and setting.
    Limit,
    /// A forbidden construct: a document type, an external entity, a macro sheet.
    Forbidden,
    /// The declared sheet, row element or headings are not there.
    Missing,
    /// Reading failed underneath (disk, decompression).
    Io,
}

impl DecodeErrorKind {
    /// The stable code shown to people: `truncated`, `malformed`, `encoding`, `limit`, `forbidden`, `missing`, `io`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Encoding => "encoding",
            Self::Limit => "limit",
            Self::Forbidden => "forbidden",
            Self::Missing => "missing",
            Self::Io => "io",
        }
    }
}
