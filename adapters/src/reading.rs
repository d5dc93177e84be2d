//! Reads a whole delivery for a test.

use std::io::{self, Cursor, Read};

use serde_json::{Map, Value};

use crate::{BadRecord, DecodeError, DecodeErrorKind, Envelope, Format, Limits, Record, Row, open};

/// All that a decoder gave.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) rows: Vec<Row>,
    pub(crate) envelope: Envelope,
    pub(crate) error: Option<DecodeError>,
}

impl Reading {
    pub(crate) fn records(&self) -> Vec<&Record> {
        self.rows.iter().filter_map(|row| if let Row::Record(record) = row { Some(record) } else { None }).collect()
    }

    /// The fields of all records; panics over anything else, so that no test passes by what it did not look at.
    pub(crate) fn fields(&self) -> Vec<Value> {
        assert!(self.error.is_none(), "{:?}", self.error);
        assert!(self.bad().is_empty(), "{:?}", self.bad());
        self.records().into_iter().map(|record| Value::Object(record.fields.clone())).collect()
    }

    pub(crate) fn bad(&self) -> Vec<&BadRecord> {
        self.rows.iter().filter_map(|row| if let Row::Bad(bad) = row { Some(bad) } else { None }).collect()
    }

    /// Codes of bad records with their position.
    pub(crate) fn codes(&self) -> Vec<(u64, &'static str)> {
        self.bad().into_iter().map(|bad| (bad.position, bad.code)).collect()
    }

    pub(crate) fn kind(&self) -> Option<DecodeErrorKind> {
        self.error.as_ref().map(|error| error.kind)
    }
}

/// Gives at most so many bytes for a read.
pub(crate) struct Chunks(pub(crate) Cursor<Vec<u8>>, pub(crate) usize);

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

pub(crate) fn read(format: &Format, bytes: impl Into<Vec<u8>>) -> Reading {
    read_within(format, &Limits::default(), bytes)
}

pub(crate) fn read_within(format: &Format, limits: &Limits, bytes: impl Into<Vec<u8>>) -> Reading {
    read_from(format, limits, Box::new(Cursor::new(bytes.into())))
}

pub(crate) fn read_from(format: &Format, limits: &Limits, input: Box<dyn Read + Send>) -> Reading {
    let mut decoder = match open(format, limits, input) {
        Ok(decoder) => decoder,
        Err(error) => return Reading { error: Some(error), ..Reading::default() },
    };
    let mut reading = Reading::default();
    loop {
        match decoder.next_row() {
            Ok(Some(row)) => {
                if let Row::Bad(bad) = &row {
                    assert!(BadRecord::CODES.contains(&bad.code), "{}", bad.code);
                }
                reading.rows.push(row);
            }
            Ok(None) => break,
            Err(error) => {
                reading.error = Some(error);
                break;
            }
        }
    }
    reading.envelope = decoder.envelope().clone();
    assert!(reading.error.is_none() || !reading.envelope.complete, "an error after a proven end");
    reading
}

/// The fields of the first record as text.
pub(crate) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields[name].as_str().unwrap()
}
