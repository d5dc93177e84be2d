//! Turns the bytes of a delivery into UTF-8 before anything splits them.
//!
//! Owns byte order marks, malformed sequences and the sentence for a wrongly declared encoding. A malformed sequence is
//! an error with its byte ([`Policy::Strict`]) or becomes [`MARK`] ([`Policy::Mark`]), by which the row that holds it is
//! known and becomes a bad record: systems that cut names at a byte count leave half a character, and one such row
//! must not stop a register of a million. A sequence cut off by the end of the input is always marked, so that the
//! format says what is missing. Never replaces silently.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult};

use crate::format::Encoding;
use crate::record::{DecodeError, DecodeErrorKind, ReadFault};

/// Stands for a malformed sequence: a noncharacter, so no honest text holds it.
pub(crate) const MARK: char = '\u{FFFF}';
const MARK_BYTES: [u8; 3] = [0xEF, 0xBF, 0xBF];

/// How much of the input is looked at before an encoding is believed.
const WINDOW: usize = 64 << 10;

/// From this many characters of several bytes on, text that is valid UTF-8 is not GB 18030 by chance.
const SURE: usize = 8;

/// What a malformed sequence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Ends the reading.
    Strict,
    /// Becomes [`MARK`].
    Mark,
}

/// Reads UTF-8 without a byte order mark out of the declared encoding.
pub(crate) struct Utf8Reader {
    input: Box<dyn Read + Send>,
    decoder: Decoder,
    policy: Policy,
    raw: Vec<u8>,
    raw_next: usize,
    raw_end: usize,
    /// Offset in the input of `raw[0]`.
    raw_offset: u64,
    input_ended: bool,
    text: Vec<u8>,
    text_next: usize,
    text_end: usize,
    finished: bool,
    failure: Option<ReadFault>,
}

impl Utf8Reader {
    /// Looks at the beginning of the input; an encoding that cannot be the declared one is an error here.
    pub(crate) fn open(
        encoding: Encoding,
        policy: Policy,
        mut input: Box<dyn Read + Send>,
    ) -> Result<Self, DecodeError> {
        let mut raw = vec![0; WINDOW];
        let mut raw_end = 0;
        let mut input_ended = false;
        while raw_end < WINDOW && !input_ended {
            match input.read(&mut raw[raw_end..]) {
                Ok(0) => input_ended = true,
                Ok(count) => raw_end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DecodeError::from_read(&error, "start")),
            }
        }
        let raw_next = judge(encoding, policy, &raw[..raw_end])?;
        let decoder = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Gb18030 => encoding_rs::GB18030,
        }
        .new_decoder_without_bom_handling();
        Ok(Self {
            input,
            decoder,
            policy,
            raw,
            raw_next,
            raw_end,
            raw_offset: 0,
            input_ended,
            text: vec![0; WINDOW + WINDOW / 2],
            text_next: 0,
            text_end: 0,
            finished: false,
            failure: None,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        self.text_next = 0;
        self.text_end = 0;
        while self.text_end == 0 && !self.finished {
            if let Some(failure) = &self.failure {
                return Err(failure.clone().into());
            }
            if self.raw_next == self.raw_end && !self.input_ended {
                self.read_raw()?;
            }
            self.decode();
        }
        Ok(())
    }

    fn read_raw(&mut self) -> io::Result<()> {
        self.raw_offset += self.raw_end as u64;
        self.raw_next = 0;
        self.raw_end = 0;
        self.raw_end = loop {
            match self.input.read(&mut self.raw) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.input_ended = self.raw_end == 0;
        Ok(())
    }

    fn decode(&mut self) {
        let room = self.text.len() - MARK_BYTES.len();
        while self.text_end < room {
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.raw_next..self.raw_end],
                &mut self.text[self.text_end..room],
                self.input_ended,
            );
            self.raw_next += read;
            self.text_end += written;
            match result {
                DecoderResult::InputEmpty => {
                    self.finished = self.input_ended;
                    return;
                }
                DecoderResult::OutputFull => return,
                DecoderResult::Malformed(length, after) => {
                    let at_end = self.input_ended && self.raw_next == self.raw_end;
                    if self.policy == Policy::Strict && !at_end {
                        let byte = self.raw_offset + self.raw_next as u64 - u64::from(length) - u64::from(after);
                        self.failure = Some(malformed(byte));
                        return;
                    }
                    self.text[self.text_end..self.text_end + MARK_BYTES.len()].copy_from_slice(&MARK_BYTES);
                    self.text_end += MARK_BYTES.len();
                }
            }
        }
    }
}

