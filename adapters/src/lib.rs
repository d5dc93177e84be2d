//! How bytes arrive and become records.
//!
//! Owns decompression, character encodings and the file formats departments send. Knows no database, no HTTP
//! server and no pipeline. Everything streams: memory never grows with the size of a delivery. Input may be wrong in
//! any way: what is wrong with a row is a [`BadRecord`], what is wrong with a delivery a [`DecodeError`], never a panic.

mod charset;
mod heading;
mod json;
mod record;
mod rows;
mod text;
mod xlsx;
mod xml;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod reading;

pub mod decompress;
pub mod format;

pub use decompress::{Compression, decompress};
pub use format::{Format, Limits, open};
pub use record::{BadRecord, DecodeError, DecodeErrorKind, Decoder, Envelope, ReadFault, Record, Row};
