//! `hub status`, `deliveries`, `jobs`, `rejections`, `trace` and `relay`: what an administrator sees and does without a browser.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Common, print};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::pipeline::decide;
use crate::status;
use crate::store::{delivery, job, rejection};
use crate::time;
use crate::trace;

/// Who acts on the command line, in the store's own words.
const ME: &str = "command line";

/// Which deliveries, or what to do with one.
#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    #[command(subcommand)]
    action: Option<DeliveryAction>,
    /// Only of this feed
    #[arg(long)]
    feed: Option<String>,
    /// Only in this state: landed, ready, held, refused, applied
    #[arg(long)]
    state: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: i64,
}

#[derive(Debug, Subcommand)]
enum DeliveryAction {
    /// Let a held delivery be applied all the same
    Release { id: String },
    /// End a held delivery; nothing of it is ever applied
    Refuse { id: String },
}

/// Which jobs, or what to do with one.
#[derive(Debug, Args)]
pub struct JobsArgs {
    #[command(subcommand)]
    action: Option<JobAction>,
    /// Only in this state: queued, running, done, failed, waiting
    #[arg(long)]
    state: Option<String>,
    /// Only of this kind
    #[arg(long)]
    kind: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: i64,
}

#[derive(Debug, Subcommand)]
enum JobAction {
    /// Queue a failed or waiting job again
    Retry { id: String },
}

/// Which rejections, or what to do with one.
#[derive(Debug, Args)]
pub struct RejectionsArgs {
    #[command(subcommand)]
    action: Option<RejectionAction>,
    /// Only of this feed
    #[arg(long)]
    feed: Option<String>,
    /// Only in this state
    #[arg(long, default_value = "open")]
    state: String,
    /// Only with this code
    #[arg(long)]
    code: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: i64,
}

#[derive(Debug, Subcommand)]
enum RejectionAction {
    /// Say that the row need not be repaired; it stands for the same bytes on later nights
    Waive { id: String },
}

/// Which record to follow.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// `department/feed`
    feed: String,
    /// The record's source key, as the department writes it; read from standard input if it is `-`
    key: String,
}

/// What to do with the relay.
#[derive(Debug, Args)]
pub struct RelayArgs {
    #[command(subcommand)]
    action: RelayAction,
}

#[derive(Debug, Subcommand)]
enum RelayAction {
    /// Start an agreement's topics anew with full records, after `relay-stopped`
    Reset { agreement: String },
}

/// One look: feeds, jobs, held deliveries, open rejections, the dataset.
pub fn status(common: &Common) -> Result<ExitCode> {
    let shown = serde_json::to_value(status::status(&*common.open()?)?)
        .map_err(|error| Error::new(Kind::Internal, "the state of the hub").because(error))?;
    if common.json {
        print::json(&shown)?;
    } else {
        status_words(&shown);
    }
    Ok(ExitCode::SUCCESS)
}

fn status_words(shown: &Value) {
    let cell = |value: &Value| {
        value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
    };
    let rows = |list: &str, names: &[&str]| -> Vec<Vec<String>> {
        let items = shown[list].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| names.iter().map(|name| cell(&item[*name])).collect()).collect()
    };
    let table = |list: &str, names: &[&str]| {
        let rows = rows(list, names);
        if !rows.is_empty() {
            print::table(names, &rows);
            print::line("");
        }
    };
    table("feeds", &["feed", "punctuality", "last_state", "next_at"]);
    table("held", &["id", "feed", "reasons"]);
    table("relays", &["agreement", "state", "seq", "message"]);
    for name in ["deliveries", "jobs", "open_rejections", "dataset"] {
        print::line(&format!("{name}: {}", shown[name]));
    }
}

