//! The writer's row: who may change the dataset, and the next `seq`. Nothing changes the dataset except under it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::conn::{Conn, application_name, each_backend};
use super::schema::writer;
use super::{Db, foundation, migrate};
use crate::error::{Error, Kind, Result};
use crate::id;

/// The code of the error of a hub whose epoch is over.
pub const EPOCH_OVER: &str = "epoch-over";

/// The lease of whoever seals a store, in microseconds: until it is sealed.
const COPYING: i64 = 60_000_000;

/// The right to change the dataset, as taken at one time; a take-over raises the generation and makes it worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub holder: String,
    /// Raised by each take-over.
    pub generation: i64,
    /// How long it lasts without renewal, in microseconds.
    pub length: i64,
}

/// One transaction of the dataset: the connection, the epoch, and the `seq`s it has taken.
pub struct Change<'a> {
    /// The connection, inside the transaction.
    pub conn: &'a mut Conn,
    /// The moment, in microseconds since 1970.
    pub now: i64,
    next_seq: i64,
}

impl Change<'_> {
    /// Takes the next `seq`.
    pub fn take_seq(&mut self) -> i64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }
}

/// What the writer's row says.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = writer)]
pub struct Writer {
    /// The identity of the store.
    pub epoch: String,
    /// Which secret made its tokens.
    pub key_id: String,
    /// Who holds the lease.
    pub holder: String,
    /// Raised by each take-over.
    pub generation: i64,
    /// Until when, in microseconds since 1970.
    pub lease_until: i64,
    /// The next `seq` to be given.
    pub next_seq: i64,
    /// The merge-rules version the golden records were made with.
    pub merge_rules: String,
}

impl Db {
    /// Creates the writer's row with a new epoch if the store is new; refuses a store of another secret, of another
    /// landing store (by its marker), or one that is sealed.
    pub fn found(&self, key_id: &str, landing: &str, merge_rules: &str) -> Result<Writer> {
        let found = self.write(|conn| {
            foundation::open_only(&foundation::get(conn)?)?;
            let epoch = id::random()?;
            let row = (
                writer::id.eq(1),
                writer::epoch.eq(&epoch),
                writer::key_id.eq(key_id),
                writer::holder.eq(""),
                writer::generation.eq(0_i64),
                writer::lease_until.eq(0_i64),
                writer::next_seq.eq(1_i64),
                writer::merge_rules.eq(merge_rules),
            );
            each_backend!(conn, |c| diesel::insert_into(writer::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))?;
            let found = current(conn)?;
            if found.key_id != key_id {
                return Err(other_secret());
            }
            foundation::belongs(conn, landing)?;
            Ok(found)
        })?;
        // Whoever opens the store first says which epoch this process knows.
        let _known = self.epoch.set(found.epoch.clone());
        Ok(found)
    }

    /// The writer's row as it is.
    pub fn writer(&self) -> Result<Writer> {
        self.read(current)
    }

    /// Takes or renews the lease; `None` while another lives. `dead` says of a holder whether it is known to be gone.
    ///
    /// A holder whose lease has ended for as long again may stand still inside a transaction, with the row locked: its
    /// connections are ended, which undoes what it had begun.
    pub fn lease(&self, holder: &str, now: i64, length: i64, dead: impl Fn(&str) -> bool) -> Result<Option<Lease>> {
        let there = self.writer()?;
        let free = |row: &Writer| row.lease_until <= now || row.holder.is_empty() || dead(&row.holder);
        let mine = |row: &Writer| row.holder == holder && row.generation > 0;
        if !mine(&there) && !free(&there) {
            return Ok(None);
        }
        let taken = self.write(|conn| {
            foundation_fits(conn)?;
            if let Conn::Pg(c) = conn {
                c.batch_execute(if mine(&there) {
                    "SET LOCAL lock_timeout = '30s'"
                } else {
                    "SET LOCAL lock_timeout = '1s'"
                })?;
            }
            let row = locked(conn)?;
            of_epoch(&row, self.epoch.get())?;
            if !mine(&row) && !free(&row) {
                return Ok(None);
            }
            let generation = if mine(&row) { row.generation } else { row.generation + 1 };
            diesel::update(writer::table)
                .set((
                    writer::holder.eq(holder),
                    writer::generation.eq(generation),
                    writer::lease_until.eq(now + length),
                ))
                .execute(conn)?;
            Ok(Some(Lease { holder: holder.to_owned(), generation, length }))
        });
        match taken {
            Err(error) if error.code == Some("lock-timeout") && !mine(&there) => {
                if there.lease_until + length <= now {
                    self.end_connections(&there.holder)?;
                }
                Ok(None)
            }
            other => other,
        }
    }

