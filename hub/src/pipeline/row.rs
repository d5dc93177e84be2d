//! One row on its way: hashed, keyed, compared, and where it changed, validated and mapped.

use std::collections::HashMap;

use adapters::{BadRecord, Record, Row};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::contribution::{AsOf, Part};
use crate::error::{Error, Kind, Result};
use crate::feed::spec::Mode;
use crate::feed::{Feed, Outcome};
use crate::keyring::{Keyring, Token};
use crate::mapping::date;
use crate::reason::Reason;
use crate::store::contribution::Hint;

/// A row that says something new, with all that apply needs. What the spill holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangedRow {
    /// Position in the delivery.
    pub position: u64,
    /// Token of the source key.
    pub key: Token,
    /// Hash of the row as the source sent it.
    pub hash: Token,
    /// Mapped columns (as edited, where a clerk has edited them), as canonical JSON.
    pub fields: Box<RawValue>,
    /// What it says.
    pub parts: Vec<Part>,
    /// Attributes dropped as bad.
    pub issues: Vec<Reason>,
    /// The source's own update time.
    pub updated_at: Option<i64>,
    /// Whether it ends its contributions.
    pub ends: bool,
    /// The rules it was mapped under.
    pub fingerprint: String,
}

/// What inspect thinks of a row; a hint for one state of the feed.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It says something new.
    Changed(Box<ChangedRow>),
    /// It says what is stored.
    Unchanged,
    /// It is older than what is stored.
    Stale,
    /// It failed.
    Rejected(Vec<Reason>),
}

/// A row after inspection.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// Position in the delivery.
    pub position: u64,
    /// Line, where the format has lines.
    pub line: Option<u64>,
    /// The source key in words, where it can be read.
    pub key_text: Option<String>,
    /// Token of the source key, where it can be read.
    pub key: Option<Token>,
    /// Hash of the row as the source sent it.
    pub hash: Token,
    /// Mapped columns as the source sent them.
    pub fields: Map<String, Value>,
    /// Whether something live is stored under its key.
    pub present: bool,
    /// What inspect thinks of it.
    pub verdict: Verdict,
}

/// A row before it is compared.
pub struct Keyed {
    position: u64,
    line: Option<u64>,
    hash: Token,
    fields: Map<String, Value>,
    /// What is validated and mapped as canonical JSON; none of a row that could not be decoded.
    json: Option<Box<RawValue>>,
    edited: Option<Map<String, Value>>,
    bad: Option<Reason>,
    key: std::result::Result<(String, Token), Reason>,
    /// The per-row data date, where the feed has one.
    pub data_date: Option<String>,
}

/// Edits by the hash of the row they repair.
pub type Edits = HashMap<Token, Map<String, Value>>;

/// Hash of a row: HMAC over the canonical JSON of its mapped columns, in the feed's own domain.
pub fn hash(keyring: &Keyring, feed: &str, fields: &Map<String, Value>) -> Result<Token> {
    keyring.token("row", &[feed, canonical(fields)?.get()])
}

/// Mapped columns as canonical JSON.
pub fn canonical(fields: &Map<String, Value>) -> Result<Box<RawValue>> {
    to_raw_value(fields).map_err(|error| Error::new(Kind::Internal, "canonical JSON").because(error))
}

/// Token of a source key.
pub fn key_token(keyring: &Keyring, feed: &str, key: &str) -> Result<Token> {
    keyring.token("source-key", &[feed, key])
}

/// Selects, hashes and keys a decoded row. `occurrences` counts equal keys of a feed whose source has none.
pub fn keyed(keyring: &Keyring, feed: &Feed, row: Row, occurrences: &mut HashMap<Token, u64>) -> Result<Keyed> {
    match row {
        Row::Record(record) => keyed_record(keyring, feed, record, occurrences),
        Row::Bad(bad) => keyed_bad(keyring, feed, bad),
    }
}

fn keyed_record(
    keyring: &Keyring,
    feed: &Feed,
    record: Record,
    occurrences: &mut HashMap<Token, u64>,
) -> Result<Keyed> {
    let (position, line) = (record.position, record.line);
    let columns = feed.columns(record);
    let name = &feed.spec.feed;
    let key = match feed.source_key(&columns.fields) {
        Ok(text) if feed.spec.key.weak_key => {
            let of = key_token(keyring, name, &text)?;
            let count = occurrences.entry(of).or_default();
            *count += 1;
            let text = format!("{text}\u{1f}{count}");
            let token = key_token(keyring, name, &text)?;
            Ok((text, token))
        }
        Ok(text) => {
            let token = key_token(keyring, name, &text)?;
            Ok((text, token))
        }
        Err(reason) => Err(*reason),
    };
    let json = canonical(&columns.fields)?;
    Ok(Keyed {
        position,
        line,
        hash: keyring.token("row", &[name, json.get()])?,
        fields: columns.fields,
        json: Some(json),
        edited: None,
        bad: None,
        key,
        data_date: columns.data_date,
    })
}

