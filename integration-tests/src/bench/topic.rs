//! The hub's topics seen from outside: how far they have grown, what is in them, and what comes next.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use super::Result;

const PATIENCE: Duration = Duration::from_secs(30);

/// A `read_committed` consumer of whole topics.
pub struct Topics {
    consumer: BaseConsumer,
    places: Vec<(String, i32)>,
}

/// What a topic holds.
#[derive(Debug, Default)]
pub struct Held {
    /// Messages.
    pub messages: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Some of the values.
    pub values: Vec<Vec<u8>>,
}

impl Topics {
    /// Waits until the topics are there.
    pub fn find(brokers: &str, names: &[String]) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "bench")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .create()?;
        let mut places = Vec::new();
        let started = Instant::now();
        for name in names {
            loop {
                let metadata = consumer.fetch_metadata(Some(name), PATIENCE)?;
                let topic = metadata.topics().first();
                let partitions = topic.map_or(0, |topic| topic.partitions().len());
                // A topic that is being made has no leaders yet.
                let led = topic.is_some_and(|topic| topic.partitions().iter().all(|one| one.leader() >= 0));
                if partitions > 0 && led {
                    places.extend((0..).take(partitions).map(|partition| (name.clone(), partition)));
                    break;
                }
                if started.elapsed() > PATIENCE {
                    return Err(format!("{name}: there is no such topic").into());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(Self { consumer, places })
    }

    /// How many offsets are taken: messages and marks of transactions.
    pub fn grown(&self) -> Result<i64> {
        let mut grown = 0;
        for (topic, partition) in &self.places {
            grown += self.end(topic, *partition)?;
        }
        Ok(grown)
    }

    fn end(&self, topic: &str, partition: i32) -> Result<i64> {
        let started = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(topic, partition, PATIENCE) {
                Ok((_, end)) => return Ok(end),
                // The leader is known to the controller before it knows itself.
                Err(_) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until nothing has come for a while; the seconds from the first message to the last.
    pub fn settled(&self, pause: Duration) -> Result<f64> {
        let (mut first, mut last, mut seen) = (None, Instant::now(), 0);
        loop {
            let grown = self.grown()?;
            if grown > seen {
                (last, seen) = (Instant::now(), grown);
                first.get_or_insert(last);
            }
            match first {
                Some(first) if last.elapsed() > pause => return Ok((last - first).as_secs_f64()),
                None if last.elapsed() > PATIENCE => return Err("nothing comes from the relay".into()),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Reads everything; keeps at most so many values.
    pub fn held(&self, values: usize) -> Result<Held> {
        self.begin(Offset::Beginning)?;
        let (mut held, mut ended) = (Held::default(), 0);
        while ended < self.places.len() {
            match self.consumer.poll(PATIENCE) {
                None => return Err("the end of a topic does not come".into()),
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => {
                    held.messages += 1;
                    held.bytes += (message.key_len() + message.payload_len()) as u64;
                    if held.values.len() < values {
                        held.values.extend(message.payload().map(<[u8]>::to_vec));
                    }
                }
            }
        }
        Ok(held)
    }

    /// From now on [`Topics::next`] sees what comes.
    pub fn follow(&self) -> Result<()> {
        self.begin(Offset::End)?;
        // The first polls find the ends; only then is nothing missed.
        let mut ended = 0;
        while ended < self.places.len() {
            match self.consumer.poll(PATIENCE) {
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(_)) => {}
                None => return Err("the end of a topic does not come".into()),
            }
        }
        Ok(())
    }

    /// The next value; none if nothing comes in time.
    pub fn next(&self, patience: Duration) -> Result<Option<Vec<u8>>> {
        match self.consumer.poll(patience) {
            None | Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => Ok(None),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(message)) => Ok(message.payload().map(<[u8]>::to_vec)),
        }
    }

    fn begin(&self, offset: Offset) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in &self.places {
            list.add_partition_offset(topic, *partition, offset)?;
        }
        Ok(self.consumer.assign(&list)?)
    }
}

impl Held {
    /// Bytes of a message, on average.
    pub fn average(&self) -> u64 {
        self.bytes / self.messages.max(1)
    }
}
