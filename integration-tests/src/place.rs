//! Where things are: the workspace, cargo's target folder, folders and ports for servers.

use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package lies in the workspace")
}

/// Cargo's target folder: the test binary lies in `target/<profile>/deps/`.
pub fn target() -> PathBuf {
    profile_folder().parent().expect("a profile lies in the target folder").to_owned()
}

/// The folder with the binaries of the profile the tests were built in. A test binary lies in its folder `deps`, a
/// program in it.
pub fn profile_folder() -> PathBuf {
    let this = std::env::current_exe().expect("the path of the test binary");
    let folder = this.parent().expect("a binary lies in a folder");
    let folder =
        if folder.ends_with("deps") { folder.parent().expect("deps lies in target/<profile>") } else { folder };
    folder.to_owned()
}

/// Whether this process is a program that cargo has built beside the hub's, not a test binary.
pub fn is_program() -> bool {
    std::env::current_exe().is_ok_and(|this| !this.parent().is_some_and(|folder| folder.ends_with("deps")))
}

/// A new folder that is removed with its value, and by the guard if that never happens.
pub fn temporary_folder(name: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(&format!("hub-it-{name}-")).tempdir().expect("a temporary folder");
    crate::guard::remove_after_us(folder.path());
    folder
}

/// A loopback port nobody listens on, given once in a process.
///
/// Below the range the kernel takes ports of outgoing connections from, so that none of those takes it before the
/// server does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Far apart for processes whose numbers are neighbours.
    let start = u16::try_from(std::process::id().wrapping_mul(1_013) % 10_000).expect("below 10,000");
    for _ in 0..10_000 {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 20000 and 29999");
}

/// The last lines of a log, for the message of a failed test.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A number no other process of the tests has drawn.
pub fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
