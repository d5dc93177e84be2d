//! Residents and households as the caller's scope shows them: listed, read, found by key.

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::export::{self, Export};
use super::extract::{Page, after, blocking, cursor_fault, limit, query_fault};
use super::gather::{self, Found, Gather};
use super::problem::{Answer, Failure};
use crate::entity::{HOUSEHOLD, KeyRole, RESIDENT};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::leaving::{self, Claims, Moment, Record, Scope};
use crate::pipeline::golden::entity_id;
use crate::resolve::{PersonKey, alias_token};
use crate::store::entity::{self, Version};
use crate::store::{Conn, contribution};
use crate::time;

/// A resident or household.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entity {
    /// Opaque and stable.
    id: String,
    /// `resident` or `household`.
    kind: String,
    /// From 1; a new one with every change.
    version: i64,
    /// When that came.
    changed_at: String,
    /// The attributes the caller may see, by name; `id` and `community` are among them.
    #[schema(value_type = Object)]
    data: Record,
    /// All claims on these attributes, winner first; only where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) provenance: Option<Claims>,
}

impl Entity {
    pub(super) fn of(version: &Version, data: Record) -> Result<Self> {
        Ok(Self {
            id: Token::from_slice(&version.entity)?.to_string(),
            kind: version.kind.clone(),
            version: version.version,
            changed_at: time::text(version.at),
            data,
            provenance: None,
        })
    }

    /// Its version.
    pub(super) fn version(&self) -> i64 {
        self.version
    }
}

/// Which residents or households.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only of this community (12 digits).
    community: Option<String>,
    /// Only changed at or after this moment (RFC 3339).
    updated_since: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// `next` of the page before. Pages are stable: however much is written meanwhile, nothing comes twice, and what was
    /// there at the beginning and still is comes once.
    cursor: Option<String>,
}

/// Residents. With `Accept: application/x-ndjson` all of them come in one answer, one a line, as of one moment; without
/// `limit` and `cursor`. The header `Hub-Cursor` says from where `/v1/changes` goes on.
#[utoipa::path(get, path = "/v1/residents", tag = "out", params(Wanted),
    responses((status = 200, content((Page<Entity> = "application/json"), (Entity = "application/x-ndjson")))))]
pub async fn residents(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    list(hub, caller, (RESIDENT, wanted.into_inner()), request.headers()).await
}

/// Households, as residents.
#[utoipa::path(get, path = "/v1/households", tag = "out", params(Wanted),
    responses((status = 200, content((Page<Entity> = "application/json"), (Entity = "application/x-ndjson")))))]
pub async fn households(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    list(hub, caller, (HOUSEHOLD, wanted.into_inner()), request.headers()).await
}

async fn list(
    hub: web::Data<Hub>,
    caller: Caller,
    (kind, wanted): (&'static str, Wanted),
    headers: &HeaderMap,
) -> Answer<HttpResponse> {
    let scope = caller.scope(&hub)?;
    let most = limit(wanted.limit)?;
    let whole = export::is_wanted(headers);
    if whole && (wanted.limit.is_some() || wanted.cursor.is_some()) {
        return Err(export::of_pages_only("limit, cursor"));
    }
    let since = wanted.updated_since.as_deref().map(time::instant).transpose();
    let changed_since = since.map_err(|_| query_fault("updated_since is no moment", "updated_since 不是有效时间。"))?;
    let after = match after(wanted.cursor.as_deref())? {
        Some(text) => Token::try_from(text).map_err(|_| cursor_fault())?.to_vec(),
        None => Vec::new(),
    };
    let visible =
        scope.shows_kind(kind) && wanted.community.as_deref().is_none_or(|code| scope.shows_community(Some(code)));
    let communities = match visible {
        true => wanted.community.map(|code| vec![code]).or_else(|| scope.communities().map(<[String]>::to_vec)),
        false => Some(Vec::new()),
    };
    let filter = entity::Filter { kind: kind.to_owned(), communities, changed_since, after, limit: most + 1 };
    if whole {
        let seq = blocking(&hub, |hub| hub.db.read(entity::last_seq)).await?;
        return export::answer(hub, &caller, Export::Entities { scope, filter, seq }).await;
    }
    if !visible {
        return Ok(HttpResponse::Ok().json(Page::<Entity> { items: Vec::new(), next: None }));
    }
    let page = blocking(&hub, move |hub| {
        hub.db.read(|conn| {
            let page = Page::cut(entity::page(conn, &filter)?, most, |(row, _)| id::hex(&row.id));
            let versions: Vec<Version> = page.items.into_iter().map(|(_, version)| version).collect();
            Ok(Page { items: shown(hub, conn, &scope, &versions)?, next: page.next })
        })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// What the scope shows of these versions now.
fn shown(hub: &Hub, conn: &mut Conn, scope: &Scope, versions: &[Version]) -> Result<Vec<Entity>> {
    let records = leaving::records(conn, &hub.keyring, scope, versions, Moment::Now)?;
    let both = versions.iter().zip(records).filter_map(|(version, data)| Some((version, data?)));
    both.map(|(version, data)| Entity::of(version, data)).collect()
}

fn missing(kind: &str) -> Error {
    match kind {
        HOUSEHOLD => {
            Error::new(Kind::NotFound, "there is no such household").coded("household-unknown", "没有这个家庭户。")
        }
        _ => entity::no_resident(),
    }
}

/// How a resident is read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Reading {
    /// `1`: with all claims on the attributes the caller may see.
    provenance: Option<String>,
}

/// One resident.
#[utoipa::path(get, path = "/v1/residents/{id}", tag = "out",
    params(("id" = String, Path), Reading, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Entity, headers(("ETag" = String))), (status = 304),
        (status = 308, description = "The resident was merged into the one at `Location`"), (status = 404, body = super::problem::Problem)))]
