//! The drop folder: `FOLDER/department/feed/FILE`, for departments that can only copy files.
//!
//! A file is complete once it has its final name (not `.part`, `.tmp`, `.ok`, and no leading dot) or, where wanted, once its
//! `.ok` file is there; that file may say `total=`, `as_of=` and `sequence=`. Landed data is removed and a receipt stays.
//! What the door refuses stays where it is, with the reason beside it, until the file or its `.ok` file changes: an `.ok`
//! file may be seen before its text is in it. So does a file that cannot be opened, and that is said once; each scan tries
//! it again, as rights may change and the file not.
//!
//! Who may write here is a department's system and not the hub: links are followed nowhere below the folder, neither to
//! read nor to write, and a file that cannot be taken keeps no other one from being taken.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use adapters::Compression;
use openssl::sha::sha256;

use crate::error::{Error, Kind, Policy, Result};
use crate::feed::Feed;
use crate::feed::spec::AsOfSpec;
use crate::hub::Hub;
use crate::id;
use crate::pipeline::land::{Arrival, Landed, land};
use crate::time;

const NOT_DATA: [&str; 5] = ["part", "tmp", "ok", "json", "new"];
/// Code of a file that cannot be opened.
const UNREADABLE: &str = "file-unreadable";
/// More of a file beside the data is not read.
const BESIDE: u64 = 64 << 10;

/// How a file is opened.
type Opener<'a> = &'a dyn Fn(&Path) -> io::Result<File>;

/// Lands every complete file.
pub fn scan(hub: &Hub) -> Result<()> {
    scan_opening(hub, &|path| File::open(path))
}

fn scan_opening(hub: &Hub, open: Opener) -> Result<()> {
    let Some(drop) = &hub.config.drop else { return Ok(()) };
    let mut first_error = Ok(());
    for feed in hub.catalogue.feeds() {
        let department = feed.spec.feed.split('/').next().unwrap_or_default();
        let folder = drop.folder.join(&feed.spec.feed);
        if !is_folder(&drop.folder.join(department)) || !is_folder(&folder) {
            continue;
        }
        let found = files(&folder).and_then(|files| {
            let mut taken: Result<()> = Ok(());
            for file in &files {
                taken = taken.and(take(hub, feed, (file, open), drop.require_ok));
            }
            taken
        });
        first_error = first_error.and(found);
    }
    first_error
}

/// A link to a folder is none.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The data files of a feed's folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        // JSON is data for feeds of that format; receipts end in `.receipt.json` and `.refused.json`.
        let receipt =
            path.to_string_lossy().ends_with(".receipt.json") || path.to_string_lossy().ends_with(".refused.json");
        let data = ending == "json" && !receipt || !NOT_DATA.contains(&ending.as_str());
        // A link could point at any file of the machine; only plain files are taken.
        if !hidden && data && !receipt && entry.file_type().map_err(unreadable)?.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn take(hub: &Hub, feed: &Feed, (path, open): (&Path, Opener), require_ok: bool) -> Result<()> {
    let beside = |ending: &str| {
        // Names need not be UTF-8: old systems write them in GBK.
        let mut name = OsString::from(path);
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    };
    let ok = text_of(&beside("ok"));
    let needs_ok = require_ok || matches!(feed.spec.as_of, AsOfSpec::Header);
    if needs_ok && ok.is_none() {
        return Ok(());
    }
    let stamp = stamp(path)?;
    // What is refused is the file as its `.ok` file tells of it.
    let both = match &ok {
        Some(text) => format!("{stamp}-{}", id::hex(&sha256(text.as_bytes())[..8])),
        None => stamp.clone(),
    };
    let refusal = beside("refused.json");
    let told = text_of(&refusal).filter(|text| text.contains(&format!("\"{both}\"")));
    if told.as_ref().is_some_and(|text| !text.contains(UNREADABLE)) {
        return Ok(());
    }
    let arrival = arrival(feed, path, &stamp, ok.as_deref().unwrap_or_default());
    let file = match open(path) {
        Ok(file) => file,
        Err(_) if told.is_some() => return Ok(()),
        Err(error) => {
            tracing::warn!(feed.name = feed.spec.feed, error = %error, "a file of the drop folder cannot be opened");
            return refuse(&refusal, &both, &no_file(error));
        }
    };
    match arrival.and_then(|arrival| land(hub, &arrival, Box::new(file))) {
        Ok(landed) => {
            let row = match landed {
                Landed::New(row) | Landed::Same(row) => row,
            };
            let receipt = serde_json::json!({
                "delivery": row.id, "feed": row.feed, "received_at": time::text(row.received_at), "bytes": row.bytes,
            });
            write_whole(&beside("receipt.json"), &receipt.to_string())?;
            fs::remove_file(path).map_err(unreadable)?;
            let leftovers = [beside("ok"), refusal];
            leftovers.iter().try_for_each(|left| gone(fs::remove_file(left))).map_err(unreadable)
        }
        Err(error) if error.kind.policy() == Policy::GiveUp => refuse(&refusal, &both, &error),
        Err(error) => Err(error),
    }
}

