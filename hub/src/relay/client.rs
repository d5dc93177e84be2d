//! What every connection to the broker has in common. Owns the librdkafka properties the relay depends on; those of the
//! configuration file come first and cannot undo them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, ProducerContext};

use super::trouble::Trouble;
use crate::config::KafkaConfig;

/// How long a question to the broker may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// No message is larger: a household of some ten thousand members. The topics the hub creates allow as much.
pub(super) const LARGEST: &str = "8388608";

fn client(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    for (name, value) in &config.properties {
        client.set(name, value);
    }
    client
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", "hub")
        // A topic made by the broker on the way would have neither the policy nor the partitions that are wanted.
        .set("allow.auto.create.topics", "false");
    client
}

/// A client that asks and creates.
pub(super) fn admin(config: &KafkaConfig) -> Result<rdkafka::admin::AdminClient<Witness>, Trouble> {
    Ok(client(config).create_with_context(Witness::default())?)
}

/// A producer of transactions. A second one of the same id fences the first.
pub(super) fn producer(config: &KafkaConfig, transactional_id: &str) -> Result<BaseProducer<Witness>, Trouble> {
    let mut client = client(config);
    client
        .set("transactional.id", transactional_id)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", "5")
        .set("message.max.bytes", LARGEST)
        // The partition of a key as Kafka's own clients compute it, so that consumers can join topics by key.
        .set("partitioner", "murmur2_random");
    // What speed wants, unless the configuration wants another: a lone change waits for no others to fill a batch, and a
    // backlog fills them without waiting.
    for (name, value) in [("compression.type", "lz4"), ("linger.ms", "1")] {
        if !config.properties.contains_key(name) {
            client.set(name, value);
        }
    }
    Ok(client.create_with_context(Witness::default())?)
}

/// A consumer of whole topics, outside of any consumer group: it is assigned partitions and commits nothing.
pub(super) fn consumer(config: &KafkaConfig, committed: bool) -> Result<BaseConsumer<Witness>, Trouble> {
    let mut client = client(config);
    client
        .set("group.id", format!("{}.relay", config.prefix))
        .set("isolation.level", if committed { "read_committed" } else { "read_uncommitted" })
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error");
    Ok(client.create_with_context(Witness::default())?)
}

/// Remembers the last thing librdkafka complained of, so that a pause can say why.
#[derive(Debug, Clone, Default)]
pub(super) struct Witness {
    last: Arc<Mutex<Option<String>>>,
}

impl Witness {
    /// What was last complained of; forgotten by being asked.
    pub(super) fn take(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, said: String) {
        tracing::debug!(said, "librdkafka");
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }
}

impl ClientContext for Witness {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, said: &str) {
        tracing::debug!(facility, said, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(format!("{error}: {reason}"));
    }
}

impl ConsumerContext for Witness {}

impl ProducerContext for Witness {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use RDKafkaErrorCode::{PurgeInflight, PurgeQueue};
        if let Err((error, message)) = result
            && !matches!(error.rdkafka_error_code(), Some(PurgeInflight | PurgeQueue))
        {
            use rdkafka::Message as _;
            self.note(format!("{}: {error}", message.topic()));
        }
    }
}