pub async fn resident(
    (hub, gather): (web::Data<Hub>, web::Data<Gather>),
    caller: Caller,
    id: web::Path<String>,
    reading: web::Query<Reading>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let with_claims = matches!(reading.provenance.as_deref(), Some("1" | "true" | ""));
    one((hub, gather), caller, RESIDENT, (id.into_inner(), with_claims), request.headers()).await
}

/// One household.
#[utoipa::path(get, path = "/v1/households/{id}", tag = "out",
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Entity, headers(("ETag" = String))), (status = 304), (status = 404, body = super::problem::Problem)))]
pub async fn household(
    (hub, gather): (web::Data<Hub>, web::Data<Gather>),
    caller: Caller,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    one((hub, gather), caller, HOUSEHOLD, (id.into_inner(), false), request.headers()).await
}

async fn one(
    (hub, gather): (web::Data<Hub>, web::Data<Gather>),
    caller: Caller,
    kind: &'static str,
    (id, with_claims): (String, bool),
    headers: &HeaderMap,
) -> Answer<HttpResponse> {
    let scope = caller.scope(&hub)?;
    let id = Token::try_from(id).map_err(|_| missing(kind))?.to_vec();
    let wanted = gather::Wanted { kind, id, scope, with_claims };
    match gather.read(wanted.clone()).await? {
        Some(found) => Ok(tagged(headers, found)),
        None => moved(hub, gather, wanted).await,
    }
}

/// The address of whom a resident was merged into, if the caller may see that one; else there is nobody.
async fn moved(hub: web::Data<Hub>, gather: web::Data<Gather>, wanted: gather::Wanted) -> Answer<HttpResponse> {
    let (kind, id) = (wanted.kind, wanted.id.clone());
    let into =
        blocking(&hub, move |hub| hub.db.read(|conn| whole_way(conn, &id))).await?.ok_or_else(|| missing(kind))?;
    if gather.read(gather::Wanted { id: into.to_vec(), ..wanted }).await?.is_none() {
        return Err(missing(kind).into());
    }
    let location = format!("/v1/residents/{into}");
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, location)).finish())
}

/// Whom an id of somebody merged leads to, by however many merges.
fn whole_way(conn: &mut Conn, id: &[u8]) -> Result<Option<Token>> {
    let mut into = None;
    let mut next = id.to_vec();
    loop {
        let version = entity::current(conn, &[next])?.into_iter().next().map(|(_, version)| version);
        match version.as_ref().map(leaving::merged_into).transpose()?.flatten() {
            Some(further) if into != Some(further) => (into, next) = (Some(further), further.to_vec()),
            _ => return Ok(into),
        }
    }
}

/// The answer with its `ETag`, or 304.
fn tagged(headers: &HeaderMap, Found { text, tag }: Found) -> HttpResponse {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|known| known.trim() == tag || known.trim() == "*") {
        return HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish();
    }
    HttpResponse::Ok()
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .content_type("application/json")
        .body(text)
}

/// One version of a resident as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Past {
    /// From 1.
    version: i64,
    /// When it came.
    at: String,
    /// The delivery that caused it; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    /// The record; absent where the version ended the resident or the caller may not see it.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Record>,
}

/// All versions of a resident, oldest first. For an agreement, only while the resident was in its scope.
#[utoipa::path(get, path = "/v1/residents/{id}/history", tag = "out", params(("id" = String, Path)),
    responses((status = 200, body = Page<Past>), (status = 404, body = super::problem::Problem)))]
