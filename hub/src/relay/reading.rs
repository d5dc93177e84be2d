//! Reading topics whole: the control topic for the position, the state topic for what a consumer was last told.
//!
//! A reader ends at what was there when it began, and not before. With transactions two things stand in the way: behind
//! an open transaction of another agreement a `read_committed` consumer sees nothing, not even what is committed; and
//! at the end of the log there may be only markers and aborted messages, which no consumer is given. So the end is
//! asked without transactions first, then the stable end must have passed it, and then the consumer says itself when it
//! has come to the end. Only a glance does without that wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::client::{self, PATIENCE, Witness};
use super::message;
use super::position::Position;
use super::trouble::Trouble;
use crate::config::KafkaConfig;
use crate::keyring::Token;

/// Longer than a broker lets a transaction be open by default (60 s).
const OPEN: Duration = Duration::from_secs(90);
/// Longest wait for the next message before the end.
const SILENCE: Duration = Duration::from_secs(30);

/// How sure a reader has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// What can be seen now; the latest may be hidden behind an open transaction.
    Glance,
    /// All that was written before the call and is committed.
    Whole,
}

/// Where to read, and how.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The broker.
    pub config: &'a KafkaConfig,
    /// How sure it has to be.
    pub care: Care,
    /// Asked while waiting.
    pub going: &'a dyn Fn() -> bool,
}

/// The position of an agreement as it was committed last.
pub(super) fn position(reader: Reader<'_>, topic: &str, agreement: &str) -> Result<Option<Position>, Trouble> {
    let mut found = None;
    read(reader, topic, 1, &mut |message| {
        if message.key() == Some(agreement.as_bytes()) {
            found = message.payload().map(<[u8]>::to_vec);
        }
        true
    })?;
    Ok(found.map(|bytes| Position::parse(&bytes)).transpose()?)
}

/// Whether any event has ever been committed to the topic.
pub(super) fn has_events(reader: Reader<'_>, topic: &str, partitions: i32) -> Result<bool, Trouble> {
    let mut any = false;
    read(reader, topic, partitions, &mut |message| {
        any = entity(message).is_some();
        !any
    })?;
    Ok(any)
}

/// What the state topic holds of an entity.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The kind of entity.
    pub kind: Arc<str>,
    /// Digest of the record.
    pub digest: [u8; 16],
}

/// What a consumer of the state topic holds when it has read all of it.
pub(super) fn state(reader: Reader<'_>, topic: &str, partitions: i32) -> Result<HashMap<Token, Held>, Trouble> {
    let mut held = HashMap::new();
    let mut kinds: HashMap<String, Arc<str>> = HashMap::new();
    read(reader, topic, partitions, &mut |message| {
        let Some(entity) = entity(message) else { return true };
        match message.payload() {
            None => drop(held.remove(&entity)),
            Some(record) => {
                let kind = kind(message);
                let kind = kinds.entry(kind.clone()).or_insert_with(|| kind.into()).clone();
                held.insert(entity, Held { kind, digest: digest(record) });
            }
        }
        true
    })?;
    Ok(held)
}

/// Tells records apart.
pub(super) fn digest(record: &[u8]) -> [u8; 16] {
    let full = openssl::sha::sha256(record);
    let mut cut = [0; 16];
    cut.copy_from_slice(&full[..16]);
    cut
}

fn entity(message: &BorrowedMessage<'_>) -> Option<Token> {
    Token::try_from(std::str::from_utf8(message.key()?).ok()?.to_owned()).ok()
}

fn kind(message: &BorrowedMessage<'_>) -> String {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let named = headers.filter(|header| header.key == message::KIND).find_map(|header| header.value);
    named.map_or_else(|| "resident".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
}

type Take<'a> = dyn FnMut(&BorrowedMessage<'_>) -> bool + 'a;

/// Gives every committed message that was there at the call, in order within a partition, until `take` has enough.
fn read(reader: Reader<'_>, topic: &str, partitions: i32, take: &mut Take<'_>) -> Result<(), Trouble> {
    let consumer = client::consumer(reader.config, true)?;
    if reader.care == Care::Whole {
        wait_until_stable(reader, &consumer, topic, partitions)?;
    }
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut at_end = vec![false; usize::try_from(partitions).unwrap_or(0)];
    let mut heard = Instant::now();
    while at_end.contains(&false) {
        if !(reader.going)() {
            return Err(Trouble::Over);
        }
        match consumer.poll(Duration::from_millis(100)) {
            None if heard.elapsed() < SILENCE => continue,
            None => return Err(away(&consumer, format!("{topic}: the broker sends nothing"))),
            Some(Ok(message)) => {
                if !take(&message) {
                    return Ok(());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(end) = usize::try_from(partition).ok().and_then(|partition| at_end.get_mut(partition)) {
                    *end = true;
                }
            }
            // librdkafka goes on by itself after losing a connection; what stays wrong ends in silence.
            Some(Err(KafkaError::Global(_))) if heard.elapsed() < SILENCE => continue,
            Some(Err(error)) => return Err(Trouble::Away(format!("{topic}: {error}"))),
        }
        heard = Instant::now();
    }
    Ok(())
}

/// Until all that was written at the call is committed or aborted.
fn wait_until_stable(
    reader: Reader<'_>,
    committed: &BaseConsumer<Witness>,
    topic: &str,
    partitions: i32,
) -> Result<(), Trouble> {
    let all = client::consumer(reader.config, false)?;
    let end = |consumer: &BaseConsumer<Witness>, partition| {
        let found = consumer.fetch_watermarks(topic, partition, PATIENCE);
        found.map(|(_, end)| end).map_err(|error| away(consumer, format!("{topic}: {error}")))
    };
    let started = Instant::now();
    for partition in 0..partitions {
        let written = end(&all, partition)?;
        while end(committed, partition)? < written {
            if !(reader.going)() {
                return Err(Trouble::Over);
            }
            if started.elapsed() > OPEN {
                return Err(Trouble::Away(format!("{topic}: a transaction has been open for too long")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

fn away(consumer: &BaseConsumer<Witness>, otherwise: String) -> Trouble {
    Trouble::Away(consumer.client().context().take().unwrap_or(otherwise))
}
