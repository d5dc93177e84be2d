//! Trace: from a department's own key to all the hub knows of that record: its contributions with delivery and line, its
//! rejections, and the entity and version it speaks for. Reads only.

use serde::Serialize;

use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::pipeline::key_token;
use crate::store::{contribution, entity, rejection};
use crate::time;

/// All there is of one record.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Traced {
    /// `department/feed`.
    pub feed: String,
    /// What it says, a part each; tombstones too.
    pub contributions: Vec<TracedContribution>,
    /// Its rejections, newest first.
    pub rejections: Vec<TracedRejection>,
}

/// One part of the record as it stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TracedContribution {
    /// Name of the part.
    pub part: String,
    /// `live` or `ended`.
    pub state: String,
    /// Whether a newer row of the key was rejected.
    pub marked: bool,
    /// The delivery that wrote it.
    pub delivery: String,
    /// Position of the row there, from 1.
    pub position: i64,
    /// As-of, RFC 3339.
    pub as_of: String,
    /// `key`, `alias`, or why it has no entity.
    pub link: String,
    /// The entity it speaks for.
    pub entity: Option<String>,
    /// The entity's version that stands.
    pub version: Option<i64>,
}

/// One rejection of the record.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TracedRejection {
    /// Its id.
    pub id: String,
    /// `open`, `replayed`, `superseded` or `waived`.
    pub state: String,
    /// Codes of the reasons, separated by spaces.
    pub codes: String,
    /// Where it was seen last.
    pub delivery: String,
    /// Position of the row there.
    pub position: i64,
    /// Line there.
    pub line: Option<i64>,
    /// In how many deliveries it was seen.
    pub seen: i64,
}

/// Follows the record of a source key.
pub fn of_key(hub: &Hub, feed: &str, key: &str) -> Result<Traced> {
    hub.feed(feed)?;
    let token = key_token(&hub.keyring, feed, key.trim())?.to_vec();
    hub.db.read(|conn| {
        let rows = contribution::of_keys(conn, feed, std::slice::from_ref(&token))?;
        let ids: Vec<Vec<u8>> = rows.iter().filter_map(|row| row.entity.clone()).collect();
        let entities = entity::current(conn, &ids)?;
        let mut contributions = Vec::new();
        for row in rows {
            let standing = entities.iter().find(|(entity, _)| Some(&entity.id) == row.entity.as_ref());
            contributions.push(TracedContribution {
                part: row.part,
                state: row.state,
                marked: row.marked,
                delivery: row.delivery,
                position: row.position,
                as_of: time::text(row.as_of_instant),
                link: row.link,
                entity: row.entity.as_deref().map(Token::from_slice).transpose()?.map(|token| token.to_string()),
                version: standing.map(|(entity, _)| entity.version),
            });
        }
        let rejections = rejection::of_key(conn, feed, &token)?.into_iter().map(|row| TracedRejection {
            id: row.id,
            state: row.state,
            codes: row.codes.trim().to_owned(),
            delivery: row.last_delivery,
            position: row.position,
            line: row.line,
            seen: row.seen,
        });
        Ok(Traced { feed: feed.to_owned(), contributions, rejections: rejections.collect() })
    })
}
