//! Later deliveries of insured persons, derived from the first one so that it is known exactly what is different.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use super::Result;
use super::city::Sent;

/// Of a thousand rows, so many are changed ...
const CHANGED: u64 = 30;
/// ... and so many are left out.
const VANISHED: u64 = 5;
const PERIOD: u64 = 1_000;

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Same,
    Changed,
    Vanished,
}

/// The same rows with a higher sequence.
pub fn sent_again(first: &Sent, sequence: u32, path: &Path) -> Result<Sent> {
    rewrite(first, path, (None, sequence), |_| Fate::Same)
}

/// The next day: 3 % of the rows with another telephone number, 0.5 % gone, spread evenly.
pub fn next_day(first: &Sent, path: &Path) -> Result<Sent> {
    rewrite(first, path, (Some("20261102"), 1), fate)
}

/// The same rows, each with a telephone number that no earlier sequence had: a delivery that changes everybody.
pub fn all_changed(first: &Sent, sequence: u32, path: &Path) -> Result<Sent> {
    rewrite(first, path, (None, sequence), |_| Fate::Changed)
}

/// Share of rows that are changed or gone.
pub fn share(first: &Sent) -> f64 {
    (0..first.rows).filter(|row| fate(*row) != Fate::Same).count() as f64 / first.rows as f64
}

fn fate(row: u64) -> Fate {
    // The multiplier has no common divisor with the period, so that each place comes once in it.
    match (row * 389) % PERIOD {
        place if place < CHANGED => Fate::Changed,
        place if place < CHANGED + VANISHED => Fate::Vanished,
        _ => Fate::Same,
    }
}

fn rewrite(first: &Sent, path: &Path, (date, sequence): (Option<&str>, u32), fate: fn(u64) -> Fate) -> Result<Sent> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(&first.path)?);
    let mut output = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let rows = (0..first.rows).filter(|row| fate(*row) != Fate::Vanished).count() as u64;
    let (mut row, mut line) = (0, Vec::new());
    loop {
        line.clear();
        // No second byte of a character in GB 18030 is a line feed.
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.starts_with(b"<ROW>") {
            let fate = fate(row);
            row += 1;
            match fate {
                Fate::Same => {}
                Fate::Changed => {
                    line = replaced(&line, "AAC067", &format!("1990{:02}5{:04}", sequence % 100, row % 10_000))?
                }
                Fate::Vanished => continue,
            }
        } else if line.starts_with(b"<DATA><HEAD>") {
            line = replaced(&line, "SEQ", &sequence.to_string())?;
            line = replaced(&line, "TOTAL", &rows.to_string())?;
            if let Some(date) = date {
                line = replaced(&line, "DATADATE", date)?;
            }
        }
        output.write_all(&line)?;
    }
    output.flush()?;
    if row != first.rows {
        return Err(format!("{row} of {} rows found in {}", first.rows, first.path.display()).into());
    }
    Ok(Sent { feed: first.feed, path: path.to_owned(), rows, as_of: None })
}

/// The line with another text in its first element of this name.
fn replaced(line: &[u8], element: &str, text: &str) -> Result<Vec<u8>> {
    let (open, close, empty) = (format!("<{element}>"), format!("</{element}>"), format!("<{element}/>"));
    let at = |what: &str| line.windows(what.len()).position(|window| window == what.as_bytes());
    let (from, to) = match (at(&open), at(&close), at(&empty)) {
        (Some(from), Some(to), _) => (from, to + close.len()),
        (_, _, Some(from)) => (from, from + empty.len()),
        _ => return Err(format!("no element {element} in a row").into()),
    };
    Ok([&line[..from], open.as_bytes(), text.as_bytes(), close.as_bytes(), &line[to..]].concat())
}
