//! How bytes arrive and become records.
//!
//! Owns decompression, character encodings and the file formats departments send. Knows no database, no HTTP
//! server and no pipeline. Everything streams: memory never grows with the size of a delivery.

mod record;

pub mod format;

pub use format::{Format, Limits, open};
pub use record::{BadRecord, DecodeError, DecodeErrorKind, Decoder, Envelope, Record, Row};
