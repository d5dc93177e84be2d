//! Who is like whom: the queue of records that only a person can place, answers to it, and who somebody might be. For
//! administrators.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, after, blocking, cursor_fault, limit, query_fault};
use super::identity::{Decision, Sent, reason, sent_of, telling, unsaid};
use super::problem::{Answer, Failure};
use crate::entity::RESIDENT;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::linkage::evidence::Ground;
use crate::matching::{Candidate, Explained, Matcher, Outcome, as_sent, cells_of};
use crate::pipeline::apply::rules;
use crate::pipeline::identify::{self, Judge, Seen, Verdict};
use crate::pipeline::likeness;
use crate::pipeline::standings::{JOINED, REVIEW};
use crate::pipeline::tune::{self, Tuned};
use crate::resolve::PersonKey;
use crate::store::matching::{self, Matching};
use crate::store::{Conn, codec, contribution, decision, entity};
use crate::time;

/// A record that is like somebody, and whom.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    /// The record; names it in an answer.
    contribution: String,
    /// `department/feed`.
    feed: String,
    /// `review` (somebody is asked) or `joined` (the record was joined by itself).
    state: String,
    /// Since when it is like that.
    since: String,
    /// The version of the model that says so.
    model: i64,
    /// What the record says of whom it is about.
    #[schema(value_type = Object)]
    says: Map<String, Value>,
    /// What was sent and compared where an attribute was dropped as bad, by attribute.
    #[serde(skip_serializing_if = "Sent::is_empty")]
    #[schema(value_type = Object)]
    sent: Sent,
    /// Whom it may be about, the likeliest first.
    candidates: Vec<Like>,
}

/// A resident a record may be about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Like {
    resident: String,
    /// The resident's version; an answer names it. 0: there is no such resident yet, but another record that nothing else
    /// places; the answer `same` makes both a resident of this id.
    version: i64,
    /// That record, or the one of the resident that is like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// How likely the record is about this resident (0 to 1).
    probability: f64,
    /// Why it is not joined by itself, whatever the probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    ground: Option<Ground>,
    /// What the resident's record says.
    #[schema(value_type = Object)]
    says: Map<String, Value>,
    /// What was sent in its source records and compared, of what it does not say.
    #[serde(skip_serializing_if = "Sent::is_empty")]
    #[schema(value_type = Object)]
    sent: Sent,
    #[serde(flatten)]
    why: Explained,
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `review` (without it) or `joined`, to look whether what was joined by itself is right.
    state: Option<String>,
    /// So many of them at random, 1 to 1,000, and no page after that: to check what was joined by itself.
    sample: Option<i64>,
    /// `1`: those, too, of which somebody was unsure.
    unsure: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Records without a usable number that are like somebody, oldest first.
#[utoipa::path(get, path = "/v1/reviews", tag = "identity", params(Wanted), responses((status = 200, body = Page<Review>)))]
pub async fn list(hub: web::Data<Hub>, caller: Caller, wanted: web::Query<Wanted>) -> Answer<web::Json<Page<Review>>> {
    caller.administrator()?;
    let wanted = wanted.into_inner();
    let most = limit(wanted.limit)?;
    let state = wanted.state.unwrap_or_else(|| REVIEW.to_owned());
    if ![REVIEW, JOINED].contains(&state.as_str()) {
        return Err(query_fault("state is review or joined", "state 应为 review 或 joined。"));
    }
    if let Some(sample) = wanted.sample {
        let (most, from) = (limit(Some(sample))?, id::bytes::<16>()?);
        let sampled = blocking(&hub, move |hub| {
            hub.db.read(|conn| {
                let rows = matching::sample(conn, &state, &from, most)?;
                Ok(Page { items: reviews(hub, conn, &rows)?, next: None })
            })
        });
        return Ok(web::Json(sampled.await?));
    }
    let from = after(wanted.cursor.as_deref())?.map(|text| position(&text).ok_or_else(cursor_fault)).transpose()?;
    let unsure = matches!(wanted.unsure.as_deref(), Some("1" | "true" | ""));
    let page = blocking(&hub, move |hub| {
        hub.db.read(|conn| {
            let rows = matching::list(conn, &state, from.clone(), most + 1)?;
            let page = Page::cut(rows, most, |row| format!("{} {}", row.since, id::hex(&row.contribution)));
            let ids: Vec<Vec<u8>> = page.items.iter().map(|row| row.contribution.clone()).collect();
            let answered = if unsure { Vec::new() } else { decision::unsure_of(conn, &ids)? };
            let asked: Vec<Matching> =
                page.items.into_iter().filter(|row| !answered.contains(&row.contribution)).collect();
            Ok(Page { items: reviews(hub, conn, &asked)?, next: page.next })
        })
    });
    Ok(web::Json(page.await?))
}