/// Writes beside a file why it is not taken.
fn refuse(refusal: &Path, stamp: &str, error: &Error) -> Result<()> {
    let zh = error.context_zh.clone().unwrap_or_else(|| error.kind.advice().0.into());
    let refused = serde_json::json!({ "file": stamp, "code": error.code, "zh": zh, "en": error.to_string() });
    write_whole(refusal, &refused.to_string())
}

fn no_file(error: io::Error) -> Error {
    Error::new(Kind::Unavailable, "the hub cannot open the file; its owner must let the hub read it")
        .coded(UNREADABLE, "中枢无法打开该文件，请检查文件权限。")
        .because(error)
}

/// What the file's name and its `.ok` file say.
fn arrival(feed: &Feed, path: &Path, stamp: &str, ok: &str) -> Result<Arrival> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut arrival = Arrival::new(&feed.spec.feed, "drop", "drop folder");
    arrival.beside(ok)?;
    arrival.idempotency_key = Some(format!("drop/{name}/{stamp}"));
    arrival.compression = Compression::by_file_name(&name);
    arrival.file_name = Some(name);
    Ok(arrival)
}

/// Tells one file of a name from the next: bytes and nanoseconds.
fn stamp(path: &Path) -> Result<String> {
    let found = fs::metadata(path).map_err(unreadable)?;
    let at = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("{}-{}", found.len(), at.as_nanos()))
}

/// The text of a small plain file beside the data.
fn text_of(path: &Path) -> Option<String> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(BESIDE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Writes under another name first. Neither what lies there already nor a link is written through.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let written = gone(fs::remove_file(&fresh)).and_then(|()| {
        File::options().write(true).create_new(true).open(&fresh)?.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    });
    written.map_err(unreadable)
}

/// It is fine for a file to be gone already.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::new(Kind::Unavailable, "the drop folder").because(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::config::{Config, DropConfig};

    /// A hub in a folder, and where its drop folder is.
    fn hub(folder: &Path) -> (Hub, PathBuf) {
        let mut config = Config::in_folder(folder);
        let drop = folder.join("drop");
        config.drop = Some(DropConfig { folder: drop.clone(), scan: "* * * * * *".to_owned(), require_ok: false });
        (Hub::open(config).expect("a hub"), drop)
    }

    #[test]
    fn what_was_refused_for_its_ok_file_is_taken_once_that_is_whole() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (hub, drop) = hub(folder.path());
        let feed = drop.join("health/resident-health-records");
        fs::create_dir_all(&feed).expect("the feed's folder");
        let (file, ok, refusal) =
            (feed.join("hour.json"), feed.join("hour.json.ok"), feed.join("hour.json.refused.json"));
        fs::write(&file, "").expect("a file");
        fs::write(&ok, "").expect("its beginning");
        scan(&hub).expect("no failing job");
        let first = text_of(&refusal).expect("the moment it is of is missing");
        scan(&hub).expect("no failing job");
        assert_eq!(text_of(&refusal), Some(first), "the same two files");

        fs::write(&ok, "total=0\nas_of=2026-11-01\n").expect("all of it");
        scan(&hub).expect("it is taken");
        assert!(feed.join("hour.json.receipt.json").exists());
        assert!(!file.exists() && !ok.exists() && !refusal.exists());
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_told_once_and_taken_once_it_can() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (hub, drop) = hub(folder.path());
        let feed = drop.join("social-security/insured-persons");
        fs::create_dir_all(&feed).expect("the feed's folder");
        let (file, refusal) = (feed.join("night.xml"), feed.join("night.xml.refused.json"));
        fs::write(&file, "<DATA/>").expect("a file");
        let locked = |_: &Path| Err(io::Error::from(io::ErrorKind::PermissionDenied));

        scan_opening(&hub, &locked).expect("no failing job");
        assert!(text_of(&refusal).is_some_and(|text| text.contains(UNREADABLE)));
        let written = fs::metadata(&refusal).expect("the refusal").ino();
        let kept = feed.join("kept.tmp");
        fs::hard_link(&refusal, &kept).expect("so that its number is not given again");
        scan_opening(&hub, &locked).expect("no failing job");
        assert_eq!(fs::metadata(&refusal).expect("the refusal").ino(), written, "it is not said again");

        fs::remove_file(kept).expect("it goes");
        scan(&hub).expect("it is taken");
        assert!(feed.join("night.xml.receipt.json").exists());
        assert!(!file.exists() && !refusal.exists());
    }
}
