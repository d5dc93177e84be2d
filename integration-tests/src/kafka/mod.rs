//! A real broker of Apache Kafka (KRaft, one node) and Kafka's own tools.
//!
//! Owns the broker of the test process: started when a case first asks for it, or the one `HUB_TEST_KAFKA` names.
//! What the hub has produced is read by Kafka's Java consumer, never by the library the hub produces with.

mod broker;
mod consumer;
mod jars;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use consumer::Message;

use broker::Broker;

use crate::place;

/// A broker that answers.
#[derive(Debug)]
pub struct Kafka {
    /// `host:port`, comma separated.
    pub brokers: String,
    own: Option<Broker>,
}

impl Kafka {
    /// The broker of this test process. Panics with the reason if it cannot be had.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::found_or_started) {
            Ok(kafka) => kafka,
            Err(reason) => panic!("no Kafka: {reason}"),
        }
    }

    /// A broker of the case's own, which it may stop and start again.
    pub fn private() -> Self {
        Self::started().unwrap_or_else(|reason| panic!("no Kafka: {reason}"))
    }

    /// A prefix for topics that no other case uses, even at a broker that outlives this process.
    pub fn prefix(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("t{:016x}-{number}", place::random())
    }

    /// All messages of a topic that a `read_committed` consumer sees, partition by partition in order of offset.
    ///
    /// The end is not guessed by a pause: a mark is written behind what is there, and the consumer reads up to it. An
    /// open transaction hides what comes after it, the mark too; then this panics after a minute.
    pub fn read_all(&self, topic: &str) -> Vec<Message> {
        consumer::read_all(&self.brokers, topic)
    }

    /// Runs a class of Kafka's tools, such as `org.apache.kafka.tools.TopicCommand`, and returns what it prints.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> String {
        let output = java_tool(class)
            .args(["--bootstrap-server", &self.brokers])
            .args(arguments)
            .output()
            .unwrap_or_else(|e| panic!("java: {e}"));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{class}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    /// A class of Kafka's tools, to be run with arguments of its own. Optimised: it may be measured.
    pub fn program(class: &str) -> Command {
        let jars = jars::folder().unwrap_or_else(|reason| panic!("no Kafka: {reason}"));
        let mut java = Command::new("java");
        java.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp"]).arg(jars.join("*")).arg(class);
        java.env_remove("JAVA_TOOL_OPTIONS").env_remove("CLASSPATH");
        java
    }

    /// Ends a broker of the case's own at once.
    pub fn kill9(&mut self) {
        self.own.as_mut().expect("only a private broker can be stopped").kill9();
    }

    /// Starts a broker of the case's own again, on the same port and data.
    pub fn start_again(&mut self) {
        let broker = self.own.as_mut().expect("only a private broker can be started");
        broker.run().unwrap_or_else(|reason| panic!("no Kafka: {reason}"));
    }

    fn found_or_started() -> Result<Self, String> {
        match std::env::var("HUB_TEST_KAFKA") {
            Ok(brokers) if !brokers.is_empty() => Ok(Self { brokers, own: None }),
            _ => Self::started(),
        }
    }

    fn started() -> Result<Self, String> {
        let broker = Broker::start()?;
        Ok(Self { brokers: broker.address(), own: Some(broker) })
    }
}

/// A process of Kafka's tools.
fn java_tool(class: &str) -> Command {
    let jars = jars::folder().unwrap_or_else(|reason| panic!("no Kafka: {reason}"));
    let mut java = java(&jars, "error");
    java.arg("-Xmx128m").arg(class);
    java
}

fn java(jars: &Path, log_level: &str) -> Command {
    let mut java = Command::new("java");
    // All are short-lived: the start counts, not the speed.
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Dfile.encoding=UTF-8"])
        .arg(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={log_level}"))
        .arg(format!("-Djava.io.tmpdir={}", temporary().display()))
        .args(["-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp"])
        .arg(jars.join("*"))
        .env_remove("JAVA_TOOL_OPTIONS")
        .env_remove("CLASSPATH");
    java
}

/// Where the processes unpack their libraries: whoever is killed leaves them.
fn temporary() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| place::temporary_folder("java").keep())
}
