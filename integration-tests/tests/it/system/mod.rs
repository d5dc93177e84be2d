//! The hub as a system, through its process: ways in and out, jobs and their schedule, the command line, two hubs.

mod agreements;
mod command_line;
mod cursors;
mod decisions;
mod drop_folder;
mod dry_run;
mod identity;
mod jobs;
mod reads;
mod schedule;
mod tls;
mod two_hubs;

use std::time::{Duration, Instant};

/// Asks again and again until there is an answer; three minutes are long enough for anything here.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(180), "{what} never came");
        std::thread::sleep(Duration::from_millis(30));
    }
}
