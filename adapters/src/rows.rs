//! What becomes of a row once a format has taken it apart, the same for every format.
//!
//! Owns the numbering of rows, the list of columns seen, the limits of one record and the judgement record or bad record.
//! Knows no format and interprets no value.

use std::collections::BTreeMap;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::charset::MARK;
use crate::format::Limits;
use crate::record::{BadRecord, DecodeError, DecodeErrorKind, Envelope, Record, Row};

/// What a bad record keeps of its row, and the most of one value of the envelope.
pub(crate) const KEPT_BYTES: usize = 64 << 10;

/// Most bytes of all distinct column names of a delivery.
const NAME_BYTES: usize = 1 << 20;

/// A row while it is read.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) line: Option<u64>,
    pub(crate) fields: Map<String, Value>,
    fault: Option<(&'static str, String)>,
    bytes: usize,
    columns: usize,
}

impl Draft {
    pub(crate) fn at(line: Option<u64>) -> Self {
        Self { line, ..Self::default() }
    }

    /// Makes the row a bad record; the first reason stays.
    pub(crate) fn fault(&mut self, code: &'static str, message: impl Into<String>) {
        if self.fault.is_none() {
            self.fault = Some((code, message.into()));
        }
    }

    pub(crate) fn is_bad(&self) -> bool {
        self.fault.is_some()
    }

    /// Adds a scalar. A second one of the same name is a fault and kept beside the first.
    pub(crate) fn put(&mut self, name: &str, value: Value, limits: &Limits) {
        if !self.counts(name.len() + size(&value), 1, limits) {
            return;
        }
        match self.fields.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(_) => {
                self.fault("repeated-column", "A column stands more than once in the row.");
                self.fields.insert(format!("#{} {name}", self.columns), value);
            }
        }
    }

    /// Adds one item to a repeated group.
    pub(crate) fn push(&mut self, group: &str, item: Map<String, Value>, limits: &Limits) {
        let bytes = item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>() + group.len();
        // One item counts as one column: `group_items` and `record_bytes` bound the rest.
        if !self.counts(bytes, 0, limits) {
            return;
        }
        match self.fields.entry(group).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(items) if items.len() < limits.group_items => items.push(Value::Object(item)),
            Value::Array(_) => self.fault(
                "too-many-items",
                format!("A group has more than {} items (limit group_items).", limits.group_items),
            ),
            _ => self.fault("repeated-column", "A group has the name of a column of the row."),
        }
    }

    /// Counts what is to be added; false once the row is over a limit.
    fn counts(&mut self, bytes: usize, columns: usize, limits: &Limits) -> bool {
        self.bytes += bytes;
        self.columns += columns;
        if self.bytes > limits.record_bytes {
            self.too_large(limits);
            return false;
        }
        if self.columns > limits.columns {
            self.fault(
                "too-many-columns",
                format!("The row has more than {} columns (limit columns).", limits.columns),
            );
            return false;
        }
        true
    }

    pub(crate) fn too_large(&mut self, limits: &Limits) {
        self.fault(
            "record-too-large",
            format!("The row is larger than {} bytes (limit record_bytes).", limits.record_bytes),
        );
    }
}

/// Counts and judges the rows of one delivery.
pub(crate) struct Rows {
    pub(crate) limits: Limits,
    pub(crate) envelope: Envelope,
    position: u64,
    name_bytes: usize,
    path: String,
    /// Columns of the row before.
    before: Vec<String>,
    /// Columns of the group item before, by group.
    items_before: BTreeMap<String, Vec<String>>,
}

