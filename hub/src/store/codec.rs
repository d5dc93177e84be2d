//! The one codec of stored documents: a version byte, then zstd over canonical JSON. Keys are sorted by `serde_json`'s map.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const LEVEL: i32 = 1;
/// Documents shorter than this gain nothing from compression.
const WORTH: usize = 96;
/// No stored document is larger; a decoded record is at most 1 MiB before mapping.
const LARGEST: usize = 64 << 20;

/// Encodes a document.
pub fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(document)
        .map_err(|error| Error::new(Kind::Internal, "encoding a document").because(error))?;
    if json.len() < WORTH {
        return Ok(std::iter::once(PLAIN).chain(json).collect());
    }
    let packed = zstd::bulk::compress(&json, LEVEL)
        .map_err(|error| Error::new(Kind::Internal, "packing a document").because(error))?;
    Ok(std::iter::once(ZSTD).chain(packed).collect())
}

/// Decodes a document.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let corrupt = || Error::new(Kind::Internal, "a stored document cannot be read");
    let json = match bytes.split_first() {
        Some((&PLAIN, json)) => json.to_vec(),
        Some((&ZSTD, packed)) => {
            zstd::bulk::decompress(packed, LARGEST.min(room(packed))).map_err(|error| corrupt().because(error))?
        }
        _ => return Err(corrupt()),
    };
    serde_json::from_slice(&json).map_err(|error| corrupt().because(error))
}

/// The size the frame says it unpacks to, so that a small document does not reserve the largest.
fn room(packed: &[u8]) -> usize {
    match zstd::zstd_safe::get_frame_content_size(packed) {
        Ok(Some(size)) => usize::try_from(size).unwrap_or(LARGEST),
        _ => LARGEST,
    }
}
