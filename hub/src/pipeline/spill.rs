//! The spill: changed rows of an inspected delivery, mapped, on local disk. Disposable; whoever misses it makes it again.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::row::ChangedRow;
use crate::error::{Error, Kind, Result};
use crate::landing::io_error;

/// Code of a spill that cannot be read to its end; it is made again.
pub const UNREADABLE: &str = "spill-unreadable";

/// Writes a spill; it has its name only once it is whole.
pub struct SpillWriter {
    out: BufWriter<zstd::stream::write::Encoder<'static, File>>,
    fresh: PathBuf,
    path: PathBuf,
}

impl SpillWriter {
    /// Begins a spill.
    pub fn create(path: &Path) -> Result<Self> {
        let fresh = path.with_extension(format!("{}.new", crate::id::random()?));
        let file = File::create(&fresh).map_err(|error| io_error(&error))?;
        let encoder = zstd::stream::write::Encoder::new(file, 1).map_err(|error| io_error(&error))?;
        Ok(Self { out: BufWriter::new(encoder), fresh, path: path.to_owned() })
    }

    /// Appends a row; rows come in the order of their positions.
    pub fn push(&mut self, row: &ChangedRow) -> Result<()> {
        serde_json::to_writer(&mut self.out, row).map_err(|error| io_error(&error.into()))?;
        self.out.write_all(b"\n").map_err(|error| io_error(&error))
    }

    /// Gives the spill its name.
    pub fn finish(self) -> Result<()> {
        let encoder = self.out.into_inner().map_err(|error| io_error(error.error()))?;
        encoder.finish().map_err(|error| io_error(&error))?;
        std::fs::rename(&self.fresh, &self.path).map_err(|error| io_error(&error))
    }
}

/// Reads a spill from its beginning.
pub struct SpillReader {
    input: BufReader<zstd::stream::read::Decoder<'static, BufReader<File>>>,
    line: String,
}

impl SpillReader {
    /// Opens a spill; `None` if it has vanished.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&error)),
        };
        let decoder = zstd::stream::read::Decoder::new(file).map_err(|error| io_error(&error))?;
        Ok(Some(Self { input: BufReader::new(decoder), line: String::new() }))
    }

    /// The next row; `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<ChangedRow>> {
        self.line.clear();
        if self.input.read_line(&mut self.line).map_err(|error| unreadable().because(error))? == 0 {
            return Ok(None);
        }
        serde_json::from_str(&self.line).map(Some).map_err(|error| unreadable().because(error))
    }
}

fn unreadable() -> Error {
    Error::new(Kind::Internal, "a spill file cannot be read").coded(UNREADABLE, "暂存文件无法读取，将重新生成。")
}