impl Rows {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            envelope: Envelope::default(),
            position: 0,
            name_bytes: 0,
            path: String::new(),
            before: Vec::new(),
            items_before: BTreeMap::new(),
        }
    }

    /// Ends a row. `raw` is asked only for a bad one.
    pub(crate) fn finish(&mut self, mut draft: Draft, raw: impl FnOnce() -> String) -> Result<Row, DecodeError> {
        self.position += 1;
        self.see_fields(&draft)?;
        if !draft.is_bad() && draft.fields.iter().any(|(name, value)| is_undecodable(name) || has_undecodable(value)) {
            draft.fault(
                "undecodable-characters",
                "The row holds bytes that are no character in the declared encoding, or NUL characters.",
            );
        }
        let (position, line) = (self.position, draft.line);
        Ok(match draft.fault {
            None => Row::Record(Record { position, line, fields: draft.fields }),
            Some((code, message)) => {
                let fields = readable(draft.fields);
                Row::Bad(BadRecord { position, line, code, message, fields, raw: readable_text(&raw()) })
            }
        })
    }

    /// Notes a column name; too many of them end the reading, because the list must not grow with the delivery.
    /// Names that begin with `#` are given here to columns without one of their own.
    pub(crate) fn see(&mut self, name: &str) -> Result<(), DecodeError> {
        let own = name.rsplit_once('/').map_or(name, |(_, field)| field);
        if self.envelope.columns.contains(name) || own.starts_with('#') || is_undecodable(name) {
            return Ok(());
        }
        self.name_bytes += name.len();
        if self.envelope.columns.len() >= self.limits.columns || self.name_bytes > NAME_BYTES {
            return Err(DecodeError::new(
                DecodeErrorKind::Limit,
                format!("row {}", self.position),
                format!("The delivery has more than {} different columns (limit columns).", self.limits.columns),
            ));
        }
        self.envelope.columns.insert(name.to_owned());
        Ok(())
    }

    fn see_fields(&mut self, draft: &Draft) -> Result<(), DecodeError> {
        // Rows mostly have the columns of the row before: comparing is much cheaper than looking each one up.
        if !draft.fields.keys().eq(&self.before) {
            draft.fields.keys().try_for_each(|name| self.see(name))?;
            self.before = draft.fields.keys().cloned().collect();
        }
        for (name, value) in &draft.fields {
            let Value::Array(items) = value else { continue };
            for item in items.iter().filter_map(Value::as_object) {
                if self.items_before.get(name).is_some_and(|before| item.keys().eq(before)) {
                    continue;
                }
                for field in item.keys() {
                    // One buffer for all: names of groups and fields may be many and long.
                    let mut path = std::mem::take(&mut self.path);
                    path.clear();
                    path.extend([name.as_str(), "/", field.as_str()]);
                    let seen = self.see(&path);
                    self.path = path;
                    seen?;
                }
                self.items_before.insert(name.clone(), item.keys().cloned().collect());
            }
        }
        Ok(())
    }
}

/// A text cut at 64 KiB, with what is no character shown as U+FFFD.
pub(crate) fn readable_text(text: &str) -> String {
    let mut end = text.len().min(KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace(['\0', MARK], "\u{FFFD}")
}

/// The fields of a bad record as far as they fit.
fn readable(fields: Map<String, Value>) -> Map<String, Value> {
    let mut left = KEPT_BYTES;
    let mut kept = Map::new();
    for (name, value) in fields {
        let bytes = name.len() + size(&value);
        if bytes > left {
            continue;
        }
        left -= bytes;
        kept.insert(readable_text(&name), readable_value(value));
    }
    kept
}

fn readable_value(value: Value) -> Value {
    match value {
        Value::String(text) if is_undecodable(&text) => Value::String(readable_text(&text)),
        Value::Array(items) => items.into_iter().map(readable_value).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (readable_text(&name), readable_value(value))).collect()
        }
        other => other,
    }
}

/// About the bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 8,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>() + 8,
    }
}

fn is_undecodable(text: &str) -> bool {
    text.as_bytes().contains(&0) || text.contains(MARK)
}

fn has_undecodable(value: &Value) -> bool {
    match value {
        Value::String(text) => is_undecodable(text),
        Value::Array(items) => items.iter().any(has_undecodable),
        Value::Object(fields) => fields.iter().any(|(name, value)| is_undecodable(name) || has_undecodable(value)),
        _ => false,
    }
}
