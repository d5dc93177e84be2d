//! Inspect: decode, validate, map, key and hash a whole delivery, and say of each row what it would do.
//!
//! Takes no lock and changes nothing of the dataset: it writes staging, rejections and issues under its own delivery, and
//! spills what changed. Its verdicts are hints for one value of the feed's apply counter.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use adapters::{DecodeError, Decoder, Envelope, Format, Row};

use super::fold;
use super::judge::{self, Judgement};
use super::row::{self, Edits, Inspected, Keyed, Verdict};
use super::spill::SpillWriter;
use crate::contribution::AsOf;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::{AsOfSpec, Mode};
use crate::hub::Hub;
use crate::keyring::Token;
use crate::reason::Reason;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, IssueDocument, IssueRow, RejectedRow, RowDocument};
use crate::store::staging::{self, Staged};
use crate::store::{bulk, codec, contribution, feed_state, job};
use crate::time;

const BATCH: usize = 1_000;

/// What reading a delivery to its end came to.
pub struct Walked {
    /// Rows seen.
    pub received: u64,
    /// What stands around the rows.
    pub envelope: Envelope,
    /// Why reading ended early.
    pub fault: Option<DecodeError>,
    /// The as-of, where it is known by now.
    pub as_of: Option<AsOf>,
    /// What is wrong with the as-of.
    pub as_of_fault: Option<Reason>,
    /// The last row could not be decoded: without a proven end it may be half a row.
    pub ends_badly: bool,
}

impl Walked {
    fn begun(envelope: Envelope, as_of: Option<AsOf>) -> Self {
        Self { received: 0, envelope, fault: None, as_of, as_of_fault: None, ends_badly: false }
    }
}

/// Inspects a landed delivery and judges it. Writes its state and next job.
pub fn inspect(hub: &Hub, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    match found.state.as_str() {
        "landed" => inspected_whole(hub, found, false, progress),
        // The hub died between the refusal and the erasing.
        "refused" if found.hold_reasons().iter().any(|reason| reason.code == judge::FORBIDDEN) => erased(hub, found),
        _ => Ok(found),
    }
}

/// Erases what a refused delivery left: its bytes, wherever they lie.
fn erased(hub: &Hub, mut refused: Delivery) -> Result<Delivery> {
    if let Some(name) = &refused.landed {
        hub.landing.erase(name)?;
        fold::forget_staging(hub, &refused.id)?;
        hub.db.write(|conn| delivery::erased(conn, &refused.id))?;
        refused.landed = None;
    }
    Ok(refused)
}

/// Compares a ready delivery anew with what is stored now, under the rules of now. Where a person `released` it, limits
/// that were weighed then do not hold it again.
pub fn inspect_again(hub: &Hub, id: &str, released: bool) -> Result<Delivery> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    if found.state != "ready" || found.is_begun() { Ok(found) } else { inspected_whole(hub, found, released, &|_| ()) }
}

fn inspected_whole(hub: &Hub, found: Delivery, released: bool, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let id = found.id.as_str();
    let feed = hub.feed(&found.feed)?;
    let counter = hub.db.read(|conn| Ok(feed_state::get(conn, &found.feed)?.map_or(0, |state| state.apply_counter)))?;
    hub.db.write(|conn| {
        staging::clear(conn, id)?;
        rejection::clear(conn, id)
    })?;
    let mut spill = SpillWriter::create(&hub.landing.spill(id))?;
    let walked = walk(hub, &feed, &found, landed(hub, &found)?, &mut |batch| {
        for row in &batch {
            if let Verdict::Changed(changed) = &row.verdict {
                spill.push(changed)?;
            }
        }
        progress(batch.len() as u64);
        stage(hub, id, &batch)
    })?;
    spill.finish()?;
    repeated_keys(hub, &feed, &found)?;
    let mut judged = judge::judge(hub, &feed, &found, &walked)?;
    if released && judged.reasons.iter().all(|reason| reason.releasable) {
        judged.state = "ready";
    }
    conclude(hub, found.clone(), &walked, (feed.fingerprint.clone(), counter), judged)
}

