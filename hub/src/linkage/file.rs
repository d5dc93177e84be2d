//! Records out of CSV files: UTF-8 (with or without mark) or GB18030, found by looking.
//!
//! Owns reading and the canonical order of records, which makes every result independent of the order of the lines.
//! Never writes.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use encoding_rs::{Encoding, GB18030, UTF_8};

use super::config::LinkConfig;
use super::evidence::Kind;
use super::table::Table;
use super::{own, prepare, thread};

/// What can be wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no CSV.
    #[error("{path}: {source}")]
    Csv {
        /// Which file.
        path: PathBuf,
        /// Why, with the line.
        source: csv::Error,
    },
    /// A column that the configuration names is not there.
    #[error("{path}: there is no column `{column}`; there are: {columns}")]
    Column {
        /// Which file.
        path: PathBuf,
        /// The column looked for.
        column: String,
        /// The columns there are.
        columns: String,
    },
    /// A record without a name.
    #[error("{path}: line {line}: the id is empty")]
    Id {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: u64,
    },
    /// Two records of one file with the same name.
    #[error("{path}: the id `{id}` names more than one record")]
    Repeated {
        /// Which file.
        path: PathBuf,
        /// The id.
        id: String,
    },
}

/// The records of one or two files in canonical order: by file, then by id, then by what they say.
#[derive(Debug)]
pub struct Records {
    /// What they say.
    pub table: Table,
    /// Their ids, in the order of the table.
    pub ids: Vec<Box<str>>,
}

/// Records prepared at once.
const CHUNK: usize = 16_384;

/// Reads the files with a person's own columns before those of relatives, as far as the names of the columns or the values
/// show which they are; and says how the columns stand.
pub fn read_own_first(
    config: &LinkConfig,
    paths: &[PathBuf],
    threads: NonZeroUsize,
    watch: &dyn Fn(u64),
) -> Result<(LinkConfig, Records), FileError> {
    let header = paths.first().map(|path| header(config, path)).transpose()?.unwrap_or_default();
    let config = config.clone().arranged(&header);
    let records = read(&config, paths, threads, watch)?;
    let Some(order) = own::first(&records.table) else { return Ok((config, records)) };
    drop(records);
    let columns = order.iter().filter_map(|at| config.columns.get(*at).cloned()).collect();
    let config = LinkConfig { columns, ..config };
    let records = read(&config, paths, threads, &|_| {})?;
    Ok((config, records))
}

/// Reads the files. `watch` hears how many bytes have been read.
pub fn read(
    config: &LinkConfig,
    paths: &[PathBuf],
    threads: NonZeroUsize,
    watch: &dyn Fn(u64),
) -> Result<Records, FileError> {
    let kinds = config.kinds();
    let mut table = Table::new(&kinds);
    let mut ids = Vec::new();
    for (file, path) in (0_u8..).zip(paths) {
        read_one(config, (file, path), &kinds, (&mut table, &mut ids), (threads, watch))?;
    }
    let order = canonical(&table, &ids);
    table.arrange(&order);
    let ids: Vec<Box<str>> = order.iter().filter_map(|at| ids.get(*at as usize).cloned()).collect();
    let same = |at: &usize| ids[*at] == ids[at - 1] && table.file(*at as u32) == table.file(*at as u32 - 1);
    if let Some(at) = (1..ids.len()).find(same) {
        let path = paths.get(usize::from(table.file(at as u32))).cloned().unwrap_or_default();
        return Err(FileError::Repeated { path, id: ids[at].to_string() });
    }
    Ok(Records { table, ids })
}

/// The names of a file's columns, in their order.
fn header(config: &LinkConfig, path: &Path) -> Result<Vec<String>, FileError> {
    opened(config, path).map(|(.., header)| header)
}

/// A file that is being read, how it is encoded, and its header.
type Opened = (Reader<File>, &'static Encoding, Vec<String>);

fn opened(config: &LinkConfig, path: &Path) -> Result<Opened, FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let csv = |source| FileError::Csv { path: path.to_owned(), source };
    let encoding = encoding_of(path).map_err(io)?;
    let delimiter = config.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
    let delimiter = delimiter.map_or_else(|| delimiter_of(path), Ok).map_err(io)?;
    let mut reader =
        (ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true)).from_path(path).map_err(csv)?;
    let names = reader.byte_headers().map_err(csv)?;
    let header = names.iter().map(|name| decode(encoding, name).trim().to_owned()).collect();
    Ok((reader, encoding, header))
}

/// One line: id and cells.
type Line = (Box<str>, Vec<String>);

