//! Decisions as stored: who decided what of whom, when, and who took it back. Never changed, only revoked.

use std::collections::HashSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::conn::Conn;
use super::contribution::in_parts;
use super::schema::decision;
use crate::error::{Error, Kind, Result};
use crate::keyring::Token;
use crate::resolve::Decided;

/// Two people are one.
pub const MERGE: &str = "merge";
/// A contribution is about a person.
pub const JOIN: &str = "join";
/// A contribution is not about a person.
pub const PART: &str = "part";
/// Nobody can say whether it is; it is not asked again.
pub const UNSURE: &str = "unsure";

/// A decision.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = decision, treat_none_as_default_value = false)]
pub struct Decision {
    /// Sorts by time.
    pub id: String,
    /// `merge`, `join`, `part` or `unsure`.
    pub kind: String,
    /// The token of the person who is absorbed, or the contribution.
    pub subject: Vec<u8>,
    /// The token of the person it is about.
    pub person: Vec<u8>,
    /// The encoded [`Document`].
    pub document: Vec<u8>,
    /// Who decided.
    pub decided_by: String,
    /// When, microseconds since 1970.
    pub decided_at: i64,
    /// Who took it back.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<i64>,
}

/// What a decision keeps besides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Why, in the words of who decided.
    pub reason: String,
}

/// Stores a decision. One that contradicts another that stands is a conflict.
pub fn insert(conn: &mut Conn, row: &Decision) -> Result<()> {
    match diesel::insert_into(decision::table).values(row).execute(conn).map_err(Error::from) {
        Err(error) if error.kind == Kind::Conflict => {
            Err(error.coded("decision-stands", "已有一条有效的认定与之冲突，请先撤销。"))
        }
        other => other.map(drop),
    }
}

/// Takes a decision back. `false` where it is not there or was taken back before.
pub fn revoke(conn: &mut Conn, id: &str, by: &str, now: i64) -> Result<bool> {
    let standing = decision::table.find(id).filter(decision::revoked_at.is_null());
    let set = (decision::revoked_by.eq(by), decision::revoked_at.eq(now));
    Ok(diesel::update(standing).set(set).execute(conn)? == 1)
}

/// Whether there ever was a decision.
pub fn is_any(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(decision::table.select(decision::id))).get_result(conn)?)
}

/// A decision.
pub fn get(conn: &mut Conn, id: &str) -> Result<Decision> {
    let found = decision::table.find(id).select(Decision::as_select()).first(conn).optional()?;
    found.ok_or_else(|| {
        Error::new(Kind::NotFound, "there is no such decision").coded("decision-unknown", "没有这条认定。")
    })
}

/// All decisions about these subjects or people, revoked ones too, oldest first.
pub fn about(conn: &mut Conn, tokens: &[Vec<u8>]) -> Result<Vec<Decision>> {
    let mut found = in_parts(tokens, |tokens| {
        Ok(decision::table
            .filter(decision::subject.eq_any(tokens).or(decision::person.eq_any(tokens)))
            .select(Decision::as_select())
            .load(conn)?)
    })?;
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    Ok(found)
}

/// The contributions that stand joined to these people by a decision.
pub fn joined_to(conn: &mut Conn, people: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    Ok(joins(conn, people)?.into_iter().map(|(contribution, _)| contribution).collect())
}

/// The contributions that stand joined to these people, each with the person.
fn joins(conn: &mut Conn, people: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    in_parts(people, |people| {
        Ok(decision::table
            .filter(decision::kind.eq(JOIN))
            .filter(decision::revoked_at.is_null())
            .filter(decision::person.eq_any(people))
            .select((decision::subject, decision::person))
            .load(conn)?)
    })
}

/// The contributions among these of which somebody was unsure.
pub fn unsure_of(conn: &mut Conn, contributions: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let standing = standing(conn, contributions)?;
    Ok(standing.into_iter().filter(|found| found.kind == UNSURE).map(|found| found.subject).collect())
}

/// The people whom these have absorbed, directly or in turn.
pub fn absorbed_by(conn: &mut Conn, people: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let (mut all, mut next) = (Vec::new(), people.to_vec());
    while !next.is_empty() {
        next = in_parts(&next, |people| {
            Ok(decision::table
                .filter(decision::kind.eq(MERGE))
                .filter(decision::revoked_at.is_null())
                .filter(decision::person.eq_any(people))
                .select(decision::subject)
                .load(conn)?)
        })?;
        next.retain(|found| !all.contains(found));
        all.extend(next.iter().cloned());
    }
    Ok(all)
}

fn standing(conn: &mut Conn, subjects: &[Vec<u8>]) -> Result<Vec<Decision>> {
    in_parts(subjects, |subjects| {
        Ok(decision::table
            .filter(decision::subject.eq_any(subjects))
            .filter(decision::revoked_at.is_null())
            .select(Decision::as_select())
            .load(conn)?)
    })
}

/// Adds to `decided` what stands of these contributions and people, and of the people that leads to.
pub fn learn(conn: &mut Conn, decided: &mut Decided, mut subjects: Vec<Vec<u8>>) -> Result<()> {
    for (_, person) in joins(conn, &subjects)? {
        decided.name(Token::from_slice(&person)?);
    }
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    while !subjects.is_empty() {
        let mut further = Vec::new();
        // The token of a resident without a number is a contribution's: one may lead back to itself.
        seen.extend(subjects.iter().cloned());
        for found in standing(conn, &subjects)? {
            let (subject, person) = (Token::from_slice(&found.subject)?, Token::from_slice(&found.person)?);
            match found.kind.as_str() {
                MERGE if decided.is_merged(subject) => continue,
                MERGE => decided.merge(subject, person),
                JOIN => decided.join(subject, person),
                PART => decided.part(subject, person),
                _ => continue,
            }
            if !seen.contains(&found.person) {
                further.push(found.person);
            }
        }
        subjects = further;
    }
    Ok(())
}
