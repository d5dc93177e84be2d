//! The staging list of an inspected delivery: which row has which key and hash. Disposable: it can be made again from the landed bytes.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use super::conn::Conn;
use super::schema::staging;
use crate::error::Result;

/// One row of a delivery.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = staging, treat_none_as_default_value = false)]
pub struct Staged {
    /// The delivery.
    pub delivery: String,
    /// Position of the row, from 1.
    pub position: i64,
    /// Token of its source key; `None` where it cannot be read.
    pub source_key: Option<Vec<u8>>,
    /// Hash of its mapped columns.
    pub hash: Vec<u8>,
    /// `changed`, `unchanged`, `stale` or `rejected`.
    pub verdict: String,
}

/// Forgets a delivery's list.
pub fn clear(conn: &mut Conn, delivery: &str) -> Result<()> {
    diesel::delete(staging::table.filter(staging::delivery.eq(delivery))).execute(conn)?;
    Ok(())
}

/// Forgets the rows from `first` to `last`.
pub fn clear_between(conn: &mut Conn, delivery: &str, first: i64, last: i64) -> Result<()> {
    let rows = staging::table.filter(staging::delivery.eq(delivery)).filter(staging::position.between(first, last));
    diesel::delete(rows).execute(conn)?;
    Ok(())
}

/// How many rows have a verdict.
pub fn count(conn: &mut Conn, delivery: &str, verdict: &str) -> Result<i64> {
    Ok(staging::table
        .filter(staging::delivery.eq(delivery))
        .filter(staging::verdict.eq(verdict))
        .count()
        .get_result(conn)?)
}

/// How many rows have no readable key.
pub fn keyless(conn: &mut Conn, delivery: &str) -> Result<Vec<Vec<u8>>> {
    Ok(staging::table
        .filter(staging::delivery.eq(delivery))
        .filter(staging::source_key.is_null())
        .select(staging::hash)
        .distinct()
        .load(conn)?)
}

/// Gives all but the last row of each key the verdict `verdict`, and returns the positions changed.
pub fn earlier_of_same_key(conn: &mut Conn, delivery: &str, verdict: &str) -> Result<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Position {
        #[diesel(sql_type = BigInt)]
        position: i64,
    }
    let found: Vec<Position> = diesel::sql_query(
        // Over one reading of the list: statistics of a list that was empty yesterday would make a join of it with itself
        // look cheap.
        "SELECT position FROM (SELECT position, MAX(position) OVER (PARTITION BY source_key) AS last FROM staging \
         WHERE delivery = $1 AND source_key IS NOT NULL) AS listed WHERE position < last ORDER BY position",
    )
    .bind::<Text, _>(delivery)
    .load(conn)?;
    let positions: Vec<i64> = found.into_iter().map(|row| row.position).collect();
    set_verdict(conn, delivery, &positions, verdict)?;
    Ok(positions)
}

/// Sets the verdict of the rows at these positions.
pub fn set_verdict(conn: &mut Conn, delivery: &str, positions: &[i64], verdict: &str) -> Result<()> {
    for part in positions.chunks(4_000) {
        diesel::update(staging::table.filter(staging::delivery.eq(delivery)).filter(staging::position.eq_any(part)))
            .set(staging::verdict.eq(verdict))
            .execute(conn)?;
    }
    Ok(())
}

/// The next live source keys of the feed, after `after`, that the delivery does not hold: what has ended.
pub fn absent_keys(conn: &mut Conn, feed: &str, delivery: &str, limit: i64) -> Result<Vec<Vec<u8>>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Binary)]
        source_key: Vec<u8>,
    }
    let found: Vec<Key> = diesel::sql_query(
        "SELECT DISTINCT c.source_key FROM contribution c WHERE c.feed = $1 AND c.state = 'live' AND NOT EXISTS \
         (SELECT 1 FROM staging s WHERE s.delivery = $2 AND s.source_key = c.source_key) LIMIT $3",
    )
    .bind::<Text, _>(feed)
    .bind::<Text, _>(delivery)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.source_key).collect())
}

/// How many live source keys of the feed the delivery does not hold.
pub fn absent_count(conn: &mut Conn, feed: &str, delivery: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let found: Count = diesel::sql_query(
        "SELECT COUNT(DISTINCT c.source_key) AS count FROM contribution c WHERE c.feed = $1 AND c.state = 'live' AND NOT EXISTS \
         (SELECT 1 FROM staging s WHERE s.delivery = $2 AND s.source_key = c.source_key)",
    )
    .bind::<Text, _>(feed)
    .bind::<Text, _>(delivery)
    .get_result(conn)?;
    Ok(found.count)
}

/// Whether the delivery's list holds the key.
pub fn holds(conn: &mut Conn, delivery: &str, source_key: &[u8]) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(
        staging::table.filter(staging::delivery.eq(delivery)).filter(staging::source_key.eq(source_key)),
    ))
    .get_result(conn)?)
}

/// The verdicts of rows after `after`, in order.
pub fn changed_after(conn: &mut Conn, delivery: &str, after: i64, limit: i64) -> Result<Vec<i64>> {
    Ok(staging::table
        .filter(staging::delivery.eq(delivery))
        .filter(staging::position.gt(after))
        .filter(staging::verdict.eq("changed"))
        .order(staging::position)
        .limit(limit)
        .select(staging::position)
        .load(conn)?)
}

/// Says which key a row has, once a clerk has read or corrected it.
pub fn set_key(conn: &mut Conn, delivery: &str, hash: &[u8], source_key: &[u8]) -> Result<()> {
    let found = staging::table.filter(staging::delivery.eq(delivery)).filter(staging::hash.eq(hash));
    diesel::update(found).set(staging::source_key.eq(source_key)).execute(conn)?;
    Ok(())
}

/// The verdicts of a delivery, in the order of positions.
pub fn verdicts(conn: &mut Conn, delivery: &str) -> Result<Vec<(i64, String)>> {
    Ok(staging::table
        .filter(staging::delivery.eq(delivery))
        .order(staging::position)
        .select((staging::position, staging::verdict))
        .load(conn)?)
}

/// Forgets the lists whose names begin with `prefix` and come before `before`: what a hub left that died in between.
pub fn forget(conn: &mut Conn, prefix: &str, before: &str) -> Result<()> {
    let found = staging::table.filter(staging::delivery.ge(prefix)).filter(staging::delivery.lt(before));
    diesel::delete(found).execute(conn)?;
    Ok(())
}

/// The rows with this key in the lists of these deliveries.
pub fn of_key(conn: &mut Conn, deliveries: &[String], source_key: &[u8]) -> Result<Vec<Staged>> {
    Ok(staging::table
        .filter(staging::delivery.eq_any(deliveries))
        .filter(staging::source_key.eq(source_key))
        .order((staging::delivery, staging::position))
        .select(Staged::as_select())
        .load(conn)?)
}

/// How many rows there are in all lists.
pub fn count_all(conn: &mut Conn) -> Result<i64> {
    Ok(staging::table.count().get_result(conn)?)
}
