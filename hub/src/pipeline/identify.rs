//! What people decide of who is who: two residents are one, a contribution is about somebody or is not; and how that is taken
//! back. Each is one transaction of the writer: the decision, and all that follows from it.

use clap::ValueEnum;
use serde::Deserialize;
use utoipa::ToSchema;

use super::apply::rules;
use super::golden;
use super::links::Touched;
use crate::entity::RESIDENT;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::resolve::{self, Placing};
use crate::store::contribution::{self, Row};
use crate::store::decision::{self, Decision, Document, JOIN, MERGE, PART, UNSURE};
use crate::store::entity::{self, Entity};
use crate::store::{Change, codec, matching};

/// A resident as whoever decides has seen them: another version by now is a conflict, for they would decide of something
/// they have not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The resident's id.
    pub id: Token,
    /// The version that was seen.
    pub version: i64,
}

/// Who decides, and why.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The name of the token.
    pub name: &'a str,
    /// Why, in their own words.
    pub reason: &'a str,
}

/// Decides that `absorbed` is the person `into`: all that is known of the one is known of the other from now on.
pub fn merge(hub: &Hub, into: Seen, absorbed: Seen, judge: Judge) -> Result<Decision> {
    if into.id == absorbed.id {
        let (en, zh) = ("a resident is merged with another one", "不能将居民与其自身合并。");
        return Err(Error::new(Kind::Invalid, en).coded("same-resident", zh));
    }
    decided(hub, judge, |change| {
        let (into, absorbed) = (seen(change, into)?, seen(change, absorbed)?);
        Ok((MERGE, Token::from_slice(&absorbed.token)?, Token::from_slice(&into.token)?))
    })
}

/// Decides whom a contribution is about: `to`, or nobody known (`None`); `from` is whom it was about when that was decided.
pub fn place(
    hub: &Hub,
    contribution: Token,
    (from, to): (Option<Token>, Option<Seen>),
    judge: Judge,
) -> Result<Decision> {
    decided(hub, judge, |change| {
        let row = live(change, contribution)?;
        let stands = row.entity.as_deref().map(Token::from_slice).transpose()?;
        if stands != from || stands == to.map(|to| to.id) {
            return Err(moved_on());
        }
        let person = match (to, stands) {
            (Some(to), _) => seen(change, to)?,
            (None, Some(stands)) => resident(change, stands)?,
            (None, None) => return Err(moved_on()),
        };
        // What was decided of its place before is over, where it says another thing.
        for earlier in decision::about(change.conn, std::slice::from_ref(&row.id))? {
            let is_undone = earlier.kind == JOIN || (to.is_some() && earlier.person == person.token);
            if earlier.revoked_at.is_none() && is_undone {
                decision::revoke(change.conn, &earlier.id, judge.name, change.now)?;
            }
        }
        Ok((if to.is_some() { JOIN } else { PART }, contribution, Token::from_slice(&person.token)?))
    })
}

/// What somebody says of a record and a person it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is about the person.
    Same,
    /// It is not.
    Different,
    /// It cannot be said, and need not be asked again.
    Unsure,
}

/// Answers the question whether a loose record is about a person it is like; or says of a record of one person that it is not
/// about another one who is like them, or that this cannot be said.
pub fn review(hub: &Hub, contribution: Token, person: Seen, verdict: Verdict, judge: Judge) -> Result<Decision> {
    decided(hub, judge, |change| {
        let row = live(change, contribution)?;
        let is_of_another = row.entity.as_deref().is_some_and(|entity| entity != person.id.0);
        if !resolve::is_loose(&row.link) && (verdict == Verdict::Same || !is_of_another) {
            return Err(moved_on());
        }
        let person = match person.version {
            0 => record_like(change, &row, person.id)?,
            _ => seen(change, person)?.token,
        };
        // Whoever was unsure, or of another opinion, is answered by this.
        for earlier in decision::about(change.conn, std::slice::from_ref(&row.id))? {
            if earlier.revoked_at.is_none() && earlier.person == person {
                decision::revoke(change.conn, &earlier.id, judge.name, change.now)?;
            }
        }
        let kind = match verdict {
            Verdict::Same => JOIN,
            Verdict::Different => PART,
            Verdict::Unsure => UNSURE,
        };
        Ok((kind, contribution, Token::from_slice(&person)?))
    })
}

