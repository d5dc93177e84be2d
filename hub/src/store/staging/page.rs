//! A page of a staging list: rows that follow each other, packed into one row of the table. Owns how they are packed.

use diesel::prelude::*;

use crate::error::{Error, Kind, Result};
use crate::keyring::Token;
use crate::store::schema::staging;

/// What inspect says of a row, as the list keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It says something new.
    Changed,
    /// It says what is stored.
    Unchanged,
    /// It is older than what is stored.
    Stale,
    /// It failed.
    Rejected,
}

impl Mark {
    const ALL: [Self; 4] = [Self::Changed, Self::Unchanged, Self::Stale, Self::Rejected];

    /// The word: `changed`, `unchanged`, `stale`, `rejected`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::Rejected => "rejected",
        }
    }
}

/// One row of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Position of the row, from 1.
    pub position: i64,
    /// Token of its source key; `None` where it cannot be read.
    pub key: Option<Token>,
    /// Hash of its mapped columns; kept of rejected rows and of those without a key.
    pub hash: Option<Token>,
    /// What inspect says of it.
    pub mark: Mark,
    /// Whether something live was stored under its key when it was inspected; not of a row whose key comes again later.
    pub present: bool,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = staging, treat_none_as_default_value = false)]
pub(super) struct Page {
    delivery: String,
    pub(super) first: i64,
    pub(super) last: i64,
    changed: i64,
    unchanged: i64,
    stale: i64,
    rejected: i64,
    keyless: i64,
    present: i64,
    fresh: i64,
    page: Vec<u8>,
}

/// What a row's first byte tells besides its mark, which is the number in its lowest bits.
const HAS_KEY: u8 = 4;
const HAS_HASH: u8 = 8;
const PRESENT: u8 = 16;
const MARK: u8 = 3;

impl Page {
    /// Packs rows that follow each other: a byte for each, then the keys, then the hashes.
    pub(super) fn of(delivery: &str, rows: &[Staged]) -> Option<Self> {
        let (first, last) = (rows.first()?.position, rows.last()?.position);
        let count = |mark| rows.iter().filter(|row| row.mark == mark).count() as i64;
        let byte = |row: &Staged| {
            let has = |is: bool, bit| if is { bit } else { 0 };
            let tokens = has(row.key.is_some(), HAS_KEY) | has(row.hash.is_some(), HAS_HASH);
            row.mark as u8 | tokens | has(row.present, PRESENT)
        };
        let mut page: Vec<u8> = rows.iter().map(byte).collect();
        rows.iter().filter_map(|row| row.key).for_each(|key| page.extend(key.0));
        rows.iter().filter_map(|row| row.hash).for_each(|hash| page.extend(hash.0));
        Some(Self {
            delivery: delivery.to_owned(),
            first,
            last,
            changed: count(Mark::Changed),
            unchanged: count(Mark::Unchanged),
            stale: count(Mark::Stale),
            rejected: count(Mark::Rejected),
            keyless: rows.iter().filter(|row| row.key.is_none()).count() as i64,
            present: rows.iter().filter(|row| row.present).count() as i64,
            fresh: rows.iter().filter(|row| row.mark == Mark::Changed && !row.present).count() as i64,
            page,
        })
    }

    /// The rows, unpacked.
    pub(super) fn rows(&self) -> Result<Vec<Staged>> {
        let broken = || Error::new(Kind::Internal, "a page of a staging list cannot be read");
        let count = usize::try_from(self.last - self.first + 1).map_err(|_| broken())?;
        let (marks, tokens) = self.page.split_at_checked(count).ok_or_else(broken)?;
        let keys = marks.iter().filter(|byte| *byte & HAS_KEY != 0).count();
        let (keys, hashes) = tokens.split_at_checked(16 * keys).ok_or_else(broken)?;
        let (mut keys, mut hashes) = (keys.chunks_exact(16), hashes.chunks_exact(16));
        let mut rows = Vec::with_capacity(count);
        for (position, byte) in (self.first..).zip(marks) {
            let next = |bit, tokens: &mut std::slice::ChunksExact<u8>| -> Result<Option<Token>> {
                if byte & bit == 0 {
                    return Ok(None);
                }
                tokens.next().ok_or_else(broken).and_then(Token::from_slice).map(Some)
            };
            let (key, hash) = (next(HAS_KEY, &mut keys)?, next(HAS_HASH, &mut hashes)?);
            let (mark, present) = (Mark::ALL[usize::from(byte & MARK)], byte & PRESENT != 0);
            rows.push(Staged { position, key, hash, mark, present });
        }
        Ok(rows)
    }
}
