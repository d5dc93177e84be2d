//! A figure: what was measured, its limit, its target, and how it is printed. Owns which misses are known.

use std::collections::BTreeMap;

use integration_tests::place;
use serde_json::json;

use super::Result;
use super::statistics::{median, spread};

/// What a case is held to.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub key: &'static str,
    /// The unit of value and limit.
    pub unit: &'static str,
    /// The bound.
    pub bound: Bound,
}

/// What must not be passed.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// Value by limit is at most this: times.
    RatioAtMost(f64),
    /// Value by limit is at least this: rates.
    RatioAtLeast(f64),
    /// The value is at most this; there is no limit beside it.
    ValueAtMost(f64),
}

/// What one case came to.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it is held to.
    pub target: Target,
    /// The hub's.
    pub value: f64,
    /// The engine's, where there is one.
    pub limit: Option<f64>,
    /// How many runs the medians are of.
    pub runs: usize,
    /// What else should be known.
    pub note: String,
    /// Something else the target asks for was missed; the note says what.
    pub missed: bool,
}

impl Figure {
    /// The medians of pairs measured side by side.
    pub fn of_pairs(target: Target, values: &[f64], limits: &[f64], note: String) -> Self {
        let note = format!("{note}; runs {}, limits {}", spread(values), spread(limits));
        let (value, limit) = (median(values), Some(median(limits)));
        Self { target, value, limit, runs: values.len(), note, missed: false }
    }

    /// Value by limit.
    pub fn ratio(&self) -> Option<f64> {
        self.limit.filter(|limit| *limit > 0.0).map(|limit| self.value / limit)
    }

    /// Whether the target is met.
    pub fn is_met(&self) -> bool {
        let kept = match self.target.bound {
            Bound::RatioAtMost(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Bound::RatioAtLeast(least) => self.ratio().is_some_and(|ratio| ratio >= least),
            Bound::ValueAtMost(most) => self.value <= most,
        };
        kept && !self.missed
    }

    /// Prints it as one line: JSON, or a row of the table in `hub/docs/performance.md`.
    pub fn print(&self, as_json: bool, known: &BTreeMap<String, String>) {
        let Target { key, unit, .. } = self.target;
        if as_json {
            let line = json!({
                "key": key, "value": rounded(self.value), "unit": unit, "limit": self.limit.map(rounded),
                "ratio": self.ratio().map(rounded), "target": self.bound(), "met": self.is_met(), "runs": self.runs,
                "note": self.note, "known": known.get(key),
            });
            println!("{line}");
            return;
        }
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| rounded(value).to_string());
        let met = match (self.is_met(), known.contains_key(key)) {
            (true, _) => "yes",
            (false, true) => "no, known",
            (false, false) => "no",
        };
        let (value, limit, ratio) = (number(Some(self.value)), number(self.limit), number(self.ratio()));
        let key = format!("`{key}`");
        let target = self.bound();
        println!(
            "| {key:18} | {value:>9} {unit:5} | {limit:>9} | {ratio:>6} | {target:22} | {met:9} | {} | {} |",
            self.runs, self.note
        );
    }

    fn bound(&self) -> String {
        match self.target.bound {
            Bound::RatioAtMost(most) => format!("ratio <= {most}"),
            Bound::RatioAtLeast(least) => format!("ratio >= {least}"),
            Bound::ValueAtMost(most) => format!("value <= {most} {}", self.target.unit),
        }
    }
}

/// Three digits that count, or all before the point.
fn rounded(value: f64) -> f64 {
    let digits = if value.abs() >= 100.0 {
        1.0
    } else if value.abs() >= 10.0 {
        10.0
    } else {
        1_000.0
    };
    (value * digits).round() / digits
}

/// Keys whose miss `hub/docs/performance.md` names with a reason: lines ``- `key`: reason`` below "Known misses".
pub fn known_misses() -> Result<BTreeMap<String, String>> {
    let page = std::fs::read_to_string(place::workspace().join("hub/docs/performance.md"))?;
    let section = page.split("\n## ").find(|section| section.starts_with("Known misses")).unwrap_or_default();
    let line = |line: &str| {
        let (key, reason) = line.strip_prefix("- `")?.split_once("`: ")?;
        Some((key.to_owned(), reason.to_owned()))
    };
    Ok(section.lines().filter_map(line).collect())
}
