//! A copy of the embedded store in one file, of one moment, while the hub is at work. PostgreSQL has its own tools.

use std::fs::File;
use std::path::Path;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use super::conn::{Conn, Purpose};
use super::{Db, Place};
use crate::error::{Error, Kind, Result};

impl Db {
    /// Writes a copy of the store to a file that is not there yet, and makes it durable.
    pub fn backup(&self, to: &Path) -> Result<()> {
        let failed =
            |error: std::io::Error| Error::new(Kind::Invalid, format!("writing {}", to.display())).because(error);
        if to.exists() {
            return Err(Error::new(Kind::Invalid, format!("{} is there already", to.display()))
                .coded("backup-exists", "备份文件已存在，请换一个文件名。"));
        }
        let Conn::Sqlite(mut conn) = self.connect(Purpose::Maintaining)? else {
            return Err(Error::new(
                Kind::Invalid,
                "the store is PostgreSQL: back it up with pg_basebackup and archived WAL (hub/docs/operations.md)",
            )
            .coded(
                "backup-postgres",
                "数据库为 PostgreSQL，请用 pg_basebackup 与 WAL 归档备份（见 operations.md）。",
            ));
        };
        // Under its last name only once it is whole.
        let fresh = to.with_extension("part");
        if fresh.exists() {
            std::fs::remove_file(&fresh).map_err(failed)?;
        }
        diesel::sql_query("VACUUM INTO $1").bind::<Text, _>(fresh.display().to_string()).execute(&mut conn)?;
        File::open(&fresh).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&fresh, to).map_err(failed)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// Where the store is, without a password.
    pub fn described(&self) -> String {
        match Place::parse(&self.config.url) {
            Ok(Place::Postgres(url)) => {
                let (start, rest) = url.split_once("://").unwrap_or(("postgres", url.as_str()));
                let place = rest.split('?').next().unwrap_or_default();
                let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
                format!("{start}://{place}")
            }
            _ => self.config.url.clone(),
        }
    }
}
