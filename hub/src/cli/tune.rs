//! `hub tune`: a new model of likeness, what it would change, and whether it becomes the active one.

use std::process::ExitCode;

use clap::Args;

use super::{Common, print};
use crate::error::Result;
use crate::hub::{Hub, NOT_WRITER};
use crate::pipeline::tune::{self, Tuned};
use crate::store::contribution;

/// What to do with the model.
#[derive(Debug, Args)]
pub struct TuneArgs {
    /// Make it the active one: records without a usable number are placed by it from now on
    #[arg(long)]
    apply: bool,
    /// Make no model: place all records without a usable number again under the active one
    #[arg(long, conflicts_with = "apply")]
    again: bool,
}

/// Learns a model from the city's own records and prints its effect.
pub fn tune(args: &TuneArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    if hub.writer().is_err_and(|error| error.code == Some(NOT_WRITER)) {
        let apply = if args.apply { tune::APPLY } else { tune::LOOK };
        return queued(&hub, if args.again { tune::AGAIN } else { apply }, common.json);
    }
    let total = hub.db.read(contribution::total)?.unsigned_abs();
    if args.again {
        let bar = print::bar(total, "places");
        let versions = tune::rematch(&hub, &|count| bar.inc(count))?;
        bar.finish_and_clear();
        print::line(&format!("{versions} versions appended"));
        return Ok(ExitCode::SUCCESS);
    }
    let bar = print::bar(if args.apply { 2 * total } else { total }, "keys and places");
    let tuned = tune::tune(&hub, "command line", args.apply, &|count| bar.inc(count))?;
    bar.finish_and_clear();
    if common.json {
        print::json(&tuned)?
    } else {
        told(&tuned).iter().for_each(|text| print::line(text))
    }
    Ok(ExitCode::SUCCESS)
}

/// Leaves it to the hub that is running.
fn queued(hub: &Hub, subject: &str, json: bool) -> Result<ExitCode> {
    tune::enqueue(hub, subject)?;
    if json {
        print::json(&serde_json::json!({ "queued": subject }))?;
    } else {
        print::line(
            "a hub is running and does it as a job (GET /v1/jobs); the effect of a model will stand in GET /v1/models",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn told(tuned: &Tuned) -> Vec<String> {
    let effect = &tuned.effect;
    let mut lines = told_of(tuned);
    for at in &effect.limits {
        lines.push(format!("  from {:.3} on: {} joined, {:.1} of them wrong", at.auto, at.joined, at.expected_wrong));
    }
    for one in &effect.borderline {
        let what = if one.joined { "joined" } else { "asked about" };
        lines.push(format!("  just {what}: {} and {}: {}", one.contribution, one.resident, one.sentence));
        lines.push(format!("    {}", one.sentence_zh));
    }
    lines
}

fn largest(tuned: &Tuned) -> String {
    let named = tuned.largest_blocks.iter().map(|block| format!("{} ({})", block.way, block.records));
    let named = named.collect::<Vec<_>>().join(", ");
    if named.is_empty() { named } else { format!(", the largest: {named}") }
}

fn told_of(tuned: &Tuned) -> Vec<String> {
    let effect = &tuned.effect;
    let state = if tuned.active { "active" } else { "not applied (--apply makes it the active one)" };
    vec![
        format!("model {}: learned from {} records, {state}", tuned.version, tuned.learned_from),
        format!("joined from a probability of {:.4} on, asked about from {:.4} on", tuned.auto, tuned.review),
        format!("{} blocks of candidates set aside as too large{}", tuned.blocks_aside, largest(tuned)),
        format!(
            "{} records without a usable number: {} joined (expected wrong: {:.1}), {} to be asked about, {} like nobody",
            effect.loose, effect.joined, effect.expected_wrong, effect.review, effect.apart
        ),
        format!("compared with before: {} joins made, {} broken", effect.made, effect.broken),
    ]
}
