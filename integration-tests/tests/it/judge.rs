//! What every load is judged by, whatever happened meanwhile.

use integration_tests::hub::{Client, Hub};
use serde_json::{Value, json};

/// Every row of every delivery is accounted for, and all are applied.
pub fn conserved(deliveries: &[Value]) {
    for delivery in deliveries {
        let count = |name: &str| delivery[name].as_i64().unwrap_or_else(|| panic!("no {name} in {delivery}"));
        let sum: i64 = ["applied", "unchanged", "stale", "rejected", "waiting"].into_iter().map(count).sum();
        assert_eq!(count("received"), sum, "{delivery}");
        assert_eq!(delivery["state"], "applied", "{delivery}");
        assert_eq!(count("waiting"), 0, "{delivery}");
    }
}

/// All changes a client is told, page by page.
pub fn changes(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = "/v1/changes?limit=500".to_owned();
    loop {
        let page = client.get(&path).good();
        let items = page["items"].as_array().expect("items").clone();
        if items.is_empty() {
            return all;
        }
        all.extend(items);
        let next = page["next"].as_str().unwrap_or_else(|| panic!("no next in {page}"));
        path = format!("/v1/changes?limit=500&after={next}");
    }
}

/// The changes are 1, 2, 3 ... and nothing else.
pub fn without_gap(told: &[Value]) {
    let seqs: Vec<i64> = told.iter().map(|change| change["seq"].as_i64().expect("a seq")).collect();
    let expected: Vec<i64> = (1..=seqs.len() as i64).collect();
    assert_eq!(seqs, expected, "the changes are not 1, 2, 3 ...");
}

/// A delivery of so many new records is applied to its last row, each once: its counts, the golden records, the changes.
#[track_caller]
pub fn is_whole(hub: &Hub, delivery: &str, rows: u32) {
    let applied = hub.decided(delivery);
    assert_eq!((&applied["state"], &applied["applied"]), (&json!("applied"), &json!(rows)), "{applied}");
    conserved(&[applied]);
    let verified = hub.json(&["verify"]);
    assert_eq!(verified["differences"], 0, "{verified}");
    assert_eq!(hub.json(&["status"])["dataset"]["residents"], rows);
    let told = changes(&hub.administrator());
    without_gap(&told);
    assert_eq!(told.len(), rows as usize, "one change a resident, none twice");
}
