//! `hub reviews`: the queue of records that only a person can place, and answers to it.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Common, print};
use crate::api::{Review, pairs, reviews as queue};
use crate::error::{Error, Kind, Result};
use crate::hub::{Hub, NOT_WRITER};
use crate::id;
use crate::keyring::Token;
use crate::pipeline::identify::{self, Judge, Seen, Verdict};
use crate::pipeline::standings::{JOINED, REVIEW};
use crate::store::{codec, decision, matching};

/// What to do with the queue.
#[derive(Debug, Args)]
pub struct ReviewsArgs {
    /// `review` (somebody is asked) or `joined` (what was joined by itself)
    #[arg(long, default_value = "review")]
    state: String,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: i64,
    /// So many at random, to check what was joined by itself
    #[arg(long, conflicts_with = "limit")]
    sample: Option<i64>,
    /// Residents who may be known twice, instead of records
    #[arg(long, conflicts_with_all = ["state", "limit", "sample"])]
    residents: bool,
    #[command(subcommand)]
    command: Option<Answer>,
}

#[derive(Debug, Subcommand)]
enum Answer {
    /// Say whether a record is about a resident
    Decide {
        /// The record
        contribution: String,
        /// The resident
        resident: String,
        /// The resident's version, as the queue tells it
        version: i64,
        /// What is so
        verdict: Verdict,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Lists the queue, or answers.
pub fn reviews(args: &ReviewsArgs, common: &Common) -> Result<ExitCode> {
    let hub = common.open()?;
    if let Some(Answer::Decide { contribution, resident, version, verdict, reason }) = &args.command {
        let token = |text: &str| {
            Token::try_from(text.to_owned()).map_err(|_| Error::new(Kind::Invalid, "an id is 32 hexadecimal digits"))
        };
        let person = Seen { id: token(resident)?, version: *version };
        let judge = Judge { name: "command line", reason };
        let made = identify::review(&hub, token(contribution)?, person, *verdict, judge)
            .map_err(|error| if error.code == Some(NOT_WRITER) { ask_it(contribution) } else { error })?;
        let reason = codec::decode::<decision::Document>(&made.document)?.reason;
        print::json(&serde_json::json!({"id": made.id, "kind": made.kind, "reason": reason}))?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.residents {
        return known_twice(&hub, common);
    }
    let from = id::bytes::<16>()?;
    let (items, waiting, joined) = hub.db.read(|conn| {
        let rows = match args.sample {
            Some(sample) => matching::sample(conn, &args.state, &from, sample)?,
            None => matching::list(conn, &args.state, None, args.limit)?,
        };
        let items = queue(&hub, conn, &rows)?;
        Ok((items, matching::count(conn, REVIEW)?, matching::count(conn, JOINED)?))
    })?;
    if common.json {
        print::json(&serde_json::json!({"review": waiting, "joined": joined, "items": items}))?;
    } else {
        print::line(&format!("{waiting} records wait for an answer, {joined} were joined by likeness"));
        items.iter().flat_map(Review::words).for_each(|text| print::line(&text));
    }
    Ok(ExitCode::SUCCESS)
}

/// A hub that is running decides itself.
fn ask_it(contribution: &str) -> Error {
    let way = format!("a hub is running; answer it: POST /v1/reviews/{contribution}/decide");
    Error::new(Kind::Unavailable, way).coded(NOT_WRITER, "已有节点在运行，请通过其接口作出认定。")
}

/// Lists residents who may be one person.
fn known_twice(hub: &Hub, common: &Common) -> Result<ExitCode> {
    let (pairs, _) = pairs(hub, Vec::new(), usize::MAX)?;
    if common.json {
        print::json(&serde_json::json!({ "items": pairs }))?;
    } else {
        print::line(&format!("{} pairs of residents may be one person each", pairs.len()));
        pairs.iter().flat_map(|pair| pair.words()).for_each(|text| print::line(&text));
    }
    Ok(ExitCode::SUCCESS)
}
