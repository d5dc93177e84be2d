//! What comes after a restore: a new epoch, so that no cursor and no position of before goes on where the store has other
//! changes now, and a look at what the landing store and the database know of each other.

use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::feed::Catalogue;
use crate::instance;
use crate::keyring::Keyring;
use crate::landing::Landing;
use crate::store::writer::other_secret;
use crate::store::{Db, delivery, entity};

/// What a restore came to.
#[derive(Debug, Serialize)]
pub struct Restored {
    /// The new epoch.
    pub epoch: String,
    /// The last `seq` of the store as it was restored.
    pub last_seq: i64,
    /// Landed bytes without a delivery: what came after the moment that was restored. They go after a day; deliver them
    /// again, or ask the departments to.
    pub without_delivery: Vec<String>,
    /// Undecided deliveries whose bytes are not in the landing store: refuse them and ask for them again.
    pub without_bytes: Vec<String>,
}

/// Begins a new epoch in a restored store and makes the configured landing store its own.
pub fn restored(config: &Config) -> Result<Restored> {
    let catalogue = Catalogue::configured(config.data.folder.as_deref())?;
    if !config.secret.file.exists() {
        return Err(Error::new(
            Kind::Config,
            format!("the hub secret {} is not there: restore it first", config.secret.file.display()),
        )
        .coded("secret-missing", "缺少密钥文件，请先恢复密钥。"));
    }
    let keyring = Keyring::open(&config.secret.file)?;
    let db = Db::open(&config.database, &instance::name()?)?;
    db.prepare()?;
    let landing = Landing::open(&config.landing.folder)?;
    let writer = db.writer()?;
    if writer.key_id != keyring.id() {
        return Err(other_secret());
    }
    let epoch = db.begin_epoch(landing.marker())?;
    let mut without_delivery = Vec::new();
    for feed in catalogue.feeds() {
        for name in landing.older_than(&feed.spec.feed, Duration::ZERO)? {
            if !db.read(|conn| delivery::has_landed(conn, &name))? {
                without_delivery.push(name);
            }
        }
    }
    let mut without_bytes = Vec::new();
    for (id, name) in db.read(delivery::undecided)? {
        if !landing.holds(&name)? {
            without_bytes.push(id);
        }
    }
    Ok(Restored { epoch, last_seq: db.read(entity::last_seq)?, without_delivery, without_bytes })
}
