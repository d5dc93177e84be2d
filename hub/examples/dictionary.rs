//! Makes the dictionary that stored documents are packed with: `cargo run --release -p hub --example dictionary`.
//!
//! Loads a synthetic city into a hub of its own, takes the documents that this stores (contributions and golden ones) and
//! trains on them. Nobody in it is real. A dictionary in use is never replaced: write another file and give it a version of
//! its own in `store/codec.rs`.
#![expect(clippy::unwrap_used, reason = "a tool of the developers that cannot go on ends")]

use std::io::Cursor;

use chrono::NaiveDate;
use hub::city::{City, CityOptions};
use hub::config::Config;
use hub::hub::Hub;
use hub::pipeline::land::{Arrival, Landed, land};
use hub::pipeline::process;
use hub::store::contribution::Document;
use hub::store::entity::Filter;
use hub::store::{codec, contribution, entity};
use serde_json::{Map, Value};

const RESIDENTS: u64 = 4_000;
const PAGE: i64 = 1_000;
const BYTES: usize = 24 << 10;
const PATH: &str = "hub/src/store/codec/documents.dictionary";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::open(Config::in_folder(folder.path())).unwrap();
    loaded(&hub);
    let mut samples = contributions(&hub);
    for kind in ["resident", "household"] {
        samples.extend(golden(&hub, kind));
    }
    let dictionary = zstd::dict::from_samples(&samples, BYTES).unwrap();
    std::fs::write(PATH, &dictionary).unwrap();
    let plain: usize = samples.iter().map(Vec::len).sum();
    let count = |packer: &mut zstd::bulk::Compressor| -> usize {
        samples.iter().map(|sample| packer.compress(sample).unwrap().len()).sum()
    };
    let without = count(&mut zstd::bulk::Compressor::new(1).unwrap());
    let with = count(&mut zstd::bulk::Compressor::with_dictionary(1, &dictionary).unwrap());
    println!("{} documents: {plain} bytes, {without} packed without, {with} with {PATH}", samples.len());
}

/// One day of a city whose seed no test uses.
fn loaded(hub: &Hub) {
    let start = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    let city = City::new(CityOptions { residents: RESIDENTS, seed: 7_001, start });
    for delivery in city.deliveries(1) {
        let mut bytes = Vec::new();
        delivery.write(&mut bytes).unwrap();
        let mut arrival = Arrival::new(delivery.feed, "cli", "dictionary");
        arrival.file_name = Some(delivery.file_name.clone());
        arrival.as_of = Some(delivery.as_of.clone());
        arrival.total = Some(delivery.total as i64);
        let Landed::New(row) = land(hub, &arrival, Box::new(Cursor::new(bytes))).unwrap() else { continue };
        let applied = process(hub, &row.id, &|_| ()).unwrap();
        assert_eq!(applied.state, "applied", "{}: {:?}", delivery.feed, applied.hold_reasons());
    }
}

fn contributions(hub: &Hub) -> Vec<Vec<u8>> {
    let (mut samples, mut after) = (Vec::new(), Vec::new());
    loop {
        let page = hub.db.read(|conn| contribution::page(conn, &after, PAGE)).unwrap();
        let Some(last) = page.last() else { return samples };
        after.clone_from(&last.id);
        samples.extend(page.iter().map(|row| {
            let mut document: Document = codec::decode(&row.document).unwrap();
            // Tokens are noise that no other document has.
            document.aliases.clear();
            serde_json::to_vec(&document).unwrap()
        }));
    }
}

fn golden(hub: &Hub, kind: &str) -> Vec<Vec<u8>> {
    let (mut samples, mut filter) = (Vec::new(), Filter { kind: kind.to_owned(), limit: PAGE, ..Filter::default() });
    loop {
        let page = hub.db.read(|conn| entity::page(conn, &filter)).unwrap();
        let Some((last, _)) = page.last() else { return samples };
        filter.after.clone_from(&last.id);
        let document = |version: &entity::Version| -> Map<String, Value> { codec::decode(&version.document).unwrap() };
        samples.extend(page.iter().map(|(_, version)| serde_json::to_vec(&document(version)).unwrap()));
    }
}
