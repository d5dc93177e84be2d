//! Rejections: found, repaired by an edit, or waived.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, after, blocking, limit};
use super::problem::{Answer, Failure};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::pipeline::decide;
use crate::pipeline::replay::{self, Replayed};
use crate::reason::Reason;
use crate::store::codec;
use crate::store::rejection::{self, Rejection as Row, RowDocument};
use crate::time;

/// A row that failed, seen in one delivery or on many nights.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejection {
    id: String,
    /// `department/feed`.
    feed: String,
    /// `open`, `replayed`, `superseded` or `waived`.
    state: String,
    /// Codes of what is wrong.
    codes: Vec<String>,
    /// What is wrong.
    reasons: Vec<Reason>,
    /// The source key, where it can be read.
    key: Option<String>,
    /// The row's mapped columns, as far as they could be read; of one rejection only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    fields: Option<Map<String, Value>>,
    /// Position in the delivery that saw it last.
    position: i64,
    /// Line there, where the format has lines.
    line: Option<i64>,
    /// Where it was seen first.
    first_delivery: String,
    /// Where it was seen last.
    last_delivery: String,
    /// In how many deliveries.
    seen: i64,
    first_at: String,
    last_at: String,
    /// Who edited or waived it.
    decided_by: Option<String>,
    decided_at: Option<String>,
}

impl Rejection {
    fn of(row: Row, with_fields: bool) -> Result<Self> {
        let document: RowDocument = codec::decode(&row.document)?;
        Ok(Self {
            id: row.id,
            feed: row.feed,
            state: row.state,
            codes: row.codes.split_whitespace().map(str::to_owned).collect(),
            reasons: document.reasons,
            key: document.key,
            fields: with_fields.then_some(document.fields),
            position: row.position,
            line: row.line,
            first_delivery: row.first_delivery,
            last_delivery: row.last_delivery,
            seen: row.seen,
            first_at: time::text(row.first_at),
            last_at: time::text(row.last_at),
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(time::text),
        })
    }
}

/// Which rejections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only of this feed.
    feed: Option<String>,
    /// Only with this code.
    code: Option<String>,
    /// Only in this state.
    state: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Rejections, newest first.
#[utoipa::path(get, path = "/v1/rejections", tag = "rejections", params(Wanted), responses((status = 200, body = Page<Rejection>)))]
pub async fn list(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<Wanted>,
) -> Answer<web::Json<Page<Rejection>>> {
    let department = caller.department()?.map(str::to_owned);
    let wanted = wanted.into_inner();
    let most = limit(wanted.limit)?;
    let before = after(wanted.cursor.as_deref())?;
    let filter = rejection::Filter {
        feed: wanted.feed,
        department,
        state: wanted.state,
        code: wanted.code.filter(|code| !code.is_empty()),
        before,
        limit: most + 1,
    };
    let page = blocking(&hub, move |hub| {
        let rows = hub.db.read(|conn| rejection::list(conn, &filter))?;
        let shown: Result<Vec<Rejection>> = rows.into_iter().map(|row| Rejection::of(row, false)).collect();
        Ok(Page::cut(shown?, most, |row| row.id.clone()))
    });
    Ok(web::Json(page.await?))
}

/// One rejection with the row's columns.
#[utoipa::path(get, path = "/v1/rejections/{id}", tag = "rejections", params(("id" = String, Path)),
    responses((status = 200, body = Rejection), (status = 404, body = super::problem::Problem)))]
pub async fn get(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Rejection>> {
    caller.department()?;
    let row = blocking(&hub, move |hub| hub.db.read(|conn| rejection::get(conn, &id))).await?;
    let missing =
        || Error::new(Kind::NotFound, "there is no such rejection").coded("rejection-unknown", "没有这条拒收记录。");
    caller.feed(&row.feed, missing)?;
    Ok(web::Json(Rejection::of(row, true)?))
}

/// A clerk's edit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Columns and their values; columns that are not named stay, `null` takes one away.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

/// What an edit came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Edited {
    /// `replayed` (the row is used as edited, and on later nights while its bytes stay the same) or `superseded` (the
    /// source has said something newer; the edit is kept nowhere).
    outcome: &'static str,
    rejection: Rejection,
}

/// Repairs a rejected row and uses it.
#[utoipa::path(post, path = "/v1/rejections/{id}/edit", tag = "rejections", params(("id" = String, Path)), request_body = Edit,
    responses((status = 200, body = Edited), (status = 409, body = super::problem::Problem, description = "It is not open"),
        (status = 422, body = super::problem::Problem, description = "The row is still wrong; `reasons` says why")))]
pub async fn edit(
    hub: web::Data<Hub>,
    caller: Caller,
    id: web::Path<String>,
    edit: web::Json<Edit>,
) -> Answer<HttpResponse> {
    caller.administrator()?;
    let changes = edit.into_inner().fields;
    let replayed = blocking(&hub, move |hub| {
        let row = hub.db.read(|conn| rejection::get(conn, &id))?;
        let mut fields = codec::decode::<RowDocument>(&row.document)?.fields;
        fields.extend(changes);
        fields.retain(|_, value| !value.is_null());
        replay::edit(hub, &id, fields, &caller.name)
    });
    let (outcome, row) = match replayed.await? {
        Replayed::Done(row) => ("replayed", row),
        Replayed::Superseded(row) => ("superseded", row),
        Replayed::StillWrong(reasons) => {
            let (en, zh) = ("the row as edited is still wrong", "修改后的记录仍有错误。");
            return Err(Failure::new(Kind::Unprocessable, "still-wrong", en, zh).with("reasons", &reasons));
        }
    };
    Ok(HttpResponse::Ok().json(Edited { outcome, rejection: Rejection::of(row, true)? }))
}

/// Says that a rejected row need not be repaired; it stands for the same row on later nights.
#[utoipa::path(post, path = "/v1/rejections/{id}/waive", tag = "rejections", params(("id" = String, Path)),
    responses((status = 200, body = Rejection), (status = 409, body = super::problem::Problem, description = "It is not open")))]
pub async fn waive(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Rejection>> {
    caller.administrator()?;
    let row = blocking(&hub, move |hub| decide::waive(hub, &id, &caller.name)).await?;
    Ok(web::Json(Rejection::of(row, true)?))
}
