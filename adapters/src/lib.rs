//! How bytes arrive and become records.
//!
//! Owns decompression, character encodings and the file formats departments send. Knows no database, no HTTP
//! server and no pipeline. Everything streams: memory never grows with the size of a delivery.

mod record;

pub mod format;

pub use format::{Format, Limits, open};
pub use record::{BadRecord, DecodeError, DecodeErrorKind, Decoder, Envelope, Record, Row};
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression { Identity, Gzip, Zstd }
pub struct Expansion { pub bytes: u64, pub ratio: u64 }
impl Default for Expansion { fn default() -> Self { Self { bytes: 0, ratio: 0 } } }
pub fn decompress_within(_e: Compression, _l: Expansion, _i: impl std::io::Read + Send + 'static) -> Box<dyn std::io::Read + Send> { todo!() }
