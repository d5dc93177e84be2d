//! Prepare: what a changed row writes. Reads the spill ahead of apply; changes nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use serde_json::{Map, Value};

use super::alone::Alone;
use super::apply;
use super::reading::Reading;
use super::row::ChangedRow;
use super::spill::{self, SpillReader};
use super::working::Fresh;
use crate::contribution::{AsOf, Contribution, Part};
use crate::entity::RESIDENT;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::matching::Matcher;
use crate::resolve;
use crate::store::contribution::{Document, DocumentRef, Row};
use crate::store::{codec, staging};

/// Positions read ahead.
const AHEAD: usize = 10_000;

/// What a run of rows carries to the store.
pub struct Writing<'a> {
    /// The hub.
    pub hub: &'a Hub,
    /// The feed.
    pub feed: &'a Feed,
    /// The delivery's as-of.
    pub as_of: AsOf,
    /// The delivery.
    pub delivery: &'a str,
    /// Nothing of the feed was stored when the delivery was begun, not even a tombstone. Its keys are unique, so none of
    /// them is stored before it is written; and a database that has never seen the feed would look for them badly.
    pub is_first: bool,
    /// The model of likeness that is active when the delivery is begun. Its readings are made ahead; where another one has
    /// become active they are made again.
    pub model: Option<Arc<Matcher>>,
}

