//! The command line: the same hub without a browser, and where it can, without a server. Owns words, exit codes and printing.
//!
//! Exit codes: 0 done, 1 the answer is "no" (findings, differences, a held delivery), 2 the operation failed.

mod city;
mod data;
mod ingest;
mod link;
pub(crate) mod print;
mod reviews;
mod store;
mod token;
mod tune;
mod upkeep;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;

/// The data-exchange hub of a city's community information platform.
#[derive(Debug, Parser)]
#[command(name = "hub", version, about, max_term_width = 120)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Configuration file; `hub.toml` here if it is there, else everything below ./data
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object instead of words
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub: API, workers, schedule, relay
    Serve,
    /// Show a synthetic city's departments through the whole hub
    Demo(crate::demo::DemoArgs),
    /// Write a synthetic city's files
    City(city::CityArgs),
    /// Land, inspect and apply files without a server
    Ingest(ingest::IngestArgs),
    /// Say which records of one or two files are about the same person or thing; needs no store
    Link(link::LinkArgs),
    /// Check mappings, schemas and code tables, and run the tests beside the mappings
    Check(data::CheckArgs),
    /// Say in one look what is late, wrong or stuck
    Status,
    /// List deliveries, or release or refuse a held one
    Deliveries(store::DeliveriesArgs),
    /// List jobs, or queue a failed one again
    Jobs(store::JobsArgs),
    /// List rejections, or waive one
    Rejections(store::RejectionsArgs),
    /// Follow one record: its deliveries, its rejections, the entity it belongs to
    Trace(store::TraceArgs),
    /// Recompute everything that follows from the contributions and count what differs
    Verify,
    /// Make all golden records anew from the contributions
    Rebuild,
    /// Show the records that only a person can place, or answer
    Reviews(reviews::ReviewsArgs),
    /// Learn from the city's own records who is like whom; say what that would join, or apply it
    Tune(tune::TuneArgs),
    /// Create, list and revoke access tokens
    Token(token::TokenArgs),
    /// Bring the database's schema up to date; hubs at work may go on meanwhile
    Migrate(upkeep::MigrateArgs),
    /// Copy the embedded store to one file while the hub is at work
    Backup(upkeep::BackupArgs),
    /// After the store was restored: begin a new epoch, so that nobody goes on from what is no more
    Restored,
    /// Copy an embedded store to PostgreSQL and seal it
    CopyStore(upkeep::CopyArgs),
    /// Look after the Kafka relay
    Relay(store::RelayArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            print::error(&error);
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let common = cli.common;
    match cli.command {
        Command::Serve => serve(&common),
        Command::Demo(args) => crate::demo::demo(&args, common.json),
        Command::City(args) => city::city(&args, &common),
        Command::Ingest(args) => ingest::ingest(&args, &common),
        Command::Link(args) => link::link(&args, &common),
        Command::Check(args) => data::check(&args, &common),
        Command::Status => store::status(&common),
        Command::Deliveries(args) => store::deliveries(&args, &common),
        Command::Jobs(args) => store::jobs(&args, &common),
        Command::Rejections(args) => store::rejections(&args, &common),
        Command::Trace(args) => store::trace(&args, &common),
        Command::Verify => data::verify(&common),
        Command::Rebuild => data::rebuild(&common),
        Command::Reviews(args) => reviews::reviews(&args, &common),
        Command::Tune(args) => tune::tune(&args, &common),
        Command::Token(args) => token::token(&args, &common),
        Command::Migrate(args) => upkeep::migrate(&args, &common),
        Command::Backup(args) => upkeep::backup(&args, &common),
        Command::Restored => upkeep::restored(&common),
        Command::CopyStore(args) => upkeep::copy_store(&args, &common),
        Command::Relay(args) => store::relay(&args, &common),
    }
}

impl Common {
    /// The configuration this command runs under.
    fn load(&self) -> Result<Config> {
        match &self.config {
            Some(path) => Config::load(path),
            None if Path::new("hub.toml").exists() => Config::load(Path::new("hub.toml")),
            None => Ok(Config::in_folder(Path::new("data"))),
        }
    }

    /// The hub this command works on.
    fn open(&self) -> Result<Arc<Hub>> {
        Hub::open(self.load()?).map(Arc::new)
    }
}

fn serve(common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let system = actix_web::rt::System::new();
    system.block_on(crate::work::serve::serve(hub))?;
    Ok(ExitCode::SUCCESS)
}

/// Logs to standard error: words on a terminal, JSON lines elsewhere; `HUB_LOG` filters as `tracing` does.
fn log() {
    use std::io::IsTerminal;
    let filter =
        EnvFilter::try_from_env("HUB_LOG").unwrap_or_else(|_| EnvFilter::new("info,tokio_cron_scheduler=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started =
        if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
    if let Err(error) = started {
        print::error(&Error::new(Kind::Internal, "starting the log").because(error));
    }
}