pub async fn history(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Page<Past>>> {
    let scope = caller.scope(&hub)?;
    let id = Token::try_from(id.into_inner()).map_err(|_| missing(RESIDENT))?.to_vec();
    let all = scope == Scope::All;
    let items = blocking(&hub, move |hub| {
        hub.db.read(|conn| {
            let versions = entity::history(conn, &id)?;
            let seen_now = match versions.last() {
                Some(last) if last.kind == RESIDENT => {
                    leaving::record(conn, &hub.keyring, &scope, last, Moment::Now)?.is_some()
                }
                _ => return Ok(None),
            };
            if !all && !seen_now {
                return Ok(None);
            }
            let records = leaving::records(conn, &hub.keyring, &scope, &versions, Moment::Now)?;
            let past = |(version, data): (Version, Option<Record>)| Past {
                version: version.version,
                at: time::text(version.at),
                delivery: all.then_some(version.delivery),
                data,
            };
            let both = versions.into_iter().zip(records).filter(|(_, data)| all || data.is_some());
            Ok(Some(both.map(past).collect::<Vec<Past>>()))
        })
    });
    let items = items.await?.ok_or_else(|| missing(RESIDENT))?;
    Ok(web::Json(Page { items, next: None }))
}

/// Whom to look for: by `key` or by `alias`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// A person key.
    key: Option<Key>,
    /// A department's own number.
    alias: Option<Alias>,
}

/// A person key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Code of the document's type; `01`, a citizen's identity card, without it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Issuing state (alpha-3), for passports.
    issuer: Option<String>,
    /// The number.
    number: String,
}

/// A department's own number for a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    department: String,
    /// Kind of number: `population-no`, `insurance-person-no`, `health-record-no`.
    kind: String,
    number: String,
}

/// Finds a resident by a number, which never stands in a URL. An agreement must allow the attribute that holds it.
#[utoipa::path(post, path = "/v1/residents/search", tag = "out", request_body = Search,
    responses((status = 200, body = Page<Entity>, description = "One resident or none"),
        (status = 403, body = super::problem::Problem, description = "The agreement does not allow the number")))]
pub async fn search(hub: web::Data<Hub>, caller: Caller, search: web::Json<Search>) -> Answer<web::Json<Page<Entity>>> {
    let scope = caller.scope(&hub)?;
    let search = search.into_inner();
    let role = match (&search.key, &search.alias) {
        (Some(_), None) => KeyRole::PersonNumber,
        (None, Some(alias)) => KeyRole::Alias(alias.kind.clone()),
        _ => return Err(Failure::unreadable("name either a key or an alias", "请只给出 key 或 alias 之一。")),
    };
    let Some(attribute) = hub.resident.playing(&role) else {
        return Err(Failure::unreadable("there is no such kind of number", "没有这种编号。"));
    };
    if !scope.shows_field(RESIDENT, &attribute.name) {
        let en = format!("the agreement does not allow {}", attribute.name);
        return Err(Failure::new(Kind::Forbidden, "field-not-agreed", en, "共享协议未包含该编号字段。"));
    }
    let person =
        search.key.map(|key| PersonKey::read(key.kind.as_deref(), key.issuer.as_deref(), &key.number)).transpose();
    let person = person.map_err(|code| {
        Failure::new(Kind::Invalid, code, "the number cannot be a key of this type", "该号码不是此类证件的有效号码。")
    })?;
    let items = blocking(&hub, move |hub| {
        hub.db.read(|conn| {
            let ids = match (&person, &search.alias) {
                (Some(person), _) => vec![by_key(hub, conn, person)?],
                (None, Some(alias)) => by_alias(hub, conn, alias)?,
                (None, None) => Vec::new(),
            };
            let found = entity::current(conn, &ids)?;
            shown(hub, conn, &scope, &found.into_iter().map(|(_, version)| version).collect::<Vec<_>>())
        })
    });
    Ok(web::Json(Page { items: items.await?, next: None }))
}

/// Whom a person key means: the person of the key, or whom they were merged into.
fn by_key(hub: &Hub, conn: &mut Conn, person: &PersonKey) -> Result<Vec<u8>> {
    let id = entity_id(&hub.keyring, RESIDENT, person.token(&hub.keyring)?)?.to_vec();
    Ok(whole_way(conn, &id)?.map_or(id, Token::to_vec))
}

/// Whom a department's number means: nobody while it is tied to two people.
fn by_alias(hub: &Hub, conn: &mut Conn, alias: &Alias) -> Result<Vec<Vec<u8>>> {
    let token = alias_token(&hub.keyring, &alias.department, &alias.kind, &alias.number)?;
    let carriers = contribution::live_with_aliases(conn, &[token.to_vec()])?;
    let mut ids: Vec<Vec<u8>> = carriers.into_iter().filter_map(|(_, row)| row.entity).collect();
    ids.sort();
    ids.dedup();
    if ids.len() > 1 {
        ids.clear();
    }
    Ok(ids)
}
