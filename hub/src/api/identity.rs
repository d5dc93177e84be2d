//! Who is who: why a resident's record is made of what it is made of, and what a clerk decides against that. For
//! administrators.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::blocking;
use super::problem::{Answer, Failure};
use crate::entity::RESIDENT;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::leaving;
use crate::matching::Explained;
use crate::pipeline::identify::{self, Judge, Seen};
use crate::pipeline::standings::JOINED;
use crate::resolve;
use crate::store::contribution::Row;
use crate::store::decision::{self, Decision as Stored, JOIN, MERGE};
use crate::store::entity;
use crate::store::{Conn, codec, matching};
use crate::time;

/// Most letters of a reason.
const LONGEST: usize = 500;
/// What a clerk tells people apart by.
const TELLING: [&str; 8] =
    ["name", "id_type", "id_no", "birth_date", "sex", "phones", "current_address", "registered_address"];

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
    /// `department/feed`.
    feed: String,
    /// Which part of the record.
    part: String,
    /// `key`, `alias`, `decision`; or why no number places it, after `like/` (it is like a resident who is known by a number)
    /// or `group/` (it is like other such records, which are a resident together).
    link: String,
    /// Why it is about this resident.
    why: String,
    /// The same in Chinese.
    why_zh: String,
    /// Where likeness has placed it: how it compares, column by column.
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<Explained>,
    /// The delivery that wrote it last.
    delivery: String,
    /// Its row there.
    position: i64,
    /// What it says of whom it is about.
    #[schema(value_type = Object)]
    says: Map<String, Value>,
}

/// What somebody has decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    id: String,
    /// `merge` (two residents are one), `join` (a record is about the resident), `part` (it is not) or `unsure`.
    kind: String,
    /// The resident it is about; of a merge, the one who stays.
    resident: String,
    /// Of a merge, the one who is absorbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    absorbed: Option<String>,
    /// Of the others, the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    contribution: Option<String>,
    reason: String,
    decided_by: String,
    decided_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl Decision {
    pub(super) fn of(hub: &Hub, row: &Stored) -> Result<Self> {
        let resident = |token: &[u8]| {
            Ok::<_, Error>(
                crate::pipeline::golden::entity_id(&hub.keyring, RESIDENT, Token::from_slice(token)?)?.to_string(),
            )
        };
        let is_merge = row.kind == MERGE;
        Ok(Self {
            id: row.id.clone(),
            kind: row.kind.clone(),
            resident: resident(&row.person)?,
            absorbed: is_merge.then(|| resident(&row.subject)).transpose()?,
            contribution: (!is_merge).then(|| id::hex(&row.subject)),
            reason: codec::decode::<decision::Document>(&row.document)?.reason,
            decided_by: row.decided_by.clone(),
            decided_at: time::text(row.decided_at),
            revoked_by: row.revoked_by.clone(),
            revoked_at: row.revoked_at.map(time::text),
        })
    }
}

/// Why a resident's record is made of what it is made of. Of one who was merged, too.
#[utoipa::path(get, path = "/v1/residents/{id}/why", tag = "identity", params(("id" = String, Path)),
    responses((status = 200, body = Why), (status = 404, body = super::problem::Problem)))]
pub async fn why(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Why>> {
    caller.administrator()?;
    let id = resident(&id)?;
    let found = blocking(&hub, move |hub| hub.db.read(|conn| explained(hub, conn, id))).await?;
    Ok(web::Json(found))
}

fn explained(hub: &Hub, conn: &mut Conn, id: Token) -> Result<Why> {
    let (row, version) = entity::current(conn, &[id.to_vec()])?.into_iter().next().ok_or_else(entity::no_resident)?;
    if row.kind != RESIDENT {
        return Err(entity::no_resident());
    }
    let rows = crate::store::contribution::live_of_entities(conn, std::slice::from_ref(&row.id))?;
    let mut concerned = vec![row.token.clone()];
    concerned.extend(decision::absorbed_by(conn, std::slice::from_ref(&row.token))?);
    concerned.extend(rows.iter().map(|row| row.id.clone()));
    let decisions = decision::about(conn, &concerned)?;
    let likes = likes(hub, conn, &rows)?;
    let mut contributions = rows.iter().map(|row| part(row, &decisions, &likes)).collect::<Result<Vec<_>>>()?;
    contributions.sort_by(|one, other| (&one.feed, &one.contribution).cmp(&(&other.feed, &other.contribution)));
    Ok(Why {
        id: id.to_string(),
        version: row.version,
        state: row.state,
        contributions,
        decisions: decisions.iter().map(|row| Decision::of(hub, row)).collect::<Result<_>>()?,
        merged_into: leaving::merged_into(&version)?.map(|id| id.to_string()),
    })
}

/// What a clerk tells people apart by.
pub(super) fn telling(attributes: &Map<String, Value>) -> Map<String, Value> {
    TELLING.iter().filter_map(|name| Some(((*name).to_owned(), attributes.get(*name)?.clone()))).collect()
}

/// How those records that were placed by likeness compare, by contribution.
fn likes(hub: &Hub, conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Vec<u8>, Explained>> {
    let alike = rows.iter().filter(|row| resolve::is_loose(&row.link)).map(|row| row.id.clone());
    let mut likes = HashMap::new();
    for found in matching::standing(conn, &alike.collect::<Vec<_>>())?.into_iter().filter(|found| found.state == JOINED)
    {
        if let Some(best) = found.candidates()?.first() {
            likes.insert(found.contribution, hub.models.ready(conn, found.model)?.explained(best));
        }
    }
    Ok(likes)
}

fn part(row: &Row, decisions: &[Stored], likes: &HashMap<Vec<u8>, Explained>) -> Result<Part> {
    let said = row.contribution()?;
    let decided = decisions.iter().rfind(|one| one.kind == JOIN && one.subject == row.id && one.revoked_at.is_none());
    let like = likes.get(&row.id).cloned();
    let (why, why_zh) = match (row.link.as_str(), decided) {
        (link, _) if resolve::is_loose(link) => {
            let said = like.as_ref().map(|like| (like.sentence.clone(), like.sentence_zh.clone()));
            said.unwrap_or_else(|| {
                ("it is like the other records here".to_owned(), "与此处其他来源记录相符。".to_owned())
            })
        }
        ("alias", _) => {
            ("a number of its department means this resident".to_owned(), "该部门的人员编号指向此居民。".to_owned())
        }
        ("decision", Some(decided)) => (
            format!("decided by {} at {}", decided.decided_by, time::text(decided.decided_at)),
            format!("由 {} 于 {} 认定。", decided.decided_by, time::text(decided.decided_at)),
        ),
        ("decision", None) => (
            "another record was decided to be about the same person".to_owned(),
            "另一来源记录已认定与本记录属同一人。".to_owned(),
        ),
        _ => (
            "it carries this resident's document number, and its name or birth date agrees".to_owned(),
            "证件号码与此居民一致，且姓名或出生日期相符。".to_owned(),
        ),
    };
    Ok(Part {
        contribution: id::hex(&row.id),
        feed: row.feed.clone(),
        part: row.part.clone(),
        link: row.link.clone(),
        why,
        why_zh,
        like,
        delivery: row.delivery.clone(),
        position: row.position,
        says: telling(&said.attributes),
    })
}

/// A resident and the version that was seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenResident {
    id: String,
    /// As `why` or a read has told it; with another version by now the answer is 409.
    version: i64,
}

impl SeenResident {
    fn read(&self) -> Answer<Seen> {
        Ok(Seen { id: resident(&self.id)?, version: self.version })
    }
}

/// Which two residents are one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The version of the resident who stays.
    version: i64,
    /// Who is absorbed.
    absorb: SeenResident,
    /// Why; 1 to 500 letters.
    reason: String,
}

