//! Apply: chunks of what changed become contributions, entities, versions, changes and a checkpoint in one transaction each;
//! endings last. The only stage that changes the dataset, and only under the writer's row.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::golden::{self, Rules, Touched};
use super::row::ChangedRow;
use super::spill::{self, SpillReader};
use super::working::Fresh;
use super::{endings, fold, inspect, respill};
use crate::contribution::{AsOf, Contribution, Part};
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::resolve;
use crate::store::contribution::{self, Document, DocumentRef, Row};
use crate::store::delivery::{self, Delivery};
use crate::store::{Change, Lease, codec, feed_state, staging};

/// What apply did with one changed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its contributions were written.
    Written,
    /// It said what was stored.
    Unchanged,
    /// It was older than what was stored.
    Stale,
}

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
}

/// Applies a ready delivery from its checkpoint to its end. Safe to call again after any crash.
pub fn apply(hub: &Hub, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let feed = hub.db.read(|conn| delivery::get(conn, id))?.feed;
    hub.applying(&feed, || in_turn(hub, &feed, id, progress))
}

/// As [`apply`], for somebody who waits for the answer: fails with `feed-busy` where the feed is long at work.
pub fn apply_soon(hub: &Hub, id: &str) -> Result<Delivery> {
    let feed = hub.db.read(|conn| delivery::get(conn, id))?.feed;
    hub.applying_soon(&feed, || in_turn(hub, &feed, id, &|_| ()))
}

/// What a hub left half applied comes first.
fn in_turn(hub: &Hub, feed: &str, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let lease = hub.writer()?;
    if let Some(other) = hub.db.read(|conn| delivery::half_applied(conn, feed, id))? {
        applied_whole(hub, &lease, &other, &|_| ())?;
    }
    applied_whole(hub, &lease, id, progress)
}

fn applied_whole(hub: &Hub, lease: &Lease, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let found = up_to_date(hub, id)?;
    if found.state != "ready" {
        return Ok(found);
    }
    let feed = hub.feed(&found.feed)?;
    let as_of = found.as_of()?.ok_or_else(|| Error::new(Kind::Internal, "a ready delivery without as-of"))?;
    let newest = hub.db.read(|conn| feed_state::get(conn, &found.feed))?;
    let newest = newest.map(|state| state.as_of()).transpose()?;
    if feed.spec.mode == Mode::Snapshot && newest.is_some_and(|newest| newest > as_of) {
        return fold::older_snapshot(hub, lease, &found);
    }
    let writing = Writing { hub, feed: &feed, as_of, delivery: id };
    chunks(&writing, lease, &found, progress)?;
    if feed.spec.mode == Mode::Snapshot {
        endings::end_absent(&writing, lease)?;
    }
    fold::finish(&writing, lease)
}

/// Inspects again until the verdicts fit the feed's apply counter and rules; a half-applied delivery keeps its own.
fn up_to_date(hub: &Hub, id: &str) -> Result<Delivery> {
    let mut found = hub.db.read(|conn| delivery::get(conn, id))?;
    while found.state == "ready" && !found.is_begun() {
        let feed = hub.feed(&found.feed)?;
        let counter =
            hub.db.read(|conn| Ok(feed_state::get(conn, &found.feed)?.map_or(0, |state| state.apply_counter)))?;
        let fits = found.inspected_counter == Some(counter) && found.fingerprint.as_deref() == Some(&feed.fingerprint);
        if fits {
            break;
        }
        tracing::info!(delivery.id = id, "what is stored or the rules have moved on; comparing again");
        // A release says that its reasons were weighed; they may not hold the delivery a second time.
        let released = found.decided_by.is_some();
        found = inspect::inspect_again(hub, id, released)?;
    }
    Ok(found)
}

