//! Which attributes of a contribution tell people apart, as the columns that linkage compares.

use serde_json::{Map, Value};

use crate::linkage::evidence::{self, Kind};

/// The columns: names for explanations, and kinds.
pub const COLUMNS: [(&str, Kind); 6] = [
    ("id_no", Kind::CitizenId),
    ("name", Kind::NameZh),
    ("birth_date", Kind::BirthDate),
    ("sex", Kind::Sex),
    ("phones", Kind::Phone),
    ("address", Kind::AddressZh),
];

/// The column of the number.
pub const NUMBER: usize = 0;

/// A record's values by column.
pub type Values = Vec<Option<evidence::Value>>;

/// The kinds of the columns.
pub(super) fn kinds() -> [Kind; COLUMNS.len()] {
    COLUMNS.map(|(_, kind)| kind)
}

/// The cells of a record, by column; empty where it says nothing.
pub fn cells(attributes: &Map<String, Value>) -> Vec<String> {
    COLUMNS.iter().map(|(name, _)| cell(attributes, name)).collect()
}

fn cell(attributes: &Map<String, Value>, name: &str) -> String {
    match name {
        "phones" => {
            let phones = attributes.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            phones.iter().filter_map(|phone| phone["number"].as_str()).collect::<Vec<_>>().join(" ")
        }
        // Where somebody lives tells more than where they are registered, which a whole family shares for life.
        "address" => ["current_address", "registered_address"]
            .iter()
            .find_map(|address| attributes.get(*address)?.get("text")?.as_str())
            .unwrap_or_default()
            .to_owned(),
        _ => attributes.get(name).and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}
