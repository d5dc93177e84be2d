//! `hub city`: the files of a synthetic city.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;

use super::{Common, print};
use crate::city::{CityOptions, write_all};
use crate::error::{Error, Kind, Result};

/// What city to write where.
#[derive(Debug, Args)]
pub struct CityArgs {
    /// Residents on day 1
    #[arg(long, default_value_t = 20_000)]
    residents: u64,
    /// Days
    #[arg(long, default_value_t = 2)]
    days: u32,
    /// Another seed, another city
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Date of day 1
    #[arg(long, default_value = "2026-11-01")]
    start: NaiveDate,
    /// Folder for `dayN/department/feed/FILE` and `FILE.ok`
    #[arg(long)]
    out: PathBuf,
}

/// Writes the files.
pub fn city(args: &CityArgs, common: &Common) -> Result<ExitCode> {
    let options = CityOptions { residents: args.residents, seed: args.seed, start: args.start };
    let mut written = Vec::new();
    write_all(options, args.days, &args.out, &mut |delivery, path| {
        if !common.json {
            print::line(&format!(
                "day {} {:42} {:>9} rows  {}",
                delivery.day,
                delivery.feed,
                delivery.total,
                path.display()
            ));
        }
        written.push(serde_json::json!({
            "day": delivery.day, "feed": delivery.feed, "rows": delivery.total, "file": path.display().to_string(),
        }));
    })
    .map_err(|error| Error::new(Kind::Full, format!("writing to {}", args.out.display())).because(error))?;
    if common.json {
        print::json(&serde_json::json!({ "files": written }))?;
    }
    Ok(ExitCode::SUCCESS)
}
