//! The writer's row: who may change the dataset, and the next `seq`. Nothing changes the dataset except under it.

use diesel::prelude::*;

use super::Db;
use super::conn::{Conn, each_backend};
use super::schema::writer;
use crate::error::{Error, Kind, Result};
use crate::id;

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
    /// Creates the writer's row with a new epoch if the store is new; refuses a store of another secret.
    pub fn found(&self, key_id: &str, merge_rules: &str) -> Result<Writer> {
        self.write(|conn| {
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
                return Err(Error::new(Kind::Config, "the store was made with another hub secret")
                    .coded("secret-mismatch", "该数据库由另一个密钥建立，请恢复原密钥文件。"));
            }
            Ok(found)
        })
    }

    /// The writer's row as it is.
    pub fn writer(&self) -> Result<Writer> {
        self.read(current)
    }

    /// Takes or renews the lease; `None` while another lives. `dead` says of a holder whether it is known to be gone.
    pub fn lease(&self, holder: &str, now: i64, length: i64, dead: impl Fn(&str) -> bool) -> Result<Option<Lease>> {
        self.write(|conn| {
            let row = locked(conn)?;
            let mine = row.holder == holder && row.generation > 0;
            if !mine && row.lease_until > now && !row.holder.is_empty() && !dead(&row.holder) {
                return Ok(None);
            }
            let generation = if mine { row.generation } else { row.generation + 1 };
            diesel::update(writer::table)
                .set((
                    writer::holder.eq(holder),
                    writer::generation.eq(generation),
                    writer::lease_until.eq(now + length),
                ))
                .execute(conn)?;
            Ok(Some(Lease { holder: holder.to_owned(), generation, length }))
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
    lease: &Lease,
    now: i64,
    body: &dyn Fn(&mut Change<'_>) -> Result<T>,
) -> Result<T> {
    let row = locked(conn)?;
    if row.generation != lease.generation || row.holder != lease.holder {
        return Err(Error::new(Kind::Conflict, "another hub has become the writer")
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
