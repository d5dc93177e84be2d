//! Reads the rows of one sheet through calamine's cell reader.
//!
//! The cell reader borrows the workbook, so both live on a thread of their own, which hands over rows in batches through a
//! bounded channel: at most a few batches are in memory. The thread is also the last wall: should calamine panic over a
//! file that passed [`super::package`], the thread ends without having said so, and that is an error and no crash.

use std::fs::File;
use std::io::BufReader;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, Reader as _, SheetType, Xlsx, XlsxError};

use crate::format::Limits;
use crate::record::{DecodeError, DecodeErrorKind};

/// Most rows handed over at once.
const BATCH: usize = 256;

/// A cell that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Text, or a date in ISO 8601 as text.
    Text(String),
    /// A number.
    Number(f64),
    /// A number in a cell formatted as a date.
    Date(f64),
    /// True or false.
    Bool(bool),
    /// What Excel shows when a formula fails: `#N/A`.
    Error(String),
}

/// A row that is not empty.
#[derive(Debug, Default)]
pub(crate) struct SheetRow {
    /// Number in the sheet, counted from 1.
    pub(crate) number: u32,
    /// Columns, counted from 0, with their cells.
    pub(crate) cells: Vec<(u32, Cell)>,
    /// The row takes more than `record_bytes`; the rest of it was left out.
    pub(crate) too_large: bool,
    bytes: usize,
}

/// What the thread says.
enum Message {
    /// The workbook is open; whether its dates count from 1904.
    Opened(bool),
    Rows(Vec<SheetRow>),
    Failed(DecodeError),
    /// The sheet was read to its end.
    Done,
}

/// The rows of a sheet.
pub(crate) struct Sheet {
    messages: Receiver<Message>,
    batch: std::vec::IntoIter<SheetRow>,
    done: bool,
    /// Whether dates count from 1904.
    pub(crate) is_1904: bool,
}

impl Sheet {
    /// Opens the named sheet, or the first one.
    pub(crate) fn open(file: File, name: Option<String>, limits: &Limits) -> Result<Self, DecodeError> {
        let (sender, messages) = sync_channel(2);
        let limits = limits.clone();
        std::thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || {
                let end = match run(file, name, limits, &sender) {
                    Ok(true) => Message::Done,
                    // Nobody listens any more.
                    Ok(false) => return,
                    Err(error) => Message::Failed(error),
                };
                // The receiver may be gone by now, which is no fault of the workbook.
                let _ = sender.send(end);
            })
            .map_err(|error| DecodeError::from_read(&error, "start"))?;
        let mut sheet = Self { messages, batch: Vec::new().into_iter(), done: false, is_1904: false };
        match sheet.receive()? {
            Message::Opened(is_1904) => sheet.is_1904 = is_1904,
            Message::Failed(error) => return Err(error),
            Message::Rows(_) | Message::Done => sheet.done = true,
        }
        Ok(sheet)
    }

    /// The next row that is not empty; `None` once the sheet was read to its end.
    pub(crate) fn next_row(&mut self) -> Result<Option<SheetRow>, DecodeError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            if self.done {
                return Ok(None);
            }
            match self.receive()? {
                Message::Rows(rows) => self.batch = rows.into_iter(),
                Message::Failed(error) => return Err(error),
                Message::Done | Message::Opened(_) => self.done = true,
            }
        }
    }

    fn receive(&self) -> Result<Message, DecodeError> {
        self.messages.recv().map_err(|_| malformed("start"))
    }
}

fn malformed(place: impl Into<String>) -> DecodeError {
    DecodeError::new(
        DecodeErrorKind::Malformed,
        place,
        "The workbook breaks the rules of its format and cannot be read.",
    )
}