/// Records as the queue shows them.
pub fn reviews(hub: &Hub, conn: &mut Conn, of: &[Matching]) -> Result<Vec<Review>> {
    let mut reviews = Vec::with_capacity(of.len());
    for row in of {
        reviews.extend(review(hub, conn, row)?);
    }
    Ok(reviews)
}

impl Review {
    /// A few lines for people.
    pub fn words(&self) -> Vec<String> {
        let mut lines = vec![format!("{} of {}: {}", self.contribution, self.feed, name(&self.says, &self.sent))];
        for one in &self.candidates {
            let name = name(&one.says, &one.sent);
            lines.push(format!("  {} version {}: {name}", one.resident, one.version));
            lines.push(format!("    {}", one.why.sentence));
            lines.push(format!("    {}", one.why.sentence_zh));
        }
        lines
    }
}

fn name<'a>(says: &'a Map<String, Value>, sent: &'a Sent) -> &'a str {
    says.get("name").and_then(Value::as_str).or(sent.get("name").map(String::as_str)).unwrap_or("-")
}

fn position(text: &str) -> Option<(i64, Vec<u8>)> {
    let (since, contribution) = text.split_once(' ')?;
    Some((since.parse().ok()?, Token::try_from(contribution.to_owned()).ok()?.to_vec()))
}

fn review(hub: &Hub, conn: &mut Conn, of: &Matching) -> Result<Option<Review>> {
    let Some(row) = contribution::by_ids(conn, std::slice::from_ref(&of.contribution))?.into_iter().next() else {
        return Ok(None);
    };
    let matcher = hub.models.ready(conn, of.model)?;
    let said = row.contribution()?;
    Ok(Some(Review {
        contribution: id::hex(&row.id),
        feed: row.feed.clone(),
        state: of.state.clone(),
        since: time::text(of.since),
        model: of.model,
        says: telling(&said.attributes),
        sent: as_sent(&said),
        candidates: likes(conn, &matcher, &of.candidates()?)?,
    }))
}

fn likes(conn: &mut Conn, matcher: &Matcher, candidates: &[Candidate]) -> Result<Vec<Like>> {
    let named: Vec<Vec<u8>> = candidates.iter().filter_map(|one| one.record).map(Token::to_vec).collect();
    let records = contribution::by_ids(conn, &named)?;
    let of = |one: &Candidate| one.record.and_then(|id| records.iter().find(|row| row.is_live() && row.id == id.0));
    let stands = |one: &Candidate| of(one).and_then(|row| row.entity.clone()).unwrap_or_else(|| one.entity.to_vec());
    let ids: Vec<Vec<u8>> = candidates.iter().map(stands).collect();
    let found = entity::current(conn, &ids)?;
    let sent = sent_of(conn, &ids)?;
    let mut likes = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let id = stands(candidate);
        let resident = found.iter().find(|(row, _)| row.id == id && row.state == "live");
        let (version, says, sent) = match (resident, of(candidate)) {
            (Some((row, version)), _) => {
                let says = telling(&codec::decode(&version.document)?);
                let sent = unsaid(sent.get(&id).cloned().unwrap_or_default(), &says);
                (row.version, says, sent)
            }
            (None, Some(record)) => {
                let said = record.contribution()?;
                (0, telling(&said.attributes), as_sent(&said))
            }
            (None, None) => continue,
        };
        likes.push(Like {
            resident: id::hex(&id),
            version,
            record: candidate.record.map(|id| id.to_string()),
            probability: candidate.probability,
            ground: candidate.ground,
            says,
            sent,
            why: matcher.explained(candidate),
        });
    }
    Ok(likes)
}

/// An answer to whether a record is about a resident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The resident it is about, or not.
    resident: String,
    /// The resident's version as the queue has told it; 0 where there is no such resident yet.
    version: i64,
    /// `same`, `different` or `unsure`.
    verdict: Verdict,
    /// Why; 1 to 500 letters.
    reason: String,
}

/// Answers the question whether a record is about a resident.
#[utoipa::path(post, path = "/v1/reviews/{contribution}/decide", tag = "identity", params(("contribution" = String, Path)), request_body = Answered,
    responses((status = 201, body = Decision), (status = 404, body = super::problem::Problem),
        (status = 409, body = super::problem::Problem, description = "The record has a place by now, or the resident has changed")))]
