//! Why a resident's record is made of what it is made of, now or at any past moment. For administrators.

use std::collections::HashMap;

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{blocking, query_fault};
use super::identity::{Decision, Sent, resident, telling};
use super::problem::Answer;
use crate::entity::RESIDENT;
use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::leaving;
use crate::matching::{Candidate, Explained, as_sent, surest};
use crate::pipeline::standings::JOINED;
use crate::resolve;
use crate::store::contribution::{Row, live_of_entities};
use crate::store::decision::{self, Decision as Stored, JOIN};
use crate::store::entity::{self, Entity, Version};
use crate::store::past_link::{self, PastLink};
use crate::store::{Conn, matching};
use crate::time;

/// What makes up a resident's record, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Why {
    id: String,
    /// The version this is of; a decision names it.
    version: i64,
    /// `live` or `ended`.
    state: String,
    /// The records of departments that are about this resident.
    contributions: Vec<Part>,
    /// What was decided of the resident and these records, oldest first.
    decisions: Vec<Decision>,
    /// Into whom the resident was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
}

/// A record of a department.
#[derive(Debug, Serialize, ToSchema)]
pub struct Part {
    /// Names it in decisions.
    contribution: String,
    /// `department/feed`; absent for a record that is not kept any longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
    /// Which part of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    /// `key`, `alias`, `decision`; or why no number places it, after `like/` (it is like a resident who is known by a number)
    /// or `group/` (it is like other such records, which are a resident together).
    link: String,
    /// Since when it has been about this resident by this link.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Until when it was; absent while it still is.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Why it is about this resident.
    why: String,
    /// The same in Chinese.
    why_zh: String,
    /// Where likeness has placed it: how it compares, column by column, with the resident, or with whom it is surest to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<Explained>,
    /// That one, where it is another record that no number places.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<String>,
    /// The delivery that wrote it last; of now only, as what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    /// Its row there.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// What it says of whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    says: Option<Map<String, Value>>,
    /// What was sent and compared where an attribute was dropped as bad, by attribute; of now only.
    #[serde(skip_serializing_if = "Sent::is_empty")]
    #[schema(value_type = Object)]
    sent: Sent,
}

/// Which moment is asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// A past moment, as `2026-11-28T08:00:00Z`; now without it.
    at: Option<String>,
}

/// Why a resident's record is made of what it is made of, or was at a moment. Of one who was merged, too.
#[utoipa::path(get, path = "/v1/residents/{id}/why", tag = "identity", params(("id" = String, Path), Moment),
    responses((status = 200, body = Why), (status = 404, body = super::problem::Problem),
        (status = 410, body = super::problem::Problem, description = "What stood then is not kept any longer")))]
pub async fn why(
    hub: web::Data<Hub>,
    caller: Caller,
    id: web::Path<String>,
    moment: web::Query<Moment>,
) -> Answer<web::Json<Why>> {
    caller.administrator()?;
    let id = resident(&id)?;
    let at = moment.into_inner().at.as_deref().map(time::instant).transpose();
    let at = at.map_err(|_| query_fault("at is no moment", "at 不是有效时间。"))?;
    let found = blocking(&hub, move |hub| {
        hub.db.read(|conn| {
            let (row, version) = entity::current(conn, &[id.to_vec()])?.into_iter().next().ok_or_else(missing)?;
            if row.kind != RESIDENT {
                return Err(missing());
            }
            match at {
                None => explained(hub, conn, &row, &version),
                Some(at) => explained_at(hub, conn, &row, at),
            }
        })
    });
    Ok(web::Json(found.await?))
}

fn missing() -> Error {
    entity::no_resident()
}

/// What stands now.
fn explained(hub: &Hub, conn: &mut Conn, row: &Entity, version: &Version) -> Result<Why> {
    let rows = live_of_entities(conn, std::slice::from_ref(&row.id))?;
    let decisions = decisions(conn, row, rows.iter().map(|row| row.id.clone()))?;
    let likes = likes(hub, conn, &rows)?;
    let mut contributions = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut part = Part::standing(row, &decisions, likes.get(&row.id).cloned());
        let said = row.contribution()?;
        (part.says, part.sent) = (Some(telling(&said.attributes)), as_sent(&said));
        (part.delivery, part.position) = (Some(row.delivery.clone()), Some(row.position));
        contributions.push(part);
    }
    made(hub, version, contributions, &decisions)
}

/// What stood at a moment: the records that have been here since, and those that were and have gone.
fn explained_at(hub: &Hub, conn: &mut Conn, row: &Entity, at: i64) -> Result<Why> {
    let version = entity::version_at(conn, &row.id, at)?.ok_or_else(missing)?;
    let mut rows = live_of_entities(conn, std::slice::from_ref(&row.id))?;
    rows.retain(|row| row.linked_at <= at);
    let left = past_link::at(conn, &row.id, at)?;
    let ids: Vec<Vec<u8>> = left.iter().map(|left| left.contribution.clone()).collect();
    let mut decisions = decisions(conn, row, rows.iter().map(|row| row.id.clone()).chain(ids.iter().cloned()))?;
    decisions.retain(|one| one.decided_at <= at);
    for one in decisions.iter_mut().filter(|one| one.revoked_at.is_some_and(|revoked| revoked > at)) {
        (one.revoked_at, one.revoked_by) = (None, None);
    }
    let likes = likes(hub, conn, &rows)?;
    let named = past_link::named(conn, &ids)?;
    let mut contributions: Vec<Part> =
        rows.iter().map(|row| Part::standing(row, &decisions, likes.get(&row.id).cloned())).collect();
    for left in left {
        let like = said_then(hub, conn, &left)?;
        let stood = Stood { link: &left.link, since: left.since, until: Some(left.until) };
        let (feed, part) = named.get(&left.contribution).cloned().unzip();
        contributions.push(Part { feed, part, ..Part::of(&left.contribution, stood, &decisions, like) });
    }
    made(hub, &version, contributions, &decisions)
}