/// Applies the spilled rows after the checkpoint, chunk by chunk. A spill is disposable: one that is gone, cut or unreadable
/// is made again, once.
fn chunks(writing: &Writing, lease: &Lease, of: &Delivery, progress: &dyn Fn(u64)) -> Result<()> {
    let hub = writing.hub;
    let mut checkpoint = of.checkpoint;
    if SpillReader::open(&hub.landing.spill(&of.id)).is_ok_and(|spill| spill.is_some()) {
        match spilled(writing, lease, &mut checkpoint, progress) {
            Ok(()) if hub.db.read(|conn| staging::changed_after(conn, &of.id, checkpoint, 1))?.is_empty() => {
                return Ok(());
            }
            Err(error) if error.code != Some(spill::UNREADABLE) => return Err(error),
            _ => tracing::warn!(delivery.id = of.id, "the spill does not hold all rows; it is made again"),
        }
    }
    respill::respill(hub, of, checkpoint)?;
    spilled(writing, lease, &mut checkpoint, progress)
}

fn spilled(writing: &Writing, lease: &Lease, checkpoint: &mut i64, progress: &dyn Fn(u64)) -> Result<()> {
    let hub = writing.hub;
    let mut reader = SpillReader::open(&hub.landing.spill(writing.delivery))?.ok_or_else(|| {
        Error::new(Kind::Internal, "the spill vanished while it was read")
            .coded(spill::UNREADABLE, "暂存文件已丢失，将重新生成。")
    })?;
    let mut wanted = Wanted::new(*checkpoint);
    loop {
        let mut chunk = Vec::with_capacity(hub.config.work.chunk);
        while chunk.len() < hub.config.work.chunk
            && let Some(row) = reader.next_row()?
        {
            if wanted.holds(hub, writing.delivery, row.position as i64)? {
                chunk.push(row);
            }
        }
        let Some(last) = chunk.last() else { return Ok(()) };
        let last = last.position as i64;
        chunk_applied(writing, lease, &chunk, *checkpoint, last)?;
        *checkpoint = last;
        progress(chunk.len() as u64);
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
                    self.page = hub.db.read(|conn| staging::changed_after(conn, delivery, after, 10_000))?.into();
                    match self.page.back() {
                        Some(last) => self.after = *last,
                        None => return Ok(false),
                    }
                }
            }
        }
    }
}

fn chunk_applied(writing: &Writing, lease: &Lease, chunk: &[ChangedRow], from: i64, to: i64) -> Result<()> {
    let hub = writing.hub;
    hub.db.apply(lease, hub.now(), |change| {
        let mut row = delivery::get(change.conn, writing.delivery)?;
        if row.checkpoint != from {
            // The commit before this try went through after all.
            return if row.checkpoint == to {
                Ok(())
            } else {
                Err(Error::new(Kind::Conflict, "the delivery has moved on"))
            };
        }
        for outcome in rows_applied(writing, change, chunk)? {
            match outcome {
                Applied::Written => row.applied += 1,
                Applied::Unchanged => row.unchanged += 1,
                Applied::Stale => row.stale += 1,
            }
        }
        row.checkpoint = to;
        delivery::update(change.conn, &row, "ready", from)
    })
}

/// Writes the contributions of changed rows and settles all they touch. One outcome a row, in their order.
pub fn rows_applied(writing: &Writing, change: &mut Change<'_>, rows: &[ChangedRow]) -> Result<Vec<Applied>> {
    let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.key.to_vec()).collect();
    let mut stored: HashMap<Vec<u8>, Vec<Row>> = HashMap::new();
    for row in contribution::of_keys(change.conn, &writing.feed.spec.feed, &keys)? {
        stored.entry(row.source_key.clone()).or_default().push(row);
    }
    let (mut outcomes, mut fresh, mut confirmed) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for row in rows {
        let there = stored.remove(row.key.0.as_slice()).unwrap_or_default();
        let outcome = compared(writing, row, &there)?;
        match outcome {
            Applied::Written => contributions(writing, row, there, &mut fresh)?,
            Applied::Unchanged => confirmed.push(row.key.to_vec()),
            Applied::Stale => {}
        }
        outcomes.push(outcome);
    }
    if writing.feed.spec.mode == Mode::Delta {
        contribution::confirm(change.conn, &writing.feed.spec.feed, &confirmed, &writing.as_of)?;
    }
    golden::settle(&rules(writing.hub), change, fresh, Touched::default(), writing.delivery)?;
    Ok(outcomes)
}

