//! A hub as an administrator installs it: a folder, a configuration that says only where things are, and the binary run
//! as processes, timed and with an eye on their memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use integration_tests::guard::{self, Stop};
use integration_tests::hub::binary;
use integration_tests::place;

use super::Result;
use super::city::Sent;

/// A folder with a configuration.
#[derive(Debug)]
pub struct Install {
    folder: PathBuf,
    landing: PathBuf,
}

/// What a delivery took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// From the start of the process to its end.
    pub seconds: f64,
    /// The most memory the process has held.
    pub peak_mb: f64,
    /// What it counted.
    pub counts: Counts,
}

/// The counts of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows received.
    pub received: u64,
    /// Rows applied.
    pub applied: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows refused.
    pub rejected: u64,
    /// Keys that ended.
    pub ended: u64,
}

impl Install {
    /// A configuration for the store at this URL; everything else is the default. `more` is added to the file.
    pub fn new(folder: PathBuf, url: &str, secret: &Path, more: &str) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        // One for all: a store that is copied to another database still belongs to its landing store.
        let landing = folder.parent().unwrap_or(&folder).join("landing");
        let toml = format!(
            "[database]\nurl = {url:?}\n\n[landing]\nfolder = {:?}\n\n[secret]\nfile = {secret:?}\n{more}",
            landing,
        );
        fs::write(folder.join("hub.toml"), toml)?;
        Ok(Self { folder, landing })
    }

    /// Makes the store, or brings its schema up to date.
    pub fn migrate(&self) -> Result<()> {
        self.run(&["migrate"]).map(drop)
    }

    /// Takes one file to its end.
    pub fn ingest(&self, sent: &Sent) -> Result<Taken> {
        let path = sent.path.display().to_string();
        let mut arguments = vec!["ingest".to_owned(), sent.feed.to_owned(), path];
        if let Some((as_of, sequence)) = &sent.as_of {
            arguments.extend(["--as-of".to_owned(), as_of.clone(), "--sequence".to_owned(), sequence.to_string()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (printed, seconds, peak_mb) = self.run(&arguments)?;
        let counts = Counts::read(&printed).ok_or_else(|| format!("hub ingest: {printed}"))?;
        if counts.received != sent.rows {
            return Err(format!("{} rows were sent: {printed}", sent.rows).into());
        }
        Ok(Taken { seconds, peak_mb, counts })
    }

    /// Starts a command that goes on beside what is measured.
    pub fn start(&self, arguments: &[&str]) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.folder.join("hub.log"))?;
        let child = self.command(arguments).stdout(log.try_clone()?).stderr(log).spawn()?;
        guard::stop_after_us(child.id(), Stop::Kill);
        Ok(child)
    }

    /// Runs a command to its end: what it printed, its seconds and the most megabytes it held.
    pub fn run(&self, arguments: &[&str]) -> Result<(String, f64, f64)> {
        let started = Instant::now();
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let id = child.id();
        guard::stop_after_us(id, Stop::Kill);
        let peak = Peak::watch(id);
        let output = child.wait_with_output();
        let seconds = started.elapsed().as_secs_f64();
        guard::forget(id);
        let (output, peak) = (output?, peak.mb());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("hub {}: {}\n{printed}{said}", arguments.join(" "), output.status).into());
        }
        Ok((printed, seconds, peak))
    }

    /// A token for a role.
    pub fn token(&self, role: &[&str]) -> Result<String> {
        let (printed, ..) = self.run(&[&["token", "create", "--json", "--role"], role].concat())?;
        let created: serde_json::Value = serde_json::from_str(printed.trim())?;
        Ok(created["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// The end of the log of what was started.
    pub fn log_tail(&self) -> String {
        place::tail(&self.folder.join("hub.log"), 20)
    }

    /// Removes the folder and what has landed: the bytes of many runs fill a disk. The marker of the landing store stays.
    pub fn remove(self) -> Result<()> {
        for entry in fs::read_dir(&self.landing)? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(fs::remove_dir_all(self.folder)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary::path());
        command.args(arguments).arg("--config").arg(self.folder.join("hub.toml"));
        command.current_dir(&self.folder).env("HUB_LOG", "warn").stdin(Stdio::null());
        command
    }
}

impl Counts {
    /// Reads `... applied: received 1 = applied 1 + unchanged 0 + ...; issues 0, ended 0`.
    fn read(printed: &str) -> Option<Self> {
        let words: Vec<&str> = printed.split([' ', ';', ',', '\n']).filter(|word| !word.is_empty()).collect();
        let after = |name: &str| words.windows(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse().ok());
        Some(Self {
            received: after("received")?,
            applied: after("applied")?,
            unchanged: after("unchanged")?,
            rejected: after("rejected")?,
            ended: after("ended")?,
        })
    }
}

/// Looks at a process until it has ended; the kernel keeps the peak, so that nothing is missed but the last moment.
struct Peak {
    ended: Arc<AtomicBool>,
    kb: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Peak {
    fn watch(id: u32) -> Self {
        let (ended, kb) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, seen) = (ended.clone(), kb.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                seen.fetch_max(peak_kb(id).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { ended, kb, thread }
    }

    fn mb(self) -> f64 {
        self.ended.store(true, Ordering::Relaxed);
        // A look that panicked has seen nothing, which the figure shows.
        let _ = self.thread.join();
        self.kb.load(Ordering::Relaxed) as f64 / 1024.0
    }
}

fn peak_kb(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find(|line| line.starts_with("VmHWM:"))?.split_whitespace().nth(1)?.parse().ok()
}
