//! Land: bytes become durable, then the delivery's row, then the receipt. Nothing is read of the content but its bytes.

use std::io::{self, Read, Write};

use adapters::Compression;
use openssl::sha::Sha256;

use super::as_of;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::AsOfSpec;
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::landing::io_error;
use crate::store::delivery::{self, Delivery};
use crate::store::job;

/// Microseconds within which `POST .../records` is answered or given up.
const ANSWERED_BY: i64 = 60_000_000;

/// What a sender says of the bytes it sends.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// `department/feed`.
    pub feed: String,
    /// `http`, `records`, `drop` or `cli`.
    pub channel: &'static str,
    /// Name of the token, folder or command line.
    pub sender: String,
    /// As the sender gave it.
    pub idempotency_key: Option<String>,
    /// As the sender named the file.
    pub file_name: Option<String>,
    /// The as-of in words, where the sender gives it beside the bytes.
    pub as_of: Option<String>,
    /// The sender's sequence.
    pub sequence: Option<i64>,
    /// How many rows there are, by the sender's count.
    pub total: Option<i64>,
    /// SHA-256 of the bytes as sent.
    pub content_sha256: Option<Vec<u8>>,
    /// How they are compressed.
    pub compression: Compression,
}

impl Arrival {
    /// Plain bytes of a feed by a channel, with nothing said beside them.
    pub fn new(feed: &str, channel: &'static str, sender: &str) -> Self {
        Self {
            feed: feed.to_owned(),
            channel,
            sender: sender.to_owned(),
            idempotency_key: None,
            file_name: None,
            as_of: None,
            sequence: None,
            total: None,
            content_sha256: None,
            compression: Compression::Identity,
        }
    }