/// The rules golden records are made with.
pub fn rules(hub: &Hub) -> Rules<'_> {
    Rules { keyring: &hub.keyring, resident: &hub.resident, household: &hub.household }
}

/// The final word on a row, in the transaction that writes it.
fn compared(writing: &Writing, row: &ChangedRow, there: &[Row]) -> Result<Applied> {
    let Some(newest) = there.iter().map(Row::as_of).collect::<Result<Vec<_>>>()?.into_iter().max() else {
        return Ok(Applied::Written);
    };
    let delta = writing.feed.spec.mode == Mode::Delta;
    if delta && newest > writing.as_of {
        return Ok(Applied::Stale);
    }
    // A part may have ended by new rules while its record lives.
    let same = there.iter().all(|part| part.hash == row.hash.0 && part.fingerprint == row.fingerprint)
        && (delta || there.iter().any(Row::is_live));
    // An edit changes what a row says without changing its bytes.
    Ok(if same && !edited(row, there)? { Applied::Unchanged } else { Applied::Written })
}

fn edited(row: &ChangedRow, there: &[Row]) -> Result<bool> {
    match there.iter().find(|part| part.is_live()) {
        Some(part) => Ok(part.document()?.source != row.fields),
        None => Ok(false),
    }
}

/// Adds what one changed row writes: its parts, tombstones of parts that are gone, or all ended.
fn contributions(writing: &Writing, row: &ChangedRow, there: Vec<Row>, fresh: &mut Vec<Fresh>) -> Result<()> {
    let is_new = there.is_empty();
    let mut going: Vec<Row> = there;
    if !row.ends {
        for part in &row.parts {
            let stood = going.iter().position(|stored| stored.part == part.name).map(|place| going.swap_remove(place));
            fresh.push(contribution_of(writing, row, part, stood)?);
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
            let began = contribution_of(writing, row, part, None)?;
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
    Ok(Fresh { before: Some((before, aliases)), row, said, aliases: Vec::new() })
}

fn contribution_of(writing: &Writing, row: &ChangedRow, part: &Part, stood: Option<Row>) -> Result<Fresh> {
    let feed = &writing.feed.spec.feed;
    let id = writing.hub.keyring.token("contribution", &[feed, &row.key.to_string(), &part.name])?;
    let before = stood.map(|row| row.document().map(|document| (row, document))).transpose()?;
    let earlier = before.as_ref().filter(|(row, _)| row.is_live()).map(|(_, document)| document);
    let changed_at = changed_at(writing, row, part, earlier);
    let said = Contribution {
        id,
        feed: feed.clone(),
        part: part.name.clone(),
        entity: part.entity.clone(),
        as_of: writing.as_of,
        attributes: part.attributes.clone(),
        changed_at,
        issues: row.issues.clone(),
    };
    let claims = resolve::claims(&writing.hub.resident, &writing.hub.keyring, &said)?;
    let document = codec::encode(&DocumentRef {
        source: &row.fields,
        attributes: &said.attributes,
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
    };
    let before = before.map(|(row, document)| (row, document.aliases));
    Ok(Fresh { before, row: stored, said, aliases: claims.aliases })
}

/// When each attribute's value last changed: the source's own time, else the as-of of the delivery that brought another value.
fn changed_at(writing: &Writing, row: &ChangedRow, part: &Part, earlier: Option<&Document>) -> BTreeMap<String, i64> {
    let stood = |name: &str, value: &Value| {
        let earlier = earlier.filter(|earlier| earlier.attributes.get(name) == Some(value))?;
        earlier.changed_at.get(name).copied()
    };
    let moment = |(name, value): (&String, &Value)| {
        let at = row.updated_at.or_else(|| stood(name, value)).unwrap_or(writing.as_of.instant);
        (name.clone(), at)
    };
    part.attributes.iter().map(moment).collect()
}