fn read_one(
    config: &LinkConfig,
    (file, path): (u8, &Path),
    kinds: &[Kind],
    (table, ids): (&mut Table, &mut Vec<Box<str>>),
    (threads, watch): (NonZeroUsize, &dyn Fn(u64)),
) -> Result<(), FileError> {
    let csv = |source| FileError::Csv { path: path.to_owned(), source };
    let (mut reader, encoding, header) = opened(config, path)?;
    let position = |column: &str| {
        header.iter().position(|name| name == column).ok_or_else(|| FileError::Column {
            path: path.to_owned(),
            column: column.to_owned(),
            columns: header.join(", "),
        })
    };
    let id_at = position(&config.id)?;
    let places = config.columns.iter().map(|(column, _)| position(column)).collect::<Result<Vec<_>, _>>()?;
    let mut chunk: Vec<Line> = Vec::with_capacity(CHUNK);
    let mut row = ByteRecord::new();
    let mut read = 0;
    while reader.read_byte_record(&mut row).map_err(csv)? {
        let cell = |at: usize| row.get(at).map(|cell| decode(encoding, cell)).unwrap_or_default();
        let id = cell(id_at).trim().to_owned().into_boxed_str();
        if id.is_empty() {
            let line = row.position().map_or(0, csv::Position::line);
            return Err(FileError::Id { path: path.to_owned(), line });
        }
        chunk.push((id, places.iter().map(|at| cell(*at).trim().to_owned()).collect()));
        if chunk.len() >= CHUNK {
            take(&mut chunk, file, kinds, (table, ids), threads);
            let now = row.position().map_or(read, csv::Position::byte);
            watch(now - read);
            read = now;
        }
    }
    take(&mut chunk, file, kinds, (table, ids), threads);
    Ok(())
}

/// Prepares the records of a chunk on all threads and puts them into the table.
fn take(
    chunk: &mut Vec<Line>,
    file: u8,
    kinds: &[Kind],
    (table, ids): (&mut Table, &mut Vec<Box<str>>),
    threads: NonZeroUsize,
) {
    let lines = std::mem::take(chunk);
    let prepared = thread::pieces(lines.len(), 1_024, threads, |range| {
        let of = |(_, cells): &Line| {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            prepare::record(kinds, &cells)
        };
        lines.get(range).unwrap_or_default().iter().map(of).collect::<Vec<_>>()
    });
    for ((id, _), values) in lines.into_iter().zip(prepared.into_iter().flatten()) {
        ids.push(id);
        table.push(file, values);
    }
}

fn canonical(table: &Table, ids: &[Box<str>]) -> Vec<u32> {
    let tokens = |record: u32| -> Vec<Option<u64>> {
        table.row(record).iter().map(|value| value.and_then(super::evidence::Value::token)).collect()
    };
    let mut order: Vec<u32> = (0..table.len() as u32).collect();
    order.sort_by(|a, b| {
        (table.file(*a).cmp(&table.file(*b)))
            .then_with(|| ids.get(*a as usize).cmp(&ids.get(*b as usize)))
            .then_with(|| tokens(*a).cmp(&tokens(*b)))
    });
    order
}

fn decode<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Cow<'a, str> {
    encoding.decode_without_bom_handling(bytes).0
}

/// UTF-8 where the whole file is, else GB18030, which takes in GBK and GB2312.
fn encoding_of(path: &Path) -> std::io::Result<&'static Encoding> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; 1 << 16];
    let mut kept = 0;
    loop {
        let read = file.read(bytes.get_mut(kept..).unwrap_or_default())?;
        let seen = bytes.get(..kept + read).unwrap_or_default();
        match std::str::from_utf8(seen) {
            Ok(_) => kept = 0,
            // A character that goes on in the next piece.
            Err(error) if error.error_len().is_none() && read > 0 => {
                let from = error.valid_up_to();
                kept = seen.len() - from;
                bytes.copy_within(from..from + kept, 0);
            }
            Err(_) => return Ok(GB18030),
        }
        if read == 0 {
            return Ok(UTF_8);
        }
    }
}

/// The likeliest delimiter: the one the header has most of. None of them is part of a character in GB18030.
fn delimiter_of(path: &Path) -> std::io::Result<u8> {
    let mut start = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut start)?;
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    Ok([b',', b'\t', b';'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> LinkConfig {
        LinkConfig::parse("id = \"编号\"\n[columns]\n\"姓名\" = \"code\"\n").unwrap()
    }

    fn read_bytes(bytes: &[u8]) -> Result<Records, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        std::fs::write(&path, bytes).unwrap();
        read(&config(), &[path], NonZeroUsize::MIN, &|_| {})
    }

    #[test]
    fn utf8_with_a_mark_and_gb18030_say_the_same() {
        let text = "编号, 姓名\n b ,x2\na, x1 \n";
        let marked = read_bytes(&[b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap();
        let chinese = read_bytes(&GB18030.encode(text).0).unwrap();
        assert_eq!(marked.ids, chinese.ids);
        assert_eq!(&*marked.ids[0], "a");
        assert_eq!(marked.table.row(0)[0], Kind::Code.prepare("x1").as_ref());
        assert_eq!(chinese.table.row(1)[0], Kind::Code.prepare("x2").as_ref());
    }

    #[test]
    fn a_missing_column_and_an_empty_id_are_told() {
        let missing = read_bytes("编号,名\na,b\n".as_bytes()).unwrap_err().to_string();
        assert!(missing.contains("姓名") && missing.contains("编号, 名"), "{missing}");
        let empty = read_bytes("编号,姓名\na,b\n,c\n".as_bytes()).unwrap_err().to_string();
        assert!(empty.contains("line 3"), "{empty}");
        let repeated = read_bytes("编号,姓名\na,b\nc,d\na,e\n".as_bytes()).unwrap_err().to_string();
        assert!(repeated.contains("`a`"), "{repeated}");
    }
}