/// A row that could not be decoded is known again by its bytes.
fn keyed_bad(keyring: &Keyring, feed: &Feed, bad: BadRecord) -> Result<Keyed> {
    let hash = keyring.token("bad-row", &[&feed.spec.feed, &bad.raw])?;
    let (zh, en) = (format!("第 {} 行无法读取（{}）。", bad.position, bad.code), bad.message);
    let reason = Reason::new(bad.code, "", zh, en);
    Ok(Keyed {
        position: bad.position,
        line: bad.line,
        hash,
        fields: bad.fields,
        json: None,
        edited: None,
        key: Err(reason.clone()),
        bad: Some(reason),
        data_date: None,
    })
}

impl Keyed {
    /// The row's hash, by which its edit is found.
    pub fn hash(&self) -> Token {
        self.hash
    }

    /// Its source key in words, where it can be read.
    pub fn key_text(&self) -> Option<&str> {
        self.key.as_ref().ok().map(|(text, _)| text.as_str())
    }

    /// The token of its key, where it can be read.
    pub fn key(&self) -> Option<Token> {
        self.key.as_ref().ok().map(|(_, token)| *token)
    }

    /// Puts a clerk's edit in the place of what the source sent. The hash stays that of the source's bytes.
    pub fn edit(&mut self, keyring: &Keyring, feed: &Feed, edited: Map<String, Value>) -> Result<()> {
        self.key = match feed.source_key(&edited) {
            Ok(text) => {
                let token = key_token(keyring, &feed.spec.feed, &text)?;
                Ok((text, token))
            }
            Err(reason) => Err(*reason),
        };
        self.bad = None;
        self.json = Some(canonical(&edited)?);
        self.edited = Some(edited);
        Ok(())
    }

    /// Compares with what is stored under the key; validates and maps where it says something new.
    pub fn inspected(mut self, feed: &Feed, as_of: Option<&AsOf>, stored: &[Hint]) -> Result<Inspected> {
        let key = self.key();
        let verdict = match (&self.bad, &self.key) {
            (Some(reason), _) | (None, Err(reason)) => Verdict::Rejected(vec![reason.clone()]),
            (None, Ok(_)) => match compared(feed, self.hash, as_of, stored)? {
                Some(verdict) => verdict,
                None => self.mapped(feed, key.unwrap_or(self.hash), as_of)?,
            },
        };
        Ok(Inspected {
            position: self.position,
            line: self.line,
            key_text: self.key.ok().map(|(text, _)| text),
            key,
            hash: self.hash,
            fields: self.fields,
            present: stored.iter().any(|(_, _, _, state, ..)| state == "live"),
            verdict,
        })
    }

    fn mapped(&mut self, feed: &Feed, key: Token, as_of: Option<&AsOf>) -> Result<Verdict> {
        let fields = self.edited.as_ref().unwrap_or(&self.fields);
        let outcome = feed.process_on(fields, as_of.and_then(|as_of| date::day_of(as_of.instant)));
        let (parts, issues, updated_at, ends) = match outcome {
            Outcome::Rejected(reasons) => return Ok(Verdict::Rejected(reasons)),
            Outcome::Accepted { parts, issues, updated_at, ends } => (parts, issues, updated_at, ends),
        };
        Ok(Verdict::Changed(Box::new(ChangedRow {
            position: self.position,
            key,
            hash: self.hash,
            fields: self.json.take().map_or_else(|| canonical(fields), Ok)?,
            parts,
            issues,
            updated_at,
            ends,
            fingerprint: feed.fingerprint.clone(),
        })))
    }
}

/// `Unchanged` or `Stale` where what is stored says so; `None` where the row must be mapped.
fn compared(feed: &Feed, hash: Token, as_of: Option<&AsOf>, stored: &[Hint]) -> Result<Option<Verdict>> {
    let Some((_, stored_hash, fingerprint, _, _, instant, sequence, digest)) = stored.first() else { return Ok(None) };
    if feed.spec.mode == Mode::Delta
        && let Some(as_of) = as_of
    {
        let there = AsOf { instant: *instant, sequence: *sequence, digest: Token::from_slice(digest)? };
        if there > *as_of {
            return Ok(Some(Verdict::Stale));
        }
    }
    let same = stored_hash.as_slice() == hash.0 && *fingerprint == feed.fingerprint;
    // An ended row that comes again with the same bytes is news in a snapshot; in a delta the same bytes end it again.
    // A part may have ended by new rules while its record lives.
    let counts = stored.iter().any(|(_, _, _, state, ..)| state == "live") || feed.spec.mode == Mode::Delta;
    Ok((same && counts).then_some(Verdict::Unchanged))
}
