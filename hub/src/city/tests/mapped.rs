//! The files against the hub's own decoders and mappings: each row counts as the city says it must.

use std::collections::HashSet;

use adapters::Row;

use super::super::{CityDelivery, Fate};
use super::{city, reading};
use crate::feed::spec::Mode;
use crate::feed::{Catalogue, Feed, Outcome};

/// What decoding and mapping a delivery counts, and the codes of what is wrong.
fn counted(feed: &Feed, delivery: &CityDelivery) -> (Fate, Vec<String>) {
    let bytes = std::io::Cursor::new(reading::bytes(delivery));
    let mut decoder =
        adapters::open(&feed.spec.format, &feed.spec.decode_limits, Box::new(bytes)).expect("a file of the feed");
    let (mut fate, mut codes, mut rows) = (Fate::default(), Vec::new(), Vec::new());
    while let Some(row) = decoder.next_row().expect("a readable file") {
        fate.rows += 1;
        rows.push(row);
    }
    let mut seen = HashSet::new();
    for row in rows.into_iter().rev() {
        let record = match row {
            Row::Record(record) => record,
            Row::Bad(bad) => {
                fate.rejected += 1;
                codes.push(bad.code.to_owned());
                continue;
            }
        };
        let fields = feed.columns(record).fields;
        match feed.source_key(&fields) {
            Err(reason) => {
                fate.rejected += 1;
                codes.push(reason.code);
                continue;
            }
            Ok(key) if !seen.insert(key.clone()) => {
                let of = if feed.spec.mode == Mode::Snapshot { &mut fate.rejected } else { &mut fate.stale };
                *of += 1;
                continue;
            }
            Ok(_) => {}
        }
        let (reasons, of) = match feed.process_on(&fields, Some(delivery.as_of_date)) {
            Outcome::Accepted { issues, .. } => {
                let count = issues.len() as u64;
                fate.issues += count;
                (issues, "issue")
            }
            Outcome::Rejected(reasons) => {
                fate.rejected += 1;
                (reasons, "rejection")
            }
        };
        codes
            .extend(reasons.iter().map(|reason| format!("{of} {} {} {:?}", reason.code, reason.pointer, reason.value)));
    }
    (fate, codes)
}

#[test]
fn the_hubs_mappings_count_what_the_city_expects() {
    let catalogue = Catalogue::embedded().expect("feeds");
    let city = city(1_500, 6);
    for delivery in (1..=3).flat_map(|day| city.deliveries(day)) {
        let feed = catalogue.get(delivery.feed).expect("a feed of the hub");
        let (fate, mut codes) = counted(&feed, &delivery);
        codes.sort();
        assert_eq!(fate, delivery.expected, "{}: {codes:#?}", delivery.file_name);
    }
}
