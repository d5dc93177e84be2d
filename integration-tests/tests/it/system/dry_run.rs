//! A dry run says what would happen and keeps nothing.

use std::collections::BTreeMap;

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, health_record, health_records, insured, insured_persons};
use serde_json::json;

const COUNTS: &str = "SELECT string_agg(table_name || '=' || (xpath('/row/c/text()', query_to_xml(format('select count(*) as c \
     from %I', table_name), false, true, '')))[1]::text, ' ' ORDER BY table_name) FROM information_schema.tables \
     WHERE table_schema = 'public' AND table_name NOT IN ('job', 'run')";

fn people(date: &str, numbers: std::ops::RangeInclusive<u32>) -> Delivery {
    insured_persons(date, 1, numbers.map(|number| insured(&Person::nth(number), &number.to_string())))
}

/// Every file of the hub but its log, with its length.
fn files(folder: &std::path::Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.metadata().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path().display().to_string(), entry.metadata().unwrap().len());
        }
    }
    found
}

#[test]
fn a_dry_run_keeps_nothing() {
    let hub = Hub::started(Store::Postgres);
    assert_eq!(hub.deliver(&people("20261101", 1..=20))["applied"], 20);
    let state = || {
        // Folders made for an upload may stay; files may not.
        let landing = files(&hub.folder().join("landing"));
        (hub.database().sql(COUNTS), hub.administrator().get("/v1/deliveries").good(), landing)
    };
    let (department, health) = (hub.department("social-security"), hub.department("health"));
    let before = state();

    let run = department.inspect(&people("20261102", 1..=22)).good();
    let counts =
        ["received", "applied", "unchanged", "stale", "rejected", "ended"].map(|name| run[name].as_i64().unwrap());
    assert_eq!((&run["state"], counts), (&json!("ready"), [22, 2, 20, 0, 0, 0]), "{run}");
    let sample = &run["changes"][0];
    assert_eq!(sample["parts"]["person"]["name"]["after"], Person::nth(21).name.as_str(), "{run}");
    let run = department.inspect(&people("20261102", 1..=10)).good();
    assert_eq!(
        (&run["state"], &run["reasons"][0]["code"], &run["ended"]),
        (&json!("held"), &json!("shrink-limit"), &json!(10)),
        "{run}"
    );
    let nameless = insured_persons(
        "20261102",
        1,
        (1..=20).map(|n| {
            let row = insured(&Person::nth(n), &n.to_string());
            if n == 7 { row.with("AAC003", "") } else { row }
        }),
    );
    let run = department.inspect(&nameless).good();
    assert_eq!((&run["rejected"], &run["rejections"][0]["position"]), (&json!(1), &json!(7)), "{run}");
    let run = department.inspect(&people("20261102", 1..=20).cut_at(5)).good();
    assert_eq!((&run["state"], &run["reasons"][0]["code"]), (&json!("held"), &json!("truncated")), "{run}");
    let run = department.inspect(&people("20261101", 1..=20)).good();
    assert!(run["same_as"].is_string(), "{run}");
    let old = department.inspect(&people("20261031", 1..=25)).good();
    assert_eq!((&old["stale"], &old["applied"]), (&json!(25), &json!(0)), "{old}");
    let ill = health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00").with("diagnoses", "某种疾病");
    let refused = health.inspect(&health_records("2026-11-01T09:00:00+08:00", 1, [ill])).good();
    assert_eq!((&refused["state"], &refused["changes"]), (&json!("refused"), &json!([])), "{refused}");
    assert!(!refused.to_string().contains("某种疾病"), "{refused}");
    let wrong = department.inspect(&people("20261102", 1..=20).with_header("Content-Encoding", "gzip"));
    assert_eq!(wrong.refused(400)["code"], "body-unreadable");

    assert_eq!(state(), before);
    let delivered = hub.deliver(&people("20261102", 1..=22));
    assert_eq!(
        (&delivered["applied"], &delivered["unchanged"]),
        (&json!(2), &json!(20)),
        "as it was said: {delivered}"
    );
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    assert_eq!(shape::items(&hub.administrator().get("/v1/deliveries").good()).len(), 2);
}
