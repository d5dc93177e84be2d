//! Brings a workbook to disk and looks at all of it before anything else opens it.
//!
//! A workbook is a zip archive and must be read from its end, so it is spilled to a file without a name, which is gone
//! with the process. Owns what is no workbook, the number of parts, the real unzipped size (counted while inflating, since
//! what an archive declares is a claim) and macros. What stands inside the XML parts is [`super::part`]'s.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use zip::ZipArchive;
use zip::result::ZipError;

use super::part;
use crate::format::Limits;
use crate::record::{DecodeError, DecodeErrorKind, ReadFault};

/// Most parts of a workbook; those of registers have a dozen.
const MOST_PARTS: u64 = 10_000;

/// Signatures of the zip format: an entry of the directory, and the end of the directory.
const DIRECTORY_ENTRY: [u8; 4] = *b"PK\x01\x02";
const DIRECTORY_END: [u8; 4] = *b"PK\x05\x06";

/// Writes the input to a file of its own and checks that it can be a workbook within the limits.
pub(crate) fn admit(mut input: Box<dyn Read + Send>, limits: &Limits) -> Result<File, DecodeError> {
    let read = |error: io::Error| DecodeError::from_read(&error, "start");
    let mut head = Vec::new();
    input.by_ref().take(512).read_to_end(&mut head).map_err(read)?;
    recognise(&head)?;
    let mut file = tempfile::tempfile().map_err(read)?;
    let seen = spill(io::Cursor::new(head).chain(input), &mut file, limits)?;
    if seen.entries > MOST_PARTS {
        return Err(fault(DecodeErrorKind::Limit, format!("The workbook has more than {MOST_PARTS} parts.")));
    }
    if !seen.end {
        return Err(fault(DecodeErrorKind::Truncated, "The workbook ends before the directory of its zip archive."));
    }
    file.seek(SeekFrom::Start(0)).map_err(read)?;
    inspect(file, limits)
}

fn fault(kind: DecodeErrorKind, message: impl Into<String>) -> DecodeError {
    DecodeError::new(kind, "start", message)
}

/// Tells by the first bytes what was sent under the name of a workbook.
fn recognise(head: &[u8]) -> Result<(), DecodeError> {
    let text = head.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(head).trim_ascii_start();
    let message = if head.is_empty() {
        return Err(fault(DecodeErrorKind::Truncated, "The file is empty."));
    } else if head.starts_with(b"PK\x03\x04") {
        return Ok(());
    } else if b"PK\x03\x04".starts_with(head) {
        return Err(fault(DecodeErrorKind::Truncated, "The file ends in its first bytes."));
    } else if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        "The file is an old binary workbook (XLS) or has a password; save it as XLSX without a password."
    } else if text.starts_with(b"<") {
        "The file is a web page or XML under the name of a workbook; open it in a spreadsheet and save it as XLSX."
    } else {
        "The file is no XLSX workbook."
    };
    Err(fault(DecodeErrorKind::Malformed, message))
}

/// What was seen of the archive's structure while it was copied.
#[derive(Default)]
struct Seen {
    entries: u64,
    end: bool,
}

/// Copies the input. The signatures are counted on the way, because a zip reader allocates for every entry of a
/// directory, and finding them here bounds that before a zip reader is asked.
fn spill(mut input: impl Read, file: &mut File, limits: &Limits) -> Result<Seen, DecodeError> {
    let mut seen = Seen::default();
    let mut buffer = vec![0; 64 << 10];
    // The last three bytes of the block before are kept in front, for signatures on the border.
    let mut carried = 0;
    let mut total = 0;
    loop {
        let count = match input.read(&mut buffer[carried..]) {
            Ok(0) => return Ok(seen),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(DecodeError::from_read(&error, "start")),
        };
        total += count as u64;
        if total > limits.unzipped_bytes {
            return Err(too_large(limits));
        }
        let end = carried + count;
        file.write_all(&buffer[carried..end]).map_err(|error| DecodeError::from_read(&error, "start"))?;
        for window in buffer[..end].windows(4).filter(|window| window.starts_with(b"PK")) {
            seen.entries += u64::from(window == DIRECTORY_ENTRY);
            seen.end |= window == DIRECTORY_END;
        }
        carried = end.min(3);
        buffer.copy_within(end - carried..end, 0);
    }
}

fn too_large(limits: &Limits) -> DecodeError {
    let message =
        format!("The workbook holds more than {} bytes unzipped (limit unzipped_bytes).", limits.unzipped_bytes);
    fault(DecodeErrorKind::Limit, message)
}

/// Inflates every part once.
fn inspect(file: File, limits: &Limits) -> Result<File, DecodeError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| explain(error, "start"))?;
    let mut left = limits.unzipped_bytes;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| explain(error, "start"))?;
        let name = entry.name().map_err(|error| explain(error, "start"))?.to_lowercase();
        let place: String = format!("part {name}").chars().take(120).collect();
        if name.ends_with("vbaproject.bin") || name.contains("macrosheets") {
            let message = "The workbook holds macros; save it as XLSX without them.";
            return Err(DecodeError::new(DecodeErrorKind::Forbidden, place, message));
        }
        let mut counted = Counted { entry, left: &mut left, most: limits.unzipped_bytes };
        if name.ends_with(".xml") || name.ends_with(".rels") {
            part::check(&mut counted, limits, &place)?;
        }
        // To the end also of what the XML leaves: only there the checksum is compared.
        io::copy(&mut counted, &mut io::sink()).map_err(|error| damaged(&error, &place))?;
    }
    let mut file = archive.into_inner().into_inner();
    file.seek(SeekFrom::Start(0)).map_err(|error| DecodeError::from_read(&error, "start"))?;
    Ok(file)
}

/// Counts the unzipped bytes of all parts together.
struct Counted<'a, R> {
    entry: R,
    left: &'a mut u64,
    most: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(buffer)?;
        *self.left = self.left.checked_sub(count as u64).ok_or_else(|| ReadFault {
            kind: DecodeErrorKind::Limit,
            place: None,
            message: format!("The workbook holds more than {} bytes unzipped (limit unzipped_bytes).", self.most),
        })?;
        Ok(count)
    }
}

/// What a failure while inflating means: the file is on our disk, so it is the data.
pub(crate) fn damaged(error: &io::Error, place: &str) -> DecodeError {
    match DecodeError::from_read(error, place) {
        fault if fault.kind == DecodeErrorKind::Limit => fault,
        _ => DecodeError::new(DecodeErrorKind::Malformed, place, "A part of the workbook is damaged."),
    }
}

fn explain(error: ZipError, place: &str) -> DecodeError {
    let message = match error {
        ZipError::Io(error) => return damaged(&error, place),
        ZipError::UnsupportedArchive(_) | ZipError::InvalidPassword | ZipError::CompressionMethodNotSupported(_) => {
            "The workbook has a password or is compressed in an unusual way."
        }
        _ => "The zip archive of the workbook is damaged.",
    };
    DecodeError::new(DecodeErrorKind::Malformed, place, message)
}