/// The record that nothing else places and after which a resident would be named, as the queue tells it of another one.
fn record_like(change: &mut Change<'_>, row: &Row, named: Token) -> Result<Vec<u8>> {
    let told = matching::standing(change.conn, std::slice::from_ref(&row.id))?;
    let candidates = told.first().map(matching::Matching::candidates).transpose()?.unwrap_or_default();
    let found =
        candidates.into_iter().find(|candidate| candidate.entity == named).and_then(|candidate| candidate.record);
    let other = live(change, found.ok_or_else(moved_on)?)?;
    if resolve::placing(&other.link) == Some(Placing::Waits) { Ok(other.id) } else { Err(moved_on()) }
}

/// Takes a decision back: everything is as it would be if it had never been made.
pub fn revoke(hub: &Hub, id: &str, by: &str) -> Result<Decision> {
    let lease = hub.writer()?;
    hub.db.apply(&lease, hub.now(), |change| {
        let found = decision::get(change.conn, id)?;
        match &found.revoked_by {
            // An unclear commit that went through after all.
            Some(already) if already == by && found.revoked_at == Some(change.now) => return Ok(found),
            Some(_) => {
                return Err(Error::new(Kind::Conflict, "the decision was taken back before")
                    .coded("decision-revoked", "该认定已被撤销。"));
            }
            None => {}
        }
        let mut touched = Touched::default();
        reach(hub, change, &found, &mut touched)?;
        decision::revoke(change.conn, id, by, change.now)?;
        golden::settle(&rules(hub), change, Vec::new(), touched, &cause(id))?;
        decision::get(change.conn, id)
    })
}

type Decided = (&'static str, Token, Token);

/// Stores what `body` decides (kind, subject, person) and settles what it reaches.
fn decided(hub: &Hub, judge: Judge, body: impl Fn(&mut Change<'_>) -> Result<Decided>) -> Result<Decision> {
    let (lease, now) = (hub.writer()?, hub.now());
    let id = id::of_moment(now)?;
    hub.db.apply(&lease, now, |change| {
        match decision::get(change.conn, &id) {
            // An unclear commit that went through after all.
            Ok(made) => return Ok(made),
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (kind, subject, person) = body(change)?;
        let row = Decision {
            id: id.clone(),
            kind: kind.to_owned(),
            subject: subject.to_vec(),
            person: person.to_vec(),
            document: codec::encode(&Document { reason: judge.reason.to_owned() })?,
            decided_by: judge.name.to_owned(),
            decided_at: change.now,
            revoked_by: None,
            revoked_at: None,
        };
        decision::insert(change.conn, &row)?;
        let mut touched = Touched::default();
        reach(hub, change, &row, &mut touched)?;
        golden::settle(&rules(hub), change, Vec::new(), touched, &cause(&id))?;
        Ok(row)
    })
}

/// How a version names a decision as what caused it.
fn cause(id: &str) -> String {
    format!("decision:{id}")
}

/// Adds all whose place may be another with the decision than without.
fn reach(hub: &Hub, change: &mut Change<'_>, of: &Decision, touched: &mut Touched) -> Result<()> {
    let mut people = vec![of.person.clone()];
    if of.kind == MERGE {
        people.push(of.subject.clone());
    }
    people.extend(decision::absorbed_by(change.conn, &people)?);
    let joined = decision::joined_to(change.conn, &people)?;
    // A resident nobody has a number of has the token of one of their contributions.
    for contribution in joined.iter().chain(&people).chain([&of.subject]) {
        touched.add_contribution(Token::from_slice(contribution)?);
    }
    for person in people {
        touched.add_person(&hub.keyring, Token::from_slice(&person)?)?;
    }
    Ok(())
}

fn live(change: &mut Change<'_>, id: Token) -> Result<Row> {
    let found = contribution::by_ids(change.conn, &[id.to_vec()])?.into_iter().find(|row| row.is_live());
    found.filter(|row| row.kind == RESIDENT).ok_or_else(|| {
        Error::new(Kind::NotFound, "there is no such contribution, or it has ended")
            .coded("contribution-unknown", "没有这条来源记录，或其已终止。")
    })
}

fn resident(change: &mut Change<'_>, id: Token) -> Result<Entity> {
    let found = entity::rows(change.conn, &[id.to_vec()])?.into_iter().next();
    found.filter(|row| row.kind == RESIDENT && row.state == "live").ok_or_else(entity::no_resident)
}

fn seen(change: &mut Change<'_>, of: Seen) -> Result<Entity> {
    let found = resident(change, of.id)?;
    if found.version == of.version { Ok(found) } else { Err(moved_on()) }
}

fn moved_on() -> Error {
    Error::new(Kind::Conflict, "what was decided of has changed meanwhile; look again")
        .coded("moved-on", "所依据的记录已发生变化，请重新查看后再认定。")
}
