//! Reads a topic with Kafka's own console consumer, `read_committed`, from its beginning to its end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::java_tool;
use crate::{guard, place};

/// A message as the consumer printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition; transactions leave gaps.
    pub offset: i64,
    /// Its headers in order.
    pub headers: Vec<(String, String)>,
    /// Its key.
    pub key: Option<String>,
    /// Its value; none is a tombstone.
    pub value: Option<String>,
}

/// Key of the mark behind the last message; never part of what is returned.
const MARK: &str = "the harness read up to here";
// Control characters no event holds keep the printed fields apart.
const FIELD: char = '\u{1f}';
const HEADER: char = '\u{1e}';
const END: u8 = 0x1c;
const NULL: &str = "\u{18}";

const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn read_all(brokers: &str, topic: &str) -> Vec<Message> {
    let mark = format!("{:016x}", place::random());
    let partitions = mark_the_end(brokers, topic, &mark);
    let mut consumer = java_tool("org.apache.kafka.tools.consumer.ConsoleConsumer")
        .args(["--bootstrap-server", brokers, "--topic", topic, "--from-beginning"])
        .args(["--isolation-level", "read_committed"])
        .args(properties().iter().flat_map(|property| ["--property", property]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("java: {e}"));
    guard::stop_after_us(consumer.id(), guard::Stop::Kill);
    let read = up_to_the_marks(&printed(consumer.stdout.take().expect("piped")), &mark, partitions);
    consumer.kill().and_then(|()| consumer.wait()).expect("the consumer can be stopped");
    guard::forget(consumer.id());
    let mut said = String::new();
    let _ = consumer.stderr.take().expect("piped").read_to_string(&mut said);
    read.unwrap_or_else(|reason| panic!("{topic}: {reason}\n{said}"))
}

/// Writes a mark to every partition and returns how many there are.
fn mark_the_end(brokers: &str, topic: &str, mark: &str) -> usize {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("allow.auto.create.topics", "true")
        .create()
        .expect("a producer");
    let partitions = partitions(&producer, topic);
    for partition in 0..partitions {
        let number = i32::try_from(partition).expect("a small number of partitions");
        let record = BaseRecord::to(topic).partition(number).key(MARK).payload(mark);
        producer.send(record).unwrap_or_else(|(e, _)| panic!("{topic}: {e}"));
    }
    producer.flush(PATIENCE).unwrap_or_else(|e| panic!("{topic}: {e}"));
    partitions
}

/// How many partitions the topic has; asking for a topic that is not there makes it.
fn partitions(producer: &BaseProducer, topic: &str) -> usize {
    let started = Instant::now();
    loop {
        let metadata =
            producer.client().fetch_metadata(Some(topic), PATIENCE).unwrap_or_else(|e| panic!("{topic}: {e}"));
        let found =
            metadata.topics().first().filter(|found| found.error().is_none()).map_or(0, |t| t.partitions().len());
        if found > 0 {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{topic}: the broker knows no such topic");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn properties() -> [String; 9] {
    [
        "print.partition=true".to_owned(),
        "print.offset=true".to_owned(),
        "print.headers=true".to_owned(),
        "print.key=true".to_owned(),
        "print.value=true".to_owned(),
        format!("key.separator={FIELD}"),
        format!("headers.separator={HEADER}"),
        format!("line.separator={}", char::from(END)),
        format!("null.literal={NULL}"),
    ]
}

/// What the consumer prints, message by message, from a thread of its own.
fn printed(stdout: ChildStdout) -> Receiver<Message> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).split(END);
        while let Some(Ok(line)) = lines.next() {
            if sender.send(parse(&String::from_utf8_lossy(&line))).is_err() {
                return;
            }
        }
    });
    receiver
}

fn up_to_the_marks(printed: &Receiver<Message>, mark: &str, partitions: usize) -> Result<Vec<Message>, String> {
    let started = Instant::now();
    let mut messages = Vec::new();
    let mut marks = 0;
    while marks < partitions {
        match printed.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
            // Marks of earlier reads are passed over.
            Ok(message) if message.key.as_deref() == Some(MARK) => {
                marks += usize::from(message.value.as_deref() == Some(mark));
            }
            Ok(message) => messages.push(message),
            Err(RecvTimeoutError::Disconnected) => return Err("the consumer ended".to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("the end does not come (an open transaction?); read so far: {messages:?}"));
            }
        }
    }
    messages.sort_by_key(|message: &Message| (message.partition, message.offset));
    Ok(messages)
}

fn parse(line: &str) -> Message {
    let mut fields = line.splitn(5, FIELD);
    let mut field = || fields.next().unwrap_or_else(|| panic!("not a printed message: {line:?}"));
    let partition = number(field(), "Partition:");
    let offset = number(field(), "Offset:");
    let headers = match field() {
        "NO_HEADERS" => Vec::new(),
        some => some.split(HEADER).map(|h| h.split_once(':').unwrap_or((h, ""))).map(owned).collect(),
    };
    let mut text = || Some(field()).filter(|text| *text != NULL).map(str::to_owned);
    Message { partition, offset, headers, key: text(), value: text() }
}

fn number<T: std::str::FromStr>(field: &str, label: &str) -> T {
    let digits = field.strip_prefix(label).unwrap_or_else(|| panic!("{field:?} is not {label}"));
    digits.parse().unwrap_or_else(|_| panic!("{field:?} is not a number"))
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
