//! The one codec of stored documents: a version byte, then zstd over canonical JSON. Keys are sorted by `serde_json`'s map.
//!
//! Documents are small and alike, so they are packed with a dictionary: a third of the bytes and less work than without.
//! A dictionary is named by the version byte and is never changed; a new one is a new version (`hub/examples/dictionary.rs`
//! makes one). Every version ever written stays readable.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Error, Kind, Result};

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_DOCUMENTS: u8 = 2;
const LEVEL: i32 = 1;
/// Documents shorter than this gain nothing from compression.
const WORTH: usize = 48;
/// What documents of the synthetic city have in common.
const DOCUMENTS: &[u8] = include_bytes!("codec/documents.dictionary");
/// No stored document is larger; a decoded record is at most 1 MiB before mapping.
const LARGEST: usize = 64 << 20;

thread_local! {
    // Setting up a context costs more than packing a document with it.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER_OF_DOCUMENTS: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
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
            None => kept.insert(Compressor::with_dictionary(LEVEL, DOCUMENTS)?),
        };
        ROOM.with_borrow_mut(|room| {
            room.clear();
            room.reserve(zstd::zstd_safe::compress_bound(json.len()));
            packer.compress_to_buffer(json, room)?;
            Ok(std::iter::once(ZSTD_DOCUMENTS).chain(room.iter().copied()).collect())
        })
    })
}

fn unpacked(version: u8, packed: &[u8]) -> io::Result<Vec<u8>> {
    let of_documents = version == ZSTD_DOCUMENTS;
    let unpacker = if of_documents { &UNPACKER_OF_DOCUMENTS } else { &UNPACKER };
    unpacker.with_borrow_mut(|kept| {
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None if of_documents => kept.insert(Decompressor::with_dictionary(DOCUMENTS)?),
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
        Some((&version @ (ZSTD | ZSTD_DOCUMENTS), packed)) => {
            Ok(Cow::Owned(unpacked(version, packed).map_err(|error| corrupt().because(error))?))
        }
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

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn document(name: &str) -> Map<String, Value> {
        let document = json!({
            "id_no": "130108199001010015", "id_type": "01", "name": name, "sex": "1", "birth_date": "1990-01-01",
            "current_address": {"division": "130108001001", "text": "河北省石家庄市裕华区某街道某小区1号楼2单元301室"},
        });
        document.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_document_comes_back_as_it_was() {
        for document in [Map::new(), document("张三"), document(&"长".repeat(100_000))] {
            let bytes = encode(&document).unwrap();
            assert_eq!(decode::<Map<String, Value>>(&bytes).unwrap(), document);
        }
    }

    #[test]
    fn the_dictionary_halves_a_small_document() {
        let document = document("张三");
        let plain = zstd::bulk::compress(&serde_json::to_vec(&document).unwrap(), LEVEL).unwrap();
        assert!(2 * encode(&document).unwrap().len() < plain.len());
    }

    #[test]
    fn documents_packed_without_the_dictionary_stay_readable() {
        let document = document("李四");
        let json = serde_json::to_vec(&document).unwrap();
        let packed = zstd::bulk::compress(&json, LEVEL).unwrap();
        for (version, bytes) in [(PLAIN, json), (ZSTD, packed)] {
            let stored: Vec<u8> = std::iter::once(version).chain(bytes).collect();
            assert_eq!(decode::<Map<String, Value>>(&stored).unwrap(), document);
        }
    }

    #[test]
    fn the_dictionary_is_the_one_the_stored_documents_were_packed_with() {
        // A dictionary in use is never replaced: give a new one a version of its own.
        assert_eq!(
            crate::id::hex(&openssl::sha::sha256(DOCUMENTS)),
            "675f1d40f0b345c2be28eb3f92a3690dcc65d5f8c4bce30bece871e2acb0571a"
        );
    }

    #[test]
    fn bytes_that_are_no_document_are_an_error() {
        for bytes in [&[][..], &[9, 1, 2], &[ZSTD, 1, 2, 3], &[ZSTD_DOCUMENTS, 1, 2, 3], &[PLAIN, b'{']] {
            assert!(decode::<Map<String, Value>>(bytes).is_err());
        }
    }
}