/// Lists deliveries, or decides of one.
pub fn deliveries(args: &DeliveriesArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let found = match &args.action {
        Some(DeliveryAction::Release { id }) => vec![decide::release(&hub, id, ME)?],
        Some(DeliveryAction::Refuse { id }) => vec![decide::refuse(&hub, id, ME)?],
        None => {
            let filter = delivery::Filter {
                feed: args.feed.clone(),
                state: args.state.clone(),
                limit: args.limit,
                ..Default::default()
            };
            hub.db.read(|conn| delivery::list(conn, &filter))?
        }
    };
    let names = [
        "id",
        "feed",
        "state",
        "received",
        "applied",
        "unchanged",
        "stale",
        "rejected",
        "waiting",
        "issues",
        "as_of",
        "endings",
    ];
    listed(common, "deliveries", &names, found.iter().map(|row| {
        json!({
            "id": row.id, "feed": row.feed, "state": row.state, "received": row.received, "applied": row.applied,
            "unchanged": row.unchanged, "stale": row.stale, "rejected": row.rejected, "waiting": row.waiting(),
            "issues": row.issues, "as_of": row.as_of_instant.map(time::text), "endings": row.endings, "reasons": row.hold_reasons(),
        })
    }))
}

/// Lists jobs, or queues one again.
pub fn jobs(args: &JobsArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    if let Some(JobAction::Retry { id }) = &args.action {
        hub.db.write(|conn| job::retry(conn, id, hub.now()))?;
    }
    let filter =
        job::Filter { kind: args.kind.clone(), state: args.state.clone(), limit: args.limit, ..Default::default() };
    let found = hub.db.read(|conn| job::list(conn, &filter))?;
    let names = ["id", "kind", "subject", "state", "attempts", "planned_at", "message"];
    listed(
        common,
        "jobs",
        &names,
        found.iter().map(|row| {
            json!({
                "id": row.id, "kind": row.kind, "subject": row.subject, "state": row.state, "attempts": row.attempts,
                "planned_at": time::text(row.planned_at), "message": row.message,
            })
        }),
    )
}

/// Lists rejections, or waives one.
pub fn rejections(args: &RejectionsArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let found = match &args.action {
        Some(RejectionAction::Waive { id }) => vec![decide::waive(&hub, id, ME)?],
        None => {
            let filter = rejection::Filter {
                feed: args.feed.clone(),
                state: Some(args.state.clone()),
                code: args.code.clone(),
                limit: args.limit,
                ..Default::default()
            };
            hub.db.read(|conn| rejection::list(conn, &filter))?
        }
    };
    let names = ["id", "feed", "state", "codes", "seen", "line", "last_at"];
    listed(common, "rejections", &names, found.iter().map(|row| {
        json!({
            "id": row.id, "feed": row.feed, "state": row.state, "codes": row.codes.trim(), "seen": row.seen, "line": row.line,
            "last_at": time::text(row.last_at),
        })
    }))
}

/// Follows one record.
pub fn trace(args: &TraceArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    let key = if args.key == "-" {
        std::io::read_to_string(std::io::stdin()).unwrap_or_default().trim().to_owned()
    } else {
        args.key.clone()
    };
    let traced = trace::of_key(&hub, &args.feed, &key)?;
    print::json(&traced)?;
    Ok(ExitCode::SUCCESS)
}

/// Resets an agreement's relay.
pub fn relay(args: &RelayArgs, common: &Common) -> Result<ExitCode> {
    let hub: Arc<Hub> = common.open()?;
    let RelayAction::Reset { agreement } = &args.action;
    let position = crate::relay::reset(&hub, agreement)?;
    if common.json {
        print::json(&position)?;
    } else {
        print::line("the relay compares the store with the state topic and sends what differs");
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(common: &Common, name: &str, columns: &[&str], rows: impl Iterator<Item = Value>) -> Result<ExitCode> {
    let rows: Vec<Value> = rows.collect();
    if common.json {
        print::json(&json!({ name: rows }))?;
    } else {
        let cell = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| columns.iter().map(|column| cell(&row[*column])).collect()).collect();
        print::table(columns, &cells);
    }
    Ok(ExitCode::SUCCESS)
}
