//! The transactional producer of one agreement. Owns begin, send, commit and abort, and what each of librdkafka's
//! errors means for the transaction; knows nothing of entities and positions.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::client::{self, Witness};
use super::trouble::{Stop, Trouble};
use crate::config::KafkaConfig;

/// How long one call may block: a request to end is noticed this soon.
const SLICE: Duration = Duration::from_secs(2);
/// How long one look for answers of the broker takes, whether or not there is one.
const TICK: Duration = Duration::from_millis(1);
/// How long a new producer waits for the transaction an earlier one has left.
const INIT: Duration = Duration::from_secs(60);
/// How long an abort may take before the producer is given up; the next one's start aborts as well.
const ABORT: Duration = Duration::from_secs(20);
/// After so long a commit is said to be waiting.
const SLOW: Duration = Duration::from_secs(6);

/// What became of a step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The same call may be made again.
    Again(String),
    /// The transaction must be aborted, and nothing of it was committed.
    Abort(String),
    /// Nothing is known or this producer is of no more use: a new one, and the position read again, tell.
    Lost(String),
    /// Another producer has the transactional id.
    Fenced,
}

/// The producer.
pub(super) struct Outlet {
    producer: BaseProducer<Witness>,
}

/// One message.
pub(super) struct Parcel<'a> {
    /// Where to.
    pub topic: &'a str,
    /// Decides the partition.
    pub key: &'a str,
    /// None is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers.
    pub headers: Option<OwnedHeaders>,
}

impl Outlet {
    /// Connects, fences an earlier producer of the same id and ends what it has left open.
    pub(super) fn open(config: &KafkaConfig, id: &str, going: &dyn Fn() -> bool) -> Result<Self, Trouble> {
        let outlet = Self { producer: client::producer(config, id)? };
        let started = Instant::now();
        loop {
            let Err(error) = outlet.producer.init_transactions(SLICE) else { return Ok(outlet) };
            match outlet.failure(error) {
                Failure::Fenced => return Err(Stop::Fenced.into()),
                Failure::Again(_) if !going() => return Err(Trouble::Over),
                Failure::Again(_) if started.elapsed() < INIT => {}
                Failure::Again(why) | Failure::Abort(why) | Failure::Lost(why) => return Err(Trouble::Away(why)),
            }
        }
    }

    /// Begins a transaction.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.producer.begin_transaction().map_err(|error| self.failure(error))
    }

    /// Adds a message to the transaction.
    pub(super) fn send(&self, parcel: Parcel<'_>) -> Result<(), Failure> {
        let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(parcel.topic).key(parcel.key);
        record.payload = parcel.value;
        record.headers = parcel.headers;
        let started = Instant::now();
        loop {
            let Err((error, refused)) = self.producer.send(record) else { return Ok(()) };
            match self.failure(error) {
                // The queue is full: it empties as the broker answers.
                Failure::Again(_) if started.elapsed() < ABORT => self.producer.poll(TICK),
                Failure::Again(why) => return Err(Failure::Abort(why)),
                other => return Err(other),
            }
            record = refused;
        }
    }

    /// Waits until the broker has all messages of the transaction.
    pub(super) fn flush(&self, going: &dyn Fn() -> bool, slow: &dyn Fn(&str)) -> Result<(), Failure> {
        self.again(going, slow, || self.delivered())
    }

    /// Polls until nothing is on its way. The client's own `flush` polls for a tenth of a second at a time, however soon
    /// the broker answers.
    fn delivered(&self) -> Result<(), KafkaError> {
        let started = Instant::now();
        while self.producer.in_flight_count() > 0 {
            if started.elapsed() > SLICE {
                return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut));
            }
            self.producer.poll(TICK);
        }
        Ok(())
    }

    /// Commits. [`Failure::Abort`] says for sure that nothing was committed, [`Failure::Lost`] does not.
    pub(super) fn commit(&self, going: &dyn Fn() -> bool, slow: &dyn Fn(&str)) -> Result<(), Failure> {
        self.again(going, slow, || self.producer.commit_transaction(SLICE))
    }

    /// Aborts, so that nobody has to wait for the broker to give the transaction up.
    pub(super) fn abort(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let going = || started.elapsed() < ABORT;
        self.again(&going, &|_| {}, || self.producer.abort_transaction(SLICE))
    }

    fn again(
        &self,
        going: &dyn Fn() -> bool,
        slow: &dyn Fn(&str),
        call: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            let Err(error) = call() else { return Ok(()) };
            match self.failure(error) {
                Failure::Again(why) if !going() => return Err(Failure::Lost(why)),
                Failure::Again(why) if started.elapsed() > SLOW => slow(&why),
                Failure::Again(_) => {}
                other => return Err(other),
            }
        }
    }

    fn failure(&self, error: KafkaError) -> Failure {
        let fatal = self.producer.client().fatal_error().map(|(code, _)| code);
        if fatal.is_some_and(is_fencing) {
            return Failure::Fenced;
        }
        let why = self.producer.context().take().unwrap_or_else(|| error.to_string());
        match error {
            _ if fatal.is_some() => Failure::Lost(why),
            KafkaError::Transaction(error) => of_transaction(&error, why),
            KafkaError::Flush(_) => Failure::Again(why),
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => Failure::Again(why),
            KafkaError::MessageProduction(_) => Failure::Abort(why),
            _ => Failure::Lost(why),
        }
    }
}

fn of_transaction(error: &RDKafkaError, why: String) -> Failure {
    // An epoch that only needs to be raised comes as an error to abort for; everything else that fences is fatal.
    if error.txn_requires_abort() {
        Failure::Abort(why)
    } else if is_fencing(error.code()) {
        Failure::Fenced
    } else if error.is_fatal() {
        Failure::Lost(why)
    } else if error.is_retriable() {
        Failure::Again(why)
    } else {
        Failure::Lost(why)
    }
}

fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
}

#[cfg(test)]
mod tests;
