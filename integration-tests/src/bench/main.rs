//! `make bench`: how fast the hub is, each case beside its limit in the same run.
//!
//! Owns the cases, their data and the form of their results. A limit is what the engine underneath needs for the same
//! rows (PostgreSQL, SQLite, Kafka) or what cannot be left out (reading the file); the figure that counts is the ratio.
//! It runs the release binary as processes, as an administrator would, and never looks faster than that.

mod changes;
mod city;
mod derived;
mod figure;
mod http;
mod install;
mod limit;
mod load_pg;
mod load_sqlite;
mod night;
mod options;
mod push;
mod read_one;
mod relay;
mod rows;
mod scale;
mod serving;
mod statistics;
mod topic;
mod with_model;

use std::process::ExitCode;

use clap::Parser as _;
use integration_tests::Postgres;

use figure::{Figure, Target};
use options::{Arguments, Plan};

/// What a case may fail with.
type Fault = Box<dyn std::error::Error + Send + Sync>;
/// The result of a step.
type Result<T> = std::result::Result<T, Fault>;

/// A group of cases that share what they load: its keys, and what measures them.
type Group = (&'static [Target], fn(&Plan) -> Result<Vec<Figure>>);

/// All groups, in the order they run.
const GROUPS: [Group; 7] = [
    (&load_pg::TARGETS, load_pg::measure),
    (&load_sqlite::TARGETS, load_sqlite::measure),
    (&with_model::TARGETS, with_model::measure),
    (&scale::TARGETS, scale::measure),
    (&read_one::TARGETS, read_one::measure),
    (&changes::TARGETS, changes::measure),
    (&relay::TARGETS, relay::measure),
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(fault) => {
            say(&format!("bench: {fault}"));
            ExitCode::from(2)
        }
    }
}

/// Measures what was asked for; whether every target is met or its miss is known.
fn run(arguments: &Arguments) -> Result<bool> {
    let known = figure::known_misses()?;
    let plan = arguments.plan()?;
    for key in &plan.only {
        if !GROUPS.iter().any(|(targets, _)| targets.iter().any(|target| target.key == key)) {
            return Err(format!("there is no case '{key}'").into());
        }
    }
    Postgres::for_measuring();
    let mut figures = Vec::new();
    for (targets, measure) in GROUPS {
        if targets.iter().any(|target| plan.wants(target.key)) {
            let measured = measure(&plan)?;
            for figure in measured.into_iter().filter(|figure| plan.wants(figure.target.key)) {
                figure.print(arguments.json, &known);
                figures.push(figure);
            }
        }
    }
    Ok(figures.iter().all(|figure| figure.is_met() || known.contains_key(figure.target.key)))
}

/// Progress and faults; standard output is for figures.
fn say(text: &str) {
    eprintln!("{text}");
}
