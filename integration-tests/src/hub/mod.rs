//! The hub as a process: its binary, a configuration and a folder of its own, on either store.
//!
//! Owns starting, stopping, killing and starting again on the same data. When the value is dropped the process ends,
//! and unless the case has said otherwise it is checked first that no failed job, no held lease and no open rejection
//! is left (`conduct`). When a test fails, the end of the hub's log is part of its output.

mod answer;
pub mod binary;
mod client;
mod conduct;
mod setup;
pub mod shape;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use answer::Answer;
pub use client::Client;
pub use setup::{Agreement, Setup};

use crate::guard::{self, Stop};
use crate::place;
use crate::postgres::Database;
use crate::store::Store;
use crate::world::Delivery;

/// A hub of the case's own.
#[derive(Debug)]
pub struct Hub {
    setup: Setup,
    port: u16,
    process: Option<Child>,
    tokens: Mutex<BTreeMap<String, String>>,
    database: Option<Database>,
    // Last, so that it is removed after the process has ended.
    folder: tempfile::TempDir,
}

impl Hub {
    /// What a hub on this store is made from; `start` starts it.
    pub fn on(store: Store) -> Setup {
        Setup::on(store)
    }

    /// A hub on this store, without Kafka and agreements.
    pub fn started(store: Store) -> Self {
        Self::on(store).start()
    }

    fn start(setup: Setup) -> Self {
        let mut hub = Self {
            port: place::free_port(),
            process: None,
            tokens: Mutex::default(),
            database: setup.needs_database().then(|| setup.store.database()).flatten(),
            folder: place::temporary_folder("hub"),
            setup,
        };
        hub.write_configuration();
        hub.start_again();
        hub
    }

