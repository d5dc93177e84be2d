//! The report of a delivery: rejected rows and dropped attributes, as JSON and as CSV for Excel.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::auth::Caller;
use super::deliveries::found;
use super::extract::{Page, after, blocking, cursor, cursor_fault, limit};
use super::problem::Answer;
use crate::hub::Hub;
use crate::report::{self, Finding, Place};

/// Rows read at once for a CSV.
const CHUNK: i64 = 1_000;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows: 1 to 1,000; 100 without it. A row has as many items as things are wrong with it.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What was wrong in a delivery, row by row.
#[utoipa::path(get, path = "/v1/deliveries/{id}/report", tag = "deliveries", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<Finding>)))]
pub async fn json(
    hub: web::Data<Hub>,
    caller: Caller,
    id: web::Path<String>,
    wanted: web::Query<Wanted>,
) -> Answer<web::Json<Page<Finding>>> {
    let row = found(&hub, &caller, id.into_inner()).await?;
    let most = limit(wanted.limit)?;
    let place = match after(wanted.cursor.as_deref())? {
        Some(text) => Place::parse(&text).ok_or_else(cursor_fault)?,
        None => Place::start(),
    };
    let (items, next) = blocking(&hub, move |hub| {
        let (items, next) = report::page(hub, &row.id, place, most)?;
        // A cursor only where something follows.
        let more = match next {
            Some(next) => report::page(hub, &row.id, next, 1)?.1.map(|_| next),
            None => None,
        };
        Ok((items, more))
    })
    .await?;
    Ok(web::Json(Page { items, next: next.map(|place| cursor(&place.text())) }))
}

/// The same as a table for Excel: line, key, column, value and reason in Chinese.
#[utoipa::path(get, path = "/v1/deliveries/{id}/report.csv", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn csv(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<HttpResponse> {
    let row = found(&hub, &caller, id.into_inner()).await?;
    let name = format!("attachment; filename=\"report-{}.csv\"", row.id);
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    let reading = web::block(move || {
        if sender.blocking_send(Ok(report::csv_head(&row).into())).is_err() {
            return;
        }
        let mut place = Place::start();
        loop {
            let piece = report::page(&hub, &row.id, place, CHUNK);
            let (piece, next) = match piece {
                Ok((findings, next)) => (Ok(findings.iter().map(Finding::csv).collect::<String>().into()), next),
                Err(error) => {
                    tracing::warn!(error = %error, delivery.id = row.id, "a report broke off");
                    (Err(std::io::Error::other("the report broke off")), None)
                }
            };
            // Whoever has gone away needs no more of it.
            let gone = sender.blocking_send(piece).is_err();
            match next {
                Some(next) if !gone => place = next,
                _ => return,
            }
        }
    });
    actix_web::rt::spawn(reading);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", name))
        .streaming(pieces))
}
