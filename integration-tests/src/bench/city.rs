//! The files of the synthetic city that a case needs, and no others: those of a big city are many gigabytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use hub::city::{City, CityOptions};

use super::Result;

/// Insured persons: XML in GB 18030, a snapshot.
pub const INSURED: &str = "social-security/insured-persons";
/// Another department's records about the same people: XML, a snapshot.
pub const POPULATION: &str = "family-planning/population";
/// Health records: JSON, a delta.
pub const HEALTH: &str = "health/resident-health-records";

/// A file a hub can take.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `department/feed`.
    pub feed: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// As-of and sequence, where they do not stand in it.
    pub as_of: Option<(String, i64)>,
}

/// Writes the first day's file of each of these feeds; in the order asked for.
pub fn first_day(residents: u64, feeds: &[&'static str], folder: &Path) -> Result<Vec<Sent>> {
    let start = NaiveDate::from_ymd_opt(2026, 11, 1).ok_or("no such date")?;
    let city = City::new(CityOptions { residents, seed: 1, start });
    let deliveries = city.deliveries(1);
    fs::create_dir_all(folder)?;
    let mut sent = Vec::new();
    for feed in feeds {
        let delivery =
            deliveries.iter().find(|delivery| delivery.feed == *feed).ok_or("the city sends no such feed")?;
        let path = folder.join(&delivery.file_name);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        let rows = delivery.write(&mut out)?;
        out.flush()?;
        let beside = (*feed == HEALTH).then(|| (delivery.as_of.clone(), delivery.sequence));
        sent.push(Sent { feed, path, rows, as_of: beside });
    }
    Ok(sent)
}
