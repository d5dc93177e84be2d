//! Decodes XML feeds: one element per row, streamed.
//!
//! Owns the path to the rows, envelope elements, entities and the proof that the root was closed. Names are local names;
//! namespaces, comments, processing instructions and the declared encoding are ignored, as are attributes of scalars.
//! A document type is forbidden wherever it stands, so no entity is ever expanded but the five and characters by number.

mod guard;
mod row;

pub(crate) use guard::TokenGuard;

use std::borrow::Cow;
use std::io::{BufRead, Read};

use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader};

use crate::charset::{Policy, Utf8Reader};
use crate::format::{Encoding, Limits, XmlOptions};
use crate::record::{DecodeError, DecodeErrorKind, Decoder, Envelope, Row};
use crate::rows::{KEPT_BYTES, Rows};
use row::RowElement;

/// What a token may take beyond the largest record, so that a row somewhat too large is still one bad record.
const TOKEN_SLACK: usize = 64 << 10;

/// Reads the rows of an XML delivery.
pub(crate) struct XmlDecoder {
    reader: Reader<TokenGuard<Utf8Reader>>,
    buffer: Vec<u8>,
    options: XmlOptions,
    row_path: Vec<String>,
    /// Local names of the open elements down to the row.
    path: Vec<String>,
    rows: Rows,
    row: Option<RowElement>,
    row_start: u64,
    envelope_text: Option<(String, String)>,
    parent_seen: bool,
    root_closed: bool,
}

impl XmlDecoder {
    pub(crate) fn open(
        options: &XmlOptions,
        limits: &Limits,
        input: Box<dyn Read + Send>,
    ) -> Result<Self, DecodeError> {
        // A GB 18030 register with half a character in a name is common; UTF-8 with malformed bytes is a wrong file.
        let policy = if options.encoding == Encoding::Utf8 { Policy::Strict } else { Policy::Mark };
        let text = Utf8Reader::open(options.encoding, policy, input)?;
        let budget = limits.record_bytes.saturating_add(TOKEN_SLACK);
        let mut reader = Reader::from_reader(TokenGuard::new(text, budget, "record_bytes"));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // A bare ampersand makes a bad record of its row, not an unreadable delivery.
        config.allow_dangling_amp = true;
        Ok(Self {
            reader,
            buffer: Vec::new(),
            row_path: options.row.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            options: options.clone(),
            path: Vec::new(),
            rows: Rows::new(limits),
            row: None,
            row_start: 0,
            envelope_text: None,
            parent_seen: false,
            root_closed: false,
        })
    }

    fn read(&mut self) -> Result<Option<Row>, DecodeError> {
        // Taken out so that an event, which borrows it, does not hold the whole decoder.
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = loop {
            buffer.clear();
            self.reader.get_mut().renew();
            let start = self.reader.get_ref().offset();
            let line = self.reader.get_ref().line();
            let event = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(error) => break Err(self.explain(error)),
            };
            match self.take(event, start, line) {
                Ok(Step::On) => {}
                Ok(Step::Row(row)) => break Ok(Some(row)),
                Ok(Step::End) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.buffer = buffer;
        result
    }

    fn take(&mut self, event: Event<'_>, start: u64, line: u64) -> Result<Step, DecodeError> {
        match event {
            Event::Start(tag) => self.open_element(&tag, start, line)?,
            Event::End(_) => return self.close_element(),
            Event::Text(text) => {
                let text = text.xml10_content();
                if text.contains('&') {
                    self.unknown_entity("A bare ampersand stands in the text; it must be written &amp;.")?;
                }
                self.text(&text)?;
            }
            Event::CData(text) => self.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => self.reference(&reference)?,
            Event::DocType(_) => {
                let message = "The file holds a document type (DOCTYPE), which is never read.";
                return Err(self.error(DecodeErrorKind::Forbidden, message));
            }
            Event::Eof => return self.end_of_input(),
            _ => {}
        }
        Ok(Step::On)
    }

    fn open_element(&mut self, tag: &BytesStart<'_>, start: u64, line: u64) -> Result<(), DecodeError> {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.path.is_empty() && self.root_closed {
            return Err(self.error(DecodeErrorKind::Malformed, "The file holds more than one root element."));
        }
        let depth = self.path.len() + self.row.as_ref().map_or(0, RowElement::depth);
        if depth >= self.rows.limits.depth {
            let message = format!("Elements are nested deeper than {} (limit depth).", self.rows.limits.depth);
            return Err(self.error(DecodeErrorKind::Limit, message));
        }
        if let Some(mut row) = self.row.take() {
            if let Some(column) = row.open(name, &self.options) {
                self.rows.see(&column)?;
            }
            if row.takes_attributes() {
                self.attributes(tag, &mut row);
            }
            self.row = Some(row);
            return Ok(());
        }
        self.path.push(name.to_owned());
        if self.path == self.row_path {
            self.parent_seen = true;
            self.row_start = start;
            self.reader.get_mut().keep(&format!("<{}>", &**tag));
            let mut row = RowElement::at(line);
            self.attributes(tag, &mut row);
            self.row = Some(row);
        } else {
            self.parent_seen |= self.row_path.len() == self.path.len() + 1 && self.row_path.starts_with(&self.path);
            self.open_envelope(tag);
        }
        Ok(())
    }

