//! Feeds as data: what a feed's files declare, compiled to what the pipeline calls for each row.
//!
//! Owns reading, checking and compiling `mappings/`, `schemas/feeds/` and `schemas/codes/`. Knows no store and no secret.

pub mod spec;

use adapters::Record;
use serde_json::{Map, Value};

use crate::contribution::Part;
use crate::reason::Reason;

/// A compiled feed: its declaration, schema, code tables and transforms under one rules fingerprint.
pub struct Feed {
    /// The declaration.
    pub spec: spec::FeedSpec,
    /// SHA-256 (first 16 bytes, hexadecimal) over mapping, schema, the code tables it uses and the version of the transforms.
    pub fingerprint: String,
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
    /// Its parts, the attributes that were dropped, the source's own update time (microseconds since 1970).
    Accepted { parts: Vec<Part>, issues: Vec<Reason>, updated_at: Option<i64>, ends: bool },
    /// Why it cannot be used.
    Rejected(Vec<Reason>),
}

impl Feed {
    /// The mapped columns of a decoded row.
    pub fn columns(&self, _record: &Record) -> Columns {
        todo!()
    }

    /// The source key of a row: its key columns trimmed and joined by U+001F; the reason (`key-missing`) where one cannot be read.
    pub fn source_key(&self, _fields: &Map<String, Value>) -> Result<String, Reason> {
        todo!()
    }

    /// Validates and maps a row.
    pub fn process(&self, _fields: &Map<String, Value>) -> Outcome {
        todo!()
    }
}

pub struct Catalogue;
impl Catalogue {
    pub fn embedded() -> crate::error::Result<Self> { todo!() }
    pub fn load(_folder: &std::path::Path) -> crate::error::Result<Self> { todo!() }
    pub fn get(&self, _feed: &str) -> Option<std::sync::Arc<Feed>> { todo!() }
    pub fn feeds(&self) -> impl Iterator<Item = &std::sync::Arc<Feed>> { [].iter() }
    pub fn entity_schema(&self, _kind: &str) -> Option<&Value> { todo!() }
}
