//! What the store as a whole keeps to: which hubs may use it, whose landing store is its own, whether it is sealed, and
//! where its history begins. One row; never a word about records.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::conn::Conn;
use super::schema::foundation;
use crate::error::{Error, Kind, Result};

/// Begins the message with which a sealed store's tables refuse to change.
pub const SEALED_MARK: &str = "hub: this store is sealed";
/// What is said where something would change a sealed store.
pub const SEALED: (&str, &str, &str) = (
    "store-sealed",
    "this store was copied to another place and is sealed; use the copy, or open it again with `hub copy-store --unseal`",
    "该数据库已迁移到别处并封存，请使用新库；确需恢复时运行 hub copy-store --unseal。",
);

/// What the store keeps to.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = foundation)]
pub struct Foundation {
    /// Hubs below this level must not use the store. The level of a hub is its newest migration.
    pub needs: i64,
    /// The marker of the landing store that belongs to it; `None` until a hub has said it.
    pub landing: Option<String>,
    /// Where the store was copied to; `None` where it is open.
    pub sealed: Option<String>,
    /// Since when, microseconds since 1970.
    pub sealed_at: Option<i64>,
    /// Versions up to this `seq` may have been pruned: no cursor before it is valid.
    pub pruned_seq: i64,
}

/// What the store keeps to.
pub fn get(conn: &mut Conn) -> Result<Foundation> {
    Ok(foundation::table.select(Foundation::as_select()).first(conn)?)
}

/// Refuses a landing store that is not the store's own; the first one becomes it.
pub fn belongs(conn: &mut Conn, landing: &str) -> Result<()> {
    match get(conn)?.landing {
        Some(own) if own == landing => Ok(()),
        Some(_) => Err(Error::new(
            Kind::Config,
            "landing.folder is not the landing store of this database: every hub on one database needs the same one; \
             after a restore on purpose, `hub restored` takes over the one that is configured",
        )
        .coded("landing-mismatch", "landing.folder 不是该数据库的落地存储：共用一个数据库的各节点须使用同一落地存储；恢复备份后请运行 hub restored。")),
        None => take_landing(conn, landing),
    }
}

/// Makes a landing store the store's own.
pub fn take_landing(conn: &mut Conn, landing: &str) -> Result<()> {
    diesel::update(foundation::table).set(foundation::landing.eq(landing)).execute(conn)?;
    Ok(())
}

/// Hubs below this level must not use the store from now on.
pub fn set_needs(conn: &mut Conn, needs: i64) -> Result<()> {
    diesel::update(foundation::table.filter(foundation::needs.lt(needs)))
        .set(foundation::needs.eq(needs))
        .execute(conn)?;
    Ok(())
}

/// Cursors before `seq` are worth nothing from now on.
pub fn prune_to(conn: &mut Conn, seq: i64) -> Result<()> {
    diesel::update(foundation::table.filter(foundation::pruned_seq.lt(seq)))
        .set(foundation::pruned_seq.eq(seq))
        .execute(conn)?;
    Ok(())
}

/// Seals a SQLite store: each of its tables refuses every change, whoever tries, an older hub too.
pub fn seal(conn: &mut SqliteConnection, to: &str, now: i64) -> QueryResult<()> {
    diesel::update(foundation::table).set((foundation::sealed.eq(to), foundation::sealed_at.eq(now))).execute(conn)?;
    for table in tables(conn)? {
        for (word, event) in EVENTS {
            conn.batch_execute(&format!(
                "CREATE TRIGGER IF NOT EXISTS sealed_{table}_{word} BEFORE {event} ON \"{table}\" \
                 BEGIN SELECT RAISE(ABORT, '{SEALED_MARK}'); END"
            ))?;
        }
    }
    Ok(())
}

/// Opens a sealed SQLite store again.
pub fn unseal(conn: &mut SqliteConnection) -> QueryResult<()> {
    for table in tables(conn)? {
        for (word, _) in EVENTS {
            conn.batch_execute(&format!("DROP TRIGGER IF EXISTS sealed_{table}_{word}"))?;
        }
    }
    diesel::update(foundation::table)
        .set((foundation::sealed.eq(None::<String>), foundation::sealed_at.eq(None::<i64>)))
        .execute(conn)?;
    Ok(())
}

const EVENTS: [(&str, &str); 3] = [("insert", "INSERT"), ("update", "UPDATE"), ("delete", "DELETE")];

/// The hub's tables of a SQLite store, in alphabetical order.
pub fn tables(conn: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let found: Vec<Name> = diesel::sql_query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
         AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY name",
    )
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.name).collect())
}

/// Refuses where the store is sealed.
pub fn open_only(found: &Foundation) -> Result<()> {
    if found.sealed.is_some() {
        let (code, en, zh) = SEALED;
        return Err(Error::new(Kind::Conflict, en).coded(code, zh));
    }
    Ok(())
}