    fn attributes(&mut self, tag: &BytesStart<'_>, row: &mut RowElement) {
        for attribute in tag.attributes().with_checks(false) {
            let Ok(attribute) = attribute else {
                row.draft().fault("malformed", "An attribute of the row cannot be read.");
                return;
            };
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            match unescape(&attribute.value) {
                Ok(value) => row.attribute(attribute.key.local_name().as_ref(), value.into_owned(), &self.rows.limits),
                Err(_) => row.draft().fault("unknown-entity", "An attribute of the row holds an unknown entity."),
            }
            if row.draft().is_bad() {
                return;
            }
        }
    }

    /// Begins the value of an envelope element, or takes that of an attribute (`DATA/@date`).
    fn open_envelope(&mut self, tag: &BytesStart<'_>) {
        if self.options.envelope.is_empty() {
            return;
        }
        let path = self.path.join("/");
        for (name, wanted) in &self.options.envelope {
            if *wanted == path {
                self.envelope_text = Some((name.clone(), String::new()));
            }
            let Some(attribute) = wanted.strip_prefix(&path).and_then(|rest| rest.strip_prefix("/@")) else { continue };
            let mut attributes = tag.attributes();
            let mut found = attributes.with_checks(false).flatten();
            let found = found.find(|found| found.key.local_name().as_ref() == attribute);
            if let Some(value) = found.and_then(|found| unescape(&found.value).ok().map(Cow::into_owned)) {
                self.rows.envelope.values.entry(name.clone()).or_insert(value);
            }
        }
    }

    fn close_element(&mut self) -> Result<Step, DecodeError> {
        if let Some(row) = self.row.as_mut().filter(|row| row.is_inside()) {
            row.close(&self.options, &self.rows.limits);
            return Ok(Step::On);
        }
        let is_envelope = self.envelope_text.as_ref().is_some_and(|(name, _)| {
            self.options.envelope.get(name).is_some_and(|wanted| wanted.split('/').count() == self.path.len())
        });
        self.path.pop();
        self.root_closed |= self.path.is_empty();
        if is_envelope && let Some((name, text)) = self.envelope_text.take() {
            self.rows.envelope.values.entry(name).or_insert(text);
        }
        let Some(row) = self.row.take() else { return Ok(Step::On) };
        let reader = self.reader.get_ref();
        let draft = row.finish(reader.offset() - self.row_start, &self.options, &self.rows.limits);
        self.rows.finish(draft, || reader.kept()).map(Step::Row)
    }

    fn text(&mut self, text: &str) -> Result<(), DecodeError> {
        if let Some(row) = &mut self.row {
            row.text(text, &self.rows.limits);
        } else if let Some((name, value)) = &mut self.envelope_text {
            if value.len() + text.len() > KEPT_BYTES {
                let message = format!("The element for '{name}' is larger than {KEPT_BYTES} bytes.");
                return Err(self.error(DecodeErrorKind::Limit, message));
            }
            value.push_str(text);
        } else if self.path.is_empty() && !text.trim().is_empty() {
            return Err(self.error(DecodeErrorKind::Malformed, "Text stands outside of the root element."));
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), DecodeError> {
        let name: &str = reference;
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        match character {
            Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
            None => self.unknown_entity("An entity is used that is neither one of the five nor a character number."),
        }
    }

    fn unknown_entity(&mut self, message: &str) -> Result<(), DecodeError> {
        match &mut self.row {
            Some(row) => {
                row.draft().fault("unknown-entity", message);
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::Malformed, message)),
        }
    }

    fn end_of_input(&mut self) -> Result<Step, DecodeError> {
        if !self.root_closed {
            let message = match self.reader.get_ref().offset() {
                0 => "The file is empty.",
                _ => "The file ends before its root element is closed.",
            };
            return Err(self.error(DecodeErrorKind::Truncated, message));
        }
        if !self.parent_seen {
            let message = format!("The file holds no element on the way to the rows ({}).", self.options.row);
            return Err(self.error(DecodeErrorKind::Missing, message));
        }
        self.rows.envelope.complete = true;
        Ok(Step::End)
    }

    fn is_at_end(&mut self) -> bool {
        self.reader.get_mut().fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    fn error(&self, kind: DecodeErrorKind, message: impl Into<String>) -> DecodeError {
        DecodeError::new(kind, format!("line {}", self.reader.get_ref().line()), message)
    }

    fn explain(&mut self, error: Error) -> DecodeError {
        match error {
            Error::Io(error) => DecodeError::from_read(&error, format!("line {}", self.reader.get_ref().line())),
            // quick-xml gives syntax errors for markup that the end of the input leaves open.
            Error::Syntax(_) if self.is_at_end() => {
                self.error(DecodeErrorKind::Truncated, "The file ends in the middle of its markup.")
            }
            Error::IllFormed(_) => {
                self.error(DecodeErrorKind::Malformed, "An end tag does not close the open element.")
            }
            _ => self.error(DecodeErrorKind::Malformed, "The file is not well-formed XML."),
        }
    }
}

enum Step {
    On,
    Row(Row),
    End,
}

impl Decoder for XmlDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        self.read()
    }

    fn envelope(&self) -> &Envelope {
        &self.rows.envelope
    }
}

#[cfg(test)]
mod tests;
