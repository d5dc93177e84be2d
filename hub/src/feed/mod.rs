//! Feeds as data: what a feed's files declare, compiled to what the pipeline calls for each row.
//!
//! Owns reading, checking and compiling `mappings/`, `schemas/feeds/` and `schemas/codes/`. Knows no store and no secret.

pub mod case;
pub mod catalogue;
pub mod check;
pub mod compile;
pub mod files;
pub mod schema;
pub mod spec;
#[cfg(test)]
mod tests;

use adapters::Record;
use chrono::NaiveDate;
use serde_json::{Map, Value};

pub use catalogue::Catalogue;

use crate::contribution::Part;
use crate::mapping::compile::{Part as CompiledPart, Used};
use crate::mapping::expression::Expression;
use crate::mapping::{Run, message, number, pointer, scalar};
use crate::reason::Reason;
use crate::time;

/// Stands between the columns of a source key.
const UNIT_SEPARATOR: char = '\u{1f}';

/// A compiled feed: its declaration, schema, code tables and transforms under one rules fingerprint.
pub struct Feed {
    /// The declaration.
    pub spec: spec::FeedSpec,
    /// SHA-256 (first 16 bytes, hexadecimal) over mapping, schema, the code tables it uses and the version of the transforms.
    pub fingerprint: String,
    pub(crate) used: Used,
    pub(crate) schema: schema::RowSchema,
    pub(crate) parts: Vec<CompiledPart>,
    pub(crate) ends_when: Option<Expression>,
}

/// The columns of a row that the mapping uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Mapped columns only; what is kept, hashed, validated and mapped. No row number, no as-of column.
    pub fields: Map<String, Value>,
    /// The per-row data date, where the feed's as-of is a column.
    pub data_date: Option<String>,
}

/// What validating and mapping a row came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The row says something.
    Accepted {
        /// One for each part of the feed.
        parts: Vec<Part>,
        /// Attributes dropped, or kept with a doubt.
        issues: Vec<Reason>,
        /// The source's own update time, microseconds since 1970.
        updated_at: Option<i64>,
        /// The row ends its contribution; its parts may then be empty.
        ends: bool,
    },
    /// Why it cannot be used.
    Rejected(Vec<Reason>),
}

impl Feed {
    /// The mapped columns of a decoded row, taken out of it.
    pub fn columns(&self, record: Record) -> Columns {
        let mut fields = record.fields;
        let data_date = match &self.spec.as_of {
            spec::AsOfSpec::Column { column, .. } => fields.get(column).and_then(scalar),
            _ => None,
        };
        let data_date = data_date.map(|text| text.trim().to_owned());
        fields.retain(|name, value| match self.used.groups.get(name) {
            Some(columns) => {
                narrow(value, columns);
                true
            }
            None => self.used.columns.contains(name),
        });
        Columns { fields, data_date }
    }

    /// The source key of a row: its key columns trimmed and joined by U+001F; the reason (`key-missing`,
    /// `key-unreadable`) where one cannot be read.
    pub fn source_key(&self, fields: &Map<String, Value>) -> Result<String, Box<Reason>> {
        let mut key = String::new();
        let mut blank = 0;
        for (index, column) in self.spec.key.columns.iter().enumerate() {
            let text = fields.get(column).and_then(scalar).unwrap_or_default();
            let text = text.trim();
            if number::is_scientific(text) && !self.spec.key.weak_key {
                return Err(Box::new(message::reason("key-unreadable", pointer(column), Some(text))));
            }
            if index > 0 {
                key.push(UNIT_SEPARATOR);
            }
            key.push_str(text);
            blank += usize::from(text.is_empty());
        }
        let least = if self.spec.key.weak_key { self.spec.key.columns.len() } else { 1 };
        if blank >= least {
            let column = self
                .spec
                .key
                .columns
                .iter()
                .find(|column| fields.get(*column).and_then(scalar).is_none_or(|text| text.trim().is_empty()));
            let pointer = column.map(|column| pointer(column)).unwrap_or_default();
            return Err(Box::new(message::reason("key-missing", pointer, None)));
        }
        Ok(key)
    }

