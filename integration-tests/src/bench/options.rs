//! The command line, and the sizes that follow from it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use integration_tests::place;
use tempfile::TempDir;

use super::Result;
use super::night::Night;

/// Measures the hub beside its limits.
#[derive(Debug, Parser)]
#[command(name = "bench", about)]
pub struct Arguments {
    /// All cases in five minutes on two cores
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// A million records and more; takes hours
    #[arg(long)]
    full: bool,
    /// One JSON object per figure and line instead of a table
    #[arg(long)]
    pub json: bool,
    /// Residents of the synthetic city; about two thirds of them are insured persons
    #[arg(long)]
    residents: Option<u64>,
    /// Residents of the big city of `rss_mb` and `growth`
    #[arg(long)]
    big: Option<u64>,
    /// How often each case is measured; medians are printed
    #[arg(long)]
    runs: Option<usize>,
    /// Cases by key, comma separated; all without it
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    only: Vec<String>,
    /// Folder for the data and the stores of the hubs; the system's temporary one without it
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What is measured, how big and how often.
#[derive(Debug)]
pub struct Plan {
    /// Keys; all if empty.
    pub only: Vec<String>,
    /// Residents of the city.
    pub residents: u64,
    /// Residents of the small city of `growth`.
    pub small: u64,
    /// Residents of the big city.
    pub big: u64,
    /// Runs of each case.
    pub runs: usize,
    /// How long a case of requests lasts.
    pub pace: Duration,
    /// Posts of `push_to_topic_ms`.
    pub posts: usize,
    folder: TempDir,
    night: OnceCell<Night>,
    started: Instant,
}

impl Arguments {
    /// The plan of these arguments.
    pub fn plan(&self) -> Result<Plan> {
        let (residents, big, small) =
            if self.full { (1_530_000, 7_000_000, 153_000) } else { (20_000, 100_000, 20_000) };
        let residents = self.residents.unwrap_or(residents);
        let folder = match &self.folder {
            None => place::temporary_folder("bench"),
            Some(folder) => tempfile::Builder::new().prefix("bench-").tempdir_in(folder)?,
        };
        Ok(Plan {
            only: self.only.clone(),
            residents,
            small: small.min(residents),
            big: self.big.unwrap_or(if self.residents.is_some() { residents * 5 } else { big }),
            runs: self.runs.unwrap_or(3).max(1),
            pace: Duration::from_secs(if self.full { 20 } else { 3 }),
            posts: if self.full { 2_000 } else { 200 },
            folder,
            night: OnceCell::new(),
            started: Instant::now(),
        })
    }
}

impl Plan {
    /// Whether this case was asked for.
    pub fn wants(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == key)
    }

    /// Whether one of these was asked for.
    pub fn wants_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.wants(key))
    }

    /// The folder of the whole run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files of the night, written when they are first asked for.
    pub fn night(&self) -> Result<&Night> {
        if let Some(night) = self.night.get() {
            return Ok(night);
        }
        let night = Night::written(self)?;
        Ok(self.night.get_or_init(|| night))
    }

    /// The secret all hubs of this run share, so that a store can be copied from one to another.
    pub fn secret(&self) -> PathBuf {
        self.folder().join("secret")
    }

    /// Says what is going on, with the seconds since the start.
    pub fn say(&self, text: &str) {
        super::say(&format!("{:6.1} s  {text}", self.started.elapsed().as_secs_f64()));
    }
}
