//! The hub as a whole: status, agreements, traces of records, and whether it lives and is ready.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, blocking};
use super::feeds::Words;
use super::problem::Answer;
use crate::config::Agreement as Declared;
use crate::hub::Hub;
use crate::status::{self, Status};
use crate::trace::{self, Trace};

/// One look at the hub.
#[utoipa::path(get, path = "/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn status(hub: web::Data<Hub>, caller: Caller) -> Answer<web::Json<Status>> {
    caller.administrator()?;
    Ok(web::Json(blocking(&hub, status::status).await?))
}

/// What one consumer may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agreement {
    /// Its name in tokens and topics.
    id: String,
    /// What people call it.
    title: Words,
    /// Kinds of entity.
    entities: Vec<String>,
    /// Attributes by kind of entity.
    fields: BTreeMap<String, Vec<String>>,
    /// Communities by code, `*` for all.
    communities: Vec<String>,
}

impl From<Declared> for Agreement {
    fn from(declared: Declared) -> Self {
        let Declared { id, title, entities, fields, communities } = declared;
        Self { id, title: title.into(), entities, fields, communities }
    }
}

/// The agreements of the configuration.
#[utoipa::path(get, path = "/v1/agreements", tag = "status", responses((status = 200, body = Page<Agreement>)))]
pub async fn agreements(hub: web::Data<Hub>, caller: Caller) -> Answer<web::Json<Page<Agreement>>> {
    caller.administrator()?;
    let items = hub.config.agreements.iter().cloned().map(Agreement::from).collect();
    Ok(web::Json(Page { items, next: None }))
}

/// Which record, by its place in a file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ByLine {
    /// `department/feed`.
    feed: String,
    /// The line it begins at; the row's position, where the format has no lines.
    line: i64,
    /// The delivery; the newest of the feed without it.
    delivery: Option<String>,
}

/// What became of the record at a line.
#[utoipa::path(get, path = "/v1/trace", tag = "status", params(ByLine), responses((status = 200, body = Trace)))]
pub async fn trace_by_line(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<ByLine>,
) -> Answer<web::Json<Trace>> {
    caller.administrator()?;
    let ByLine { feed, line, delivery } = wanted.into_inner();
    let trace = blocking(&hub, move |hub| trace::of_line(hub, &feed, delivery.as_deref(), line));
    Ok(web::Json(trace.await?))
}

/// Which record, by its source key; it may be a number of a person, so it never stands in a URL.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByKey {
    /// `department/feed`.
    feed: String,
    /// The source key.
    key: String,
}

/// What became of the record with a key.
#[utoipa::path(post, path = "/v1/trace", tag = "status", request_body = ByKey, responses((status = 200, body = Trace)))]
pub async fn trace_by_key(hub: web::Data<Hub>, caller: Caller, wanted: web::Json<ByKey>) -> Answer<web::Json<Trace>> {
    caller.administrator()?;
    let ByKey { feed, key } = wanted.into_inner();
    let trace = blocking(&hub, move |hub| trace::of_key(hub, &feed, &key));
    Ok(web::Json(trace.await?))
}

/// Whether the process lives. No token is needed.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether the hub can take and answer requests: the store answers. No token is needed.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses((status = 200, body = String), (status = 503)))]
pub async fn readyz(hub: web::Data<Hub>) -> HttpResponse {
    let ready = blocking(&hub, |hub| hub.db.writer()).await;
    let (status, text) = match ready {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    };
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text)
}
