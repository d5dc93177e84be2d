//! Health: resident health records, a JSON array or a line each, keyed by data element.

use serde_json::{Map, Value};

use super::{Delivery, Person, Row};

const COLUMNS: [&str; 26] = [
    "DE01.00.009.00",
    "DE02.01.031.00",
    "DE02.01.030.00",
    "DE02.01.039.00",
    "DE02.01.040.00",
    "DE02.01.005.01",
    "DE02.01.025.00",
    "DE02.01.018.00",
    "DE02.01.041.00",
    "DE02.01.052.00",
    "DE02.01.004.00",
    "DE02.01.010.00",
    "DE02.01.009.01",
    "DE02.01.009.02",
    "DE02.01.009.03",
    "DE02.01.009.04",
    "DE02.01.009.05",
    "DE02.01.009.06",
    "DE02.01.024.00",
    "DE04.50.001.00",
    "DE04.50.010.00",
    "DE02.01.036.00",
    "lastModifyDate",
    "status",
    "division",
    // Never sent by a good department: a file with one is refused whole.
    "diagnoses",
];

/// A health record, changed at such as `2026-11-01T08:30:00`, active, with the current address.
pub fn health_record(person: &Person, record: &str, changed: &str) -> Row {
    Row::blank(&COLUMNS)
        .without("diagnoses")
        .without("DE02.01.036.00")
        .with("DE01.00.009.00", record)
        .with("DE02.01.031.00", "01")
        .with("DE02.01.030.00", &person.id_no)
        .with("DE02.01.039.00", &person.name)
        .with("DE02.01.040.00", person.sex)
        .with("DE02.01.005.01", &person.birth_date)
        .with("DE02.01.025.00", "01")
        .with("DE02.01.010.00", &person.phone)
        .with("DE02.01.009.01", "河北省")
        .with("DE02.01.009.02", "石家庄市")
        .with("DE02.01.009.03", "裕华区")
        .with("DE02.01.009.04", "裕兴街道")
        .with("DE02.01.009.05", person.community_name)
        .with("DE02.01.009.06", &person.street)
        .with("DE02.01.024.00", "09")
        .with("lastModifyDate", changed)
        .with("status", "0")
        .with("division", person.community)
}

/// A delta of health records as one JSON array; as-of such as `2026-11-01T09:00:00+08:00`.
pub fn health_records(as_of: &str, sequence: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let records: Vec<Value> = rows.into_iter().map(|row| object(&row)).collect();
    headed(as_of, sequence, Value::from(records).to_string())
}

/// The same with a record a line, which needs its total in a header.
pub fn health_records_ndjson(as_of: &str, sequence: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let lines: Vec<String> = rows.into_iter().map(|row| object(&row).to_string() + "\n").collect();
    headed(as_of, sequence, lines.concat())
        .with_header("Hub-Total", &lines.len().to_string())
        .with_header("Content-Type", "application/x-ndjson")
}

fn headed(as_of: &str, sequence: u32, text: String) -> Delivery {
    Delivery::new("health/resident-health-records", text.into_bytes())
        .with_header("Hub-As-Of", as_of)
        .with_header("Hub-Sequence", &sequence.to_string())
        .with_header("Content-Type", "application/json")
}

fn object(row: &Row) -> Value {
    let members: Map<String, Value> = row.present().map(|(name, value)| (name.to_owned(), value.into())).collect();
    members.into()
}
