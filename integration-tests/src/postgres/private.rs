//! A cluster of one case's own, which it may stop in the middle, fill up, back up and restore.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::{Owner, Postgres, programs};
use crate::{guard, place};

/// A cluster that ends with this value.
#[derive(Debug)]
pub struct Private {
    cluster: Postgres,
    owner: Owner,
    settings: Vec<String>,
    server: Option<Child>,
    _folder: tempfile::TempDir,
}

/// How a cluster is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// As by a crash: nothing is written to an end.
    AtOnce,
    /// Connections are ended, everything is written.
    Orderly,
}

const BASIC: [&str; 4] =
    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=100", "log_min_messages=warning"];

impl Private {
    /// A running cluster with these settings (`name=value`) besides those it needs here.
    pub fn started(settings: &[&str]) -> Self {
        let mut cluster = Self::initialised(settings);
        cluster.start();
        cluster
    }

    /// A cluster that has not been started yet: its folder may still be changed.
    pub fn initialised(settings: &[&str]) -> Self {
        let folder = place::temporary_folder("private");
        let made = || {
            let owner = Owner::of_server()?;
            owner.give(folder.path())?;
            let cluster =
                Postgres { programs: programs()?, folder: folder.path().to_owned(), port: place::free_port() };
            // Small segments of the log: a case archives them, or limits how large any file may grow.
            cluster.initialise(&owner, &cluster.folder.join("data"), &["--wal-segsize=1"])?;
            Ok::<_, String>((cluster, owner))
        };
        let (cluster, owner) = made().unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"));
        let settings = BASIC.iter().chain(settings).map(|&setting| setting.to_owned()).collect();
        Self { cluster, owner, settings, server: None, _folder: folder }
    }

    /// Starts it; returns when it answers.
    pub fn start(&mut self) {
        assert!(self.server.is_none(), "the cluster is running");
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let child = self.cluster.launch(&self.owner, &self.data(), &settings);
        let child = child.and_then(|child| self.cluster.wait_until_it_answers(child, &self.cluster.log()));
        self.server = Some(child.unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}")));
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&mut self, how: Stopping) {
        let mut server = self.server.take().expect("the cluster is not running");
        let signal = if how == Stopping::AtOnce { "QUIT" } else { "INT" };
        let sent = Command::new("kill").args(["-s", signal, &server.id().to_string()]).status().expect("kill");
        assert!(sent.success(), "signal {signal}: {sent}");
        server.wait().expect("the server's end");
        guard::forget(server.id());
    }

    /// The folder with its data.
    pub fn data(&self) -> PathBuf {
        self.cluster.folder.join("data")
    }

    /// A new folder that the server may write to.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.cluster.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder of the cluster");
        self.owned(&folder);
        folder
    }

    /// Gives a file or folder to the user who runs the server.
    pub fn owned(&self, path: &Path) {
        self.owner.give(path).unwrap_or_else(|reason| panic!("{reason}"));
    }

    /// Runs a program of the server's as the user who runs the server; panics where it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.cluster.programs.join(program));
        let output = self.owner.run_as(command.args(arguments).current_dir(&self.cluster.folder)).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// No file of the server may grow past `bytes` (`unlimited`) from now on: writing further fails as on a full disk. The
    /// hard limit stays, so that this one can be lifted again.
    pub fn limit_files(&self, bytes: &str) {
        let first = self.pid();
        let children = format!("/proc/{first}/task/{first}/children");
        let limited = |pid: &str| {
            let mut prlimit = Command::new("prlimit");
            prlimit.args(["--pid", pid, &format!("--fsize={bytes}:unlimited")]);
            self.owner.run_as(&mut prlimit).output().expect("prlimit runs").status.success()
        };
        // What is started from now on inherits it; of those that are there some may be about to end.
        assert!(limited(&first.to_string()), "the limit of the server's first process");
        let listed = std::fs::read_to_string(children).expect("the server's processes");
        for pid in listed.split_whitespace() {
            let _ended = limited(pid);
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.cluster.port
    }

    /// How a hub reaches a database of it.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// Runs SQL in a database and returns the rows, one a line, fields separated by `|`. Panics on an error.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.cluster.run(database, sql).unwrap_or_else(|reason| panic!("{sql}: {reason}"))
    }

    /// The end of the server's log.
    pub fn log_tail(&self) -> String {
        place::tail(&self.cluster.log(), 20)
    }

    /// The number of the server's first process.
    fn pid(&self) -> u32 {
        self.server.as_ref().expect("the cluster is not running").id()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.stop(Stopping::AtOnce);
        }
    }
}
