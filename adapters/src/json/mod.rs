//! Decodes JSON feeds: an array of objects, an object that holds one, or one object per line.
//!
//! Owns the shape of the document, the envelope around the rows and the proof that it was closed. Reads row by row; never
//! holds the document. JSON is UTF-8, so malformed bytes end the reading.

mod scan;
mod tree;

use std::io::Read;

use serde_json::{Map, Value};

use crate::charset::{Policy, Utf8Reader};
use crate::format::{Encoding, JsonOptions, Limits};
use crate::record::{DecodeError, DecodeErrorKind, Decoder, Envelope, Row};
use crate::rows::{Draft, KEPT_BYTES, Rows};
use scan::Scanner;
use tree::Node;

/// serde_json itself stops at 128; a configured depth is kept below.
const DEEPEST: usize = 120;

/// Which part of which kind of document comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing was read yet.
    Start,
    /// A row of an array, or the end of the array; `first` without a comma before it.
    Rows { first: bool },
    /// A key of the object around the rows, or its end.
    Keys { first: bool },
    /// A line.
    Lines,
    /// Nothing more.
    End,
}

/// Reads the rows of a JSON delivery.
pub(crate) struct JsonDecoder {
    scanner: Scanner,
    options: JsonOptions,
    rows: Rows,
    depth: usize,
    part: Part,
    rows_seen: bool,
    line_terminated: bool,
    text: Vec<u8>,
}

impl JsonDecoder {
    pub(crate) fn open(
        options: &JsonOptions,
        limits: &Limits,
        input: Box<dyn Read + Send>,
    ) -> Result<Self, DecodeError> {
        let text = Utf8Reader::open(Encoding::Utf8, Policy::Strict, input)?;
        Ok(Self {
            scanner: Scanner::new(text),
            options: options.clone(),
            rows: Rows::new(limits),
            depth: limits.depth.min(DEEPEST),
            part: Part::Start,
            rows_seen: false,
            line_terminated: false,
            text: Vec::new(),
        })
    }

    fn read(&mut self) -> Result<Option<Row>, DecodeError> {
        loop {
            match self.part {
                Part::Start => self.start()?,
                Part::Rows { first } => {
                    if self.next_in_array(first)? {
                        return self.array_row().map(Some);
                    }
                }
                Part::Keys { first } => self.key(first)?,
                Part::Lines => return self.line(),
                Part::End => return Ok(None),
            }
        }
    }

    fn start(&mut self) -> Result<(), DecodeError> {
        self.part = match (self.scanner.peek()?, &self.options.rows) {
            (None, _) => return Err(self.scanner.truncated()),
            (Some(b'['), None) => {
                self.scanner.pass();
                Part::Rows { first: true }
            }
            (Some(b'{'), None) => Part::Lines,
            (Some(b'{'), Some(_)) => {
                self.scanner.pass();
                Part::Keys { first: true }
            }
            (Some(_), Some(name)) => {
                return Err(self.malformed(format!("The file must be a JSON object with the key '{name}'.")));
            }
            (Some(_), None) => {
                return Err(self.malformed("The file must be a JSON array of objects or one JSON object per line."));
            }
        };
        Ok(())
    }

    /// Stands before the next row, or passes the end of the array and answers false.
    fn next_in_array(&mut self, first: bool) -> Result<bool, DecodeError> {
        match self.scanner.peek()? {
            None => Err(self.scanner.truncated()),
            Some(b']') => {
                self.scanner.pass();
                if self.options.rows.is_some() {
                    self.part = Part::Keys { first: false };
                } else {
                    self.close()?;
                }
                Ok(false)
            }
            Some(b',') if !first => {
                self.scanner.pass();
                self.begin_value()?;
                Ok(true)
            }
            Some(_) if first => {
                self.begin_value()?;
                Ok(true)
            }
            Some(_) => Err(self.malformed("A comma or the end of the array must follow a row.")),
        }
    }

    fn begin_value(&mut self) -> Result<(), DecodeError> {
        match self.scanner.peek()? {
            None => Err(self.scanner.truncated()),
            Some(b',' | b':' | b']' | b'}') => Err(self.malformed("A value is missing.")),
            Some(_) => Ok(()),
        }
    }

