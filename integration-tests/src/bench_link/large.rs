//! The large set: time and memory of one batch, and how long one new record takes against all known ones.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use hub::linkage::config::LinkConfig;
use hub::linkage::evidence::Kind;
use hub::linkage::index::Index;
use hub::linkage::train::Training;
use hub::linkage::{batch, file, prepare};

use super::Result;
use super::febrl;
use super::figure::{Figure, Target};
use super::people::{self, Cells, Dice};

const COLUMNS: &str = r#"id = "id"
[columns]
given = "name_latin"
surname = "name_latin"
sex = "sex"
born = "birth_date"
street = "address_latin"
city = "text"
postcode = "code"
phone = "phone"
"#;

/// New records that are looked up.
const LOOKED_UP: usize = 3_000;

/// Measures batch and single records on a set of this many.
pub fn measure(records: usize) -> Result<Vec<Figure>> {
    let folder = febrl::folder();
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("large-{records}.csv"));
    let mut dice = Dice::new(7);
    let mut out = BufWriter::new(File::create(&path)?);
    let persons = people::write(&mut out, records, &mut dice)?;
    out.flush()?;
    let config = LinkConfig::parse(COLUMNS)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let started = Instant::now();
    let mut all = file::read(&config, &[path], threads, &|_| {})?;
    let linked = batch::link(&mut all.table, &config.names(), Training::quiet(1, threads), &config.budget());
    let seconds = started.elapsed().as_secs_f64();
    let peak = peak_memory()?;
    let compared = linked.compared;
    let mut index = Index::new(linked.model);
    for (record, id) in (0_u32..).zip(&all.ids) {
        let values: Vec<_> = all.table.row(record).iter().map(|value| value.cloned()).collect();
        index.insert(id, &values);
    }
    drop(all);
    let times = look_up(&mut index, &config.kinds(), &persons, &mut dice);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    let (median, p99) = (at(0.5), at(0.99));
    let figure =
        |key, value, unit, most, note| Figure { key, value, unit, target: Target::AtMost(most), other: None, note };
    Ok(vec![
        figure(
            "batch_s",
            seconds,
            "s",
            20.0,
            format!("{records} records, {compared} pairs compared, reading included"),
        ),
        figure("batch_mb", peak, "MB", 1_000.0, "peak of the whole process".to_owned()),
        figure(
            "one_p99_ms",
            p99,
            "ms",
            5.0,
            format!("{} known; insert with scores; median {median:.3} ms", index.len()),
        ),
    ])
}

/// Milliseconds of taking one new record in each, sorted.
fn look_up(index: &mut Index, kinds: &[Kind], persons: &[Cells], dice: &mut Dice) -> Vec<f64> {
    let mut times: Vec<f64> = (0..LOOKED_UP)
        .filter_map(|at| {
            let chosen = dice.below(persons.len() as u64) as usize;
            let cells = people::again(dice, persons.get(chosen)?);
            // The columns of the configuration stand in alphabetical order.
            let cells = [3, 5, 0, 7, 6, 2, 4, 1].map(|at: usize| cells[at].as_str());
            let started = Instant::now();
            let values = prepare::record(kinds, &cells);
            index.insert(&format!("new{at}"), &values);
            Some(started.elapsed().as_secs_f64() * 1_000.0)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The most memory this process has held, in MB.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1_024.0)
}
