//! Finds where JSON values begin and end, without building them.
//!
//! A small state machine over bytes that knows strings and depth: no recursion, and no more memory than it is told to
//! keep. What lies between the ends is judged by serde_json, one row at a time.

use std::io::{self, BufRead};

use crate::charset::Utf8Reader;
use crate::record::{DecodeError, DecodeErrorKind};

/// Walks over the text of a delivery.
pub(crate) struct Scanner {
    input: Utf8Reader,
    pub(crate) line: u64,
    pub(crate) offset: u64,
}

impl Scanner {
    pub(crate) fn new(input: Utf8Reader) -> Self {
        Self { input, line: 1, offset: 0 }
    }

    /// The next byte that is not white space, left where it is.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, DecodeError> {
        loop {
            let line = self.line;
            let bytes =
                self.input.fill_buf().map_err(|error| DecodeError::from_read(&error, format!("line {line}")))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let blank = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
            let next = bytes.get(blank).copied();
            self.line += count_lines(&bytes[..blank]);
            self.consume(blank);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Passes the byte that was peeked.
    pub(crate) fn pass(&mut self) {
        self.consume(1);
    }

    /// Passes one value and keeps its first `most` bytes; true when it was kept whole.
    pub(crate) fn value(&mut self, kept: &mut Vec<u8>, most: usize, depth_limit: usize) -> Result<bool, DecodeError> {
        kept.clear();
        let mut state = Value::default();
        let mut whole = true;
        self.peek()?;
        loop {
            let line = self.line;
            let bytes =
                self.input.fill_buf().map_err(|error| DecodeError::from_read(&error, format!("line {line}")))?;
            if bytes.is_empty() {
                return if state.is_scalar { Ok(whole) } else { Err(self.truncated()) };
            }
            let end = bytes.iter().position(|byte| state.ends_before(*byte) || state.deepest > depth_limit);
            let taken = end.unwrap_or(bytes.len());
            let room = most.saturating_sub(kept.len()).min(taken);
            kept.extend_from_slice(&bytes[..room]);
            whole &= room == taken;
            self.line += count_lines(&bytes[..taken]);
            self.consume(taken);
            if state.deepest > depth_limit {
                let message = format!("Values are nested deeper than {depth_limit} (limit depth).");
                return Err(self.error(DecodeErrorKind::Limit, message));
            }
            if end.is_some() {
                return Ok(whole);
            }
        }
    }

    /// Passes one line and keeps its first `most` bytes, without the line break. Answers whether it was kept whole and
    /// whether it was terminated; `None` at the end of the input.
    pub(crate) fn line(&mut self, kept: &mut Vec<u8>, most: usize) -> io::Result<Option<(bool, bool)>> {
        kept.clear();
        let mut whole = true;
        let mut any = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(any.then_some((whole, false)));
            }
            any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(bytes.len());
            let room = most.saturating_sub(kept.len()).min(taken);
            kept.extend_from_slice(&bytes[..room]);
            whole &= room == taken;
            self.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                self.line += 1;
                return Ok(Some((whole, true)));
            }
        }
    }

    pub(crate) fn error(&self, kind: DecodeErrorKind, message: impl Into<String>) -> DecodeError {
        DecodeError::new(kind, format!("line {}", self.line), message)
    }

    pub(crate) fn truncated(&self) -> DecodeError {
        let message = if self.offset == 0 { "The file is empty." } else { "The file ends in the middle of its JSON." };
        self.error(DecodeErrorKind::Truncated, message)
    }

    fn consume(&mut self, count: usize) {
        self.offset += count as u64;
        self.input.consume(count);
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Where in a value the scan stands.
#[derive(Default)]
struct Value {
    depth: usize,
    deepest: usize,
    in_string: bool,
    escaped: bool,
    is_scalar: bool,
    ended: bool,
}

impl Value {
    /// Takes a byte; true if the value has ended before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.ended {
            return true;
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.ended = self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        if self.is_scalar {
            return byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}' | b':');
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.ended = self.depth == 0;
            }
            _ => self.is_scalar = self.depth == 0,
        }
        false
    }
}

/// The deepest nesting in a text.
pub(crate) fn depth(text: &[u8]) -> usize {
    let mut state = Value::default();
    for byte in text {
        state.ends_before(*byte);
    }
    state.deepest
}

/// The keys of all objects in a text that need not be valid JSON, so that a row which cannot be read still tells its
/// columns.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('"')?;
            let string = &rest[start..];
            let mut escaped = false;
            let inside = string[1..].find(|character| {
                let ends = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                ends
            })?;
            let (string, after) = string.split_at(inside + 2);
            rest = after;
            if after.trim_start().starts_with(':')
                && let Ok(key) = serde_json::from_str(string)
            {
                return Some(key);
            }
        }
    })
}