    /// Validates and maps a row, without knowing the day its data tell of.
    pub fn process(&self, fields: &Map<String, Value>) -> Outcome {
        self.process_on(fields, None)
    }

    /// Validates and maps a row whose data tell of `told_on` (the as-of's day in Asia/Shanghai): a date that the
    /// mapping wants in the `past` may not be after it.
    pub fn process_on(&self, fields: &Map<String, Value>, told_on: Option<NaiveDate>) -> Outcome {
        let faults = self.schema.check(fields);
        let ends = match self.ends_when.as_ref().map_or(Ok(false), |expression| expression.holds(fields)) {
            Ok(ends) => ends,
            Err(_) => return Outcome::Rejected(vec![message::reason("expression-failed", "", None)]),
        };
        let mut run = Run::new(&faults, told_on);
        let mut parts: Vec<Part> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let attributes = run.part(&part.name, &part.attributes, fields);
            parts.push(Part { name: part.name.clone(), entity: part.entity.clone(), attributes });
        }
        let updated_at = self.updated_at(fields, &mut run);
        let Run { mut rejections, mut issues, .. } = run;
        for fault in faults {
            self.place_fault(fault, &mut rejections, &mut issues);
        }
        if rejections.is_empty() {
            return Outcome::Accepted { parts, issues, updated_at, ends };
        }
        if !ends {
            return Outcome::Rejected(rejections);
        }
        // Ending needs the key alone: what the row says besides is not needed and its faults stop nothing.
        parts.iter_mut().for_each(|part| part.attributes.clear());
        rejections.append(&mut issues);
        Outcome::Accepted { parts, issues: rejections, updated_at, ends }
    }

    /// A fault of a column that the key, the end condition or the schema needs rejects, whatever attributes read it;
    /// so does one of the row as a whole. Any other that no attribute has read is an issue.
    fn place_fault(&self, fault: Reason, rejections: &mut Vec<Reason>, issues: &mut Vec<Reason>) {
        let same = |known: &Reason| known.pointer == fault.pointer && known.code == fault.code;
        if rejections.iter().any(same) {
            return;
        }
        let column = fault.column();
        let needed = self.spec.key.columns.iter().chain(self.schema.required()).any(|needed| *needed == column)
            || self.ends_when.as_ref().is_some_and(|expression| expression.columns().any(|read| read == column));
        if fault.pointer.is_empty() || needed {
            issues.retain(|known| !same(known));
            rejections.push(fault);
        } else if !issues.iter().any(same) {
            issues.push(fault);
        }
    }

    /// The attribute of a part that an issue is about: the one that reads the column. `None` where there is none, and
    /// where several do and the column does not tell which.
    pub fn attribute_of(&self, part: &str, issue: &Reason) -> Option<&str> {
        let column = issue.column();
        let part = self.parts.iter().find(|known| known.name == part)?;
        let mut reading = part.attributes.iter().filter(|(_, attribute)| attribute.reads(&column));
        let (name, _) = reading.next()?;
        reading.next().is_none().then_some(name.as_str())
    }

    /// Whether a row can end its contributions.
    pub fn ends_by_row(&self) -> bool {
        self.ends_when.is_some()
    }

    fn updated_at(&self, fields: &Map<String, Value>, run: &mut Run) -> Option<i64> {
        let declared = self.spec.updated_at.as_ref()?;
        let text = fields.get(&declared.column).and_then(scalar)?;
        if text.trim().is_empty() {
            return None;
        }
        let instant = time::in_format(&text, &declared.format);
        if instant.is_none() {
            run.issues.push(message::reason("time-invalid", pointer(&declared.column), Some(&text)));
        }
        instant
    }
}

/// Leaves the mapped columns of a group's items; what is no list of objects stays as it is and is refused later.
fn narrow(value: &mut Value, columns: &std::collections::BTreeSet<String>) {
    for item in value.as_array_mut().into_iter().flatten() {
        if let Value::Object(item) = item {
            item.retain(|name, _| columns.contains(name));
        }
    }
}
