//! Access tokens, as hashes. Whoever reads the store cannot use one.

use diesel::prelude::*;

use super::conn::Conn;
use super::schema::token;
use crate::error::{Error, Kind, Result};

/// An access token.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = token)]
pub struct AccessToken {
    /// UUIDv7; not secret.
    pub id: String,
    /// HMAC of the secret text.
    pub hash: Vec<u8>,
    /// `administrator`, `department` or `consumer`.
    pub role: String,
    /// The department, the agreement, or nothing.
    pub subject: String,
    /// What people call it.
    pub title: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub revoked_at: Option<i64>,
}

/// Writes a new token.
pub fn insert(conn: &mut Conn, row: &AccessToken) -> Result<()> {
    diesel::insert_into(token::table).values(row).execute(conn)?;
    Ok(())
}

/// The token with this hash, unless it is revoked.
pub fn by_hash(conn: &mut Conn, hash: &[u8]) -> Result<Option<AccessToken>> {
    Ok(token::table
        .filter(token::hash.eq(hash))
        .filter(token::revoked_at.is_null())
        .select(AccessToken::as_select())
        .first(conn)
        .optional()?)
}

/// Whether there is a token of this id that is not revoked.
pub fn is_in_use(conn: &mut Conn, id: &str) -> Result<bool> {
    let found: i64 = token::table.find(id).filter(token::revoked_at.is_null()).count().get_result(conn)?;
    Ok(found > 0)
}

/// All tokens, oldest first.
pub fn list(conn: &mut Conn) -> Result<Vec<AccessToken>> {
    Ok(token::table.order(token::id).select(AccessToken::as_select()).load(conn)?)
}

/// Revokes a token.
pub fn revoke(conn: &mut Conn, id: &str, now: i64) -> Result<()> {
    match diesel::update(token::table.find(id).filter(token::revoked_at.is_null()))
        .set(token::revoked_at.eq(now))
        .execute(conn)?
    {
        1 => Ok(()),
        _ => {
            Err(Error::new(Kind::NotFound, "there is no such token in use")
                .coded("token-unknown", "没有这个有效令牌。"))
        }
    }
}
