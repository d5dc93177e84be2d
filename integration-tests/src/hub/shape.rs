//! What the harness takes for granted of the hub's answers, in one place. Cases look at answers themselves.

use serde_json::Value;

/// The id of a delivery in a receipt (202) or a delivery.
pub fn delivery_id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap_or_else(|| panic!("no delivery id in {answer}"))
}

/// Where a delivery is followed.
pub fn delivery_path(delivery: &str) -> String {
    format!("/v1/deliveries/{delivery}")
}

/// Whether nothing more happens to a delivery without a person.
pub fn is_decided(delivery: &Value) -> bool {
    let state = delivery["state"].as_str().unwrap_or_else(|| panic!("no state in {delivery}"));
    ["applied", "held", "refused", "failed"].contains(&state)
}

/// The items of a page.
pub fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or_else(|| panic!("no items in {page}"), Vec::as_slice)
}
