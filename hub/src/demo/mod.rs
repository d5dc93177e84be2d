//! `hub demo`: the synthetic city's departments push two days of files over HTTP through the whole hub, and the hub says what
//! became of them beside what the city knows. It then serves until Ctrl-C.

mod alike;
mod push;
mod say;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::city::{City, CityOptions, Expected};
use crate::error::Result;
use crate::pipeline::verify;
use crate::store::{contribution, entity};
use alike::Alike;
use stage::Stage;

/// What to show.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Residents on day 1; fewer than 300 make the wrong rows of day 2 more than the limits let pass
    #[arg(long, default_value_t = 20_000)]
    residents: u64,
    /// Another seed, another city
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days to show
    #[arg(long, default_value_t = 2)]
    days: u32,
    /// End when all is shown instead of serving on
    #[arg(long)]
    exit: bool,
    /// The demo's own folder; what a former demo left there is removed
    #[arg(long, default_value = "data/demo")]
    folder: PathBuf,
    /// Address to serve at; the next free port if it is taken
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
}

/// One line of the table: what one file came to.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    feed: String,
    day: u32,
    received: i64,
    applied: i64,
    unchanged: i64,
    stale: i64,
    rejected: i64,
    issues: i64,
    seconds: f64,
    state: String,
    occasion: String,
}

/// A file that came twice, and what its second coming wrote.
#[derive(Debug, Serialize)]
pub struct Repeated {
    feed: String,
    day: u32,
    first_delivery_answered: bool,
    contributions: i64,
    entities: i64,
    changes: i64,
}

/// All there is to say.
#[derive(Debug, Serialize)]
struct Report {
    deliveries: Vec<Shown>,
    repeated: Vec<Repeated>,
    dataset: Dataset,
    expected: Expected,
    verify: Differences,
    /// What became of records without a usable number, after all that.
    #[serde(skip_serializing_if = "Option::is_none")]
    alike: Option<Alike>,
}

#[derive(Debug, Serialize)]
struct Dataset {
    residents: i64,
    households: i64,
    communities: i64,
    unresolved: i64,
}

#[derive(Debug, Serialize)]
struct Differences {
    differences: u64,
}

/// Shows the city; exit code 1 if the dataset is not what the city knows or verify finds a difference.
pub fn demo(args: &DemoArgs, json: bool) -> Result<ExitCode> {
    let stage = Stage::open(&args.folder, &args.listen)?;
    let city =
        City::new(CityOptions { residents: args.residents, seed: args.seed, start: stage::first_day(stage.hub.now()) });
    let (mut deliveries, mut repeated) = (Vec::new(), Vec::new());
    for day in 1..=args.days {
        for delivery in city.deliveries(day) {
            let started = Instant::now();
            match push::push(&stage, &delivery, started)? {
                push::Pushed::First(shown) => deliveries.push(shown),
                push::Pushed::Again(again) => repeated.push(again),
            }
        }
    }
    let mut report = Report {
        deliveries,
        repeated,
        dataset: dataset(&stage)?,
        expected: city.expected(args.days),
        verify: Differences { differences: verify::verify(&stage.hub)?.differences },
        alike: None,
    };
    report.alike = alike::placed(&stage)?;
    let right = as_expected(&report);
    if json {
        say::json(&report)?;
    } else {
        say::words(&report, &stage)?;
    }
    if !args.exit {
        stage.wait()?;
    }
    stage.close();
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn dataset(stage: &Stage) -> Result<Dataset> {
    stage.hub.db.read(|conn| {
        Ok(Dataset {
            residents: entity::count(conn, "resident", None)?,
            households: entity::count(conn, "household", None)?,
            communities: entity::communities(conn)?,
            unresolved: contribution::unresolved(conn)?,
        })
    })
}

fn as_expected(report: &Report) -> bool {
    let (found, known) = (&report.dataset, &report.expected);
    let pairs = [
        (found.residents, known.residents),
        (found.households, known.households),
        (found.communities, known.communities),
        (found.unresolved, known.unresolved),
    ];
    let applied = report.deliveries.iter().all(|shown| shown.state == "applied");
    let still = report.repeated.iter().all(|again| again.contributions + again.entities + again.changes == 0);
    applied
        && still
        && report.verify.differences == 0
        && report.alike.as_ref().is_none_or(|alike| alike.differences == 0)
        && pairs.iter().all(|(found, known)| found.unsigned_abs() == *known)
}
