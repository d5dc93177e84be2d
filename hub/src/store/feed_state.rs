//! What each feed has applied last. The apply counter moves with every apply or release; a verdict of inspect is a hint for one value of it.

use diesel::prelude::*;

use super::conn::{Conn, each_backend};
use super::schema::feed_state;
use crate::contribution::AsOf;
use crate::error::Result;
use crate::keyring::Token;

/// The state of one feed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = feed_state)]
pub struct FeedState {
    /// `department/feed`.
    pub feed: String,
    /// Raised by every apply.
    pub apply_counter: i64,
    /// As-of of the newest applied delivery.
    pub as_of_instant: i64,
    /// Its sequence.
    pub as_of_sequence: i64,
    /// Its digest.
    pub as_of_digest: Vec<u8>,
    /// Its id.
    pub delivery: String,
    /// Its rules.
    pub fingerprint: String,
}

impl FeedState {
    /// As-of of the newest applied delivery.
    pub fn as_of(&self) -> Result<AsOf> {
        Ok(AsOf {
            instant: self.as_of_instant,
            sequence: self.as_of_sequence,
            digest: Token::from_slice(&self.as_of_digest)?,
        })
    }
}

/// The state of a feed; `None` before its first apply.
pub fn get(conn: &mut Conn, feed: &str) -> Result<Option<FeedState>> {
    Ok(feed_state::table.find(feed).select(FeedState::as_select()).first(conn).optional()?)
}

/// Raises the feed's apply counter, and where `newest` is newer than what is there, takes it over.
pub fn advance(conn: &mut Conn, feed: &str, as_of: AsOf, delivery: &str, fingerprint: &str) -> Result<()> {
    let old = get(conn, feed)?;
    let newer = match &old {
        Some(state) => as_of >= state.as_of()?,
        None => true,
    };
    let counter = old.as_ref().map_or(0, |state| state.apply_counter) + 1;
    let row = match old {
        Some(state) if !newer => FeedState { apply_counter: counter, ..state },
        _ => FeedState {
            feed: feed.to_owned(),
            apply_counter: counter,
            as_of_instant: as_of.instant,
            as_of_sequence: as_of.sequence,
            as_of_digest: as_of.digest.to_vec(),
            delivery: delivery.to_owned(),
            fingerprint: fingerprint.to_owned(),
        },
    };
    each_backend!(conn, |c| diesel::insert_into(feed_state::table)
        .values(&row)
        .on_conflict(feed_state::feed)
        .do_update()
        .set(&row)
        .execute(c))?;
    Ok(())
}
