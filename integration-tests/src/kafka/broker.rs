//! One node of Apache Kafka, broker and controller in one, in a temporary folder.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{jars, java, java_tool};
use crate::guard::{self, Stop};
use crate::place;

/// A broker process and where it keeps its data.
#[derive(Debug)]
pub(super) struct Broker {
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Broker {
    /// Formats the storage and starts the broker; returns when it takes connections.
    pub(super) fn start() -> Result<Self, String> {
        jars::folder()?;
        let folder = place::temporary_folder("kafka").keep();
        let mut broker = Self { folder, port: place::free_port(), process: None };
        std::fs::write(broker.settings(), broker.properties(place::free_port())).map_err(|e| e.to_string())?;
        let mut format = java_tool("kafka.tools.StorageTool");
        format.args(["format", "--cluster-id", "aHViLWludGVncmF0aW9uIQ", "--config"]).arg(broker.settings());
        let output = format.output().map_err(|e| format!("java: {e} (apt-get install openjdk-17-jre-headless)"))?;
        if !output.status.success() {
            return Err(format!("StorageTool: {}", String::from_utf8_lossy(&output.stderr)));
        }
        broker.run()?;
        Ok(broker)
    }

    /// `host:port`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the process on the formatted storage.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let path = self.folder.join("broker.log");
        let log = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let errors = log.try_clone().map_err(|e| e.to_string())?;
        let mut child = self.command()?.stdout(log).stderr(errors).spawn().map_err(|e| format!("java: {e}"))?;
        guard::stop_after_us(child.id(), Stop::Kill);
        let started = Instant::now();
        loop {
            // The process says so itself once its listeners are open and the node is unfenced.
            if std::fs::read_to_string(&path).is_ok_and(|text| text.contains("Kafka Server started")) {
                self.process = Some(child);
                return Ok(());
            }
            let ended = child.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || started.elapsed() > Duration::from_secs(120) {
                return Err(format!("the broker does not start\n{}", place::tail(&path, 30)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the process at once.
    pub(super) fn kill9(&mut self) {
        let Some(mut child) = self.process.take() else { return };
        child.kill().and_then(|()| child.wait()).expect("the broker can be stopped");
        guard::forget(child.id());
    }

    fn command(&self) -> Result<Command, String> {
        let mut broker = java(&jars::folder()?, "warn");
        broker.args(["-Xms128m", "-Xmx384m", "kafka.Kafka"]).arg(self.settings()).stdin(Stdio::null());
        Ok(broker)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// One node, so every internal topic has one replica; few partitions, so that the start is quick.
    fn properties(&self, controller: u16) -> String {
        let address = self.address();
        let folder = self.folder.display();
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://{address}\n\
             controller.listener.names=CONTROLLER\n\
             log.dirs={folder}/data\n\
             num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=4\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n"
        )
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill9();
    }
}
