//! Decodes workbooks (Office Open XML): one sheet, a heading row somewhere near its top, one row per record.
//!
//! Owns title rows, total rows, the binding of columns and what a cell's text is. Blank cells are empty texts, empty
//! rows are no rows, a formula is its stored result, and a cell that shows an error (`#N/A`) makes its row a bad record
//! `error-cell`. A value beside the table is kept under the name of its column (`#XFD`); a row of nothing else is a
//! bad record `column-count`.

mod cell;
mod package;
mod part;
mod sheet;

use std::io::Read;

use serde_json::Value;

use crate::format::{Limits, XlsxOptions};
use crate::heading::{self, HEADING_ROWS, is_heading};
use crate::record::{DecodeError, Decoder, Envelope, Row};
use crate::rows::{Draft, Rows};
use sheet::{Cell, Sheet, SheetRow};

/// Reads the rows of a workbook.
pub(crate) struct XlsxDecoder {
    sheet: Sheet,
    options: XlsxOptions,
    rows: Rows,
    /// Names of the columns from [`XlsxDecoder::first`] on, and whether each holds dates.
    columns: Vec<(String, bool)>,
    /// Column in which the table begins, counted from 0.
    first: usize,
    started: bool,
}

impl XlsxDecoder {
    pub(crate) fn open(
        options: &XlsxOptions,
        limits: &Limits,
        input: Box<dyn Read + Send>,
    ) -> Result<Self, DecodeError> {
        let file = package::admit(input, limits)?;
        let sheet = Sheet::open(file, options.sheet.clone(), limits)?;
        let (options, rows) = (options.clone(), Rows::new(limits));
        Ok(Self { sheet, options, rows, columns: Vec::new(), first: 0, started: false })
    }

    fn read(&mut self) -> Result<Option<Row>, DecodeError> {
        if !self.started {
            self.started = true;
            self.start()?;
        }
        while let Some(row) = self.sheet.next_row()? {
            if !self.is_total(&row)
                && let Some((draft, raw)) = self.draft(row)
            {
                return self.rows.finish(draft, || raw).map(Some);
            }
        }
        self.rows.envelope.complete = true;
        Ok(None)
    }

    /// Finds the heading row and binds the columns.
    fn start(&mut self) -> Result<(), DecodeError> {
        for _ in 0..HEADING_ROWS {
            let Some(row) = self.sheet.next_row()? else { break };
            let number = row.number;
            let (first, texts) = self.texts(row);
            if texts.is_empty() || !is_heading(&texts, &self.options.headings) {
                continue;
            }
            let place = self.place(number);
            let options = &self.options;
            let names = heading::bind(texts, &options.headings, &options.positions, &self.rows.limits, &place)?;
            names.iter().try_for_each(|name| self.rows.see(name))?;
            self.first = first;
            let dates = &self.options.dates;
            self.columns = names.into_iter().map(|name| (name.clone(), dates.contains(&name))).collect();
            return Ok(());
        }
        Err(heading::missing(self.place(1)))
    }

    fn place(&self, row: u32) -> String {
        match &self.options.sheet {
            Some(sheet) => format!("sheet '{sheet}' row {row}"),
            None => format!("row {row}"),
        }
    }

    /// The trimmed texts of a row from its first cell that is not blank to its last, and the column of the first.
    fn texts(&self, row: SheetRow) -> (usize, Vec<String>) {
        let mut texts: Vec<String> = Vec::new();
        for (column, cell) in row.cells {
            let text = cell::show(cell, false, self.sheet.is_1904);
            let column = column as usize;
            if text.trim().is_empty() {
                continue;
            }
            if texts.len() <= column {
                texts.resize(column + 1, String::new());
            }
            text.trim().clone_into(&mut texts[column]);
        }
        let first = texts.iter().position(|text| !text.is_empty()).unwrap_or(0);
        texts.drain(..first);
        (first, texts)
    }

    /// Whether the row is a total row; its first number goes to the envelope.
    fn is_total(&mut self, row: &SheetRow) -> bool {
        if self.options.total_rows.is_empty() {
            return false;
        }
        let mut cells = row.cells.iter().map(|(_, cell)| cell::show(cell.clone(), false, false).trim().to_owned());
        let Some(first) = cells.find(|text| !text.is_empty()) else { return false };
        if !self.options.total_rows.contains(&first) {
            return false;
        }
        if let Some(number) = cells.find(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())) {
            self.rows.envelope.values.entry("total".to_owned()).or_insert(number);
        }
        true
    }

    /// The row with its columns bound and its text; `None` if all its cells are blank.
    fn draft(&self, row: SheetRow) -> Option<(Draft, String)> {
        let limits = &self.rows.limits;
        let mut draft = Draft::at(Some(u64::from(row.number)));
        let mut raw = String::new();
        let mut is_blank = true;
        let mut is_outside = true;
        for (column, cell) in row.cells {
            let bound = (column as usize).checked_sub(self.first).and_then(|index| self.columns.get(index));
            if let Cell::Error(_) = cell {
                draft.fault("error-cell", "A cell of the row shows an error instead of a value.");
            }
            let text = cell::show(cell, bound.is_some_and(|(_, is_date)| *is_date), self.sheet.is_1904);
            raw.push_str(&text);
            raw.push('\t');
            if text.trim().is_empty() && bound.is_none() {
                continue;
            }
            is_blank &= text.trim().is_empty();
            is_outside &= bound.is_none() || text.trim().is_empty();
            match bound {
                Some((name, _)) => draft.put(name, Value::String(text), limits),
                None => draft.put(&format!("#{}", letters(column)), Value::String(text), limits),
            }
        }
        if row.too_large {
            draft.too_large(limits);
        } else if is_blank {
            return None;
        } else if is_outside {
            draft.fault("column-count", "The row holds values only beside the columns of the table.");
        }
        for (name, _) in self.columns.iter().filter(|(name, _)| !name.starts_with('#')) {
            if !draft.fields.contains_key(name) {
                draft.put(name, Value::String(String::new()), limits);
            }
        }
        Some((draft, raw))
    }
}

/// The name of a column counted from 0: `A`, `XFD`.
fn letters(column: u32) -> String {
    let mut name = String::new();
    let mut left = column + 1;
    while left > 0 {
        name.insert(0, char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    name
}

impl Decoder for XlsxDecoder {
    fn next_row(&mut self) -> Result<Option<Row>, DecodeError> {
        self.read()
    }

    fn envelope(&self) -> &Envelope {
        &self.rows.envelope
    }
}

#[cfg(test)]
pub(crate) mod tests;