/// Decides that another resident is this one. From then on the other's id answers 308; taking the decision back parts them
/// again.
#[utoipa::path(post, path = "/v1/residents/{id}/merge", tag = "identity", params(("id" = String, Path)), request_body = Merge,
    responses((status = 201, body = Decision), (status = 404, body = super::problem::Problem),
        (status = 409, body = super::problem::Problem, description = "One of them has changed since, or is merged already")))]
pub async fn merge(
    hub: web::Data<Hub>,
    caller: Caller,
    id: web::Path<String>,
    merge: web::Json<Merge>,
) -> Answer<HttpResponse> {
    caller.administrator()?;
    let merge = merge.into_inner();
    let (into, absorbed) = (Seen { id: resident(&id)?, version: merge.version }, merge.absorb.read()?);
    let reason = reason(merge.reason)?;
    let made = blocking(&hub, move |hub| {
        let judge = Judge { name: &caller.name, reason: &reason };
        Decision::of(hub, &identify::merge(hub, into, absorbed, judge)?)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// Whom a record is about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Whom it was about when that was decided; `null` for nobody. With another by now the answer is 409.
    from: Option<String>,
    /// Whom it is about; `null` for nobody known: then it waits, and never again joins whom it was taken from by itself.
    to: Option<SeenResident>,
    /// Why; 1 to 500 letters.
    reason: String,
}

/// Decides whom one record is about. It stays so whatever the record says later, until the decision is taken back.
#[utoipa::path(post, path = "/v1/contributions/{id}/place", tag = "identity", params(("id" = String, Path)), request_body = Place,
    responses((status = 201, body = Decision), (status = 404, body = super::problem::Problem),
        (status = 409, body = super::problem::Problem, description = "It has another place by now")))]
pub async fn place(
    hub: web::Data<Hub>,
    caller: Caller,
    id: web::Path<String>,
    place: web::Json<Place>,
) -> Answer<HttpResponse> {
    caller.administrator()?;
    let place = place.into_inner();
    let contribution = contribution(&id)?;
    let from = place.from.as_deref().map(resident).transpose()?;
    let to = place.to.as_ref().map(SeenResident::read).transpose()?;
    let reason = reason(place.reason)?;
    let made = blocking(&hub, move |hub| {
        let judge = Judge { name: &caller.name, reason: &reason };
        Decision::of(hub, &identify::place(hub, contribution, (from, to), judge)?)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// Takes a decision back: everything is as it would be without it.
#[utoipa::path(post, path = "/v1/decisions/{id}/revoke", tag = "identity", params(("id" = String, Path)),
    responses((status = 200, body = Decision), (status = 404, body = super::problem::Problem),
        (status = 409, body = super::problem::Problem, description = "It was taken back before")))]
pub async fn revoke(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Decision>> {
    caller.administrator()?;
    let revoked = blocking(&hub, move |hub| Decision::of(hub, &identify::revoke(hub, &id, &caller.name)?));
    Ok(web::Json(revoked.await?))
}

pub(super) fn contribution(id: &str) -> Answer<Token> {
    Token::try_from(id.to_owned()).map_err(|_| {
        Failure::new(Kind::NotFound, "contribution-unknown", "there is no such contribution", "没有这条来源记录。")
    })
}

pub(super) fn resident(id: &str) -> Result<Token> {
    Token::try_from(id.to_owned()).map_err(|_| entity::no_resident())
}

pub(super) fn reason(text: String) -> Answer<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || text.contains('\0') {
        let en = format!("a reason has 1 to {LONGEST} letters");
        return Err(Failure::new(Kind::Invalid, "reason-invalid", en, format!("理由应为 1 至 {LONGEST} 个字符。")));
    }
    Ok(text.to_owned())
}