impl BufRead for Utf8Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.text_next == self.text_end {
            self.refill()?;
        }
        Ok(&self.text[self.text_next..self.text_end])
    }

    fn consume(&mut self, count: usize) {
        self.text_next = (self.text_next + count).min(self.text_end);
    }
}

impl Read for Utf8Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

fn malformed(byte: u64) -> ReadFault {
    ReadFault {
        kind: DecodeErrorKind::Encoding,
        place: Some(format!("byte {byte}")),
        message: "The bytes are not UTF-8; files in GBK, GB 2312 or GB 18030 need the encoding gb18030.".to_owned(),
    }
}

/// Compares the beginning of the input with the declared encoding; answers the length of its byte order mark.
fn judge(encoding: Encoding, policy: Policy, window: &[u8]) -> Result<usize, DecodeError> {
    let wrong = |place: String, message: &str| Err(DecodeError::new(DecodeErrorKind::Encoding, place, message));
    let nuls = window.iter().filter(|byte| **byte == 0).count();
    if window.starts_with(&[0xFF, 0xFE]) || window.starts_with(&[0xFE, 0xFF]) {
        return wrong("byte 0".to_owned(), "The file is UTF-16; send UTF-8 or GB 18030.");
    }
    if nuls > window.len() / 8 {
        return wrong("byte 0".to_owned(), "The file holds NUL bytes as UTF-16, UTF-32 and binary files do, not text.");
    }
    let utf8_mark = window.starts_with(&[0xEF, 0xBB, 0xBF]);
    match encoding {
        Encoding::Utf8 => {
            let (characters, faults) = count_utf8(window);
            if policy == Policy::Mark && faults > characters {
                let byte = std::str::from_utf8(window).err().map_or(0, |error| error.valid_up_to());
                let fault = malformed(byte as u64);
                return wrong(format!("byte {byte}"), &fault.message);
            }
            Ok(if utf8_mark { 3 } else { 0 })
        }
        Encoding::Gb18030 => {
            let (characters, faults) = count_utf8(window);
            if utf8_mark || (faults == 0 && characters >= SURE) {
                return wrong("byte 0".to_owned(), "The file is UTF-8, but its encoding is declared as gb18030.");
            }
            Ok(if window.starts_with(&[0x84, 0x31, 0x95, 0x33]) { 4 } else { 0 })
        }
    }
}

/// Characters of several bytes and malformed sequences, read as UTF-8; one cut by the end of the window is neither.
fn count_utf8(window: &[u8]) -> (usize, usize) {
    let mut characters = 0;
    let mut faults = 0;
    let mut read = 0;
    for chunk in window.utf8_chunks() {
        read += chunk.valid().len() + chunk.invalid().len();
        characters += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        if !chunk.invalid().is_empty() && read < window.len() {
            faults += 1;
        }
    }
    (characters, faults)
}

