//! What the relay last said of itself, for people to see. Its position is in Kafka and nowhere else.

use diesel::prelude::*;

use super::conn::{Conn, each_backend};
use super::schema::relay;
use crate::error::Result;

/// The relay of one agreement.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = relay, treat_none_as_null = true)]
pub struct Relay {
    /// The agreement.
    pub agreement: String,
    /// `running`, `waiting` (the broker is away) or `relay-stopped` (a person must act).
    pub state: String,
    /// Why.
    pub message: Option<String>,
    /// The last `seq` that has left.
    pub seq: i64,
    /// Microseconds since 1970.
    pub at: i64,
}

/// Says what an agreement's relay is doing.
pub fn put(conn: &mut Conn, row: &Relay) -> Result<()> {
    each_backend!(conn, |c| diesel::insert_into(relay::table)
        .values(row)
        .on_conflict(relay::agreement)
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

/// Forgets what the relays of other agreements than these said.
pub fn keep(conn: &mut Conn, agreements: &[&str]) -> Result<usize> {
    Ok(diesel::delete(relay::table.filter(relay::agreement.ne_all(agreements))).execute(conn)?)
}

/// All relays.
pub fn list(conn: &mut Conn) -> Result<Vec<Relay>> {
    Ok(relay::table.order(relay::agreement).select(Relay::as_select()).load(conn)?)
}
