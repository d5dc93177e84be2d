//! Which attributes of a contribution tell people apart, as the columns that linkage compares.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::contribution::Contribution;
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

/// The cells of a contribution, by column; empty where it says nothing. What could not be read for the person's record is
/// still evidence of whom it is about: a masked name, a year alone.
pub fn cells(said: &Contribution) -> Vec<String> {
    let mut cells = cells_of(&said.attributes);
    for (column, value) in sent(said) {
        cells[column] = value;
    }
    cells
}

/// The cells of a record that says no more than these attributes.
pub fn cells_of(attributes: &Map<String, Value>) -> Vec<String> {
    COLUMNS.iter().map(|(name, _)| cell(attributes, name)).collect()
}

/// The values as sent by attribute that are compared instead of attributes that were dropped as bad. For those alone who
/// may see the row.
pub fn as_sent(said: &Contribution) -> BTreeMap<&'static str, String> {
    sent(said).map(|(column, value)| (COLUMNS[column].0, value)).collect()
}

fn sent(said: &Contribution) -> impl Iterator<Item = (usize, String)> {
    let columns = if said.issues.is_empty() { &[][..] } else { &COLUMNS[..] };
    columns.iter().enumerate().filter(|(_, (name, _))| !said.attributes.contains_key(*name)).filter_map(
        |(at, (name, _))| {
            let issues = said.issues.iter().filter(|issue| issue.is_of(&said.part, name));
            let values: Vec<&str> = issues.filter_map(|issue| issue.value.as_deref()).collect();
            // One cell is told once; several hold several phones.
            let sent = if *name == "phones" {
                values.join(" ")
            } else {
                values.first().copied().unwrap_or_default().to_owned()
            };
            (!sent.is_empty()).then_some((at, sent))
        },
    )
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::entity::sample::{Builder, says};
    use crate::reason::Reason;

    fn bad(attribute: &str, value: &str) -> Reason {
        let reason = Reason { attribute: Some(attribute.to_owned()), ..Reason::new("bad", "/A", "坏。", "Bad.") };
        if value.is_empty() { reason } else { reason.with_value(value) }
    }

    fn record() -> Builder {
        says("health/records", "a")
    }

    #[test]
    fn what_was_dropped_is_compared_as_it_was_sent() {
        let sent = [
            ("person/name", "李*明"),
            ("person/id_no", "130106********9127"),
            ("person/birth_date", "1992"),
            ("person/sex", "男性"),
            ("person/phones", "139****0000"),
            ("person/phones", "86613"),
        ];
        let said = sent.iter().fold(record(), |record, (name, value)| record.issue(bad(name, value))).build();
        assert_eq!(cells(&said), ["130106********9127", "李*明", "1992", "男性", "139****0000 86613", ""]);
        assert_eq!(cells_of(&said.attributes), [""; 6]);
        assert_eq!(as_sent(&said).len(), 5);
    }

    #[test]
    fn what_could_be_read_stands_over_what_was_sent() {
        let said = record()
            .with("name", "李小明")
            .with("phones", json!([{"number": "13900000000"}]))
            .with("sex", Value::Null)
            .issue(bad("person/name", "李*明"))
            .issue(bad("person/phones", "无"))
            .issue(bad("person/sex", "男性"))
            .build();
        assert_eq!(cells(&said), ["", "李小明", "", "", "13900000000", ""]);
        assert!(as_sent(&said).is_empty());
    }

    #[test]
    fn another_parts_and_other_attributes_values_are_not_the_persons() {
        let unknown = Reason { attribute: None, ..bad("", "王*") };
        let said = record()
            .issue(bad("woman/name", "王*"))
            .issue(bad("person/spouse", "王*"))
            .issue(bad("person/name", ""))
            .issue(unknown)
            .issue(bad("person/current_address", "某处"))
            .build();
        assert_eq!(cells(&said), [""; 6]);
    }
}
