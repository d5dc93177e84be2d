//! `hub link`: which records of one or two files are about the same person or thing. Needs no store.

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Common, print};
use crate::error::{Error, Kind, Result};
use crate::linkage::batch::{self, Decision, Linked};
use crate::linkage::config::LinkConfig;
use crate::linkage::evidence::Verdict;
use crate::linkage::file::{self, Records};
use crate::linkage::model::{FORMAT, Model};
use crate::linkage::output;
use crate::linkage::train::{Step, Training};
use crate::linkage::why::{self, Why};

/// What to link, and where to write. `--config` is the TOML that says `id = "COLUMN"` and, under `[columns]`, the kind of
/// each column used.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Pairs: left_id,right_id,probability,decision
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Clusters: id,cluster for every record
    #[arg(long, value_name = "FILE")]
    clusters: PathBuf,
    /// Use a model kept by --save-model instead of learning one
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Keep the learned model
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    save_model: Option<PathBuf>,
    /// Chooses which random pairs are drawn for learning
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; the result does not depend on it
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Tell why these two records are one or not; may be said several times
    #[arg(long, value_name = "LEFT,RIGHT", value_parser = two)]
    why: Vec<(String, String)>,
    /// One CSV file to link with itself, or two to link with each other
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn two(text: &str) -> std::result::Result<(String, String), String> {
    let (left, right) = text.split_once(',').ok_or("two ids with a comma between them")?;
    Ok((left.trim().to_owned(), right.trim().to_owned()))
}

/// Links.
pub fn link(args: &LinkArgs, common: &Common) -> Result<ExitCode> {
    let Some(path) = &common.config else {
        return Err(Error::new(Kind::Invalid, "--config FILE says which columns to compare"));
    };
    let text = std::fs::read_to_string(path).map_err(|error| cannot("reading", path).because(error))?;
    let config =
        LinkConfig::parse(&text).map_err(|why| Error::new(Kind::Config, format!("{}: {why}", path.display())))?;
    let read = |error: file::FileError| Error::new(Kind::Invalid, error.to_string());
    let model = args.model.as_deref().map(kept).transpose()?;
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let bar = bar(&args.files, common.json);
    let watch = |bytes| bar.inc(bytes);
    let (config, mut records) = match &model {
        Some(model) => {
            let columns: Vec<String> = model.columns.iter().map(|column| column.name.clone()).collect();
            let config = config.in_order(&columns);
            let records = file::read(&config, &args.files, threads, &watch).map_err(read)?;
            (config, records)
        }
        None => file::read_own_first(&config, &args.files, threads, &watch).map_err(read)?,
    };
    bar.set_style(ProgressStyle::default_spinner());
    bar.enable_steady_tick(Duration::from_millis(200));
    let budget = config.budget();
    let linked = match model {
        Some(model) => batch::link_frozen(&mut records.table, of_columns(model, &config)?, threads, &budget),
        None => {
            let watch = |step: Step| bar.set_message(said(step));
            let training = Training { seed: args.seed, threads, watch: &watch };
            batch::link(&mut records.table, &config.names(), training, &budget)
        }
    };
    bar.finish_and_clear();
    write(args, &records, &linked)?;
    let asked = args.why.iter().map(|(left, right)| {
        let none = || Error::new(Kind::Invalid, format!("--why {left},{right}: one of them names no record"));
        why::why(&records, &linked, (left, right)).ok_or_else(none)
    });
    let asked = asked.collect::<Result<Vec<Why>>>()?;
    tell(&records, &linked, &asked, common.json)?;
    Ok(ExitCode::SUCCESS)
}

fn cannot(doing: &str, path: &Path) -> Error {
    Error::new(Kind::Invalid, format!("{doing} {}", path.display()))
}

/// A bar over the bytes to read; nothing where nobody watches.
fn bar(files: &[PathBuf], json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bytes = files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
    ProgressBar::new(bytes)
}

fn said(step: Step) -> &'static str {
    match step {
        Step::Counting => "counting values",
        Step::Blocking => "choosing what to compare",
        Step::Comparing => "comparing",
        Step::Learning => "learning",
        Step::Deciding => "deciding",
    }
}

