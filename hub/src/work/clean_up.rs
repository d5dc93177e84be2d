//! Clean-up: what has served its time goes. Bytes of decided deliveries after the days configured, finished jobs of the
//! schedule after a day, staging of answered records after an hour; what is kept longer is pruned last.

use std::time::Duration;

use super::prune::prune_all;
use crate::error::Result;
use crate::hub::Hub;
use crate::store::{delivery, job, staging};
use crate::time::DAY;

const HOUR: i64 = DAY / 24;

/// Removes what is no longer needed.
pub fn clean_up(hub: &Hub) -> Result<()> {
    let now = hub.now();
    let before = now - i64::from(hub.config.landing.keep_days) * DAY;
    for old in hub.db.read(|conn| delivery::decided_before(conn, before))? {
        if let Some(name) = &old.landed {
            hub.landing.erase(name)?;
            hub.db.write(|conn| delivery::erased(conn, &old.id))?;
        }
    }
    for answered in hub.db.read(|conn| delivery::answered_before(conn, now - HOUR))? {
        hub.db.write(|conn| staging::clear(conn, &answered))?;
    }
    for feed in hub.catalogue.feeds() {
        // A delivery's row comes right after its bytes; bytes without one after a day are of a landing that died.
        for name in hub.landing.older_than(&feed.spec.feed, Duration::from_secs(24 * 3600))? {
            if !hub.db.read(|conn| delivery::has_landed(conn, &name))? {
                hub.landing.remove_left(&name)?;
            }
        }
    }
    while hub.db.write(|conn| job::prune(conn, &["drop-scan", "arrivals", "clean-up"], now - DAY))? > 0 {}
    prune_all(hub)
}
