//! `hub ingest`: files into the hub without a server. Beside a running server the files are landed and its workers do the rest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use adapters::Compression;
use clap::Args;
use indicatif::ProgressBar;

use super::{Common, print};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::pipeline::land::{Arrival, Landed, land};
use crate::store::delivery::Delivery;
use crate::work::{followed, run_all};

/// What to take in.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// `department/feed`
    feed: String,
    /// Files, in the order of their as-of; an `.ok` file beside one says `total=`, `as_of=`, `sequence=`
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// As-of, where the feed wants it beside the file (RFC 3339 or a date)
    #[arg(long)]
    as_of: Option<String>,
    /// The sender's sequence
    #[arg(long)]
    sequence: Option<i64>,
    /// How many rows the file should hold
    #[arg(long)]
    total: Option<i64>,
}

/// Takes each file to its end; exit code 1 if one is held or refused.
pub fn ingest(args: &IngestArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let mut done = Vec::new();
    for file in &args.files {
        let found = take(&hub, args, file)?;
        if !common.json {
            said(&found);
        }
        done.push(found);
    }
    hub.give_back()?;
    if common.json {
        print::json(
            &serde_json::json!({ "deliveries": done.iter().map(|found| found.id.clone()).collect::<Vec<_>>() }),
        )?;
    }
    let whole = done.iter().all(|found| found.state == "applied");
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn take(hub: &Arc<Hub>, args: &IngestArgs, path: &Path) -> Result<Delivery> {
    let unreadable = |error: io::Error| Error::new(Kind::Invalid, format!("reading {}", path.display())).because(error);
    let file = File::open(path).map_err(unreadable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut arrival = Arrival::new(&args.feed, "cli", "command line");
    arrival.compression = Compression::by_file_name(&name);
    arrival.file_name = Some(name.clone());
    let ok = std::fs::read_to_string(format!("{}.ok", path.display())).unwrap_or_default();
    arrival.beside(&ok)?;
    arrival.as_of = args.as_of.clone().or(arrival.as_of);
    arrival.sequence = args.sequence.or(arrival.sequence);
    arrival.total = args.total.or(arrival.total);
    let bar = print::bar(file.metadata().map_err(unreadable)?.len(), &name);
    let landed = land(hub, &arrival, Box::new(Counted { file, bar: bar.clone() }))?;
    bar.finish_and_clear();
    let row = match landed {
        Landed::New(row) => row,
        Landed::Same(row) => {
            tracing::info!(delivery.id = row.id, "the same thing came before");
            row
        }
    };
    if hub.writer().is_ok() {
        run_all(hub)?;
        return hub.db.read(|conn| crate::store::delivery::get(conn, &row.id));
    }
    // Another hub writes to this store; it takes the job.
    followed(hub, &row.id)
}

fn said(found: &Delivery) {
    let counts = format!(
        "{} {}: received {} = applied {} + unchanged {} + stale {} + rejected {} + waiting {}; issues {}, ended {}",
        found.feed,
        found.state,
        found.received,
        found.applied,
        found.unchanged,
        found.stale,
        found.rejected,
        found.waiting(),
        found.issues,
        found.ended
    );
    print::line(&counts);
    for reason in found.hold_reasons() {
        print::line(&format!("  {} {} {}", reason.code, reason.zh, reason.en));
    }
}

struct Counted {
    file: File,
    bar: ProgressBar,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