    /// Ends the connections of a hub that has lost the lease and stands in a transaction.
    fn end_connections(&self, holder: &str) -> Result<()> {
        tracing::warn!(holder, "the writer stands still inside a transaction; its connections are ended");
        self.write(|conn| {
            let Conn::Pg(c) = conn else { return Ok(()) };
            diesel::sql_query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 \
                 AND datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
            )
            .bind::<Text, _>(application_name(holder))
            .execute(c)?;
            Ok(())
        })
    }

    /// Whether the store may be copied away: it was made with this secret, and no hub is at work on it. What is given as
    /// `me` holds the lease afterwards.
    pub fn left_alone(&self, me: &str, key_id: &str, now: i64) -> Result<()> {
        self.prepare()?;
        foundation::open_only(&self.read(foundation::get)?)?;
        if self.writer()?.key_id != key_id {
            return Err(other_secret());
        }
        match self.lease(me, now, COPYING, crate::instance::is_dead)? {
            Some(_) => Ok(()),
            None => {
                Err(Error::new(Kind::Conflict, "a hub is at work on the store that is to be copied; stop it first")
                    .coded("hub-at-work", "源数据库上有节点正在运行，请先停止。"))
            }
        }
    }

    /// Gives the store a new epoch, after a restore or a copy: cursors and positions of before are worth nothing, whoever
    /// was the writer is fenced, and `landing` is the store's landing store from now on. Returns the new epoch.
    pub fn begin_epoch(&self, landing: &str) -> Result<String> {
        self.write(|conn| {
            let row = locked(conn)?;
            let epoch = id::random()?;
            diesel::update(writer::table)
                .set((
                    writer::epoch.eq(&epoch),
                    writer::holder.eq(""),
                    writer::generation.eq(row.generation + 1),
                    writer::lease_until.eq(0_i64),
                ))
                .execute(conn)?;
            foundation::take_landing(conn, landing)?;
            Ok(epoch)
        })
    }

    /// Gives the lease back, so that another need not wait for its end.
    pub fn give_back(&self, lease: &Lease) -> Result<()> {
        self.write(|conn| {
            diesel::update(
                writer::table.filter(writer::holder.eq(&lease.holder)).filter(writer::generation.eq(lease.generation)),
            )
            .set(writer::lease_until.eq(0_i64))
            .execute(conn)?;
            Ok(())
        })
    }
}

/// The body of [`Db::apply`].
pub(super) fn under_lease<T>(
    conn: &mut Conn,
    (lease, epoch): (&Lease, Option<&String>),
    now: i64,
    body: &dyn Fn(&mut Change<'_>) -> Result<T>,
) -> Result<T> {
    let row = locked(conn)?;
    of_epoch(&row, epoch)?;
    if row.generation != lease.generation || row.holder != lease.holder {
        // Not a fault of what was to be written: it is tried again by whoever is the writer then.
        return Err(Error::new(Kind::Unavailable, "another hub has become the writer")
            .coded("writer-lost", "另一节点已接管写入。"));
    }
    let mut change = Change { conn, now, next_seq: row.next_seq };
    let value = body(&mut change)?;
    let next_seq = change.next_seq;
    diesel::update(writer::table)
        .set((writer::next_seq.eq(next_seq), writer::lease_until.eq(now + lease.length)))
        .execute(conn)?;
    Ok(value)
}

/// The error of a secret that did not make the store's tokens.
pub fn other_secret() -> Error {
    Error::new(Kind::Config, "the store was made with another hub secret: restore the one that belongs to it")
        .coded("secret-mismatch", "该数据库由另一个密钥建立，请恢复原密钥文件。")
}

/// A hub that opened the store before it was restored knows an epoch that is over.
fn of_epoch(row: &Writer, known: Option<&String>) -> Result<()> {
    match known {
        Some(known) if *known != row.epoch => Err(Error::new(
            Kind::Unavailable,
            "the store was restored and has a new epoch; this hub must be started again",
        )
        .coded(EPOCH_OVER, "数据库已恢复并进入新时期，请重新启动本节点。")),
        _ => Ok(()),
    }
}

fn foundation_fits(conn: &mut Conn) -> Result<()> {
    let found = foundation::get(conn)?;
    foundation::open_only(&found)?;
    migrate::new_enough(found.needs)
}

fn current(conn: &mut Conn) -> Result<Writer> {
    Ok(writer::table.select(Writer::as_select()).first(conn)?)
}

/// The row, locked to the end of the transaction (SQLite's immediate transaction has already locked the file).
fn locked(conn: &mut Conn) -> Result<Writer> {
    if let Conn::Pg(c) = conn {
        return Ok(writer::table.select(Writer::as_select()).for_update().first(c)?);
    }
    current(conn)
}

/// Notes the merge-rules version that all golden records are made with now.
pub fn made_with(conn: &mut Conn, merge_rules: &str) -> Result<()> {
    diesel::update(writer::table).set(writer::merge_rules.eq(merge_rules)).execute(conn)?;
    Ok(())
}