    /// Takes over what an `.ok` file says: lines `total=`, `as_of=`, `sequence=`; other lines say nothing here.
    pub fn beside(&mut self, ok: &str) -> Result<()> {
        for line in ok.lines() {
            let Some((word, value)) = line.split_once('=') else { continue };
            let number = || {
                value.trim().parse::<i64>().map_err(|_| {
                    Error::new(Kind::Invalid, format!("the .ok file's {} is no number", word.trim()))
                        .coded("ok-file", ".ok 文件中的数字无法读取。")
                })
            };
            match word.trim() {
                "total" => self.total = Some(number()?),
                "sequence" => self.sequence = Some(number()?),
                "as_of" => self.as_of = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What landing came to.
pub enum Landed {
    /// A new delivery.
    New(Delivery),
    /// The same thing came before; this is the first one.
    Same(Delivery),
}

/// Makes the bytes durable and writes the delivery with its first job.
pub fn land(hub: &Hub, arrival: &Arrival, body: Box<dyn Read + Send>) -> Result<Landed> {
    let feed = hub.feed(&arrival.feed)?;
    let as_of = as_of::beside(&feed.spec.as_of, arrival, hub.now())?;
    let id = id::of_moment(hub.now())?;
    let name = format!("{}/{id}.zst", arrival.feed);
    let (digest, bytes) = receive(hub, arrival, body, &name)?;
    let row = Delivery { landed: Some(name.clone()), ..arrived(hub, arrival, id, as_of, (digest, bytes)) };
    let outcome = record(hub, &row, &feed);
    // After an error of the store nobody knows whether the row was committed: its bytes stay, and are cleaned up if it was
    // not. A refusal and a delivery that came before are clear.
    if outcome
        .as_ref()
        .map_or_else(|error| error.kind == Kind::Unprocessable, |landed| matches!(landed, Landed::Same(_)))
    {
        hub.landing.erase(&name)?;
    }
    outcome
}

/// The row of a delivery as it arrives, before anything is known of its content.
pub(super) fn arrived(
    hub: &Hub,
    arrival: &Arrival,
    id: String,
    (instant, sequence): (Option<i64>, i64),
    (digest, bytes): (Token, i64),
) -> Delivery {
    Delivery {
        id,
        feed: arrival.feed.clone(),
        channel: arrival.channel.to_owned(),
        state: "landed".to_owned(),
        received_at: hub.now(),
        sender: arrival.sender.clone(),
        idempotency_key: arrival.idempotency_key.clone(),
        file_name: arrival.file_name.clone(),
        digest: digest.to_vec(),
        bytes,
        landed: None,
        as_of_instant: instant,
        as_of_sequence: sequence,
        declared_total: arrival.total,
        fingerprint: None,
        inspected_counter: None,
        checkpoint: 0,
        received: 0,
        applied: 0,
        unchanged: 0,
        stale: 0,
        rejected: 0,
        issues: 0,
        ended: 0,
        endings: "none".to_owned(),
        reasons: None,
        decided_by: None,
        decided_at: None,
        applied_at: None,
    }
}

/// Writes the row and the job, unless the same thing came before.
fn record(hub: &Hub, row: &Delivery, feed: &Feed) -> Result<Landed> {
    let counted_inside = matches!(&feed.spec.as_of, AsOfSpec::Envelope { sequence: Some(_), .. });
    let outcome = hub.db.write(|conn| {
        if delivery::find(conn, &row.id)?.is_some() {
            // The commit of an earlier try went through after all.
            return Ok(None);
        }
        if let Some(key) = &row.idempotency_key
            && let Some(first) = delivery::by_idempotency_key(conn, &row.feed, key)?
        {
            return if first.digest == row.digest { Ok(Some(first)) } else { Err(other_body()) };
        }
        if row.channel != "records"
            && let Some(first) = delivery::same(conn, row, counted_inside, &feed.fingerprint)?
        {
            return Ok(Some(first));
        }
        delivery::insert(conn, row)?;
        // Records are answered at once; their job is there for the case that the hub dies before the answer.
        let planned = if row.channel == "records" { row.received_at + ANSWERED_BY } else { row.received_at };
        job::enqueue(conn, "inspect", &row.id, planned, planned)?;
        Ok(None)
    })?;
    Ok(match outcome {
        Some(first) => Landed::Same(first),
        None => Landed::New(row.clone()),
    })
}

fn other_body() -> Error {
    Error::new(Kind::Unprocessable, "this Idempotency-Key came before with another body")
        .coded("idempotency-mismatch", "该幂等键已用于不同内容。")
}

/// Copies the body to the landing store.
fn receive(hub: &Hub, arrival: &Arrival, body: Box<dyn Read + Send>, name: &str) -> Result<(Token, i64)> {
    let mut writer = hub.landing.create(name)?;
    let read = copy(hub, arrival, body, &mut writer)?;
    writer.finish()?;
    Ok(read)
}

/// Copies the decompressed body; checks its digest on the bytes as sent, takes the digest for sameness of the
/// decompressed ones.
pub(super) fn copy(
    hub: &Hub,
    arrival: &Arrival,
    body: Box<dyn Read + Send>,
    out: &mut dyn Write,
) -> Result<(Token, i64)> {
    let sent = std::sync::Arc::new(std::sync::Mutex::new(Sha256::new()));
    // Plain bytes are the same before and after, and are digested once.
    let is_plain = arrival.compression == Compression::Identity;
    let watched: Box<dyn Read + Send> =
        if is_plain { body } else { Box::new(Watched { inner: body, sha: sent.clone() }) };
    let limits = adapters::decompress::Expansion { bytes: hub.config.landing.delivery_bytes, ..Default::default() };
    let mut input = adapters::decompress::decompress_within(arrival.compression, limits, watched);
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    let mut bytes = 0_i64;
    loop {
        let count = input.read(&mut buffer).map_err(|error| body_error(&error))?;
        if count == 0 {
            break;
        }
        sha.update(&buffer[..count]);
        bytes += count as i64;
        out.write_all(&buffer[..count]).map_err(|error| io_error(&error))?;
    }
    let digest = sha.finish();
    let seen = if is_plain {
        digest
    } else {
        std::mem::take(&mut *sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner)).finish()
    };
    if arrival.content_sha256.as_ref().is_some_and(|said| said != seen.as_slice()) {
        return Err(Error::new(Kind::Invalid, "Content-Digest does not fit the bytes that arrived")
            .coded("digest-mismatch", "内容摘要与收到的字节不符，请重发。"));
    }
    let mut cut = [0; 16];
    cut.copy_from_slice(&digest[..16]);
    Ok((Token(cut), bytes))
}

/// What is wrong with a body that cannot be read to its end.
fn body_error(error: &io::Error) -> Error {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<adapters::ReadFault>());
    let kind = match fault.map(|fault| fault.kind) {
        Some(adapters::DecodeErrorKind::Limit) => io::ErrorKind::FileTooLarge,
        _ => error.kind(),
    };
    match kind {
        io::ErrorKind::UnexpectedEof => Error::new(Kind::Invalid, "the body ends before its compression does")
            .coded("body-truncated", "压缩内容不完整，请重发整个文件。"),
        io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded => Error::new(
            Kind::TooLarge,
            "the delivery is larger than landing.delivery_bytes, or compressed beyond belief",
        )
        .coded("delivery-too-large", "交付内容超出 landing.delivery_bytes 限制。"),
        io::ErrorKind::ConnectionAborted => Error::new(Kind::Invalid, "the connection ended before the body did")
            .coded("body-aborted", "连接中断，内容未接收。"),
        _ => Error::new(Kind::Invalid, "the body cannot be decompressed")
            .coded("body-unreadable", "无法解压内容，请检查压缩格式。")
            .because(error.to_string()),
    }
}

struct Watched {
    inner: Box<dyn Read + Send>,
    sha: std::sync::Arc<std::sync::Mutex<Sha256>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha.lock().unwrap_or_else(std::sync::PoisonError::into_inner).update(&buffer[..count]);
        Ok(count)
    }
}
