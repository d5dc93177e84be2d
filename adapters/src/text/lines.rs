//! Finds where the rows of delimited text begin and end.
//!
//! Owns quotes, line breaks and the bound of one row. A row that grows over the limit is cut and skipped to its line
//! break. A quote that is never closed would swallow all that follows; such a row ends at its first line break instead,
//! and what was read beyond it is read again.

use std::io::{self, BufRead};

use crate::charset::Utf8Reader;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A row.
    Row,
    /// A row over the limit; its beginning is there.
    TooLarge,
    /// The first line of a row whose quote is never closed.
    UnclosedQuote,
    /// Nothing: the input has ended.
    End,
}

/// Reads rows of raw bytes.
pub(crate) struct Lines {
    input: Utf8Reader,
    delimiter: Vec<u8>,
    limit: usize,
    /// Bytes to read again before the input.
    again: Vec<u8>,
    again_next: usize,
    /// The current row without its line break.
    pub(crate) row: Vec<u8>,
    /// Line at which the current row begins, counted from 1.
    pub(crate) line: u64,
    next_line: u64,
    /// Whether the last row ended with a line break.
    pub(crate) terminated: bool,
    /// Whether the input ended inside a quote.
    pub(crate) cut_in_quote: bool,
}

/// Where in a row the scan stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scan {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote inside a quoted field: its end, or the first half of a doubled quote.
    Quote,
    /// The rest of a row over the limit.
    Skip,
}

impl Lines {
    pub(crate) fn new(input: Utf8Reader, delimiter: char, limit: usize) -> Self {
        Self {
            input,
            delimiter: delimiter.to_string().into_bytes(),
            limit,
            again: Vec::new(),
            again_next: 0,
            row: Vec::new(),
            line: 1,
            next_line: 1,
            terminated: true,
            cut_in_quote: false,
        }
    }

    /// Reads the next row into [`Lines::row`].
    pub(crate) fn advance(&mut self) -> io::Result<Found> {
        self.row.clear();
        self.line = self.next_line;
        self.terminated = false;
        let mut scan = Scan::FieldStart;
        let mut any = false;
        loop {
            let (slice, is_again) = if self.again_next < self.again.len() {
                (&self.again[self.again_next..], true)
            } else {
                (self.input.fill_buf()?, false)
            };
            if slice.is_empty() {
                return Ok(self.end_of_input(scan, any));
            }
            any = true;
            let before = scan;
            let (used, ended) = take(slice, &mut self.row, &mut scan, &self.delimiter, self.limit);
            self.next_line += slice[..used].iter().filter(|byte| **byte == b'\n').count() as u64;
            if is_again {
                self.again_next += used;
            } else {
                self.input.consume(used);
            }
            if before != Scan::Skip && scan == Scan::Skip && self.overflows_in_quote() {
                return Ok(self.read_rest_again());
            }
            if ended {
                self.terminated = true;
                let too_large = scan == Scan::Skip;
                if !too_large && self.row.last() == Some(&b'\r') {
                    self.row.pop();
                }
                return Ok(if too_large { Found::TooLarge } else { Found::Row });
            }
        }
    }

    /// A row over the limit that holds a line break can only hold it in quotes.
    fn overflows_in_quote(&self) -> bool {
        self.row.contains(&b'\n')
    }

    fn end_of_input(&mut self, scan: Scan, any: bool) -> Found {
        if !any {
            self.terminated = true;
            return Found::End;
        }
        if scan == Scan::Quoted {
            self.cut_in_quote = true;
            if self.row.contains(&b'\n') {
                return self.read_rest_again();
            }
            return Found::UnclosedQuote;
        }
        if scan == Scan::Skip { Found::TooLarge } else { Found::Row }
    }

    fn read_rest_again(&mut self) -> Found {
        let end = self.row.iter().position(|byte| *byte == b'\n').unwrap_or(self.row.len());
        let mut again = self.row.split_off((end + 1).min(self.row.len()));
        again.extend_from_slice(&self.again[self.again_next..]);
        self.again = again;
        self.again_next = 0;
        self.row.truncate(end);
        if self.row.last() == Some(&b'\r') {
            self.row.pop();
        }
        self.next_line = self.line + 1;
        self.terminated = true;
        Found::UnclosedQuote
    }
}

/// Takes bytes of one row; answers how many and whether the row has ended.
fn take(slice: &[u8], row: &mut Vec<u8>, scan: &mut Scan, delimiter: &[u8], limit: usize) -> (usize, bool) {
    for (index, &byte) in slice.iter().enumerate() {
        if *scan == Scan::Skip {
            if byte == b'\n' {
                return (index + 1, true);
            }
            continue;
        }
        if byte == b'\n' && *scan != Scan::Quoted {
            return (index + 1, true);
        }
        if row.len() >= limit {
            *scan = Scan::Skip;
            // Left to the caller, which may find that a quote was never closed and read on from the row.
            return (index, false);
        }
        row.push(byte);
        *scan = match (*scan, byte) {
            (Scan::FieldStart, b'"') | (Scan::Quote, b'"') => Scan::Quoted,
            (Scan::Quoted, b'"') => Scan::Quote,
            (Scan::Quoted, _) => Scan::Quoted,
            _ if row.ends_with(delimiter) => Scan::FieldStart,
            _ => Scan::Bare,
        };
    }
    (slice.len(), false)
}

/// The fields of a row, at most `most` of them and one more to show that there are others.
pub(crate) fn split(row: &str, delimiter: char, most: usize) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = row;
    loop {
        let (field, next) = split_first(rest, delimiter);
        fields.push(field);
        match next {
            Some(next) if fields.len() <= most => rest = next,
            _ => return fields,
        }
    }
}

fn split_first(text: &str, delimiter: char) -> (String, Option<&str>) {
    let Some(quoted) = text.strip_prefix('"') else {
        return match text.split_once(delimiter) {
            Some((field, rest)) => (field.to_owned(), Some(rest)),
            None => (text.to_owned(), None),
        };
    };
    let mut field = String::new();
    let mut rest = quoted;
    while let Some((inside, after)) = rest.split_once('"') {
        field.push_str(inside);
        let Some(doubled) = after.strip_prefix('"') else {
            // What stands between the closing quote and the delimiter belongs to the field.
            let (tail, next) = match after.split_once(delimiter) {
                Some((tail, next)) => (tail, Some(next)),
                None => (after, None),
            };
            field.push_str(tail);
            return (field, next);
        };
        field.push('"');
        rest = doubled;
    }
    field.push_str(rest);
    (field, None)
}
