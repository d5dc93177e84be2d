//! `hub check`, `verify` and `rebuild`: is the data right, of feeds and of the store.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Common, print};
use crate::error::Result;
use crate::feed::check;
use crate::pipeline::{rebuild, verify};
use crate::store::contribution;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder with `mappings/` and `schemas/` that override the embedded ones
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Prints `file:line: message` for every finding; exit code 1 if there is one.
pub fn check(args: &CheckArgs, common: &Common) -> Result<ExitCode> {
    let folder = match &args.data {
        Some(folder) => Some(folder.clone()),
        None => common.load()?.data.folder,
    };
    let findings = check::check(folder.as_deref())?;
    if common.json {
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        print::json(&serde_json::json!({ "findings": shown }))?;
    } else {
        findings.iter().for_each(|finding| print::line(&finding.to_string()));
        if findings.is_empty() {
            print::line("no findings");
        }
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Counts differences; exit code 1 if there is one.
pub fn verify(common: &Common) -> Result<ExitCode> {
    let found = verify::verify(&*common.open()?)?;
    if common.json {
        print::json(&found)?;
    } else {
        found.shown.iter().for_each(|text| print::line(text));
        let text = format!(
            "{} contributions, {} entities, {} differences",
            found.contributions, found.entities, found.differences
        );
        print::line(&text);
    }
    Ok(if found.differences == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Rebuilds all golden records.
pub fn rebuild(common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let total = hub.db.read(contribution::total)?;
    let bar = print::bar(total.unsigned_abs(), "rebuild");
    let rebuilt = rebuild::rebuild(&hub, &|count| bar.inc(count))?;
    bar.finish_and_clear();
    hub.give_back()?;
    if common.json {
        print::json(&rebuilt)?;
    } else {
        print::line(&format!("{} contributions read, {} versions appended", rebuilt.contributions, rebuilt.versions));
    }
    Ok(ExitCode::SUCCESS)
}
