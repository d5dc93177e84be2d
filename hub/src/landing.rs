//! The landing store: the bytes of deliveries, exactly as said, until they are no longer needed.
//!
//! Owns durability (fsync of file and folder before a name is given) and the spill files beside it, which may vanish at any
//! time. Knows nothing of what the bytes mean.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart, path::Path as Name};
use tokio::runtime::{Handle, Runtime};

use crate::error::{Error, Kind, Result};
use crate::id;

const PART: usize = 1 << 20;
const LEVEL: i32 = 1;
/// The file that says which landing store a folder is.
const MARKER: &str = "hub.landing";

/// Where bytes land. Clone is cheap.
#[derive(Clone)]
pub struct Landing {
    store: Arc<dyn ObjectStore>,
    runtime: Arc<Threads>,
    folder: PathBuf,
    spill: PathBuf,
    marker: String,
}

impl Landing {
    /// Opens the folder, and creates it if it is not there.
    pub fn open(folder: &Path) -> Result<Self> {
        let failed = |error: io::Error| Error::new(Kind::Config, "opening the landing store").because(error);
        let spill = folder.join("spill");
        std::fs::create_dir_all(&spill).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| Error::new(Kind::Config, "opening the landing store").because(error))?
            .with_fsync(true);
        let runtime = Threads::start().map_err(failed)?;
        let marker = marker(folder)?;
        Ok(Self { store: Arc::new(store), runtime: Arc::new(runtime), folder: folder.to_owned(), spill, marker })
    }

    /// Which landing store this is: a random name that lies in the folder since it was first opened. Two hubs on one
    /// database see by it that they share their landing store too.
    pub fn marker(&self) -> &str {
        &self.marker
    }

    /// Begins to write a delivery; nothing is there before [`LandingWriter::finish`].
    pub fn create(&self, name: &str) -> Result<LandingWriter> {
        let upload = self.runtime.block_on(self.store.put_multipart(&Name::from(name))).map_err(full_or_away)?;
        let parts =
            Parts { upload: Some(WriteMultipart::new_with_chunk_size(upload, PART)), runtime: self.runtime.clone() };
        let encoder = zstd::stream::write::Encoder::new(parts, LEVEL).map_err(|error| io_error(&error))?;
        Ok(LandingWriter { encoder: Some(encoder) })
    }

    /// Reads a delivery's bytes as they were before landing (decompressed, charset untouched).
    pub fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let missing = || Error::new(Kind::Internal, "the landed bytes of a delivery are gone");
        let found =
            self.runtime.block_on(self.store.get(&Name::from(name))).map_err(|error| missing().because(error))?;
        match found.payload {
            object_store::GetResultPayload::File(file, _) => {
                Ok(Box::new(zstd::stream::read::Decoder::new(file).map_err(|error| missing().because(error))?))
            }
            object_store::GetResultPayload::Stream(_) => Err(missing()),
        }
    }

    /// Erases a delivery's bytes; fine if they are gone already.
    pub fn erase(&self, name: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&Name::from(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::new(Kind::Unavailable, "erasing landed bytes").because(error)),
        }
    }

    /// Whether a delivery's bytes are there.
    pub fn holds(&self, name: &str) -> Result<bool> {
        match self.runtime.block_on(self.store.head(&Name::from(name))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::new(Kind::Unavailable, "looking into the landing store").because(error)),
        }
    }

    /// Files of `department/feed` that have not changed for `age`: landed bytes, and what a hub left that died while landing.
    pub fn older_than(&self, feed: &str, age: Duration) -> Result<Vec<String>> {
        let failed =
            |error: io::Error| Error::new(Kind::Unavailable, "looking through the landing store").because(error);
        let entries = match std::fs::read_dir(self.folder.join(feed)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let changed = entry.metadata().and_then(|found| found.modified()).map_err(failed)?;
            if changed.elapsed().is_ok_and(|elapsed| elapsed > age) {
                names.push(format!("{feed}/{}", entry.file_name().to_string_lossy()));
            }
        }
        Ok(names)
    }

    /// Removes a file by the name [`Landing::older_than`] gave it; the upload files of the store have names it would not take.
    pub fn remove_left(&self, name: &str) -> Result<()> {
        std::fs::remove_file(self.folder.join(name))
            .map_err(|error| Error::new(Kind::Unavailable, "removing what a landing left").because(error))
    }

    /// Where the spill of a delivery is; it may vanish at any time.
    pub fn spill(&self, delivery: &str) -> PathBuf {
        self.spill.join(format!("{delivery}.zst"))
    }
}

/// Reads the marker, or makes one; of two hubs that open a new folder at once one makes it.
fn marker(folder: &Path) -> Result<String> {
    let failed = |error: io::Error| Error::new(Kind::Config, "the marker of the landing store").because(error);
    let path = folder.join(MARKER);
    if !path.exists() {
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(id::random()?.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?,
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.error)),
        }
    }
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    match text.trim() {
        "" => Err(Error::new(Kind::Config, format!("{} is empty", path.display()))),
        text => Ok(text.to_owned()),
    }
}

/// Writes one delivery. Dropped without [`finish`](Self::finish) it leaves nothing.
pub struct LandingWriter {
    encoder: Option<zstd::stream::write::Encoder<'static, Parts>>,
}

impl LandingWriter {
    /// Makes the bytes durable under their name.
    pub fn finish(mut self) -> Result<()> {
        let encoder = self.encoder.take().ok_or_else(|| Error::new(Kind::Internal, "a landing was finished twice"))?;
        let mut parts = encoder.finish().map_err(|error| io_error(&error))?;
        let upload = parts.upload.take().ok_or_else(|| Error::new(Kind::Internal, "a landing was finished twice"))?;
        parts.runtime.block_on(upload.finish()).map_err(full_or_away)?;
        Ok(())
    }
}

impl Write for LandingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.as_mut().map_or_else(|| Err(io::ErrorKind::BrokenPipe.into()), |encoder| encoder.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Parts {
    upload: Option<WriteMultipart>,
    runtime: Arc<Threads>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(upload) = self.upload.as_mut() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        // Entered so that the store can spawn its writes; waited for so that memory stays flat.
        let _entered = self.runtime.enter();
        self.runtime.block_on(upload.wait_for_capacity(4)).map_err(io::Error::other)?;
        upload.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take()
            && let Err(error) = self.runtime.block_on(upload.abort())
        {
            tracing::warn!(error = %error, "an unfinished landing could not be removed");
        }
    }
}

/// The threads the landing store writes with. Unlike a runtime it may be dropped wherever the hub is, also where others
/// are being served.
struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("landing").build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl std::ops::Deref for Threads {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn full_or_away(error: object_store::Error) -> Error {
    io_error(&io::Error::other(error))
}

/// Tells a full disk from other faults, however deep it lies.
pub fn io_error(error: &io::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            let full = matches!(
                io.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
            );
            if full {
                return Error::new(Kind::Full, "the landing store is full")
                    .coded("landing-full", "存储空间已满，未接收任何数据。");
            }
            // `io::Error::other` hides what it wraps from `source`.
            cause = io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
        } else {
            cause = inner.source();
        }
    }
    Error::new(Kind::Unavailable, "the landing store refused").because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stays_the_same_landing_store() {
        let (one, other) = (tempfile::TempDir::new().expect("a folder"), tempfile::TempDir::new().expect("a folder"));
        let first = Landing::open(one.path()).expect("a landing store").marker().to_owned();
        assert_eq!(Landing::open(one.path()).expect("the same").marker(), first);
        assert_ne!(Landing::open(other.path()).expect("another").marker(), first);
    }
}
