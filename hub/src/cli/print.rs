//! Printing: words for people, one JSON object for programs, progress bars on a terminal. The only place that writes to the terminal.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::error::{Error, Kind, Result};

/// Writes a line to standard output; a reader that has gone away is no fault.
pub fn line(text: &str) {
    let _gone = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes one JSON object to standard output.
pub fn json<T: Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(Kind::Internal, "printing JSON").because(error))?;
    line(&text);
    Ok(())
}

/// Says what went wrong, why, and what to do.
pub fn error(error: &Error) {
    let mut out = std::io::stderr().lock();
    let zh = error.context_zh.as_deref().unwrap_or_default();
    let _gone = writeln!(out, "hub: {error} {zh}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let _gone = writeln!(out, "  because: {inner}");
        cause = inner.source();
    }
    let (advice_zh, advice) = error.kind.advice();
    let _gone = writeln!(out, "  {advice_zh} {advice}");
}

/// A bar over `total` units; hidden unless somebody looks.
pub fn bar(total: u64, title: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:38} {bar:30} {human_pos:>9}/{human_len} {per_sec:>14} {eta:>5}");
    let bar = ProgressBar::new(total).with_prefix(title.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A table: headings, then rows; numbers to the right.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| columns_of(cell));
        cells.chain([columns_of(headings[column])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let print = |cells: &[String]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let pad = " ".repeat(width.saturating_sub(columns_of(cell)));
            let number = cell.starts_with(|first: char| first.is_ascii_digit()) && cell.parse::<f64>().is_ok();
            let padded = if number { format!("{pad}{cell}") } else { format!("{cell}{pad}") };
            text.push_str(&padded);
            text.push_str("  ");
        }
        line(text.trim_end());
    };
    print(&headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>());
    rows.iter().for_each(|row| print(row));
}

/// Columns a text takes on a terminal: Chinese characters take two.
fn columns_of(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) < 0x1100 { 1 } else { 2 }).sum()
}
