//! Decodes delimited text feeds: one line per row, fields in quotes where they need them.
//!
//! Owns the heading line, the binding by name or by position and the trailer. Trims no value. Text cannot prove its end:
//! `complete` says only that the last line was terminated or the trailer was there, so a feed needs a control total.

mod lines;

use std::io::Read;

use serde_json::Value;

use crate::charset::{Policy, Utf8Reader};
use crate::format::{Limits, TextOptions};
use crate::heading::{self, HEADING_ROWS, is_heading};
use crate::record::{DecodeError, DecodeErrorKind, Decoder, Envelope, Row};
use crate::rows::{Draft, Rows, readable_text};
use lines::{Found, Lines, split};

/// Reads the rows of a delivery of delimited text.
pub(crate) struct TextDecoder {
    lines: Lines,
    options: TextOptions,
    rows: Rows,
    /// Names of the columns in their order.
    names: Vec<String>,
    started: bool,
    trailer_seen: bool,
    /// The trailer held a number: only then it stands for the line break after it.
    total_seen: bool,
}

impl TextDecoder {
    pub(crate) fn open(
        options: &TextOptions,
        limits: &Limits,
        input: Box<dyn Read + Send>,
    ) -> Result<Self, DecodeError> {
        let text = Utf8Reader::open(options.encoding, Policy::Mark, input)?;
        Ok(Self {
            lines: Lines::new(text, options.delimiter, limits.record_bytes),
            options: options.clone(),
            rows: Rows::new(limits),
            names: Vec::new(),
            started: false,
            trailer_seen: false,
            total_seen: false,
        })
    }

    fn read(&mut self) -> Result<Option<Row>, DecodeError> {
        if !self.started {
            self.started = true;
            self.start()?;
        }
        loop {
            let found = self.advance()?;
            if found == Found::End {
                self.rows.envelope.complete = self.total_seen || (self.lines.terminated && !self.lines.cut_in_quote);
                return Ok(None);
            }
            let row = String::from_utf8_lossy(&self.lines.row).into_owned();
            if found == Found::Row && row.trim().is_empty() {
                continue;
            }
            if found == Found::Row && self.is_trailer(&row)? {
                continue;
            }
            let draft = self.draft(found, &row);
            return self.rows.finish(draft, || readable_text(&row)).map(Some);
        }
    }

    fn advance(&mut self) -> Result<Found, DecodeError> {
        let was_terminated = self.lines.terminated;
        let place = self.place();
        let found = self.lines.advance().map_err(|error| DecodeError::from_read(&error, place))?;
        if found == Found::End {
            // The end says nothing about the line before it.
            self.lines.terminated = was_terminated;
        }
        Ok(found)
    }

    fn draft(&self, found: Found, row: &str) -> Draft {
        let mut draft = Draft::at(Some(self.lines.line));
        let limits = &self.rows.limits;
        match found {
            Found::TooLarge => draft.too_large(limits),
            Found::UnclosedQuote => {
                draft.fault("unclosed-quote", "A field of the row opens a quote that is not closed.")
            }
            _ => {}
        }
        if self.trailer_seen {
            draft.fault("after-trailer", "The row stands after the trailer line.");
        }
        if found == Found::TooLarge {
            return draft;
        }
        let fields = split(row, self.options.delimiter, limits.columns);
        if fields.len() != self.names.len() {
            let message = format!("The row has {} fields instead of {}.", count(&fields, limits), self.names.len());
            draft.fault("column-count", message);
        }
        for (index, field) in fields.into_iter().enumerate() {
            match self.names.get(index) {
                Some(name) => draft.put(name, Value::String(field), limits),
                None => draft.put(&format!("#{}", index + 1), Value::String(field), limits),
            }
        }
        draft
    }

    /// Finds the heading line, where there is one, and binds the columns.
    fn start(&mut self) -> Result<(), DecodeError> {
        let by_position = !self.options.positions.is_empty();
        if by_position {
            self.names.clone_from(&self.options.positions);
        }
        if by_position && self.options.headings.is_empty() {
            return self.see_names();
        }
        for row in 0..HEADING_ROWS {
            let found = self.advance()?;
            if found == Found::End {
                let message = "The file is empty.";
                return Err(match row {
                    0 => DecodeError::new(DecodeErrorKind::Truncated, "start", message),
                    _ => heading::missing(self.place()),
                });
            }
            let line = String::from_utf8_lossy(&self.lines.row).into_owned();
            if found != Found::Row || line.trim().is_empty() {
                continue;
            }
            let fields = split(&line, self.options.delimiter, self.rows.limits.columns);
            let headings: Vec<String> = fields.iter().map(|field| field.trim().to_owned()).collect();
            if is_heading(&headings, &self.options.headings) {
                return self.bind(headings);
            }
        }
        Err(heading::missing(self.place()))
    }

    fn bind(&mut self, headings: Vec<String>) -> Result<(), DecodeError> {
        let options = &self.options;
        self.names = heading::bind(headings, &options.headings, &options.positions, &self.rows.limits, &self.place())?;
        self.see_names()
    }

    fn see_names(&mut self) -> Result<(), DecodeError> {
        self.names.iter().try_for_each(|name| self.rows.see(name))
    }

    fn place(&self) -> String {
        format!("line {}", self.lines.line)
    }

    /// Takes the trailer line.
    fn is_trailer(&mut self, row: &str) -> Result<bool, DecodeError> {
        let Some(trailer) = &self.options.trailer else { return Ok(false) };
        let mut fields = split(row, self.options.delimiter, 2).into_iter();
        if fields.next().is_none_or(|first| first.trim() != trailer) {
            return Ok(false);
        }
        if self.trailer_seen {
            return Err(DecodeError::new(
                DecodeErrorKind::Malformed,
                self.place(),
                "The file holds two trailer lines.",
            ));
        }
        let total = fields.next().unwrap_or_default().trim().to_owned();
        self.trailer_seen = true;
        self.total_seen = !total.is_empty() && total.bytes().all(|byte| byte.is_ascii_digit());
        self.rows.envelope.values.insert("total".to_owned(), total);
        Ok(true)
    }
}

fn count(fields: &[String], limits: &Limits) -> String {
    if fields.len() > limits.columns { format!("more than {}", limits.columns) } else { fields.len().to_string() }
}

impl Decoder for TextDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        self.read()
    }

    fn envelope(&self) -> &Envelope {
        &self.rows.envelope
    }
}

#[cfg(test)]
mod tests;
