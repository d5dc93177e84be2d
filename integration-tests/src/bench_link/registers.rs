//! What a hub makes of registers with many kinds of slips: by number where there is one, and by likeness under a model it has
//! learned from them.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use hub::city::linkage::{LinkageOptions, Mix};
use hub::linkage::config::LinkConfig;
use hub::linkage::train::Training;
use hub::linkage::{batch, file};
use hub::pipeline::tune;
use integration_tests::registers::{REGISTERS, Registers, Score, rules};
use integration_tests::{Inside, Store, place};

use super::Result;
use super::figure::{Figure, Target};

const COLUMNS: &str = r#"id = "rec_id"
[columns]
id_number = "citizen_id"
name = "name_zh"
sex = "sex"
birth_date = "birth_date"
phone = "phone"
address = "address_zh"
"#;

/// Nobody has looked at what goes wrong under this seed.
const USUAL: LinkageOptions = LinkageOptions { residents: 4_000, seed: 7, mix: Mix::USUAL, numbers: true };

/// Measures precision and recall of all pairs of records that a hub puts to one resident.
pub fn measure() -> Result<Vec<Figure>> {
    let registers = Registers::new(USUAL)?;
    let (found, beside) = (by_hub(&registers)?, by_link(&registers)?);
    let figure = |key, value, least, beside: f64| Figure {
        key,
        value,
        unit: "",
        target: Target::AtLeast(least),
        other: None,
        note: format!("{} records through a feed; `hub link` on the same file: {beside:.5}", registers.rows.len()),
    };
    Ok(vec![
        figure("hub_precision", found.precision(), 0.998, beside.precision()),
        figure("hub_recall", found.recall(), 0.985, beside.recall()),
    ])
}

fn by_hub(registers: &Registers) -> Result<Score> {
    let hub = Inside::with(Store::Sqlite, |config| config.data.folder = Some(rules()));
    hub.deliver(&registers.delivery("2026-11-01T00:00:00+08:00", &registers.rows));
    tune::tune(hub.hub(), "bench", true, &|_| ())?;
    Ok(registers.score(|id| hub.contributions(REGISTERS, id).first().and_then(|row| row.entity.clone())))
}

fn by_link(registers: &Registers) -> Result<Score> {
    let folder = place::temporary_folder("link");
    let path = folder.path().join("registers.csv");
    std::fs::write(&path, registers.delivery("", &registers.rows).bytes)?;
    let config = LinkConfig::parse(COLUMNS)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut all = file::read(&config, &[path], threads, &|_| {})?;
    let linked = batch::link(&mut all.table, &config.names(), Training::quiet(1, threads), &config.budget());
    let group_of: HashMap<&str, u32> =
        all.ids.iter().map(AsRef::as_ref).zip((0..).map(|record| linked.groups.of(record))).collect();
    Ok(registers.score(|id| group_of.get(id).copied()))
}