/// A model from a file.
fn kept(path: &Path) -> Result<Model> {
    let text = std::fs::read_to_string(path).map_err(|error| cannot("reading", path).because(error))?;
    let model: Model = serde_json::from_str(&text).map_err(|error| cannot("reading the model", path).because(error))?;
    match model.format {
        FORMAT => Ok(model),
        other => Err(Error::new(Kind::Config, format!("{}: format {other} is not {FORMAT}", path.display()))),
    }
}

/// A model, if it is of these columns.
fn of_columns(model: Model, config: &LinkConfig) -> Result<Model> {
    let columns = model.columns.iter().map(|column| (&column.name, &column.kind));
    match columns.eq(config.columns.iter().map(|(name, kind)| (name, kind))) {
        true => Ok(model),
        false => Err(Error::new(Kind::Config, "the model was learned from other columns")),
    }
}

fn write(args: &LinkArgs, records: &Records, linked: &Linked) -> Result<()> {
    let create =
        |path: &Path| File::create(path).map(BufWriter::new).map_err(|error| cannot("writing", path).because(error));
    output::pairs(create(&args.out)?, records, linked)
        .map_err(|error| Error::new(Kind::Full, format!("writing {}", args.out.display())).because(error))?;
    output::clusters(create(&args.clusters)?, records, linked)
        .map_err(|error| Error::new(Kind::Full, format!("writing {}", args.clusters.display())).because(error))?;
    if let Some(path) = &args.save_model {
        serde_json::to_writer(create(path)?, &linked.model)
            .map_err(|error| Error::new(Kind::Full, format!("writing {}", path.display())).because(error))?;
    }
    Ok(())
}

fn tell(records: &Records, linked: &Linked, asked: &[Why], json: bool) -> Result<()> {
    let count = |decision: Decision| linked.decided.iter().filter(|decided| decided.decision == decision).count();
    let (auto, review) = (count(Decision::Auto), count(Decision::Review));
    let clusters = linked.groups.all().count();
    let doubtful: f64 = (linked.decided.iter().filter(|decided| decided.decision == Decision::Auto))
        .map(|decided| 1.0 - decided.probability)
        .sum();
    let largest: Vec<_> = linked.exploded.iter().take(10).map(|block| block_json(linked, block)).collect();
    if json {
        let mut told = serde_json::json!({
            "records": records.ids.len(), "compared": linked.compared, "auto": auto, "review": review,
            "clusters": clusters, "expected_wrong": doubtful, "limits": linked.model.limits,
            "single": linked.model.single, "ids_in_both_files": output::ids_in_both(records),
            "blocks_set_aside": linked.exploded.len(), "largest_blocks_set_aside": largest,
        });
        if let Some(told) = told.as_object_mut().filter(|_| !asked.is_empty()) {
            told.insert("why".to_owned(), serde_json::json!(asked));
        }
        return print::json(&told);
    }
    print::line(&format!(
        "{} records, {} pairs compared: {auto} joined (about {doubtful:.1} of them wrongly), {review} for review, {clusters} clusters",
        records.ids.len(),
        linked.compared
    ));
    if output::ids_in_both(records) {
        print::line("Some ids are in both files: clusters name records as 1:ID and 2:ID.");
    }
    if !linked.exploded.is_empty() {
        let worst = largest.iter().take(3).map(|block| format!("{} ({})", block["way"], block["records"]));
        let worst = worst.collect::<Vec<_>>().join(", ");
        print::line(&format!("{} blocks set aside as too large, the largest: {worst}", linked.exploded.len()));
    }
    asked.iter().for_each(explain);
    Ok(())
}

fn explain(why: &Why) {
    let joined = if why.is_joined { "one" } else { "apart" };
    let verdict = match why.verdict {
        Verdict::Free => String::new(),
        Verdict::Review(ground) => format!(", only a person may join them ({ground:?})"),
        Verdict::Veto(ground) => format!(", never joined ({ground:?})"),
    };
    print::line(&format!(
        "{} and {}: {joined}; {:.2} % likely by themselves{verdict}",
        why.left_id,
        why.right_id,
        why.probability * 100.0
    ));
    for said in &why.columns {
        if let Some(agreement) = said.agreement {
            print::line(&format!("  {:+6.1} bits  {}: {agreement}", said.bits, said.column));
        }
    }
    print::line(&format!("  {:+6.1} bits  rarer values than usual", why.rarity_bits));
}

fn block_json(linked: &Linked, block: &crate::linkage::block::Exploded) -> serde_json::Value {
    serde_json::json!({ "way": linked.model.way_name(block.way), "records": block.records })
}