/// The bytes of `text` in GB 18030, for tests.
#[cfg(test)]
pub(crate) fn gb18030(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; text.len() * 4 + 16];
    let (result, _, written, _) = encoding_rs::GB18030.new_encoder().encode_from_utf8(text, &mut bytes, true);
    assert_eq!(result, encoding_rs::CoderResult::InputEmpty);
    bytes.truncate(written);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// Gives at most `1` byte for a read.
    struct Trickle(Cursor<Vec<u8>>);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn read(encoding: Encoding, policy: Policy, bytes: &[u8]) -> Result<String, DecodeError> {
        let mut reader = Utf8Reader::open(encoding, policy, Box::new(Cursor::new(bytes.to_vec())))?;
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(|error| DecodeError::from_read(&error, "start"))?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn rare_characters_of_names_are_read_from_gb18030() {
        // FE 9F is 䶮 since GB 18030-2005; older decoders give a private-use character for it.
        let bytes = [&[0xFE, 0x9F][..], &gb18030("𠮷㙍张Ａ　１")].concat();
        assert_eq!(read(Encoding::Gb18030, Policy::Strict, &bytes).unwrap(), "䶮𠮷㙍张Ａ　１");
    }

    #[test]
    fn byte_order_marks_are_removed() {
        assert_eq!(read(Encoding::Utf8, Policy::Strict, "\u{FEFF}姓名".as_bytes()).unwrap(), "姓名");
        assert_eq!(read(Encoding::Gb18030, Policy::Strict, &gb18030("\u{FEFF}姓名")).unwrap(), "姓名");
    }

    #[test]
    fn a_malformed_sequence_is_an_error_at_its_byte() {
        let mut bytes = "姓名,".repeat(20_000).into_bytes();
        bytes[100_001] = 0xFF;
        let error = read(Encoding::Utf8, Policy::Strict, &bytes).unwrap_err();
        assert_eq!((error.kind, error.place.as_str()), (DecodeErrorKind::Encoding, "byte 100001"));
    }

    #[test]
    fn half_a_character_is_marked_and_what_follows_is_read() {
        let mut bytes = gb18030("张三,");
        bytes.remove(3);
        bytes.extend(gb18030("李四"));
        assert_eq!(read(Encoding::Gb18030, Policy::Mark, &bytes).unwrap(), format!("张{MARK},李四"));
    }

    #[test]
    fn wrong_encodings_are_named() {
        let utf16: Vec<u8> = "<DATA>张三</DATA>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [vec![0xFF, 0xFE], utf16.clone()].concat();
        let gb = gb18030("姓名,公民身份号码,出生日期\n");
        let utf8 = "姓名,公民身份号码,出生日期\n".as_bytes().to_vec();
        for (encoding, bytes) in [
            (Encoding::Utf8, utf16),
            (Encoding::Gb18030, marked),
            (Encoding::Utf8, gb),
            (Encoding::Gb18030, utf8),
            (Encoding::Gb18030, "\u{FEFF}a".as_bytes().to_vec()),
            (Encoding::Utf8, vec![0; 1000]),
        ] {
            let error = read(encoding, Policy::Mark, &bytes).unwrap_err();
            assert_eq!(error.kind, DecodeErrorKind::Encoding, "{encoding:?} {bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn text_is_read_the_same_in_one_piece_and_byte_by_byte(text in "[ -~张三䶮𠮷㙍·　]{0,200}") {
            for (encoding, bytes) in [(Encoding::Utf8, text.clone().into_bytes()), (Encoding::Gb18030, gb18030(&text))] {
                let whole = read(encoding, Policy::Mark, &bytes);
                let mut out = Vec::new();
                let trickled = Utf8Reader::open(encoding, Policy::Mark, Box::new(Trickle(Cursor::new(bytes))))
                    .map(|mut reader| reader.read_to_end(&mut out));
                prop_assert_eq!(whole.is_ok(), trickled.is_ok());
                if let Ok(whole) = whole {
                    prop_assert_eq!(&whole, &text);
                    prop_assert_eq!(out, text.clone().into_bytes());
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            for encoding in [Encoding::Utf8, Encoding::Gb18030] {
                for policy in [Policy::Strict, Policy::Mark] {
                    let _ = read(encoding, policy, &bytes);
                }
            }
        }
    }
}
