//! Communities: reference data with how many live there.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::blocking;
use super::problem::Answer;
use crate::code::CodeTable;
use crate::entity::{HOUSEHOLD, RESIDENT};
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::store::entity;

const DIVISIONS: &str = "divisions";
const PARENT: &str = "parent_code";
/// A table that goes in circles is not followed for ever.
const DEEPEST: usize = 8;

/// A community.
#[derive(Debug, Serialize, ToSchema)]
pub struct Community {
    /// 12 digits.
    code: String,
    /// Its name in the table of divisions, where it is there.
    name: Option<String>,
    /// The names above it, from the province down.
    within: Vec<String>,
    /// Residents; absent where the caller may not see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    residents: Option<i64>,
    /// Households; absent where the caller may not see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    households: Option<i64>,
}

/// A community with how many residents and households it has.
#[utoipa::path(get, path = "/v1/communities/{code}", tag = "out", params(("code" = String, Path)),
    responses((status = 200, body = Community), (status = 404, body = super::problem::Problem)))]
pub async fn community(hub: web::Data<Hub>, caller: Caller, code: web::Path<String>) -> Answer<web::Json<Community>> {
    let scope = caller.scope(&hub)?;
    let code = code.into_inner();
    let missing =
        || Error::new(Kind::NotFound, "there is no such community").coded("community-unknown", "没有这个社区。");
    let shape = code.len() == 12 && code.bytes().all(|byte| byte.is_ascii_digit());
    if !shape || !scope.shows_community(Some(&code)) {
        return Err(missing().into());
    }
    let found = blocking(&hub, move |hub| {
        let count = |kind: &str| match scope.shows_kind(kind) {
            true => hub.db.read(|conn| entity::count(conn, kind, Some(&code))).map(Some),
            false => Ok(None),
        };
        let (residents, households) = (count(RESIDENT)?, count(HOUSEHOLD)?);
        let table = hub.catalogue.codes(DIVISIONS);
        let named = |code: &str| table.and_then(|table| table.get(code)).map(|row| row.name_zh.clone());
        let name = named(&code);
        let lives_there = residents.unwrap_or(0) + households.unwrap_or(0) > 0;
        if name.is_none() && !lives_there {
            return Err(missing());
        }
        Ok(Community { within: above(table, &code), name, residents, households, code })
    });
    Ok(web::Json(found.await?))
}

/// The names of what a division lies in.
fn above(table: Option<&CodeTable>, code: &str) -> Vec<String> {
    let parent = |code: &str| table?.get(code)?.columns.get(PARENT).filter(|parent| !parent.is_empty());
    let mut names = Vec::new();
    let mut next = parent(code);
    while let Some(code) = next.filter(|_| names.len() < DEEPEST) {
        names.extend(table.and_then(|table| table.get(code)).map(|row| row.name_zh.clone()));
        next = parent(code);
    }
    names.reverse();
    names
}
