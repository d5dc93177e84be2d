//! `make bench-link`: how well and how fast `hub link` links, beside the best open tool in the same run, and what a hub makes of
//! the same kind of records.
//!
//! Owns the cases and the form of their results. Labels are used to score and for nothing else.

mod febrl;
mod figure;
mod large;
mod people;
mod registers;
mod tool;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use figure::Figure;

// As the hub itself: the figures are to be those of `hub link`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What a case may fail with.
type Fault = Box<dyn std::error::Error + Send + Sync>;
/// The result of a step.
type Result<T> = std::result::Result<T, Fault>;

/// Measures linking.
#[derive(Debug, Parser)]
#[command(name = "bench-link", about)]
struct Arguments {
    /// One JSON object per figure and line instead of a table
    #[arg(long)]
    json: bool,
    /// Records of the large set
    #[arg(long, default_value_t = 231_000)]
    records: usize,
    /// Leave the other tool out
    #[arg(long)]
    alone: bool,
    /// Leave the large set out
    #[arg(long)]
    small: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(fault) => {
            eprintln!("bench-link: {fault}");
            ExitCode::from(2)
        }
    }
}

/// Measures everything; whether every target is met.
fn run(arguments: &Arguments) -> Result<bool> {
    let mut figures = Vec::new();
    // First: the peak of memory is that of the whole process.
    if !arguments.small {
        figures.extend(large::measure(arguments.records)?);
    }
    let sets = febrl::fetch()?;
    let mut tool = if arguments.alone { None } else { tool::install() };
    for case in febrl::CASES {
        let mut figure = febrl::measure(&sets, &case)?;
        if let Some(measured) = tool.as_ref().map(|tool| tool.measure(&sets, &case)) {
            match measured {
                Ok(f1) => figure.other = Some(f1),
                Err(fault) => {
                    eprintln!("bench-link: splink is left out: {fault}");
                    tool = None;
                }
            }
        }
        figures.push(figure);
    }
    figures.extend(registers::measure()?);
    if !arguments.json {
        println!("| key | value | splink | target | met | note |\n|---|---|---|---|---|---|");
    }
    figures.iter().for_each(|figure| figure.print(arguments.json));
    Ok(figures.iter().all(Figure::is_met))
}