/// Reads the spill after `from` and prepares its rows, a chunk at a time.
pub fn prepare(writing: &Writing, from: i64, full: &SyncSender<Vec<Prepared>>) -> Result<()> {
    let hub = writing.hub;
    let mut reader = SpillReader::open(&hub.landing.spill(writing.delivery))?.ok_or_else(|| {
        Error::new(Kind::Internal, "the spill vanished while it was read")
            .coded(spill::UNREADABLE, "暂存文件已丢失，将重新生成。")
    })?;
    let mut wanted = Wanted::new(from);
    loop {
        let mut chunk = Vec::with_capacity(hub.config.work.chunk);
        while chunk.len() < hub.config.work.chunk
            && let Some(row) = reader.next_row()?
        {
            if wanted.holds(hub, writing.delivery, row.position as i64)? {
                chunk.push(Prepared::of(writing, row)?);
            }
        }
        if chunk.is_empty() || full.send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// A changed row with what it writes where nothing is stored under its key.
pub struct Prepared {
    /// The row.
    pub row: ChangedRow,
    /// Taken by the first try to write it; another try makes it again.
    fresh: Cell<Option<Vec<Fresh>>>,
}

impl Prepared {
    /// Prepares a row.
    pub fn of(writing: &Writing, mut row: ChangedRow) -> Result<Self> {
        let mut fresh = Vec::with_capacity(row.parts.len());
        if row.ends {
            contributions(writing, &row, Vec::new(), &mut fresh)?;
        } else {
            for place in 0..row.parts.len() {
                fresh.push(first_of(writing, &mut row, place)?);
            }
        }
        Ok(Self { row, fresh: Cell::new(Some(fresh)) })
    }

    /// What it writes over what is stored under its key.
    pub fn fresh(&self, writing: &Writing, there: Vec<Row>) -> Result<Vec<Fresh>> {
        if let Some(fresh) = self.fresh.take().filter(|_| there.is_empty()) {
            return Ok(fresh);
        }
        let mut fresh = Vec::with_capacity(self.row.parts.len());
        contributions(writing, &self.row, there, &mut fresh)?;
        Ok(fresh)
    }
}

/// The positions that staging still calls changed, read ahead page by page: a row that came again later is not one of them.
struct Wanted {
    after: i64,
    page: std::collections::VecDeque<i64>,
}

impl Wanted {
    fn new(after: i64) -> Self {
        Self { after, page: std::collections::VecDeque::new() }
    }

    fn holds(&mut self, hub: &Hub, delivery: &str, position: i64) -> Result<bool> {
        loop {
            match self.page.front() {
                Some(next) if *next == position => {
                    self.page.pop_front();
                    return Ok(true);
                }
                Some(next) if *next > position => return Ok(false),
                Some(_) => {
                    self.page.pop_front();
                }
                None => {
                    let after = self.after;
                    self.page = hub.db.read(|conn| staging::changed_after(conn, delivery, after, AHEAD))?.into();
                    match self.page.back() {
                        Some(last) => self.after = *last,
                        None => return Ok(false),
                    }
                }
            }
        }
    }
}

/// Adds what one changed row writes: its parts, tombstones of parts that are gone, or all ended.
fn contributions(writing: &Writing, row: &ChangedRow, there: Vec<Row>, fresh: &mut Vec<Fresh>) -> Result<()> {
    let is_new = there.is_empty();
    let mut going: Vec<Row> = there;
    if !row.ends {
        for part in &row.parts {
            let stood = going.iter().position(|stored| stored.part == part.name).map(|place| going.swap_remove(place));
            fresh.push(contribution_of(writing, row, part, part.attributes.clone(), stood)?);
        }
    }
    for before in going {
        let mut tombstone = ending(before, &writing.as_of)?;
        tombstone.row.hash = row.hash.to_vec();
        tombstone.row.fingerprint.clone_from(&row.fingerprint);
        fresh.push(tombstone);
    }
    if row.ends && is_new {
        // Told to end before it was told to begin: the tombstone keeps an older beginning from coming back.
        for part in &row.parts {
            let began = contribution_of(writing, row, part, part.attributes.clone(), None)?;
            fresh.push(Fresh { before: None, ..ending(began.row, &writing.as_of)? });
        }
    }
    Ok(())
}

/// What ends a contribution: a tombstone keeps its key and as-of and says nothing.
pub fn ending(before: Row, as_of: &AsOf) -> Result<Fresh> {
    let (mut said, aliases) = before.said()?;
    said.as_of = *as_of;
    said.attributes.clear();
    said.changed = None;
    said.changed_at.clear();
    said.issues.clear();
    let row = Row {
        state: "ended".to_owned(),
        marked: false,
        as_of_instant: as_of.instant,
        as_of_sequence: as_of.sequence,
        as_of_digest: as_of.digest.to_vec(),
        key_token: None,
        household: None,
        link: "ended".to_owned(),
        entity: None,
        document: codec::encode(&Document::default())?,
        ..before.clone()
    };
    Ok(Fresh {
        before: Some((before, aliases)),
        row,
        said: Some(said),
        aliases: Vec::new(),
        alone: None,
        reading: None,
    })
}

/// What the first row of a key writes of its part at `place`. Where nobody is likely to ask what it says, that stays with
/// the row, and is read again if somebody does.
fn first_of(writing: &Writing, row: &mut ChangedRow, place: usize) -> Result<Fresh> {
    let attributes = std::mem::take(&mut row.parts[place].attributes);
    let mut fresh = contribution_of(writing, row, &row.parts[place], attributes, None)?;
    let is_asked = fresh.alone.is_none() || fresh.row.household.is_some();
    row.parts[place].attributes = if is_asked {
        fresh.said.as_ref().map(|said| said.attributes.clone()).unwrap_or_default()
    } else {
        fresh.said.take().map(|said| said.attributes).unwrap_or_default()
    };
    Ok(fresh)
}

fn contribution_of(
    writing: &Writing,
    row: &ChangedRow,
    part: &Part,
    attributes: Map<String, Value>,
    stood: Option<Row>,
) -> Result<Fresh> {
    let feed = &writing.feed.spec.feed;
    let id = writing.hub.keyring.token("contribution", &[feed, &row.key.to_string(), &part.name])?;
    let before = stood.map(|row| row.document().map(|document| (row, document))).transpose()?;
    let earlier = before.as_ref().filter(|(row, _)| row.is_live()).map(|(_, document)| document);
    let (changed, changed_at) = changed_at(writing, row, &attributes, earlier);
    let said = Contribution {
        id,
        feed: feed.clone(),
        part: part.name.clone(),
        entity: part.entity.clone(),
        as_of: writing.as_of,
        attributes,
        changed: Some(changed),
        changed_at,
        issues: row.issues.clone(),
    };
    let claims = resolve::claims(&writing.hub.resident, &writing.hub.keyring, &said)?;
    let document = codec::encode(&DocumentRef {
        source: &row.fields,
        attributes: &said.attributes,
        changed: said.changed,
        changed_at: &said.changed_at,
        issues: &said.issues,
        aliases: &claims.aliases,
    })?;
    let has_place = claims.key.is_some() || !claims.aliases.is_empty();
    let stored = Row {
        id: id.to_vec(),
        feed: feed.clone(),
        source_key: row.key.to_vec(),
        part: part.name.clone(),
        kind: part.entity.clone(),
        state: "live".to_owned(),
        marked: false,
        as_of_instant: writing.as_of.instant,
        as_of_sequence: writing.as_of.sequence,
        as_of_digest: writing.as_of.digest.to_vec(),
        delivery: writing.delivery.to_owned(),
        position: row.position as i64,
        fingerprint: row.fingerprint.clone(),
        hash: row.hash.to_vec(),
        key_token: claims.key.map(Token::to_vec),
        household: claims.household.map(Token::to_vec),
        // Said again by settling; whoever has no key and no alias is never visited there.
        link: claims.keyless.unwrap_or("key").to_owned(),
        entity: before.as_ref().filter(|_| has_place).and_then(|(row, _)| row.entity.clone()),
        document,
        linked_at: before.as_ref().map(|(row, _)| row.linked_at).unwrap_or_default(),
    };
    let before = before.map(|(row, document)| (row, document.aliases));
    // Of a person whom others speak of too it is not worth asking ahead.
    let rules = apply::rules(writing.hub);
    let is_new = rules.known.is_some() && claims.key.is_some_and(|key| !rules.may_hold(&key.0));
    let alone = if before.is_none() && is_new { Some(Alone::of(&rules, &said)?) } else { None };
    let reading = match &writing.model {
        Some(matcher) if part.entity == RESIDENT => {
            Some((matcher.version, Arc::new(Reading::of(rules.keyring, matcher, &said)?)))
        }
        _ => None,
    };
    Ok(Fresh { before, row: stored, said: Some(said), aliases: claims.aliases, alone, reading })
}

/// When the attributes' values last changed: the source's own time, else the as-of of the delivery that brought another
/// value; and those of which another moment is true.
fn changed_at(
    writing: &Writing,
    row: &ChangedRow,
    attributes: &Map<String, Value>,
    earlier: Option<&Document>,
) -> (i64, BTreeMap<String, i64>) {
    let changed = row.updated_at.unwrap_or(writing.as_of.instant);
    let Some(earlier) = earlier.filter(|_| row.updated_at.is_none()) else { return (changed, BTreeMap::new()) };
    let stood = |(name, value): (&String, &Value)| {
        let same = earlier.attributes.get(name) == Some(value);
        let moment = earlier.changed_at.get(name).copied().or(earlier.changed).filter(|_| same)?;
        (moment != changed).then(|| (name.clone(), moment))
    };
    (changed, attributes.iter().filter_map(stood).collect())
}
