//! `link.toml`: which columns say what.
//!
//! Owns its form. Nothing in it tunes weights or thresholds; a budget of errors may be named.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::decide::Budget;
use super::evidence::Kind;
use super::telling;

/// The document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// The column that names a record.
    pub id: String,
    /// The character between cells; found by looking at the header if not said.
    pub delimiter: Option<char>,
    /// The columns used and their kinds, by name; see [`LinkConfig::arranged`].
    #[serde(deserialize_with = "by_name")]
    pub columns: Vec<(String, Kind)>,
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

/// In the names of columns that tell of somebody else than the person.
const RELATIVES: [&str; 32] = [
    "户主",
    "父",
    "母",
    "配偶",
    "丈夫",
    "妻",
    "监护",
    "联系人",
    "亲属",
    "家长",
    "曾用",
    "spouse",
    "husband",
    "wife",
    "father",
    "mother",
    "parent",
    "guardian",
    "relative",
    "kin",
    "contact",
    "householder",
    "head",
    "former",
    "huzhu",
    "fuqin",
    "muqin",
    "peiou",
    "jianhu",
    "lianxi",
    "jiazhang",
    "qinshu",
];
/// What such names begin with in registers that name columns by the first letters of their words: HZXM, JHRXM.
const INITIALS: [&str; 10] = ["hz", "fq", "mq", "po", "jhr", "lxr", "jzxm", "jzsf", "jzdh", "cym"];

fn is_of_relative(column: &str) -> bool {
    let column = column.to_lowercase();
    let is_short = column.len() <= 10 && column.bytes().all(|byte| byte.is_ascii_alphanumeric());
    RELATIVES.iter().any(|word| column.contains(word))
        || is_short && INITIALS.iter().any(|initials| column.starts_with(initials))
}

fn by_name<'de, D: Deserializer<'de>>(columns: D) -> Result<Vec<(String, Kind)>, D::Error> {
    BTreeMap::deserialize(columns).map(|columns| columns.into_iter().collect())
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

    /// Of a file of residents with the columns of one kind in the order in which `header` names them, and those last that
    /// are of a relative by their names: where it has a second name or number, that stands behind the person's own.
    #[must_use]
    pub fn arranged(mut self, header: &[String]) -> Self {
        if !telling::residents(&self.kinds()) {
            return self;
        }
        for kind in [Kind::CitizenId, Kind::NameZh, Kind::Sex, Kind::BirthDate, Kind::Phone, Kind::AddressZh] {
            let places: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].1 == kind).collect();
            let mut columns: Vec<(String, Kind)> = places.iter().map(|at| self.columns[*at].clone()).collect();
            let place = |name: &str| header.iter().position(|one| one == name).unwrap_or(usize::MAX);
            columns.sort_by_key(|(name, _)| (is_of_relative(name), place(name)));
            places.into_iter().zip(columns).for_each(|(at, column)| self.columns[at] = column);
        }
        self
    }

    /// With the columns in the order of these names, and others behind them.
    #[must_use]
    pub fn in_order(mut self, names: &[String]) -> Self {
        self.columns.sort_by_key(|(name, _)| names.iter().position(|one| one == name).unwrap_or(usize::MAX));
        self
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Kinds of the columns, in the same order.
    pub fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|(_, kind)| *kind).collect()
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
    fn a_persons_own_name_stands_before_that_of_a_relative() {
        let text = "id = \"id\"\n[columns]\nguardian = \"name_zh\"\nname = \"name_zh\"\nborn = \"birth_date\"\n";
        let config = LinkConfig::parse(text).unwrap();
        assert_eq!(config.names(), ["born", "guardian", "name"]);
        let header = ["id", "guardian", "name", "born"].map(str::to_owned);
        assert_eq!(config.arranged(&header).names(), ["born", "name", "guardian"]);
        let text = "id = \"id\"\n[columns]\nxm2 = \"name_zh\"\nxm1 = \"name_zh\"\n";
        let config = LinkConfig::parse(text).unwrap().arranged(&["xm2", "id", "xm1"].map(str::to_owned));
        assert_eq!(config.names(), ["xm2", "xm1"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(LinkConfig::parse("id = \"a\"\n[columns]\nb = \"colour\"\n").unwrap_err().contains("colour"));
        assert!(LinkConfig::parse("id = \"a\"\n[columns]\n").unwrap_err().contains("no column"));
    }
}
