//! Who is who: what a clerk decides against what the rules say. For administrators.

use std::collections::{BTreeMap, HashMap};

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
use crate::matching::as_sent;
use crate::pipeline::identify::{self, Judge, Seen};
use crate::resolve::{self, Placing};
use crate::store::contribution::live_of_entities;
use crate::store::decision::{self, Decision as Stored, MERGE};
use crate::store::{Conn, codec, entity};
use crate::time;

/// Most letters of a reason.
const LONGEST: usize = 500;
/// What a clerk tells people apart by.
const TELLING: [&str; 8] =
    ["name", "id_type", "id_no", "birth_date", "sex", "phones", "current_address", "registered_address"];

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

/// What a clerk tells people apart by.
pub(super) fn telling(attributes: &Map<String, Value>) -> Map<String, Value> {
    TELLING.iter().filter_map(|name| Some(((*name).to_owned(), attributes.get(*name)?.clone()))).collect()
}

/// Values as sent that were compared, by attribute, where the attribute was dropped as bad.
pub(super) type Sent = BTreeMap<&'static str, String>;

/// What was sent in the records that are evidence of what these residents are like, by resident.
pub(super) fn sent_of(conn: &mut Conn, residents: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Sent>> {
    let mut all: HashMap<Vec<u8>, Sent> = HashMap::new();
    for row in live_of_entities(conn, residents)? {
        if resolve::placing(&row.link) == Some(Placing::Like) {
            continue;
        }
        let sent = as_sent(&row.contribution()?);
        if let Some(entity) = row.entity.filter(|_| !sent.is_empty()) {
            all.entry(entity).or_default().extend(sent);
        }
    }
    Ok(all)
}

/// What was sent of that which the record does not say.
pub(super) fn unsaid(mut sent: Sent, says: &Map<String, Value>) -> Sent {
    sent.retain(|name, _| !says.contains_key(*name));
    sent
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
