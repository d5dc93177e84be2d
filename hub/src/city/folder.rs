//! A city as files in folders, named so that `hub ingest` can take them: `dayN/department/feed/file` and `file.ok`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::delivery::{CityDelivery, Occasion};
use super::{City, CityOptions};

/// Writes the deliveries of days 1 to `days` below `out`; `progress` hears of each file when it is complete.
pub fn write_all(
    options: CityOptions,
    days: u32,
    out: &Path,
    progress: &mut dyn FnMut(&CityDelivery, &Path),
) -> io::Result<()> {
    let city = City::new(options);
    for day in 1..=days {
        for delivery in city.deliveries(day) {
            let folder = out.join(format!("day{day}")).join(delivery.feed);
            fs::create_dir_all(&folder)?;
            let file = folder.join(file_name(&delivery));
            let mut writer = BufWriter::with_capacity(1 << 20, File::create(&file)?);
            delivery.write(&mut writer)?;
            writer.flush()?;
            // The `.ok` file comes last: its being there says that the file is complete.
            fs::write(folder.join(format!("{}.ok", file_name(&delivery))), control(&delivery))?;
            progress(&delivery, &file);
        }
    }
    Ok(())
}

/// The repeated file stands beside the first one under another name that says the same date.
fn file_name(delivery: &CityDelivery) -> String {
    match (delivery.occasion, delivery.file_name.rsplit_once('.')) {
        (Occasion::Repeated, Some((stem, extension))) => format!("{stem}_again.{extension}"),
        _ => delivery.file_name.clone(),
    }
}

fn control(delivery: &CityDelivery) -> String {
    format!("total={}\nas_of={}\nsequence={}\n", delivery.total, delivery.as_of, delivery.sequence)
}