    fn array_row(&mut self) -> Result<Row, DecodeError> {
        self.part = Part::Rows { first: false };
        let line = self.scanner.line;
        let mut text = std::mem::take(&mut self.text);
        // The array, and the object around it, count as levels of their own.
        let whole = self.scanner.value(&mut text, self.rows.limits.record_bytes, self.depth)?;
        let row = self.row(&text, whole, line);
        self.text = text;
        row
    }

    /// A key of the outer object with its value, or the end of it.
    fn key(&mut self, first: bool) -> Result<(), DecodeError> {
        match self.scanner.peek()? {
            None => return Err(self.scanner.truncated()),
            Some(b'}') => {
                self.scanner.pass();
                if !self.rows_seen {
                    let name = self.options.rows.as_deref().unwrap_or_default();
                    let message = format!("The file has no key '{name}' that holds the rows.");
                    return Err(self.scanner.error(DecodeErrorKind::Missing, message));
                }
                return self.close();
            }
            Some(b',') if !first => self.scanner.pass(),
            Some(_) if first => {}
            Some(_) => return Err(self.malformed("A comma must stand between the keys of an object.")),
        }
        if self.scanner.peek()? != Some(b'"') {
            return Err(self.at_end_or("A key in quotes is missing.")?);
        }
        let mut text = Vec::new();
        let whole = self.scanner.value(&mut text, KEPT_BYTES, self.depth)?;
        let key: String = serde_json::from_slice(&text).ok().filter(|_| whole).unwrap_or_default();
        if self.scanner.peek()? != Some(b':') {
            return Err(self.at_end_or("A colon must follow a key.")?);
        }
        self.scanner.pass();
        self.begin_value()?;
        self.part = Part::Keys { first: false };
        if self.options.rows.as_ref() == Some(&key) {
            return self.begin_rows();
        }
        self.envelope_value(key)
    }

    fn begin_rows(&mut self) -> Result<(), DecodeError> {
        if self.rows_seen {
            return Err(self.malformed("The key of the rows stands twice."));
        }
        if self.scanner.peek()? != Some(b'[') {
            return Err(self.malformed("The key of the rows must hold an array."));
        }
        self.scanner.pass();
        self.rows_seen = true;
        self.part = Part::Rows { first: true };
        Ok(())
    }

    fn envelope_value(&mut self, key: String) -> Result<(), DecodeError> {
        let wanted = self.options.envelope.contains(&key);
        let mut text = Vec::new();
        let whole = self.scanner.value(&mut text, if wanted { KEPT_BYTES } else { 0 }, self.depth)?;
        if !wanted {
            return Ok(());
        }
        if !whole {
            let message = format!("The value of '{key}' is larger than {KEPT_BYTES} bytes.");
            return Err(self.scanner.error(DecodeErrorKind::Limit, message));
        }
        let Ok(node) = tree::parse(&text) else {
            return Err(self.malformed(format!("The value of '{key}' is not valid JSON.")));
        };
        self.keep(key, &node);
        Ok(())
    }

