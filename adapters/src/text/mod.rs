//! Decodes delimited text feeds: one line per row, fields in quotes where they need them.
//!
//! Owns the heading line, the binding by name or by position and the trailer. Trims no value. Text cannot prove its end:
//! `complete` says only that the last line was terminated or the trailer was there, so a feed needs a control total.

mod lines;

use std::collections::BTreeSet;
use std::io::Read;

use serde_json::Value;

use crate::charset::{Policy, Utf8Reader};
use crate::format::{Limits, TextOptions};
use crate::record::{DecodeError, DecodeErrorKind, Decoder, Envelope, Row};
use crate::rows::{Draft, Rows, readable_text};
use lines::{Found, Lines, split};

/// The heading line stands within this many rows.
pub(crate) const HEADING_ROWS: usize = 50;

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
    ended: bool,
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
            ended: false,
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
        let place = format!("line {}", self.lines.line);
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
                    _ => self.missing(),
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
        Err(self.missing())
    }

    fn bind(&mut self, headings: Vec<String>) -> Result<(), DecodeError> {
        let place = format!("line {}", self.lines.line);
        if headings.len() > self.rows.limits.columns {
            let message =
                format!("The heading line has more than {} columns (limit columns).", self.rows.limits.columns);
            return Err(DecodeError::new(DecodeErrorKind::Limit, place, message));
        }
        self.names = bind_columns(headings, &self.options.headings, &self.options.positions, &place)?;
        self.see_names()
    }

    fn see_names(&mut self) -> Result<(), DecodeError> {
        self.names.iter().try_for_each(|name| self.rows.see(name))
    }

    fn missing(&self) -> DecodeError {
        let message = format!("No line among the first {HEADING_ROWS} holds the headings of the feed.");
        DecodeError::new(DecodeErrorKind::Missing, format!("line {}", self.lines.line), message)
    }

    /// Takes the trailer line.
    fn is_trailer(&mut self, row: &str) -> Result<bool, DecodeError> {
        let Some(trailer) = &self.options.trailer else { return Ok(false) };
        let mut fields = split(row, self.options.delimiter, 2).into_iter();
        if fields.next().is_none_or(|first| first.trim() != trailer) {
            return Ok(false);
        }
        if self.trailer_seen {
            let place = format!("line {}", self.lines.line);
            return Err(DecodeError::new(DecodeErrorKind::Malformed, place, "The file holds two trailer lines."));
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

/// Whether a row holds all the headings, as often as they are declared; without declared ones any row does.
pub(crate) fn is_heading(row: &[String], headings: &[String]) -> bool {
    let times = |among: &[String], name: &String| among.iter().filter(|other| *other == name).count();
    row.len() >= headings.len() && headings.iter().all(|name| times(row, name) >= times(headings, name))
}

/// The column names of the rows under a heading row.
pub(crate) fn bind_columns(
    row: Vec<String>,
    headings: &[String],
    positions: &[String],
    place: &str,
) -> Result<Vec<String>, DecodeError> {
    let fault = |kind, message: &str| Err(DecodeError::new(kind, place, message));
    if !positions.is_empty() {
        // By position an exchanged pair of columns would silently exchange the values.
        return if headings.len() == positions.len() && !row.starts_with(headings) {
            fault(DecodeErrorKind::Missing, "The headings are not in the order to which the columns are bound.")
        } else {
            Ok(positions.to_vec())
        };
    }
    let mut seen = BTreeSet::new();
    if row.iter().any(|name| !name.is_empty() && !seen.insert(name)) {
        let message = "A heading stands twice; bind the columns by position.";
        return fault(DecodeErrorKind::Malformed, message);
    }
    let named = row.into_iter().enumerate();
    Ok(named.map(|(index, name)| if name.is_empty() { format!("#{}", index + 1) } else { name }).collect())
}

impl Decoder for TextDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        if self.ended {
            return Ok(None);
        }
        let result = self.read();
        self.ended = !matches!(result, Ok(Some(_)));
        result
    }

    fn envelope(&self) -> &Envelope {
        &self.rows.envelope
    }
}

#[cfg(test)]
mod tests;
