//! The limit of a file that changes nothing: reading it, decoding it and taking its digest, in this process.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hub::feed::Catalogue;
use sha2::{Digest as _, Sha256};

use super::Result;
use super::city::Sent;

/// Seconds one thread needs to decode a file and to take the SHA-256 of its bytes.
pub fn decode_and_digest(sent: &Sent) -> Result<f64> {
    let feed = Catalogue::embedded()?.get(sent.feed).ok_or("no such feed")?;
    let started = Instant::now();
    let digest = Arc::new(Mutex::new(Sha256::new()));
    let input = Digested { file: File::open(&sent.path)?, digest: digest.clone() };
    let mut decoder = adapters::open(&feed.spec.format, &feed.spec.decode_limits, Box::new(input))?;
    let mut rows = 0;
    while let Some(row) = decoder.next_row()? {
        std::hint::black_box(&row);
        rows += 1;
    }
    std::hint::black_box(digest.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize());
    let seconds = started.elapsed().as_secs_f64();
    if rows != sent.rows {
        return Err(format!("{rows} of {} rows decoded", sent.rows).into());
    }
    Ok(seconds)
}

struct Digested {
    file: File,
    digest: Arc<Mutex<Sha256>>,
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..count]);
        Ok(count)
    }
}
