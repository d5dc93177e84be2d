//! What the city promises: the same bytes again, people whose numbers agree, files that can be read, and expectations
//! that a replay of the files by other means comes to as well.

mod files;
mod mapped;
mod people;
mod reading;
mod replay;
mod replay_address;

use chrono::NaiveDate;

use super::{City, CityOptions};

fn city(residents: u64, seed: u64) -> City {
    let start = NaiveDate::from_ymd_opt(2026, 11, 1).expect("a date");
    City::new(CityOptions { residents, seed, start })
}
