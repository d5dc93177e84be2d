//! `hub city`: the files of a synthetic city.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;

use super::{Common, print};
use crate::city::linkage::{self, LinkageOptions, Mix};
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
    /// Write registers to link instead: left.csv, right.csv, single.csv and truth.csv, spoilt as `usual`, `heavy` or
    /// `other` registers are
    #[arg(long, value_name = "MIX", num_args = 0..=1, default_missing_value = "usual", value_parser = mix)]
    linkage: Option<Mix>,
    /// With --linkage: leave the column of document numbers empty
    #[arg(long, requires = "linkage")]
    without_numbers: bool,
    /// Folder for `dayN/department/feed/FILE` and `FILE.ok`
    #[arg(long)]
    out: PathBuf,
}

/// Writes the files.
pub fn city(args: &CityArgs, common: &Common) -> Result<ExitCode> {
    if let Some(mix) = args.linkage {
        let numbers = !args.without_numbers;
        let options = LinkageOptions { residents: args.residents, seed: args.seed, mix, numbers };
        linkage::write(options, &args.out).map_err(|error| full(&args.out, error))?;
        return Ok(ExitCode::SUCCESS);
    }
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
    .map_err(|error| full(&args.out, error))?;
    if common.json {
        print::json(&serde_json::json!({ "files": written }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn mix(name: &str) -> std::result::Result<Mix, String> {
    Mix::named(name).ok_or_else(|| format!("{name} is none of usual, heavy, other"))
}

fn full(out: &Path, error: io::Error) -> Error {
    Error::new(Kind::Full, format!("writing to {}", out.display())).because(error)
}