/// Reads the sheet; false if the receiver has gone.
fn run(file: File, name: Option<String>, limits: Limits, sender: &SyncSender<Message>) -> Result<bool, DecodeError> {
    let mut workbook: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(|error| explain(&error, "start"))?;
    let name = choose(&workbook, name)?;
    if sender.send(Message::Opened(workbook.has_1904_epoch())).is_err() {
        return Ok(false);
    }
    let place = |row: u32| format!("sheet '{name}' row {}", row + 1);
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(|error| explain(&error, &place(0)))?;
    let mut rows = Collector { limits, sender, rows: Vec::new(), bytes: 0, count: 0, current: None };
    let mut last = 0;
    while let Some(cell) = cells.next_cell().map_err(|error| explain(&error, &place(last)))? {
        let (row, column) = cell.get_position();
        if row < last {
            return Err(malformed(place(row)));
        }
        last = row;
        let Some(cell) = convert(cell.get_value()) else { continue };
        if !rows
            .add(row, column, cell)
            .map_err(|message| DecodeError::new(DecodeErrorKind::Limit, place(row), message))?
        {
            return Ok(false);
        }
    }
    Ok(rows.finish())
}

fn choose(workbook: &Xlsx<BufReader<File>>, name: Option<String>) -> Result<String, DecodeError> {
    let sheets = workbook.sheets_metadata();
    let found = match &name {
        Some(name) => sheets.iter().find(|sheet| sheet.name == *name),
        None => sheets.iter().find(|sheet| sheet.typ == SheetType::WorkSheet),
    };
    let message = match &name {
        Some(name) => format!("The workbook has no sheet '{name}'."),
        None => "The workbook has no sheet.".to_owned(),
    };
    found.map(|sheet| sheet.name.clone()).ok_or_else(|| DecodeError::new(DecodeErrorKind::Missing, "start", message))
}

fn convert(value: &DataRef<'_>) -> Option<Cell> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(date) if date.is_datetime() => Cell::Date(date.as_f64()),
        DataRef::DateTime(duration) => Cell::Number(duration.as_f64()),
        DataRef::DateTimeIso(text) => Cell::Text(text.strip_suffix("T00:00:00").unwrap_or(text).to_owned()),
        DataRef::DurationIso(text) => Cell::Text(text.clone()),
        DataRef::Error(error) => Cell::Error(error.to_string()),
    })
}

/// Gathers cells to rows and rows to batches.
struct Collector<'a> {
    limits: Limits,
    sender: &'a SyncSender<Message>,
    rows: Vec<SheetRow>,
    bytes: usize,
    count: u64,
    current: Option<SheetRow>,
}

impl Collector<'_> {
    /// Adds a cell; false if the receiver has gone, an error if the sheet has too many rows.
    fn add(&mut self, row: u32, column: u32, cell: Cell) -> Result<bool, String> {
        if self.current.as_ref().is_none_or(|current| current.number != row + 1) {
            if !self.end_row() {
                return Ok(false);
            }
            self.count += 1;
            if self.count > self.limits.sheet_rows {
                return Err(format!("The sheet has more than {} rows (limit sheet_rows).", self.limits.sheet_rows));
            }
            self.current = Some(SheetRow { number: row + 1, ..SheetRow::default() });
        }
        if let Some(current) = &mut self.current {
            current.bytes += match &cell {
                Cell::Text(text) | Cell::Error(text) => text.len() + 32,
                _ => 32,
            };
            if current.bytes > self.limits.record_bytes {
                current.too_large = true;
            } else {
                current.cells.push((column, cell));
            }
        }
        Ok(true)
    }

    fn end_row(&mut self) -> bool {
        let Some(row) = self.current.take() else { return true };
        self.bytes += row.bytes;
        self.rows.push(row);
        if self.rows.len() < BATCH && self.bytes < self.limits.record_bytes {
            return true;
        }
        self.bytes = 0;
        self.sender.send(Message::Rows(std::mem::take(&mut self.rows))).is_ok()
    }

    fn finish(mut self) -> bool {
        self.end_row() && (self.rows.is_empty() || self.sender.send(Message::Rows(self.rows)).is_ok())
    }
}

fn explain(error: &XlsxError, place: &str) -> DecodeError {
    match error {
        XlsxError::Io(error) => super::package::damaged(error, place),
        XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_) => {
            DecodeError::new(DecodeErrorKind::Missing, place, "The workbook holds no worksheet at this place.")
        }
        _ => malformed(place),
    }
}