    fn keep(&mut self, key: String, node: &Node) {
        let text = match node {
            Node::Scalar(Value::String(text)) => text.clone(),
            Node::Scalar(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return,
        };
        self.rows.envelope.values.entry(key).or_insert(text);
    }

    /// Passes the end of the document: nothing may follow.
    fn close(&mut self) -> Result<(), DecodeError> {
        if self.scanner.peek()?.is_some() {
            return Err(self.malformed("Something follows the end of the JSON document."));
        }
        self.part = Part::End;
        self.rows.envelope.complete = true;
        Ok(())
    }

    /// The next line that is a row; envelope lines are taken on the way.
    fn line(&mut self) -> Result<Option<Row>, DecodeError> {
        let mut text = std::mem::take(&mut self.text);
        loop {
            let line = self.scanner.line;
            let found = self.scanner.line(&mut text, self.rows.limits.record_bytes);
            let found = found.map_err(|error| DecodeError::from_read(&error, format!("line {line}")))?;
            let Some((whole, terminated)) = found else {
                self.part = Part::End;
                self.rows.envelope.complete = self.line_terminated;
                return Ok(None);
            };
            self.line_terminated = terminated;
            if text.trim_ascii().is_empty() && whole {
                continue;
            }
            if whole && self.is_envelope(&text) {
                continue;
            }
            let row = self.row(&text, whole, line);
            self.text = text;
            return row.map(Some);
        }
    }

    /// Takes a line whose keys are all declared envelope names.
    fn is_envelope(&mut self, text: &[u8]) -> bool {
        if self.options.envelope.is_empty() || text.len() > KEPT_BYTES || scan::depth(text) > self.depth {
            return false;
        }
        let Ok(Node::Object(fields)) = tree::parse(text) else { return false };
        if fields.is_empty() || !fields.iter().all(|(key, _)| self.options.envelope.contains(key)) {
            return false;
        }
        for (key, node) in &fields {
            self.keep(key.clone(), node);
        }
        true
    }

    fn row(&mut self, text: &[u8], whole: bool, line: u64) -> Result<Row, DecodeError> {
        let mut draft = Draft::at(Some(line));
        if !whole {
            draft.too_large(&self.rows.limits);
        } else if scan::depth(text) > self.depth {
            draft.fault("nested-too-deep", format!("The row is nested deeper than {} (limit depth).", self.depth));
        } else {
            match tree::parse(text) {
                Ok(Node::Object(fields)) => self.fill(&mut draft, fields)?,
                Ok(_) => draft.fault("not-an-object", "The row is not a JSON object."),
                Err(_) => draft.fault("malformed", "The row is not valid JSON."),
            }
        }
        let raw = || String::from_utf8_lossy(&text[..text.len().min(KEPT_BYTES)]).into_owned();
        if draft.is_bad() && draft.fields.is_empty() {
            for key in scan::keys(&raw()) {
                self.rows.see(&key)?;
            }
        }
        self.rows.finish(draft, raw)
    }

    fn fill(&mut self, draft: &mut Draft, fields: Vec<(String, Node)>) -> Result<(), DecodeError> {
        for (name, node) in fields {
            let is_group = self.options.groups.contains(&name);
            match node {
                Node::Scalar(Value::Null) if is_group => {}
                Node::Scalar(value) if !is_group => draft.put(&name, value, &self.rows.limits),
                Node::Array(items) if is_group => {
                    for item in items {
                        self.item(draft, &name, item)?;
                    }
                }
                node if is_group => {
                    draft.fault("group-shape", "A group of the row is not an array of objects.");
                    self.see_nested(&name, &node)?;
                }
                node => {
                    draft.fault("nested-too-deep", "A value of the row is nested and is not a declared group.");
                    self.see_nested(&name, &node)?;
                }
            }
        }
        Ok(())
    }

    fn item(&mut self, draft: &mut Draft, group: &str, node: Node) -> Result<(), DecodeError> {
        let Node::Object(fields) = node else {
            draft.fault("group-shape", "A group of the row is not an array of objects.");
            return Ok(());
        };
        if fields.len() > self.rows.limits.columns {
            draft.fault("too-many-columns", "A group item has too many columns (limit columns).");
            return Ok(());
        }
        let mut item = Map::new();
        for (name, node) in fields {
            match node {
                Node::Scalar(value) if item.contains_key(&name) => {
                    draft.fault("repeated-column", "A column stands more than once in a group item.");
                    item.insert(format!("#{} {name}", item.len() + 1), value);
                }
                Node::Scalar(value) => {
                    item.insert(name, value);
                }
                node => {
                    draft.fault("nested-too-deep", "A value of a group item is nested.");
                    self.see_nested(&format!("{group}/{name}"), &node)?;
                }
            }
        }
        draft.push(group, item, &self.rows.limits);
        Ok(())
    }

    /// Lists the columns of what is not kept: a forbidden one must not pass because it is nested.
    fn see_nested(&mut self, name: &str, node: &Node) -> Result<(), DecodeError> {
        self.rows.see(name)?;
        let items = match node {
            Node::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for item in items {
            let Node::Object(fields) = item else { continue };
            for (field, _) in fields {
                self.rows.see(&format!("{name}/{field}"))?;
            }
        }
        Ok(())
    }

    fn malformed(&self, message: impl Into<String>) -> DecodeError {
        self.scanner.error(DecodeErrorKind::Malformed, message)
    }

    /// The fault that something else stands where `message` misses something, or nothing stands there any more.
    fn at_end_or(&mut self, message: &str) -> Result<DecodeError, DecodeError> {
        Ok(if self.scanner.peek()?.is_none() { self.scanner.truncated() } else { self.malformed(message) })
    }
}

impl Decoder for JsonDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        self.read()
    }

    fn envelope(&self) -> &Envelope {
        &self.rows.envelope
    }
}

#[cfg(test)]
mod tests;