fn made(hub: &Hub, version: &Version, mut contributions: Vec<Part>, decisions: &[Stored]) -> Result<Why> {
    contributions.sort_by(|one, other| (&one.feed, &one.contribution).cmp(&(&other.feed, &other.contribution)));
    Ok(Why {
        id: id::hex(&version.entity),
        version: version.version,
        state: version.state.clone(),
        contributions,
        decisions: decisions.iter().map(|row| Decision::of(hub, row)).collect::<Result<_>>()?,
        merged_into: leaving::merged_into(version)?.map(|id| id.to_string()),
    })
}

/// What was ever decided of a resident and some records, oldest first.
fn decisions(conn: &mut Conn, row: &Entity, records: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Stored>> {
    let mut concerned = vec![row.token.clone()];
    concerned.extend(decision::absorbed_by(conn, std::slice::from_ref(&row.token))?);
    concerned.extend(records);
    decision::about(conn, &concerned)
}

/// How a record compares that likeness has placed, and with which other one it does.
#[derive(Clone)]
struct Alike {
    explained: Explained,
    through: Option<Token>,
}

impl Alike {
    fn of(hub: &Hub, conn: &mut Conn, model: i64, candidates: &[Candidate]) -> Result<Option<Self>> {
        let matcher = hub.models.ready(conn, model)?;
        // The resident comes first, and says enough where that alone is sure.
        let told = candidates.first().filter(|first| matcher.is_sure(first)).or_else(|| surest(candidates));
        Ok(told.map(|told| Self { explained: matcher.explained(told), through: told.record }))
    }
}

/// How those records that were placed by likeness compare, by contribution.
fn likes(hub: &Hub, conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Vec<u8>, Alike>> {
    let alike = rows.iter().filter(|row| resolve::is_loose(&row.link)).map(|row| row.id.clone());
    let mut likes = HashMap::new();
    for found in matching::standing(conn, &alike.collect::<Vec<_>>())?.into_iter().filter(|found| found.state == JOINED)
    {
        let alike = Alike::of(hub, conn, found.model, &found.candidates()?)?;
        likes.extend(alike.map(|alike| (found.contribution, alike)));
    }
    Ok(likes)
}

/// How a record compared where likeness had placed it.
fn said_then(hub: &Hub, conn: &mut Conn, left: &PastLink) -> Result<Option<Alike>> {
    let (Some(model), Some(document)) = (left.model, &left.document) else { return Ok(None) };
    Alike::of(hub, conn, model, &matching::candidates(document)?)
}

/// By which link a record was here, and when.
struct Stood<'a> {
    link: &'a str,
    since: i64,
    until: Option<i64>,
}

impl Part {
    fn standing(row: &Row, decisions: &[Stored], like: Option<Alike>) -> Self {
        let stood = Stood { link: &row.link, since: row.linked_at, until: None };
        let (feed, part) = (Some(row.feed.clone()), Some(row.part.clone()));
        Self { feed, part, ..Self::of(&row.id, stood, decisions, like) }
    }

    fn of(contribution: &[u8], stood: Stood, decisions: &[Stored], like: Option<Alike>) -> Self {
        let (why, why_zh) = reason((contribution, stood.link), decisions, like.as_ref().map(|like| &like.explained));
        let (like, through) = like.map(|like| (like.explained, like.through)).unzip();
        Self {
            contribution: id::hex(contribution),
            feed: None,
            part: None,
            link: stood.link.to_owned(),
            // Of stores that were there before it was noted, nobody knows.
            since: (stood.since > 0).then(|| time::text(stood.since)),
            until: stood.until.map(time::text),
            why,
            why_zh,
            like,
            through: through.flatten().map(|record| record.to_string()),
            delivery: None,
            position: None,
            says: None,
            sent: Sent::new(),
        }
    }
}

/// Why a record with a link is about a resident: in English and in Chinese.
fn reason((contribution, link): (&[u8], &str), decisions: &[Stored], like: Option<&Explained>) -> (String, String) {
    let decided =
        decisions.iter().rfind(|one| one.kind == JOIN && one.subject == contribution && one.revoked_at.is_none());
    let (en, zh) = match (link, decided) {
        (link, _) if resolve::is_loose(link) => match like {
            Some(like) => return (like.sentence.clone(), like.sentence_zh.clone()),
            None => ("it is like the other records here", "与此处其他来源记录相符。"),
        },
        ("alias", _) => ("a number of its department means this resident", "该部门的人员编号指向此居民。"),
        ("decision", Some(decided)) => {
            let (by, at) = (&decided.decided_by, time::text(decided.decided_at));
            return (format!("decided by {by} at {at}"), format!("由 {by} 于 {at} 认定。"));
        }
        ("decision", None) => {
            ("another record was decided to be about the same person", "另一来源记录已认定与本记录属同一人。")
        }
        _ => (
            "it carries this resident's document number, and its name or birth date agrees",
            "证件号码与此居民一致，且姓名或出生日期相符。",
        ),
    };
    (en.to_owned(), zh.to_owned())
}