    /// Starts the process on the data that is there; returns when `/readyz` answers 200.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the hub is running");
        let mut child = self.spawn();
        let started = Instant::now();
        while !self.is_ready() {
            let ended = child.try_wait().expect("the state of the hub's process");
            let waited = started.elapsed();
            if ended.is_some() || waited > Duration::from_secs(60) {
                end(child);
                panic!("the hub does not start ({ended:?}):\n{}", self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(child);
    }

    /// Starts the process where it is expected to end by itself, and returns how it ended and the end of its log.
    pub fn start_in_vain(&mut self) -> (ExitStatus, String) {
        assert!(self.process.is_none(), "the hub is running");
        let mut child = self.spawn();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if let Some(status) = child.try_wait().expect("the state of the hub's process") {
                guard::forget(child.id());
                return (status, self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        end(child);
        panic!("the hub was expected to end and runs:\n{}", self.log_tail());
    }

    /// Ends the process as a power cut would end it.
    pub fn kill9(&mut self) {
        end(self.process.take().expect("the hub is not running"));
    }

    /// Asks the process to end (SIGTERM) and waits for it.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut child = self.process.take().expect("the hub is not running");
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("the state of the hub's process") {
                guard::forget(child.id());
                return status;
            }
            if started.elapsed() > Duration::from_secs(60) {
                end(child);
                panic!("the hub does not stop:\n{}", self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a process that ends by itself.
    pub fn stop_waiting(&mut self) -> ExitStatus {
        let mut child = self.process.take().expect("the hub is not running");
        let status = child.wait().expect("the end of the hub's process");
        guard::forget(child.id());
        status
    }

    /// Sends a signal by name; `STOP` and `CONT` make a hub that is only slow.
    pub fn signal(&self, name: &str) {
        let child = self.process.as_ref().expect("the hub is not running");
        let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill");
        assert!(sent.success(), "signal {name}: {sent}");
    }

    /// Whether the process is still up; a case of hostile input asks this last.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// Kilobytes of memory the process holds, and the most it ever held.
    pub fn memory_kb(&self) -> (u64, u64) {
        let child = self.process.as_ref().expect("the hub is not running");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("the state of the process");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0)
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Changes the configuration of a hub that is not running.
    pub fn reconfigure(&mut self, change: impl FnOnce(Setup) -> Setup) {
        assert!(self.process.is_none(), "the hub is running");
        self.setup = change(self.setup.clone());
        self.write_configuration();
    }

    /// The hub's folder: configuration, SQLite's file, landed bytes, secret, drop folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder departments drop files into.
    pub fn drop_folder(&self) -> PathBuf {
        self.folder().join(setup::DROP)
    }

    /// The database of a hub on PostgreSQL.
    pub fn database(&self) -> &Database {
        self.database.as_ref().expect("the hub runs on SQLite")
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.port, None)
    }

    /// A client with a token nobody has given out.
    pub fn impostor(&self) -> Client {
        Client::new(self.port, Some("not-a-token".to_owned()))
    }

    /// An administrator's client.
    pub fn administrator(&self) -> Client {
        self.client(&["--role", "administrator"])
    }

    /// A department's client, for its own feeds.
    pub fn department(&self, department: &str) -> Client {
        self.client(&["--role", "department", "--department", department])
    }

    /// A consumer's client, under its agreement.
    pub fn consumer(&self, agreement: &str) -> Client {
        self.client(&["--role", "consumer", "--agreement", agreement])
    }

    fn client(&self, role: &[&str]) -> Client {
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let token = tokens.entry(role.join(" ")).or_insert_with(|| {
            let created = self.json(&[&["token", "create"], role].concat());
            created["token"].as_str().unwrap_or_else(|| panic!("no token in {created}")).to_owned()
        });
        Client::new(self.port, Some(token.clone()))
    }

    /// Sends a delivery as its department and waits until it is decided (applied, held, refused); its last state.
    pub fn deliver(&self, delivery: &Delivery) -> Value {
        let receipt = self.department(delivery.department()).deliver(delivery).good();
        self.decided(shape::delivery_id(&receipt))
    }

    /// Waits until a delivery is decided and returns it.
    pub fn decided(&self, delivery: &str) -> Value {
        let administrator = self.administrator();
        let started = Instant::now();
        loop {
            let found = administrator.get(&shape::delivery_path(delivery)).good();
            if shape::is_decided(&found) {
                return found;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "still not decided: {found}");
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Runs a command of the hub's binary beside the server, with this configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary::path());
        command.args(arguments).arg("--config").arg(self.configuration()).current_dir(self.folder());
        command.stdin(Stdio::null()).output().expect("the hub's binary runs")
    }

    /// Runs a command with `--json`, which must succeed, and returns what it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hub {}: {}\n{printed}{said}", arguments.join(" "), output.status);
        serde_json::from_str(printed.trim()).unwrap_or_else(|e| panic!("hub {}: {e}: {printed}", arguments.join(" ")))
    }

    /// The end of the hub's log.
    pub fn log_tail(&self) -> String {
        place::tail(&self.log(), 60)
    }

    /// The whole log, all starts.
    pub fn log_text(&self) -> String {
        place::tail(&self.log(), usize::MAX)
    }

    fn is_ready(&self) -> bool {
        if self.setup.scheme() == "https" {
            // The client of the cases speaks no TLS.
            let url = format!("https://127.0.0.1:{}/readyz", self.port);
            let asked = Command::new("curl").args(["-ksf", &url]).output().expect("curl runs");
            return asked.status.success();
        }
        self.anonymous().try_get("/readyz").is_some_and(|answer| answer.status == 200)
    }

    fn spawn(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.log()).expect("the hub's log");
        let mut command = match self.setup.file_limit_kb {
            None => Command::new(binary::path()),
            // The shell counts in blocks of 512 bytes; without the trap the limit would end the process.
            Some(kb) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"", "sh"]).arg((kb * 2).to_string());
                shell.arg(binary::path());
                shell
            }
        };
        let child = command
            .args(["serve", "--config"])
            .arg(self.configuration())
            .envs(&self.setup.environment)
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the hub's log"))
            .stderr(log)
            .spawn()
            .expect("the hub's binary starts");
        guard::stop_after_us(child.id(), Stop::Kill);
        child
    }

    fn write_configuration(&self) {
        let url = self.database.as_ref().map(|database| database.url.as_str());
        self.setup.write(self.folder(), self.port, url);
    }

    fn configuration(&self) -> PathBuf {
        self.folder().join("hub.toml")
    }

    fn log(&self) -> PathBuf {
        self.folder().join("hub.log")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let failing = std::thread::panicking();
        let left = if failing || !self.is_running() { Vec::new() } else { conduct::left_behind(self) };
        if let Some(child) = self.process.take() {
            end(child);
        }
        if failing || !left.is_empty() {
            eprintln!("--- the end of the hub's log ---\n{}\n---", self.log_tail());
        }
        assert!(left.is_empty(), "the hub was left with:\n{}", left.join("\n"));
    }
}

/// Ends a process at once and waits for it; only then its number may be forgotten.
fn end(mut child: Child) {
    child.kill().and_then(|()| child.wait()).expect("the hub's process can be ended");
    guard::forget(child.id());
}
