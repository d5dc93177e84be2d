//! Walk: a delivery is read row by row, and each row is keyed, compared with what is stored and mapped. Memory holds one
//! batch. What becomes of the rows is the caller's.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use adapters::{DecodeError, Decoder, Envelope, Format, Row};

use super::row::{self, Edits, Inspected, Keyed};
use super::{as_of, judge, thread};
use crate::contribution::AsOf;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::reason::Reason;
use crate::store::delivery::Delivery;
use crate::store::{codec, contribution, rejection};

const BATCH: usize = 1_000;
/// Batches read ahead.
const AHEAD: usize = 2;

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
    pub(super) fn begun(envelope: Envelope, as_of: Option<AsOf>) -> Self {
        Self { received: 0, envelope, fault: None, as_of, as_of_fault: None, ends_badly: false }
    }
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

/// Reads a delivery row by row and hands batches of inspected rows to `take`. One thread decodes, one keys, while the
/// calling one compares and maps; memory holds a few batches.
pub fn walk(
    hub: &Hub,
    feed: &Arc<Feed>,
    of: &Delivery,
    input: Box<dyn Read + Send>,
    take: &mut dyn FnMut(Vec<Inspected>) -> Result<()>,
) -> Result<Walked> {
    let mut walked = Walked::begun(Envelope::default(), of.as_of()?);
    let decoder = match decoder(feed, &of.channel, input) {
        Ok(decoder) => decoder,
        Err(fault) => {
            walked.fault = Some(fault);
            return Ok(walked);
        }
    };
    let (has_edits, has_stored) =
        hub.db.read(|conn| Ok((rejection::has_edits(conn, &of.feed)?, contribution::is_any_of(conn, &of.feed)?)))?;
    let beside = Beside { has_edits, has_stored };
    let (decoded, rows) = mpsc::sync_channel(AHEAD);
    let (keyed, batches) = mpsc::sync_channel(AHEAD);
    let read = std::thread::scope(|scope| {
        let reading = thread::start(scope, "read", move || read(decoder, &decoded))?;
        let keying = thread::start(scope, "key", move || key(hub, feed, rows, &keyed))?;
        let mut outcome = Ok(());
        for Batch { rows, envelope, dates } in batches {
            if judge::forbidden_column(feed, &envelope).is_some() {
                break;
            }
            let known =
                walked.as_of.map_or_else(|| as_of::so_far(feed, of, &envelope, &dates), |known| Ok(Some(known)));
            outcome = known.and_then(|known| take(inspected(hub, feed, beside, known.as_ref(), rows)?));
            if outcome.is_err() {
                break;
            }
        }
        // The channel is closed by now: who would go on finds nobody to take a batch, and ends.
        let dates = keying.join().map_err(|_| Error::new(Kind::Internal, "keying a delivery"))?;
        let read = reading.join().map_err(|_| Error::new(Kind::Internal, "reading a delivery"))?;
        outcome.and(dates.map(|dates| (read, dates)))
    })?;
    let (read, dates) = read;
    let mut walked = Walked { as_of: walked.as_of, ..read };
    as_of::settle(feed, of, &dates, &mut walked)?;
    Ok(walked)
}

/// Rows as they were decoded, and what had been seen around them by then.
struct Decoded {
    rows: Vec<Row>,
    envelope: Envelope,
}

/// The same rows keyed, and the data dates in all rows so far.
struct Batch {
    rows: Vec<Keyed>,
    envelope: Envelope,
    dates: BTreeSet<String>,
}

/// The reading thread: decodes. Ends early where nobody takes rows any more.
fn read(mut decoder: Box<dyn Decoder>, full: &SyncSender<Decoded>) -> Walked {
    let mut walked = Walked::begun(Envelope::default(), None);
    let mut rows = Vec::with_capacity(BATCH);
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
            rows.push(row);
        }
        if rows.len() >= BATCH || (ended && !rows.is_empty()) {
            let rows = std::mem::replace(&mut rows, Vec::with_capacity(BATCH));
            if full.send(Decoded { rows, envelope: decoder.envelope().clone() }).is_err() {
                break;
            }
        }
        if ended {
            break;
        }
    }
    walked.envelope = decoder.envelope().clone();
    walked
}

/// The keying thread: selects, hashes and keys. Answers the data dates.
fn key(hub: &Hub, feed: &Feed, decoded: Receiver<Decoded>, full: &SyncSender<Batch>) -> Result<BTreeSet<String>> {
    let (mut occurrences, mut dates) = (HashMap::new(), BTreeSet::new());
    for Decoded { rows, envelope } in decoded {
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            let row = row::keyed(&hub.keyring, feed, row, &mut occurrences)?;
            if dates.len() < 3
                && let Some(date) = &row.data_date
            {
                dates.insert(date.clone());
            }
            keyed.push(row);
        }
        if full.send(Batch { rows: keyed, envelope, dates: dates.clone() }).is_err() {
            break;
        }
    }
    Ok(dates)
}

/// What the store holds of a feed; what it does not hold is not asked for row by row.
#[derive(Clone, Copy)]
struct Beside {
    has_edits: bool,
    has_stored: bool,
}

/// Looks up edits and what is stored, then compares and maps each row of a batch.
fn inspected(
    hub: &Hub,
    feed: &Feed,
    beside: Beside,
    as_of: Option<&AsOf>,
    mut batch: Vec<Keyed>,
) -> Result<Vec<Inspected>> {
    if beside.has_edits {
        let edits = edits_of(hub, &feed.spec.feed, &batch)?;
        for keyed in &mut batch {
            if let Some(edited) = edits.get(&keyed.hash()) {
                keyed.edit(&hub.keyring, feed, edited.clone())?;
            }
        }
    }
    let mut stored: HashMap<Vec<u8>, Vec<contribution::Hint>> = HashMap::new();
    if beside.has_stored {
        let keys: Vec<Vec<u8>> = batch.iter().filter_map(|keyed| keyed.key()).map(Token::to_vec).collect();
        for hint in hub.db.read(|conn| contribution::hints(conn, &feed.spec.feed, &keys))? {
            stored.entry(hint.0.clone()).or_default().push(hint);
        }
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
