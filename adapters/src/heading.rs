//! Headings: which row of a table holds them, and how they name the columns below. The same for text and for sheets.

use std::collections::BTreeSet;

use crate::format::Limits;
use crate::record::{DecodeError, DecodeErrorKind};

/// The headings stand within this many rows.
pub(crate) const HEADING_ROWS: usize = 50;

/// Whether a row holds all the headings, as often as they are declared; without declared ones any row does.
pub(crate) fn is_heading(row: &[String], headings: &[String]) -> bool {
    let times = |among: &[String], name: &String| among.iter().filter(|other| *other == name).count();
    row.len() >= headings.len() && headings.iter().all(|name| times(row, name) >= times(headings, name))
}

/// The column names of the rows under a heading row.
pub(crate) fn bind(
    row: Vec<String>,
    headings: &[String],
    positions: &[String],
    limits: &Limits,
    place: &str,
) -> Result<Vec<String>, DecodeError> {
    let fault = |kind, message: &str| Err(DecodeError::new(kind, place, message));
    if row.len() > limits.columns {
        let message = format!("The heading row has more than {} columns (limit columns).", limits.columns);
        return fault(DecodeErrorKind::Limit, &message);
    }
    if !positions.is_empty() {
        // By position an exchanged pair of columns would silently exchange the values.
        return if headings.len() == positions.len() && !row.starts_with(headings) {
            fault(DecodeErrorKind::Missing, "The headings are not in the order to which the columns are bound.")
        } else {
            Ok(positions.to_vec())
        };
    }
    let mut seen = BTreeSet::new();
    if row.iter().any(|name| !name.is_empty() && !seen.insert(name)) {
        let message = "A heading stands twice; bind the columns by position.";
        return fault(DecodeErrorKind::Malformed, message);
    }
    let named = row.into_iter().enumerate();
    Ok(named.map(|(index, name)| if name.is_empty() { format!("#{}", index + 1) } else { name }).collect())
}

/// The fault that none of the rows looked at, the last of them at `place`, holds the headings.
pub(crate) fn missing(place: String) -> DecodeError {
    let message = format!("No row among the first {HEADING_ROWS} holds the headings of the feed.");
    DecodeError::new(DecodeErrorKind::Missing, place, message)
}
