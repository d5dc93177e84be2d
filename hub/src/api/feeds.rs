//! Feeds: what is declared, what came last and what is expected.

use std::collections::HashMap;

use actix_web::web;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::auth::Caller;
use super::deliveries::{Delivery, feed_of};
use super::extract::{Page, blocking};
use super::problem::Answer;
use crate::arrival::{self, Arrival, Punctuality};
use crate::error::{Error, Kind, Result};
use crate::feed::spec::{FeedSpec, Mode, Text};
use crate::hub::Hub;
use crate::store::rejection;
use crate::time;

/// A text in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct Words {
    /// Chinese.
    zh: String,
    /// English.
    en: String,
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self { zh: text.zh, en: text.en }
    }
}

/// A feed and how it keeps to its schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Feed {
    /// `department/feed`.
    feed: String,
    /// What people call it.
    title: Words,
    /// `snapshot` (a delivery holds all) or `delta` (only what changed).
    mode: &'static str,
    /// Cron expression with seconds, Asia/Shanghai: when the department sends.
    schedule: Option<String>,
    /// How it keeps to it.
    arrival: Punctuality,
    /// When the next delivery is expected, or was, where it has not come yet.
    next_expected_at: Option<String>,
    /// Whether the expected delivery is late (or missing).
    late: bool,
    /// Whether it is so late that somebody should ask.
    missing: bool,
    /// The newest delivery that was not refused.
    last_delivery: Option<Delivery>,
    /// Rows that failed and wait for somebody.
    open_rejections: i64,
    /// What the present rules are called; a delivery says under which it was inspected.
    rules: String,
}

/// A feed with what its senders need to know.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedDetail {
    #[serde(flatten)]
    feed: Feed,
    /// Where its names and codes come from.
    about: String,
    /// Format and its options.
    #[schema(value_type = Object)]
    format: Value,
    /// The columns that make the source key.
    key: Vec<String>,
    /// Where the as-of is read.
    #[schema(value_type = Object)]
    as_of: Value,
    /// Columns that may not arrive.
    forbidden: Vec<String>,
    /// When a delivery is held.
    #[schema(value_type = Object)]
    limits: Value,
}

/// The feeds the caller may see.
#[utoipa::path(get, path = "/v1/feeds", tag = "feeds", responses((status = 200, body = Page<Feed>)))]
pub async fn list(hub: web::Data<Hub>, caller: Caller) -> Answer<web::Json<Page<Feed>>> {
    let department = caller.department()?.map(str::to_owned);
    let mut items = blocking(&hub, feeds).await?;
    items.retain(|feed| department.as_deref().is_none_or(|own| feed.feed.split('/').next() == Some(own)));
    Ok(web::Json(Page { items, next: None }))
}

/// One feed.
#[utoipa::path(get, path = "/v1/feeds/{department}/{feed}", tag = "feeds",
    params(("department" = String, Path), ("feed" = String, Path)), responses((status = 200, body = FeedDetail)))]
pub async fn get(
    hub: web::Data<Hub>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Answer<web::Json<FeedDetail>> {
    let name = feed_of(&hub, &caller, &path)?;
    let found = blocking(&hub, move |hub| {
        let feed = feeds(hub)?.into_iter().find(|feed| feed.feed == name);
        let feed = feed.ok_or_else(|| Error::new(Kind::Internal, "a feed without its state"))?;
        let spec = &hub.feed(&name)?.spec;
        Ok(FeedDetail {
            feed,
            about: spec.about.clone(),
            format: json(&spec.format)?,
            key: spec.key.columns.clone(),
            as_of: json(&spec.as_of)?,
            forbidden: spec.forbidden.clone(),
            limits: json(&spec.limits)?,
        })
    });
    Ok(web::Json(found.await?))
}

fn json<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::new(Kind::Internal, "writing a feed").because(error))
}

fn feeds(hub: &Hub) -> Result<Vec<Feed>> {
    let open: HashMap<String, i64> = hub.db.read(rejection::open_counts)?.into_iter().collect();
    let feed = |arrival: Arrival| {
        let feed = hub.feed(&arrival.feed)?;
        let open = open.get(&arrival.feed).copied().unwrap_or(0);
        Ok(shown(&feed.spec, &feed.fingerprint, arrival, open))
    };
    arrival::arrivals(hub)?.into_iter().map(feed).collect()
}

fn shown(spec: &FeedSpec, rules: &str, arrival: Arrival, open_rejections: i64) -> Feed {
    Feed {
        feed: spec.feed.clone(),
        title: spec.title.clone().into(),
        mode: match spec.mode {
            Mode::Snapshot => "snapshot",
            Mode::Delta => "delta",
        },
        schedule: spec.schedule.as_ref().map(|schedule| schedule.cron.clone()),
        arrival: arrival.expected.punctuality,
        next_expected_at: arrival.expected.next_at.map(time::text),
        late: arrival.is_late(),
        missing: arrival.is_missing(),
        last_delivery: arrival.last.map(Delivery::from),
        open_rejections,
        rules: rules.to_owned(),
    }
}