pub async fn decide(
    hub: web::Data<Hub>,
    caller: Caller,
    contribution: web::Path<String>,
    answer: web::Json<Answered>,
) -> Answer<HttpResponse> {
    caller.administrator()?;
    let answer = answer.into_inner();
    let contribution = super::identity::contribution(&contribution)?;
    let person = Seen { id: super::identity::resident(&answer.resident)?, version: answer.version };
    let reason = reason(answer.reason)?;
    let made = blocking(&hub, move |hub| {
        let judge = Judge { name: &caller.name, reason: &reason };
        Decision::of(hub, &identify::review(hub, contribution, person, answer.verdict, judge)?)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// What is known of somebody.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Somebody {
    id_no: String,
    name: String,
    /// `1990-01-31`, or in any usual writing.
    birth_date: String,
    /// 1 or 2 (GB/T 2261.1), or 男, 女.
    sex: String,
    phones: Vec<String>,
    address: String,
}

/// Who somebody might be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Match {
    /// The resident whose number was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_number: Option<String>,
    /// What would become of a record like this without its number: `joined`, `review` or `apart`; absent while there is no
    /// model.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The version of the model that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<i64>,
    candidates: Vec<Like>,
}

/// Says who somebody might be. Nothing is stored.
#[utoipa::path(post, path = "/v1/match", tag = "identity", request_body = Somebody, responses((status = 200, body = Match)))]
pub async fn who(hub: web::Data<Hub>, caller: Caller, somebody: web::Json<Somebody>) -> Answer<web::Json<Match>> {
    caller.administrator()?;
    let asked = somebody.into_inner();
    if asked.name.trim().is_empty() && asked.id_no.trim().is_empty() {
        return Err(Failure::unreadable("a name or a number is wanted", "请至少提供姓名或证件号码。"));
    }
    Ok(web::Json(blocking(&hub, move |hub| hub.db.read(|conn| matched(hub, conn, &asked))).await?))
}

fn matched(hub: &Hub, conn: &mut Conn, asked: &Somebody) -> Result<Match> {
    let phones: Vec<Value> = asked.phones.iter().map(|number| json!({"number": number})).collect();
    let attributes = json!({
        "id_no": asked.id_no, "name": asked.name, "birth_date": asked.birth_date, "sex": asked.sex, "phones": phones,
        "current_address": {"text": asked.address},
    });
    let Value::Object(attributes) = attributes else { return Err(Error::new(Kind::Internal, "an object")) };
    let by_number = match PersonKey::read(None, None, &asked.id_no) {
        Ok(key) => {
            let found = entity::by_tokens(conn, RESIDENT, &[key.token(&hub.keyring)?.to_vec()])?;
            found.into_iter().find(|(row, _)| row.state == "live").map(|(row, _)| id::hex(&row.id))
        }
        Err(_) => None,
    };
    let Some(matcher) = hub.models.standing(conn)?.active else {
        return Ok(Match { by_number, outcome: None, model: None, candidates: Vec::new() });
    };
    let outcome = likeness::who(&rules(hub), conn, &matcher, &cells_of(&attributes))?;
    let (said, candidates) = match &outcome {
        Outcome::Joined(candidates) => ("joined", candidates.as_slice()),
        Outcome::Review(candidates) => ("review", candidates.as_slice()),
        Outcome::Apart => ("apart", &[][..]),
    };
    let candidates = likes(conn, &matcher, candidates)?;
    Ok(Match { by_number, outcome: Some(said), model: Some(matcher.version), candidates })
}

/// A model of likeness.
#[derive(Debug, Serialize, ToSchema)]
pub struct Model {
    version: i64,
    /// `filling` (being made), `active` or `retired`.
    state: String,
    made_by: String,
    made_at: String,
    /// What it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuned: Option<Tuned>,
}

/// The models of likeness, newest first.
#[utoipa::path(get, path = "/v1/models", tag = "identity", responses((status = 200, body = Page<Model>)))]
pub async fn models(hub: web::Data<Hub>, caller: Caller) -> Answer<web::Json<Page<Model>>> {
    caller.administrator()?;
    let read = |row: matching::Listed| {
        Ok::<_, Error>(Model {
            version: row.version,
            state: row.state,
            made_by: row.made_by,
            made_at: time::text(row.made_at),
            tuned: row.effect.as_deref().map(codec::decode).transpose()?,
        })
    };
    let items = blocking(&hub, move |hub| hub.db.read(matching::models)?.into_iter().map(read).collect::<Result<_>>());
    Ok(web::Json(Page { items: items.await?, next: None }))
}

/// What to do with a new model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// `true`: it becomes the active one. `false`: it is only told what it would join and part.
    apply: bool,
}

/// Has a model learned from the city's own records; a job does it. Its effect stands in the list of models once it is done.
#[utoipa::path(post, path = "/v1/models", tag = "identity", request_body = NewModel, responses((status = 202)))]
pub async fn new_model(hub: web::Data<Hub>, caller: Caller, new: web::Json<NewModel>) -> Answer<HttpResponse> {
    caller.administrator()?;
    blocking(&hub, move |hub| tune::enqueue(hub, if new.apply { tune::APPLY } else { tune::LOOK })).await?;
    Ok(HttpResponse::Accepted().finish())
}
