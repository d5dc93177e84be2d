//! Residents who may be known twice, for a clerk to merge or to leave. For administrators.

use std::collections::HashMap;

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, after, blocking, cursor, cursor_fault};
use super::identity::{Sent, sent_of, telling, unsaid};
use super::problem::Answer;
use crate::error::Result;
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::linkage::evidence::Ground;
use crate::matching::{Explained, Matcher};
use crate::pipeline::apply::rules;
use crate::pipeline::twice::{self, Twice};
use crate::store::codec;
use crate::store::entity::{Entity, Version};

/// Pages of residents looked through for one answer.
const PAGES: usize = 8;

/// Two residents who may be one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pair {
    /// The two; `merge` names both with these versions.
    residents: [One; 2],
    /// A record of the second. Whoever says that they are two answers `/v1/reviews/{contribution}/decide` for it and the first
    /// resident with `different`, or `unsure`.
    contribution: String,
    /// How likely they are one person (0 to 1).
    probability: f64,
    /// What nevertheless speaks against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    ground: Option<Ground>,
    #[serde(flatten)]
    why: Explained,
}

/// One of two.
#[derive(Debug, Serialize, ToSchema)]
pub struct One {
    resident: String,
    version: i64,
    /// What the resident's record says.
    #[schema(value_type = Object)]
    says: Map<String, Value>,
    /// What was sent in its source records and compared, of what it does not say.
    #[serde(skip_serializing_if = "Sent::is_empty")]
    #[schema(value_type = Object)]
    sent: Sent,
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Residents who may be known twice: under two kinds of document, or given two numbers. They are looked for
/// page by page; a page may be empty and have a `next`.
#[utoipa::path(get, path = "/v1/reviews/residents", tag = "identity", params(Wanted), responses((status = 200, body = Page<Pair>)))]
pub async fn list(hub: web::Data<Hub>, caller: Caller, wanted: web::Query<Wanted>) -> Answer<web::Json<Page<Pair>>> {
    caller.administrator()?;
    let from = match after(wanted.cursor.as_deref())? {
        Some(text) => Token::try_from(text).map_err(|_| cursor_fault())?.to_vec(),
        None => Vec::new(),
    };
    let (items, next) = blocking(&hub, move |hub| pairs(hub, from, PAGES)).await?;
    Ok(web::Json(Page { items, next: next.map(|last| cursor(&id::hex(&last))) }))
}

/// The pairs among at most so many pages of residents after an id, and where to go on. None where there is no model.
pub fn pairs(hub: &Hub, mut after: Vec<u8>, pages: usize) -> Result<(Vec<Pair>, Option<Vec<u8>>)> {
    let mut pairs = Vec::new();
    for _ in 0..pages {
        let (found, next) = hub.db.read(|conn| {
            let Some(matcher) = hub.models.standing(conn)?.active else { return Ok((Vec::new(), None)) };
            let (found, next) = twice::after((&rules(hub), &matcher), conn, &after)?;
            let ids: Vec<Vec<u8>> =
                found.iter().flat_map(|twice| [&twice.one, &twice.other]).map(|(row, _)| row.id.clone()).collect();
            let sent = sent_of(conn, &ids)?;
            Ok((found.into_iter().map(|twice| Pair::of(&matcher, twice, &sent)).collect::<Result<Vec<_>>>()?, next))
        })?;
        pairs.extend(found);
        match next {
            Some(next) => after = next,
            None => return Ok((pairs, None)),
        }
    }
    Ok((pairs, Some(after)))
}

impl Pair {
    fn of(
        matcher: &Matcher,
        Twice { one, other, record, candidate }: Twice,
        sent: &HashMap<Vec<u8>, Sent>,
    ) -> Result<Self> {
        Ok(Self {
            residents: [One::of(&one, sent)?, One::of(&other, sent)?],
            contribution: record.to_string(),
            probability: candidate.probability,
            ground: candidate.ground,
            why: matcher.explained(&candidate),
        })
    }

    /// A few lines for people.
    pub fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for one in &self.residents {
            let name = one.says.get("name").and_then(Value::as_str).unwrap_or("-");
            lines.push(format!("{} version {}: {name}", one.resident, one.version));
        }
        lines.push(format!("  {}", self.why.sentence));
        lines.push(format!("  {}", self.why.sentence_zh));
        lines
    }
}

impl One {
    fn of((row, version): &(Entity, Version), sent: &HashMap<Vec<u8>, Sent>) -> Result<Self> {
        let says = telling(&codec::decode(&version.document)?);
        let sent = unsaid(sent.get(&row.id).cloned().unwrap_or_default(), &says);
        Ok(Self { resident: id::hex(&row.id), version: row.version, says, sent })
    }
}
