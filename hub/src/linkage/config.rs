//! `link.toml`: which columns say what.
//!
//! Owns its form. Nothing in it tunes weights or thresholds; a budget of errors may be named.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::decide::Budget;
use super::evidence::Kind;

/// The document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// The column that names a record.
    pub id: String,
    /// The character between cells; found by looking at the header if not said.
    pub delimiter: Option<char>,
    /// Kind of each column used, by the column's name.
    pub columns: BTreeMap<String, Kind>,
    /// How many errors and how much work are allowed.
    #[serde(default)]
    pub budget: Allowed,
}

/// See [`Budget`]; what is not said is as there.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Share of automatic joins that may be wrong (0 to 1).
    pub wrong: Option<f64>,
    /// Share of records that may wait for a person (0 to 1).
    pub waiting: Option<f64>,
}

/// Columns a record may have.
const COLUMNS: usize = 32;

impl LinkConfig {
    /// Reads a document. The error is a sentence with the place in the document.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match config.columns.len() {
            0 => Err("[columns] names no column".to_owned()),
            1..=COLUMNS => Ok(config),
            many => Err(format!("[columns] names {many} columns, at most {COLUMNS} are compared")),
        }
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.keys().cloned().collect()
    }

    /// Kinds of the columns, in the same order.
    pub fn kinds(&self) -> Vec<Kind> {
        self.columns.values().copied().collect()
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        let usual = Budget::default();
        Budget {
            wrong: self.budget.wrong.unwrap_or(usual.wrong),
            waiting: self.budget.waiting.unwrap_or(usual.waiting),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_kinds_as_the_manual_does() {
        let text = "id = \"rec_id\"\n[columns]\nsurname = \"name_latin\"\nborn = \"birth_date\"\n";
        let config = LinkConfig::parse(text).unwrap();
        assert_eq!(config.names(), ["born", "surname"]);
        assert_eq!(config.kinds(), [Kind::BirthDate, Kind::NameLatin]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(LinkConfig::parse("id = \"a\"\n[columns]\nb = \"colour\"\n").unwrap_err().contains("colour"));
        assert!(LinkConfig::parse("id = \"a\"\n[columns]\n").unwrap_err().contains("no column"));
    }
}