/// The landed bytes of a delivery.
pub fn landed(hub: &Hub, of: &Delivery) -> Result<Box<dyn Read + Send>> {
    let name = of.landed.as_deref().ok_or_else(|| {
        Error::new(Kind::Gone, "the bytes of this delivery were erased")
            .coded("bytes-erased", "该批次的原始内容已删除。")
    })?;
    hub.landing.read(name)
}

/// The decoder of a delivery: the feed's format, or JSON where records came one by one.
pub fn decoder(feed: &Feed, channel: &str, input: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>, DecodeError> {
    if channel == "records" {
        let groups = match &feed.spec.format {
            Format::Xml(options) => options.groups.clone(),
            Format::Json(options) => options.groups.clone(),
            Format::Text(_) | Format::Xlsx(_) => Vec::new(),
        };
        let options = adapters::format::JsonOptions { groups, ..Default::default() };
        return adapters::open(&adapters::Format::Json(options), &feed.spec.decode_limits, input);
    }
    adapters::open(&feed.spec.format, &feed.spec.decode_limits, input)
}

/// Reads a delivery row by row and hands batches of inspected rows to `take`. Memory holds one batch.
pub fn walk(
    hub: &Hub,
    feed: &Arc<Feed>,
    of: &Delivery,
    input: Box<dyn Read + Send>,
    take: &mut dyn FnMut(Vec<Inspected>) -> Result<()>,
) -> Result<Walked> {
    let mut walked = Walked::begun(Envelope::default(), of.as_of()?);
    let mut decoder = match decoder(feed, &of.channel, input) {
        Ok(decoder) => decoder,
        Err(fault) => {
            walked.fault = Some(fault);
            return Ok(walked);
        }
    };
    let has_edits = hub.db.read(|conn| rejection::has_edits(conn, &of.feed))?;
    let mut occurrences = HashMap::new();
    let mut dates = BTreeSet::new();
    let mut batch: Vec<Keyed> = Vec::with_capacity(BATCH);
    loop {
        let next = match decoder.next_row() {
            Ok(next) => next,
            Err(fault) => {
                walked.fault = Some(fault);
                None
            }
        };
        let ended = next.is_none();
        if let Some(row) = next {
            walked.received += 1;
            walked.ends_badly = matches!(row, Row::Bad(_));
            let keyed = row::keyed(&hub.keyring, feed, row, &mut occurrences)?;
            if dates.len() < 3
                && let Some(date) = &keyed.data_date
            {
                dates.insert(date.clone());
            }
            batch.push(keyed);
        }
        if batch.len() >= BATCH || (ended && !batch.is_empty()) {
            if judge::forbidden_column(feed, decoder.envelope()).is_some() {
                break;
            }
            let known = walked.as_of.or(as_of_so_far(feed, of, decoder.envelope(), &dates)?);
            take(inspected(hub, feed, has_edits, known.as_ref(), std::mem::take(&mut batch))?)?;
        }
        if ended {
            break;
        }
    }
    walked.envelope = decoder.envelope().clone();
    settle_as_of(feed, of, &dates, &mut walked)?;
    Ok(walked)
}

/// Looks up edits and what is stored, then compares and maps each row of a batch.
fn inspected(
    hub: &Hub,
    feed: &Feed,
    has_edits: bool,
    as_of: Option<&AsOf>,
    mut batch: Vec<Keyed>,
) -> Result<Vec<Inspected>> {
    if has_edits {
        let edits = edits_of(hub, &feed.spec.feed, &batch)?;
        for keyed in &mut batch {
            if let Some(edited) = edits.get(&keyed.hash()) {
                keyed.edit(&hub.keyring, feed, edited.clone())?;
            }
        }
    }
    let keys: Vec<Vec<u8>> = batch.iter().filter_map(|keyed| keyed.key()).map(Token::to_vec).collect();
    let mut stored: HashMap<Vec<u8>, Vec<contribution::Hint>> = HashMap::new();
    for hint in hub.db.read(|conn| contribution::hints(conn, &feed.spec.feed, &keys))? {
        stored.entry(hint.0.clone()).or_default().push(hint);
    }
    batch
        .into_iter()
        .map(|keyed| {
            let hints = keyed.key().and_then(|key| stored.get(&key.to_vec()));
            keyed.inspected(feed, as_of, hints.map_or(&[], Vec::as_slice))
        })
        .collect()
}

pub(super) fn edits_of(hub: &Hub, feed: &str, batch: &[Keyed]) -> Result<Edits> {
    let hashes: Vec<Vec<u8>> = batch.iter().map(|keyed| keyed.hash().to_vec()).collect();
    let found = hub.db.read(|conn| rejection::edits(conn, feed, &hashes))?;
    found.into_iter().map(|edit| Ok((Token::from_slice(&edit.hash)?, codec::decode(&edit.document)?))).collect()
}

/// Writes what a batch came to under its delivery.
fn stage(hub: &Hub, delivery: &str, batch: &[Inspected]) -> Result<()> {
    let mut staged = Vec::with_capacity(batch.len());
    let (mut rejected, mut issues) = (Vec::new(), Vec::new());
    for row in batch {
        staged.push(staged_row(delivery, row));
        match &row.verdict {
            Verdict::Rejected(reasons) => rejected.push(rejected_row(delivery, row, reasons)?),
            Verdict::Changed(changed) => issue_rows(delivery, row, &changed.issues, &mut issues)?,
            Verdict::Unchanged | Verdict::Stale => {}
        }
    }
    hub.db.write(|conn| {
        bulk::stage(conn, &staged)?;
        rejection::insert_rows(conn, &rejected, &issues)
    })
}

/// A row as the staging list keeps it.
pub(super) fn staged_row(delivery: &str, row: &Inspected) -> Staged {
    let verdict = match row.verdict {
        Verdict::Changed(_) => "changed",
        Verdict::Unchanged => "unchanged",
        Verdict::Stale => "stale",
        Verdict::Rejected(_) => "rejected",
    };
    Staged {
        delivery: delivery.to_owned(),
        position: row.position as i64,
        source_key: row.key.map(Token::to_vec),
        hash: row.hash.to_vec(),
        verdict: verdict.to_owned(),
    }
}

/// A rejected row as its delivery keeps it.
pub(super) fn rejected_row(delivery: &str, row: &Inspected, reasons: &[Reason]) -> Result<RejectedRow> {
    let document = RowDocument { fields: row.fields.clone(), key: row.key_text.clone(), reasons: reasons.to_vec() };
    let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    Ok(RejectedRow {
        delivery: delivery.to_owned(),
        position: row.position as i64,
        line: row.line.map(|line| line as i64),
        source_key: row.key.map(Token::to_vec),
        hash: row.hash.to_vec(),
        codes: format!(" {} ", codes.into_iter().collect::<Vec<_>>().join(" ")),
        document: codec::encode(&document)?,
    })
}

fn issue_rows(delivery: &str, row: &Inspected, issues: &[Reason], into: &mut Vec<IssueRow>) -> Result<()> {
    for (ordinal, reason) in issues.iter().enumerate() {
        let document = IssueDocument { key: row.key_text.clone().unwrap_or_default(), reason: reason.clone() };
        into.push(IssueRow {
            delivery: delivery.to_owned(),
            position: row.position as i64,
            ordinal: ordinal as i64,
            line: row.line.map(|line| line as i64),
            code: reason.code.clone(),
            document: codec::encode(&document)?,
        });
    }
    Ok(())
}

/// Keys are unique in a delivery: the last position wins; earlier ones are rejections in a snapshot, stale in a delta.
fn repeated_keys(hub: &Hub, feed: &Arc<Feed>, of: &Delivery) -> Result<()> {
    let snapshot = feed.spec.mode == Mode::Snapshot;
    let verdict = if snapshot { "rejected" } else { "stale" };
    let positions = hub.db.write(|conn| {
        let positions = staging::earlier_of_same_key(conn, &of.id, verdict)?;
        rejection::clear_issues_at(conn, &of.id, &positions)?;
        if !snapshot {
            rejection::clear_rows_at(conn, &of.id, &positions)?;
        }
        Ok(positions)
    })?;
    if positions.is_empty() || !snapshot {
        return Ok(());
    }
    let wanted: HashSet<i64> = positions.into_iter().collect();
    let reason = repeated_key();
    // A second reading finds the columns of those few rows; keeping all rows in memory for them would not be flat.
    walk(hub, feed, of, landed(hub, of)?, &mut |batch| {
        let mut rows = Vec::new();
        for row in batch.iter().filter(|row| wanted.contains(&(row.position as i64))) {
            if !matches!(row.verdict, Verdict::Rejected(_)) {
                rows.push(rejected_row(&of.id, row, std::slice::from_ref(&reason))?);
            }
        }
        hub.db.write(|conn| rejection::insert_rows(conn, &rows, &[]))
    })?;
    Ok(())
}

/// Why an earlier row of a key that comes again is not used.
pub(super) fn repeated_key() -> Reason {
    let (zh, en) = (
        "同一批次中该主键再次出现，以最后一行为准。",
        "The key comes again later in the same delivery; the last row counts.",
    );
    Reason::new("duplicate-key", "", zh, en)
}

/// The as-of as far as header elements tell it: a delta needs it while rows are compared.
fn as_of_so_far(feed: &Feed, of: &Delivery, envelope: &Envelope, dates: &BTreeSet<String>) -> Result<Option<AsOf>> {
    let mut walked = Walked::begun(envelope.clone(), None);
    settle_as_of(feed, of, dates, &mut walked)?;
    Ok(walked.as_of)
}

/// Reads the as-of out of what was seen.
fn settle_as_of(feed: &Feed, of: &Delivery, dates: &BTreeSet<String>, walked: &mut Walked) -> Result<()> {
    if walked.as_of.is_some() {
        return Ok(());
    }
    let (text, format, sequence) = match &feed.spec.as_of {
        AsOfSpec::Header | AsOfSpec::FileName { .. } => return Ok(()),
        AsOfSpec::Envelope { name, format, sequence } => {
            let count = sequence.as_ref().and_then(|name| walked.envelope.values.get(name));
            let count = count.and_then(|text| text.trim().parse::<i64>().ok());
            (walked.envelope.values.get(name).cloned(), format, count)
        }
        AsOfSpec::Column { format, .. } => {
            if dates.len() > 1 {
                let (zh, en) = ("文件中各行的数据日期不一致。", "The rows do not have one and the same data date.");
                walked.as_of_fault = Some(Reason::new("as-of-not-one", "", zh, en));
                return Ok(());
            }
            (dates.first().cloned(), format, None)
        }
    };
    match text.and_then(|text| time::in_format(&text, format)) {
        Some(instant) => {
            let mut row = of.clone();
            walked.as_of = Some(super::land::as_of_inside(&mut row, instant, sequence)?);
        }
        None => {
            let (zh, en) = ("没有可读的数据时点。", "There is no readable as-of.");
            walked.as_of_fault = Some(Reason::new("as-of-missing", "", zh, en));
        }
    }
    Ok(())
}

/// Writes what inspection and judgement came to, and the next job.
fn conclude(hub: &Hub, found: Delivery, walked: &Walked, rules: (String, i64), judged: Judgement) -> Result<Delivery> {
    let now = hub.now();
    let (fingerprint, counter) = rules;
    let mut row = found.clone();
    if let Some(as_of) = walked.as_of {
        (row.as_of_instant, row.as_of_sequence) = (Some(as_of.instant), as_of.sequence);
    }
    row.fingerprint = Some(fingerprint);
    row.inspected_counter = Some(counter);
    row.received = walked.received as i64;
    row.state = judged.state.to_owned();
    row.reasons = match judged.reasons.as_slice() {
        [] => None,
        reasons => {
            Some(serde_json::to_string(reasons).map_err(|error| Error::new(Kind::Internal, "reasons").because(error))?)
        }
    };
    let written = hub.db.write(|conn| {
        let mut row = row.clone();
        if judged.erase {
            staging::clear(conn, &row.id)?;
            rejection::clear(conn, &row.id)?;
        }
        (row.rejected, row.issues) = (staging::count(conn, &row.id, "rejected")?, rejection::counts(conn, &row.id)?.1);
        delivery::update(conn, &row, &found.state, 0)?;
        if row.state == "ready" && row.channel != "records" && found.state != "ready" {
            job::enqueue(conn, "apply", &row.id, now, now)?;
        }
        Ok(row)
    })?;
    if judged.erase { erased(hub, written) } else { Ok(written) }
}
