//! The report of a delivery: every rejected row and every attribute that was dropped, in the order of the rows, as its
//! department reads it. Owns the order and the CSV that Excel opens; decides nothing.

use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::reason::Reason;
use crate::store::codec;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, IssueDocument, RowDocument};
use crate::time::DAY;

/// What begins a file that Excel reads as UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const HEADINGS: [&str; 7] = ["行号", "主键", "字段", "值", "原因", "类别", "代码"];
/// Excel shows at most 15 digits of what it takes for a number; from here on digits are kept as text.
const DIGITS: usize = 12;

/// One thing wrong with one row.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// `rejection` (the row was not used) or `issue` (an attribute was dropped).
    pub kind: &'static str,
    /// Position of the row, from 1.
    pub position: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
    /// The source key, where it can be read.
    pub key: Option<String>,
    /// The column.
    pub column: String,
    /// JSON pointer into the row.
    pub pointer: String,
    /// The value as sent.
    pub value: Option<String>,
    /// Stable code.
    pub code: String,
    /// The reason in Chinese.
    pub zh: String,
    /// The reason in English.
    pub en: String,
}

/// Where a report goes on: after this row and issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    position: i64,
    ordinal: i64,
}

impl Place {
    /// The beginning.
    pub fn start() -> Self {
        Self { position: 0, ordinal: i64::MAX }
    }

    /// As a cursor holds it.
    pub fn text(self) -> String {
        format!("{}.{}", self.position, self.ordinal)
    }

    /// Reads what [`Place::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (position, ordinal) = text.split_once('.')?;
        Some(Self { position: position.parse().ok()?, ordinal: ordinal.parse().ok()? })
    }
}

/// Findings of at least one and about `limit` rows or issues after a place, and the place after them; `None` at the end.
pub fn page(hub: &Hub, delivery: &str, after: Place, limit: i64) -> Result<(Vec<Finding>, Option<Place>)> {
    let (rows, issues) = hub.db.read(|conn| {
        let rows = rejection::rows_after(conn, delivery, after.position, limit)?;
        Ok((rows, rejection::issues_after(conn, delivery, (after.position, after.ordinal), limit)?))
    })?;
    let mut found: Vec<(Place, Vec<Finding>)> = Vec::new();
    for row in rows {
        let document: RowDocument = codec::decode(&row.document)?;
        let finding = |reason: Reason| Finding::of("rejection", row.position, row.line, document.key.clone(), reason);
        let place = Place { position: row.position, ordinal: i64::MAX };
        found.push((place, document.reasons.into_iter().map(finding).collect()));
    }
    for issue in issues {
        let document: IssueDocument = codec::decode(&issue.document)?;
        let finding = Finding::of("issue", issue.position, issue.line, Some(document.key), document.reason);
        found.push((Place { position: issue.position, ordinal: issue.ordinal }, vec![finding]));
    }
    if found.is_empty() && after == Place::start() {
        pruned(hub, delivery)?;
    }
    found.sort_by_key(|(place, _)| (place.position, place.ordinal));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().map(|(place, _)| *place);
    Ok((found.into_iter().flat_map(|(_, findings)| findings).collect(), next))
}

/// Nothing was wrong, or what was wrong is not kept any more.
fn pruned(hub: &Hub, id: &str) -> Result<()> {
    let of = hub.db.read(|conn| delivery::get(conn, id))?;
    let kept_since = hub.now() - i64::from(hub.config.keep.reports_days) * DAY;
    if of.rejected + of.issues > 0 && of.received_at < kept_since {
        return Err(Error::new(Kind::Gone, "the rows of this report were kept for keep.reports_days and are gone")
            .coded("report-pruned", "该报告的明细已超过 keep.reports_days 保留期并已清除。"));
    }
    Ok(())
}

impl Finding {
    fn of(kind: &'static str, position: i64, line: Option<i64>, key: Option<String>, reason: Reason) -> Self {
        Self {
            kind,
            position,
            line,
            key,
            column: reason.column(),
            pointer: reason.pointer,
            value: reason.value,
            code: reason.code,
            zh: reason.zh,
            en: reason.en,
        }
    }

    /// Its line of the CSV.
    pub fn csv(&self) -> String {
        let kind = if self.kind == "rejection" { "拒收" } else { "字段舍弃" };
        let line = self.line.unwrap_or(self.position).to_string();
        let key = self.key.as_deref().unwrap_or_default().replace('\u{1f}', " ");
        csv_line([&line, &key, &self.column, self.value.as_deref().unwrap_or_default(), &self.zh, kind, &self.code])
    }
}

/// The first lines of the CSV: headings, then what is wrong with the delivery as a whole.
pub fn csv_head(of: &Delivery) -> String {
    let mut text = format!("{BYTE_ORDER_MARK}{}", csv_line(HEADINGS));
    for reason in of.hold_reasons() {
        text.push_str(&csv_line(["", "", "", "", &reason.zh, "整批", &reason.code]));
    }
    text
}

fn csv_line(cells: [&str; 7]) -> String {
    let quoted: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", quoted.join(","))
}

/// A cell that Excel shows as it was sent: never a formula, never a number with its last digits lost.
fn csv_cell(text: &str) -> String {
    let starts_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
    let digits = text.len() >= DIGITS || (text.len() > 1 && text.starts_with('0'));
    let loses_digits = digits && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X');
    let guarded = match (starts_formula, loses_digits) {
        (true, _) => format!("'{text}"),
        // Excel takes what follows a tab as text and does not show the tab.
        (_, true) => format!("\t{text}"),
        _ => text.to_owned(),
    };
    if guarded.contains([',', '"', '\r', '\n', '\t', '\'']) {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_formula_in_the_report() {
        for value in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "\t=1"] {
            let cell = csv_cell(value);
            assert!(cell.starts_with("\"'"), "{value:?} became {cell:?}");
        }
        assert_eq!(csv_cell("张三"), "张三");
        assert_eq!(csv_cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }

    #[test]
    fn a_number_keeps_its_digits_in_the_report() {
        assert_eq!(csv_cell("11010519491231002X"), "\"\t11010519491231002X\"");
        assert_eq!(csv_cell("007"), "\"\t007\"");
        assert_eq!(csv_cell("17"), "17");
        assert_eq!(csv_cell("0"), "0");
    }

    #[test]
    fn a_place_comes_back_out_of_its_text() {
        let place = Place { position: 7, ordinal: 2 };
        assert_eq!(Place::parse(&place.text()), Some(place));
        assert_eq!(Place::parse("7"), None);
    }
}
