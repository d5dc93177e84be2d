//! Undoes the content coding of a request body or the compression of a file.
//!
//! Owns gzip (with several members), zstd (with several frames) and the limits that make a bomb harmless. Never holds
//! more than its window. A stream that ends early is an [`io::ErrorKind::UnexpectedEof`]; passing a limit or damaged
//! data is a [`ReadFault`] inside the error ([`crate::DecodeError::from_read`] names its kind).

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::record::{DecodeErrorKind, ReadFault};

/// The largest zstd window as a power of two: 8 MiB, what RFC 9659 allows for the content coding `zstd`.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Output below this is never judged by its ratio: short files of one character compress by a thousand.
const RATIO_GRACE: u64 = 16 << 20;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// By the name in a `Content-Encoding` header; `None` for one that is not supported.
    pub fn by_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// By the ending of a file's name (`.gz`, `.zst`).
    pub fn by_file_name(name: &str) -> Self {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "gz" => Self::Gzip,
            "zst" => Self::Zstd,
            _ => Self::Identity,
        }
    }
}

/// How far a stream may expand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Most bytes after decompression.
    pub bytes: u64,
    /// Most bytes out for one byte in, once more than 16 MiB are out.
    pub ratio: u64,
}

impl Default for Expansion {
    /// 64 GiB, and a ratio of 200: registers compress by 10 to 40.
    fn default() -> Self {
        Self { bytes: 64 << 30, ratio: 200 }
    }
}

/// The decompressed bytes of `input` within the default [`Expansion`].
pub fn decompress(encoding: Compression, input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    decompress_within(encoding, Expansion::default(), input)
}

/// The decompressed bytes of `input` within the given limits.
pub fn decompress_within(
    encoding: Compression,
    limits: Expansion,
    input: impl Read + Send + 'static,
) -> Box<dyn Read + Send> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted { input, taken: Arc::clone(&taken) };
    let plain: Box<dyn Read + Send> = match encoding {
        Compression::Identity => return Box::new(Bounded { plain: counted, taken, given: 0, limits, encoding }),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(counted))),
        Compression::Zstd => match zstd::stream::read::Decoder::new(counted) {
            Ok(mut decoder) => match decoder.window_log_max(ZSTD_WINDOW_LOG) {
                Ok(()) => Box::new(decoder),
                Err(error) => Box::new(Failed(Some(error))),
            },
            Err(error) => Box::new(Failed(Some(error))),
        },
    };
    Box::new(Bounded { plain, taken, given: 0, limits, encoding })
}

/// Counts the compressed bytes as they are taken.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A decoder that could not be set up; the error comes with the first read, as any other.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::Error::other("the decompressor has failed")))
    }
}

struct Bounded<R> {
    plain: R,
    taken: Arc<AtomicU64>,
    given: u64,
    limits: Expansion,
    encoding: Compression,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.plain.read(buffer).map_err(|error| explain(self.encoding, error))?;
        let taken = self.taken.load(Ordering::Relaxed);
        if count == 0 && taken == 0 && self.encoding != Compression::Identity {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed stream is empty"));
        }
        self.given += count as u64;
        if self.given > self.limits.bytes {
            return Err(limit(format!("More than {} bytes after decompression.", self.limits.bytes)));
        }
        if self.encoding != Compression::Identity
            && self.given > RATIO_GRACE
            && self.given / self.limits.ratio.max(1) > taken
        {
            return Err(limit(format!("The data expand more than {} times: a decompression bomb.", self.limits.ratio)));
        }
        Ok(count)
    }
}

fn limit(message: String) -> io::Error {
    ReadFault { kind: DecodeErrorKind::Limit, place: None, message }.into()
}

/// Tells damaged data from a failing disk. The libraries give damage as `InvalidInput`, `InvalidData` or `Other`.
fn explain(encoding: Compression, error: io::Error) -> io::Error {
    let damaged =
        matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other);
    if encoding == Compression::Identity || !damaged || error.get_ref().is_some_and(|inner| inner.is::<ReadFault>()) {
        return error;
    }
    let message = match encoding {
        Compression::Zstd => "The data are not zstd, are damaged, or need a window over 8 MiB.",
        _ => "The data are not gzip, or are damaged.",
    };
    ReadFault { kind: DecodeErrorKind::Malformed, place: None, message: message.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::record::DecodeError;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn plain(encoding: Compression, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompress(encoding, Cursor::new(bytes)).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn gzip_members_follow_each_other() {
        let bytes = [gzip(b"one,"), gzip(b"two")].concat();
        assert_eq!(plain(Compression::Gzip, bytes).unwrap(), b"one,two");
    }

    #[test]
    fn zstd_frames_follow_each_other() {
        let frame = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
        assert_eq!(plain(Compression::Zstd, [frame(b"one,"), frame(b"two")].concat()).unwrap(), b"one,two");
    }

    #[test]
    fn a_stream_cut_anywhere_is_an_unexpected_end() {
        let text: Vec<u8> = (0..5_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for (encoding, whole) in
            [(Compression::Gzip, gzip(&text)), (Compression::Zstd, zstd::encode_all(text.as_slice(), 3).unwrap())]
        {
            for tenth in 0..10 {
                let cut = whole[..whole.len() * tenth / 10].to_vec();
                let error = plain(encoding, cut).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{encoding:?} cut at {tenth}/10");
                assert_eq!(DecodeError::from_read(&error, "start").kind, DecodeErrorKind::Truncated);
            }
        }
    }

    #[test]
    fn a_bomb_ends_at_its_ratio() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let read = plain(Compression::Gzip, encoder.finish().unwrap()).map(|bytes| bytes.len());
        assert_eq!(DecodeError::from_read(&read.unwrap_err(), "start").kind, DecodeErrorKind::Limit);
    }

    #[test]
    fn a_limit_of_bytes_holds_for_plain_input_too() {
        let limits = Expansion { bytes: 10, ratio: 200 };
        let mut reader = decompress_within(Compression::Identity, limits, Cursor::new(vec![b'x'; 11]));
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(DecodeError::from_read(&error, "start").kind, DecodeErrorKind::Limit);
    }

    #[test]
    fn data_that_are_not_compressed_are_malformed() {
        for encoding in [Compression::Gzip, Compression::Zstd] {
            let error = plain(encoding, b"<DATA><ROWS/></DATA> and more than a header".to_vec()).unwrap_err();
            assert_eq!(DecodeError::from_read(&error, "start").kind, DecodeErrorKind::Malformed, "{encoding:?}");
        }
    }

    #[test]
    fn names_of_codings_and_files_are_known() {
        assert_eq!(Compression::by_name("GZIP"), Some(Compression::Gzip));
        assert_eq!(Compression::by_name("br"), None);
        assert_eq!(Compression::by_file_name("czrk_20261101.txt.zst"), Compression::Zstd);
        assert_eq!(Compression::by_file_name("czrk_20261101.txt"), Compression::Identity);
    }
}
