//! One step of a record's way at a time, on rows of the synthetic city: `cargo bench -p hub`. `make bench` measures the
//! whole beside its limits.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin fails")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::OnceLock;

use adapters::{Record, Row};
use chrono::NaiveDate;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use hub::city::{City, CityOptions};
use hub::contribution::{AsOf, Contribution};
use hub::entity::EntitySchema;
use hub::feed::files::Files;
use hub::feed::schema::RowSchema;
use hub::feed::{Catalogue, Feed, Outcome};
use hub::keyring::{Keyring, Token};
use serde_json::{Map, Value};

const INSURED: &str = "social-security/insured-persons";
const POPULATION: &str = "family-planning/population";
/// A feed of each format.
const FEEDS: [&str; 4] = [
    INSURED,
    "public-security/registered-residents",
    "health/resident-health-records",
    "social-security/unemployment-insurance",
];
const RESIDENTS: u64 = 2_000;

fn main() {
    divan::main();
}

/// Bytes to values: XML in GB 18030, text in GBK, JSON, a workbook.
#[divan::bench(args = FEEDS)]
fn decode(bencher: Bencher, feed: &str) {
    let (bytes, spec) = (file(feed), &catalogue().get(feed).unwrap().spec);
    let rows = records(feed).len();
    bencher.counter(ItemsCount::new(rows)).with_inputs(|| Box::new(Cursor::new(bytes.clone()))).bench_values(|input| {
        let mut decoder = adapters::open(&spec.format, &spec.decode_limits, input).unwrap();
        while let Some(row) = decoder.next_row().unwrap() {
            black_box(row);
        }
    });
}

/// A row against its schema.
#[divan::bench(args = FEEDS)]
fn validate(bencher: Bencher, feed: &str) {
    let files = Files::embedded();
    let path = format!("schemas/feeds/{feed}.json");
    let schema: Value = serde_json::from_slice(files.get(&path).unwrap()).unwrap();
    let (schema, rows) = (RowSchema::compile(&schema).unwrap(), fields(feed));
    bencher.counter(ItemsCount::new(rows.len())).bench(|| {
        for row in &rows {
            black_box(schema.check(row));
        }
    });
}

/// Validation and mapping of a row.
#[divan::bench(args = FEEDS)]
fn map(bencher: Bencher, feed: &str) {
    let (feed, rows) = (catalogue().get(feed).unwrap(), fields(feed));
    bencher.counter(ItemsCount::new(rows.len())).bench(|| {
        for row in &rows {
            black_box(feed.process(row));
        }
    });
}

/// The golden document of a resident of whom one, or two, departments speak.
#[divan::bench(args = [1, 2])]
fn merge(bencher: Bencher, departments: usize) {
    let schema = EntitySchema::parse("resident", catalogue().entity_schema("resident").unwrap()).unwrap();
    let keyring = Keyring::new(&[7; 32]).unwrap();
    let said: Vec<Vec<Contribution>> =
        [INSURED, POPULATION][..departments].iter().map(|feed| contributions(&keyring, feed)).collect();
    let people = said.iter().map(Vec::len).min().unwrap();
    bencher.counter(ItemsCount::new(people)).bench(|| {
        for person in 0..people {
            let linked: Vec<_> = said.iter().map(|of| (&of[person], true)).collect();
            black_box(hub::merge::resident(&schema, &keyring, &linked).unwrap());
        }
    });
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::embedded().unwrap())
}

fn file(feed: &str) -> Vec<u8> {
    let start = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    let city = City::new(CityOptions { residents: RESIDENTS, seed: 1, start });
    let mut bytes = Vec::new();
    let delivery = city.deliveries(1).into_iter().find(|delivery| delivery.feed == feed).unwrap();
    delivery.write(&mut bytes).unwrap();
    bytes
}

fn records(feed: &str) -> Vec<Record> {
    let spec = &catalogue().get(feed).unwrap().spec;
    let mut decoder = adapters::open(&spec.format, &spec.decode_limits, Box::new(Cursor::new(file(feed)))).unwrap();
    let mut records = Vec::new();
    while let Some(row) = decoder.next_row().unwrap() {
        if let Row::Record(record) = row {
            records.push(record);
        }
    }
    records
}

fn fields(feed: &str) -> Vec<Map<String, Value>> {
    let compiled = catalogue().get(feed).unwrap();
    records(feed).into_iter().map(|record| compiled.columns(record).fields).collect()
}

fn contributions(keyring: &Keyring, name: &str) -> Vec<Contribution> {
    let feed = catalogue().get(name).unwrap();
    let of = |row: Map<String, Value>| contribution(keyring, &feed, &row);
    fields(name).into_iter().filter_map(of).collect()
}

fn contribution(keyring: &Keyring, feed: &Feed, row: &Map<String, Value>) -> Option<Contribution> {
    let Outcome::Accepted { parts, .. } = feed.process(row) else { return None };
    let part = parts.into_iter().next()?;
    let key = feed.source_key(row).ok()?;
    Some(Contribution {
        id: keyring.token("bench", &[&key]).ok()?,
        feed: feed.spec.feed.clone(),
        part: part.name,
        entity: part.entity,
        as_of: AsOf { instant: 1, sequence: 0, digest: Token([0; 16]) },
        attributes: part.attributes,
        changed: None,
        changed_at: BTreeMap::new(),
        issues: Vec::new(),
    })
}
