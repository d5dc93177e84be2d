//! Bounds what one XML token may take, counts lines, and keeps the text of the row being read.
//!
//! quick-xml collects a whole text, tag or comment before it hands it out. The guard stands below it and refuses to give
//! more bytes for one token than its budget, so that a 64 MB text node ends the reading instead of filling the memory.

use std::io::{self, BufRead, Read};

use crate::record::{DecodeErrorKind, ReadFault};
use crate::rows::KEPT_BYTES;

/// A reader with a budget of bytes that is renewed before each token.
pub(crate) struct TokenGuard<R> {
    input: R,
    budget: usize,
    left: usize,
    limit_name: &'static str,
    line: u64,
    offset: u64,
    kept: Option<Vec<u8>>,
}

impl<R: BufRead> TokenGuard<R> {
    /// `limit_name` is the setting named when the budget is passed.
    pub(crate) fn new(input: R, budget: usize, limit_name: &'static str) -> Self {
        Self { input, budget, left: budget, limit_name, line: 1, offset: 0, kept: None }
    }

    /// Begins the next token.
    pub(crate) fn renew(&mut self) {
        self.left = self.budget;
    }

    /// The line reached, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes given so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Keeps what is given from here on, after `head`, up to 64 KiB.
    pub(crate) fn keep(&mut self, head: &str) {
        let mut kept = self.kept.take().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(head.as_bytes().get(..KEPT_BYTES).unwrap_or(head.as_bytes()));
        self.kept = Some(kept);
    }

    /// What was kept.
    pub(crate) fn kept(&self) -> String {
        String::from_utf8_lossy(self.kept.as_deref().unwrap_or_default()).into_owned()
    }
}

impl<R: BufRead> BufRead for TokenGuard<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(ReadFault {
                kind: DecodeErrorKind::Limit,
                place: Some(format!("line {}", self.line)),
                message: format!("One text or tag is larger than {} bytes (limit {}).", self.budget, self.limit_name),
            }
            .into());
        }
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        // The buffer is not empty, so asking for it again reads nothing and cannot fail.
        if let Ok(bytes) = self.input.fill_buf() {
            let taken = &bytes[..count.min(bytes.len())];
            self.line += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
            if let Some(kept) = &mut self.kept {
                let room = KEPT_BYTES.saturating_sub(kept.len()).min(taken.len());
                kept.extend_from_slice(&taken[..room]);
            }
        }
        self.left = self.left.saturating_sub(count);
        self.offset += count as u64;
        self.input.consume(count);
    }
}

impl<R: BufRead> Read for TokenGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
