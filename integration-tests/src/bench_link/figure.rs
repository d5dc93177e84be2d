//! A figure: what was measured, its target, what the other tool reached, and how it is printed.

use serde_json::json;

/// What must not be passed.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// What one case came to.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its name.
    pub key: &'static str,
    /// The value.
    pub value: f64,
    /// The unit of the value.
    pub unit: &'static str,
    /// What it is held to.
    pub target: Target,
    /// What the other tool reached, where it ran.
    pub other: Option<f64>,
    /// What else should be known.
    pub note: String,
}

impl Figure {
    /// Whether the target is met, and the other tool is not better.
    pub fn is_met(&self) -> bool {
        match self.target {
            Target::AtLeast(least) => self.value >= least && self.other.is_none_or(|other| self.value >= other),
            Target::AtMost(most) => self.value <= most,
        }
    }

    /// Prints it as one line: JSON, or a row of a table.
    pub fn print(&self, as_json: bool) {
        let Self { key, value, unit, note, .. } = self;
        let target = match self.target {
            Target::AtLeast(least) => format!(">= {least}"),
            Target::AtMost(most) => format!("<= {most}"),
        };
        let met = self.is_met();
        if as_json {
            let line = json!({
                "key": key, "value": value, "unit": unit, "limit": self.other, "target": target, "met": met,
                "note": note,
            });
            println!("{line}");
        } else {
            let other = self.other.map_or_else(|| "-".to_owned(), |other| format!("{other:.5}"));
            let met = if met { "yes" } else { "no" };
            println!("| `{key}` | {value:.5} {unit} | {other} | {target} | {met} | {note} |");
        }
    }
}
