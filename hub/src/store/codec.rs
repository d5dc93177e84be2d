//! The one codec of stored documents: a version byte, then zstd over canonical JSON. Keys are sorted by `serde_json`'s map.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Error, Kind, Result};

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const LEVEL: i32 = 1;
/// Documents shorter than this gain nothing from compression.
const WORTH: usize = 96;
/// No stored document is larger; a decoded record is at most 1 MiB before mapping.
const LARGEST: usize = 64 << 20;

thread_local! {
    // Setting up a context costs more than packing a document with it.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Encodes a document.
pub fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(document)
        .map_err(|error| Error::new(Kind::Internal, "encoding a document").because(error))?;
    if json.len() < WORTH {
        return Ok(std::iter::once(PLAIN).chain(json).collect());
    }
    packed(&json).map_err(|error| Error::new(Kind::Internal, "packing a document").because(error))
}

fn packed(json: &[u8]) -> io::Result<Vec<u8>> {
    PACKER.with_borrow_mut(|kept| {
        let packer = match kept {
            Some(packer) => packer,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        let mut packed = vec![0; zstd::zstd_safe::compress_bound(json.len()) + 1];
        packed[0] = ZSTD;
        let length = packer.compress_to_buffer(json, &mut packed[1..])?;
        packed.truncate(length + 1);
        packed.shrink_to_fit();
        Ok(packed)
    })
}

fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    UNPACKER.with_borrow_mut(|kept| {
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None => kept.insert(Decompressor::new()?),
        };
        unpacker.decompress(packed, LARGEST.min(room(packed)))
    })
}

/// Decodes a document.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(&plain(bytes)?).map_err(|error| corrupt().because(error))
}

/// The JSON text of a document, for who reads only some of it.
pub fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(plain(bytes)?.into_owned()).map_err(|error| corrupt().because(error))
}

fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    match bytes.split_first() {
        Some((&PLAIN, json)) => Ok(Cow::Borrowed(json)),
        Some((&ZSTD, packed)) => Ok(Cow::Owned(unpacked(packed).map_err(|error| corrupt().because(error))?)),
        _ => Err(corrupt()),
    }
}

/// A stored document that cannot be read.
pub fn corrupt() -> Error {
    Error::new(Kind::Internal, "a stored document cannot be read")
}

/// The size the frame says it unpacks to, so that a small document does not reserve the largest.
fn room(packed: &[u8]) -> usize {
    match zstd::zstd_safe::get_frame_content_size(packed) {
        Ok(Some(size)) => usize::try_from(size).unwrap_or(LARGEST),
        _ => LARGEST,
    }
}
