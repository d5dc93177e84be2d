//! Text on its way into a file: collected in one buffer, encoded and handed on before it grows.

use std::io::{self, Write};

use encoding_rs::{Encoder, GB18030};

const FULL: usize = 64 * 1024;

/// Character encodings of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::city) enum Encoding {
    Utf8,
    Gb18030,
}

/// The buffer before a file.
pub(in crate::city) struct Sink<'a> {
    /// What is to be written next; append and [`Sink::relieve`].
    pub text: String,
    out: &'a mut dyn Write,
    encoder: Option<Encoder>,
    bytes: Vec<u8>,
}

impl<'a> Sink<'a> {
    /// A sink into `out`.
    pub fn new(out: &'a mut dyn Write, encoding: Encoding) -> Self {
        let encoder = (encoding == Encoding::Gb18030).then(|| GB18030.new_encoder());
        Self { text: String::with_capacity(FULL + 4096), out, encoder, bytes: Vec::new() }
    }

    /// Hands the text on once there is enough of it.
    pub fn relieve(&mut self) -> io::Result<()> {
        if self.text.len() < FULL { Ok(()) } else { self.hand_on() }
    }

    /// Hands on what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            None => self.out.write_all(self.text.as_bytes())?,
            Some(encoder) => {
                self.bytes.clear();
                // GB 18030 holds every character, so nothing is ever replaced; four bytes are the longest.
                self.bytes.reserve(self.text.len() * 2 + 16);
                let mut rest = self.text.as_str();
                while !rest.is_empty() {
                    let (_, read, _) = encoder.encode_from_utf8_to_vec(rest, &mut self.bytes, false);
                    rest = &rest[read..];
                    self.bytes.reserve(rest.len() * 2 + 16);
                }
                self.out.write_all(&self.bytes)?;
            }
        }
        self.text.clear();
        Ok(())
    }
}
