//! Reach: the loose records that a transaction may move besides those it changes itself.
//!
//! What becomes of a record may change where somebody it was or is linked with comes, changes or goes, and where whoever was
//! grouped with it may go elsewhere. Those linked with them in turn are found from there.

use std::collections::BTreeSet;

use super::pool::{Pool, Whom, is_loose};
use super::reading::Reading;
use super::shift::Moved;
use super::working::Working;
use crate::error::Result;
use crate::keyring::Token;
use crate::store::Conn;

/// The loose records, by place, that may be moved by what has moved.
pub fn others(pool: &mut Pool, conn: &mut Conn, working: &mut Working, moved: &Moved) -> Result<BTreeSet<usize>> {
    let people = working.looked_at(&moved.people);
    pool.know(conn, working, people.clone())?;
    let mut tags = pool.tags_of(working, &people)?;
    tags.extend(working.stored_tags(&moved.around));
    let mut others = pool.around(conn, working, &tags)?;
    others.extend(pool.crossing(conn, working)?);
    for (id, reading) in &moved.left {
        others.extend(like(pool, conn, working, (*id, reading))?);
    }
    let mut were_with = BTreeSet::new();
    let concerned = moved.left_from.iter().chain(&moved.asked).chain(&others);
    for place in concerned {
        let was = working.at(*place).was.as_ref().and_then(|(_, entity)| entity.as_deref());
        were_with.extend(was.map(Token::from_slice).transpose()?);
    }
    for members in working.of_entities(conn, &were_with)?.into_values() {
        others.extend(members);
    }
    others.extend(pool.attached(conn, working, &were_with)?);
    others.retain(|place| is_loose(working, *place));
    Ok(others)
}

/// The loose records that a record was like which says another thing now, or is no more.
fn like(
    pool: &mut Pool,
    conn: &mut Conn,
    working: &mut Working,
    (id, reading): (Token, &Reading),
) -> Result<Vec<usize>> {
    pool.load(conn, working, &reading.tags.iter().copied().collect())?;
    let near = pool.near(working, (Some(id), reading), &BTreeSet::new())?;
    let record = |whom| match whom {
        Whom::Record(place) => Some(place),
        Whom::Person(_) => None,
    };
    Ok(near.into_iter().filter_map(|near| record(near.whom)).collect())
}
