//! Residents who may be one person: under two kinds of document, or given two numbers. Nothing is joined by
//! that; it is for a clerk to look at. Looked for when somebody asks, and not kept.

use std::collections::BTreeSet;

use super::golden::Rules;
use super::pool::Pool;
use super::working::Working;
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::Token;
use crate::matching::{Candidate, Matcher};
use crate::store::Conn;
use crate::store::decision::{self, Decision, PART, UNSURE};
use crate::store::entity::{self, Entity, Version};

/// Residents looked at in one go.
const PAGE: i64 = 500;

/// Two residents who may be one person, each as they stand.
pub struct Twice {
    /// The first by id.
    pub one: (Entity, Version),
    /// The other.
    pub other: (Entity, Version),
    /// A record of the other; whoever says that they are two says it of this one and the first.
    pub record: Token,
    /// The other as a candidate for the first.
    pub candidate: Candidate,
}

/// Those among some residents after an id who may be known a second time, and the id of the last that was looked at; `None`
/// when there are no more.
pub fn after(
    (rules, matcher): (&Rules, &Matcher),
    conn: &mut Conn,
    after: &[u8],
) -> Result<(Vec<Twice>, Option<Vec<u8>>)> {
    let filter =
        entity::Filter { kind: RESIDENT.to_owned(), after: after.to_vec(), limit: PAGE, ..entity::Filter::default() };
    let page = entity::page(conn, &filter)?;
    let Some(last) = page.last().map(|(row, _)| row.id.clone()) else { return Ok((Vec::new(), None)) };
    let mut ids = BTreeSet::new();
    for (row, _) in &page {
        ids.insert(Token::from_slice(&row.id)?);
    }
    let (mut working, mut pool) = (Working::default(), Pool::stored((rules, matcher)));
    pool.know(conn, &mut working, ids.clone())?;
    let tags = pool.tags_of(&working, &ids)?;
    pool.load(conn, &mut working, &tags)?;
    let mut twice = Vec::new();
    for one in page {
        let others = pool.beside(&working, Token::from_slice(&one.0.id)?)?;
        let ids: Vec<Vec<u8>> = others.iter().map(|candidate| candidate.entity.to_vec()).collect();
        let found = entity::current(conn, &ids)?;
        for candidate in others {
            let Some(other) = found.iter().find(|(row, _)| row.id == candidate.entity.0) else { continue };
            let ours = records_of(&pool, &working, &one.0)?;
            let theirs = records_of(&pool, &working, &other.0)?;
            if !is_answered(conn, (&one.0, &ours), (&other.0, &theirs))?
                && let Some(record) = theirs.first()
            {
                let record = Token::from_slice(record)?;
                twice.push(Twice { one: one.clone(), other: other.clone(), record, candidate });
            }
        }
    }
    Ok((twice, Some(last)))
}

/// The ids of the records by which a person is known.
fn records_of(pool: &Pool, working: &Working, person: &Entity) -> Result<Vec<Vec<u8>>> {
    let records = pool.records_of(Token::from_slice(&person.id)?);
    Ok(records.iter().map(|place| working.at(*place).row.id.clone()).collect())
}

type Records<'a> = (&'a Entity, &'a [Vec<u8>]);

/// Whether somebody has said that a record of one of two is not about the other, or that it cannot be said.
fn is_answered(conn: &mut Conn, one: Records, other: Records) -> Result<bool> {
    let said = decision::about(conn, &[one.1, other.1].concat())?;
    let parts = |decision: &Decision, (_, records): Records, (person, _): Records| {
        records.contains(&decision.subject) && decision.person == person.token
    };
    Ok(said.iter().any(|said| {
        said.revoked_at.is_none()
            && [PART, UNSURE].contains(&said.kind.as_str())
            && (parts(said, one, other) || parts(said, other, one))
    }))
}
