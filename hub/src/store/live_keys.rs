//! The live source keys of a feed: how many there are, and those of a range. A snapshot's endings are what is here and not
//! in the delivery.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable, Text};

use super::conn::Conn;
use super::schema::contribution;
use crate::error::Result;
use crate::keyring::Token;

/// How many source keys of the feed are live.
pub fn count(conn: &mut Conn, feed: &str) -> Result<i64> {
    let live = contribution::table.filter(contribution::state.eq("live")).filter(contribution::feed.eq(feed));
    let (first, last) = (diesel::dsl::min(contribution::part), diesel::dsl::max(contribution::part));
    let (rows, first, last): (i64, Option<String>, Option<String>) =
        live.select((diesel::dsl::count_star(), first, last)).first(conn)?;
    if first == last {
        // A key stands once for each part, so rows of one part need not be told apart: that takes a sort of them all.
        return Ok(rows);
    }
    Ok(live.select(diesel::dsl::count(contribution::source_key).aggregate_distinct()).first(conn)?)
}

/// The live source keys of a feed from `from` on and before `to`, in order, each once. Memory holds them all.
pub fn between(conn: &mut Conn, feed: &str, from: &[u8], to: &[u8]) -> Result<Vec<Token>> {
    let mut keys = match conn {
        Conn::Pg(c) => in_one_value(c, feed, from, to)?,
        Conn::Sqlite(c) => row_by_row(c, feed, from, to)?,
    };
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

#[derive(QueryableByName)]
struct Joined {
    #[diesel(sql_type = Nullable<Binary>)]
    keys: Option<Vec<u8>>,
}

/// All keys in one value: PostgreSQL reads the table as it lies, which for most of a feed is ten times as fast as by an
/// index, and nobody pays for a million rows of sixteen bytes.
fn in_one_value(conn: &mut PgConnection, feed: &str, from: &[u8], to: &[u8]) -> Result<Vec<Token>> {
    let found: Joined = diesel::sql_query(
        "SELECT string_agg(source_key, ''::bytea) AS keys FROM contribution \
         WHERE state = 'live' AND feed = $1 AND source_key >= $2 AND source_key < $3",
    )
    .bind::<Text, _>(feed)
    .bind::<Binary, _>(from)
    .bind::<Binary, _>(to)
    .get_result(conn)?;
    found.keys.unwrap_or_default().chunks(size_of::<Token>()).map(Token::from_slice).collect()
}

fn row_by_row(conn: &mut SqliteConnection, feed: &str, from: &[u8], to: &[u8]) -> Result<Vec<Token>> {
    let live = contribution::table.filter(contribution::state.eq("live")).filter(contribution::feed.eq(feed));
    let found = live
        .filter(contribution::source_key.ge(from))
        .filter(contribution::source_key.lt(to))
        .select(contribution::source_key);
    let mut keys = Vec::new();
    for key in found.load_iter::<Vec<u8>, _>(conn)? {
        keys.push(Token::from_slice(&key?)?);
    }
    Ok(keys)
}
