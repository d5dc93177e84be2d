//! Collects the children of one row element.
//!
//! Owns what is a scalar, a group item or nested too deep, and the binding by name or by position. Sees element names and
//! text, never bytes.

use serde_json::{Map, Value};

use crate::format::{Limits, XmlOptions};
use crate::rows::Draft;

/// Name under which text directly in a row or in a group item is kept.
const TEXT: &str = "#text";

/// A row element between its start and its end.
pub(crate) struct RowElement {
    draft: Draft,
    /// Open elements inside the row.
    depth: usize,
    child: String,
    field: String,
    group: Option<Map<String, Value>>,
    text: String,
    own_text: String,
    /// Children in order, where they are bound by position.
    ordered: Vec<(String, String)>,
    bytes: usize,
}

impl RowElement {
    pub(crate) fn at(line: u64) -> Self {
        Self {
            draft: Draft::at(Some(line)),
            depth: 0,
            child: String::new(),
            field: String::new(),
            group: None,
            text: String::new(),
            own_text: String::new(),
            ordered: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }

    /// Open elements inside the row.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// True between the start and the end of a child.
    pub(crate) fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// An attribute of the row element, or of a group item just opened.
    pub(crate) fn attribute(&mut self, name: &str, value: String, limits: &Limits) {
        let name = format!("@{name}");
        match &mut self.group {
            Some(item) => add(&mut self.draft, item, name, value),
            None if self.depth == 0 => self.draft.put(&name, Value::String(value), limits),
            None => {}
        }
    }

    /// Whether attributes of the element just opened are kept: those of scalars are not.
    pub(crate) fn takes_attributes(&self) -> bool {
        self.depth == 0 || (self.depth == 1 && self.group.is_some())
    }

    /// A start tag inside the row. Answers the name of a column nested too deep, which is listed though not kept.
    pub(crate) fn open(&mut self, name: &str, options: &XmlOptions) -> Option<String> {
        self.depth += 1;
        match self.depth {
            1 => {
                self.child.clear();
                self.child.push_str(name);
                self.text.clear();
                self.group = options.groups.iter().any(|group| group == name).then(Map::new);
                None
            }
            2 if self.group.is_some() => {
                self.field.clear();
                self.field.push_str(name);
                self.text.clear();
                None
            }
            _ => {
                self.draft
                    .fault("nested-too-deep", "An element of the row holds elements and is not a declared group.");
                Some(format!("{}/{name}", self.child))
            }
        }
    }

    pub(crate) fn text(&mut self, text: &str, limits: &Limits) {
        self.bytes += text.len();
        if self.bytes > limits.record_bytes {
            self.draft.too_large(limits);
            return;
        }
        match self.depth {
            0 => self.own_text.push_str(text),
            1 | 2 => self.text.push_str(text),
            _ => {}
        }
    }

    /// An end tag inside the row.
    pub(crate) fn close(&mut self, options: &XmlOptions, limits: &Limits) {
        self.depth = self.depth.saturating_sub(1);
        let text = std::mem::take(&mut self.text);
        match (self.depth, &mut self.group) {
            (1, Some(item)) if item.len() < limits.columns => add(&mut self.draft, item, self.field.clone(), text),
            (1, Some(_)) => self.draft.fault("too-many-columns", "A group item has too many columns (limit columns)."),
            (0, Some(_)) => {
                let mut item = self.group.take().unwrap_or_default();
                if !text.trim().is_empty() {
                    add(&mut self.draft, &mut item, TEXT.to_owned(), text);
                }
                self.draft.push(&self.child, item, limits);
            }
            (0, None) if options.positions.is_empty() => self.draft.put(&self.child, Value::String(text), limits),
            (0, None) if self.ordered.len() < limits.columns => self.ordered.push((self.child.clone(), text)),
            (0, None) => self.draft.fault("too-many-columns", "The row has too many columns (limit columns)."),
            _ => {}
        }
    }

    /// The end tag of the row itself. `bytes` is what the whole element took.
    pub(crate) fn finish(mut self, bytes: u64, options: &XmlOptions, limits: &Limits) -> Draft {
        if bytes > limits.record_bytes as u64 {
            self.draft.too_large(limits);
        }
        if !options.positions.is_empty() {
            self.bind_by_position(&options.positions, limits);
        }
        if !self.own_text.trim().is_empty() {
            self.draft.put(TEXT, Value::String(self.own_text), limits);
        }
        self.draft
    }

    fn bind_by_position(&mut self, positions: &[String], limits: &Limits) {
        let children = std::mem::take(&mut self.ordered);
        let fits = children.len() == positions.len();
        if !fits && !self.draft.is_bad() {
            let message = format!("The row has {} child elements instead of {}.", children.len(), positions.len());
            self.draft.fault("column-count", message);
        }
        for (index, (name, text)) in children.into_iter().enumerate() {
            let bound = positions.get(index).filter(|_| fits).unwrap_or(&name);
            self.draft.put(bound, Value::String(text), limits);
        }
    }
}

/// Adds to a group item; a second field of the same name is a fault and kept beside the first.
fn add(draft: &mut Draft, item: &mut Map<String, Value>, name: String, value: String) {
    if item.contains_key(&name) {
        draft.fault("repeated-column", "A column stands more than once in a group item.");
        let name = format!("#{} {name}", item.len() + 1);
        item.insert(name, Value::String(value));
    } else {
        item.insert(name, Value::String(value));
    }
}
