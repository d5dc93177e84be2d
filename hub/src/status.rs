//! One look at the hub: who writes, what is late, held, wrong or stuck. The command line and the API show the same.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::arrival::{self, Arrival, Punctuality};
use crate::entity::{HOUSEHOLD, RESIDENT};
use crate::error::Result;
use crate::hub::Hub;
use crate::store::delivery::HoldReason;
use crate::store::{contribution, delivery, entity, job, rejection, relay};
use crate::time;

/// Held deliveries named one by one.
const HELD: i64 = 50;

/// The state of the hub.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    /// The identity of the store.
    pub epoch: String,
    /// When this was so.
    pub at: String,
    /// The last `seq`.
    pub last_seq: i64,
    /// Who may change the dataset.
    pub writer: Writer,
    /// What is there.
    pub dataset: Dataset,
    /// Deliveries by state.
    pub deliveries: BTreeMap<String, i64>,
    /// Deliveries that wait to be released or refused, newest first.
    pub held: Vec<Held>,
    /// Jobs by state.
    pub jobs: BTreeMap<String, i64>,
    /// Feeds and how they keep to their schedules.
    pub feeds: Vec<Feed>,
    /// Open rejections by feed.
    pub open_rejections: BTreeMap<String, i64>,
    /// The Kafka relay, by agreement.
    pub relays: Vec<Relay>,
}

/// The writer's lease.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Writer {
    /// Whether it is held.
    pub held: bool,
    /// Whether this process holds it.
    pub here: bool,
    /// Until when without renewal.
    pub until: String,
    /// Raised by each take-over.
    pub generation: i64,
}

/// What the hub holds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Dataset {
    /// Live residents.
    pub residents: i64,
    /// Live households.
    pub households: i64,
    /// Communities with a resident.
    pub communities: i64,
    /// Source records that belong to nobody yet.
    pub unresolved: i64,
}

/// How a feed keeps to its schedule.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Feed {
    /// `department/feed`.
    pub feed: String,
    /// How it keeps to its schedule.
    pub punctuality: Punctuality,
    /// When the next delivery is expected, or was, where it has not come yet.
    pub next_at: Option<String>,
    /// State of the newest delivery that was not refused.
    pub last_state: Option<String>,
}

/// A held delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Held {
    /// The delivery.
    pub id: String,
    /// `department/feed`.
    pub feed: String,
    /// Why it is held.
    pub reasons: Vec<HoldReason>,
}

/// The relay of one agreement.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Relay {
    /// The agreement.
    pub agreement: String,
    /// `running`, `waiting` (the broker is away) or `relay-stopped` (a person must act).
    pub state: String,
    /// Why.
    pub message: Option<String>,
    /// The last `seq` that has left.
    pub seq: i64,
    /// When it said so.
    pub at: String,
}

/// Looks.
pub fn status(hub: &Hub) -> Result<Status> {
    let feeds: Vec<Feed> = arrival::arrivals(hub)?.into_iter().map(Feed::of).collect();
    let (writer, now) = (hub.db.writer()?, hub.now());
    hub.db.read(|conn| {
        let held = delivery::Filter { state: Some("held".to_owned()), limit: HELD, ..Default::default() };
        Ok(Status {
            epoch: writer.epoch.clone(),
            at: time::text(now),
            last_seq: entity::last_seq(conn)?,
            writer: Writer {
                held: writer.lease_until > now,
                here: writer.lease_until > now && writer.holder == hub.instance,
                until: time::text(writer.lease_until),
                generation: writer.generation,
            },
            dataset: Dataset {
                residents: entity::count(conn, RESIDENT, None)?,
                households: entity::count(conn, HOUSEHOLD, None)?,
                communities: entity::communities(conn)?,
                unresolved: contribution::unresolved(conn)?,
            },
            deliveries: delivery::state_counts(conn)?.into_iter().collect(),
            held: delivery::list(conn, &held)?.into_iter().map(Held::of).collect(),
            jobs: job::state_counts(conn)?.into_iter().collect(),
            feeds: feeds.clone(),
            open_rejections: rejection::open_counts(conn)?.into_iter().collect(),
            relays: relay::list(conn)?.into_iter().map(Relay::of).collect(),
        })
    })
}

impl Feed {
    fn of(arrival: Arrival) -> Self {
        Self {
            feed: arrival.feed,
            punctuality: arrival.expected.punctuality,
            next_at: arrival.expected.next_at.map(time::text),
            last_state: arrival.last.map(|last| last.state),
        }
    }
}

impl Held {
    fn of(row: delivery::Delivery) -> Self {
        Self { reasons: row.hold_reasons(), id: row.id, feed: row.feed }
    }
}

impl Relay {
    fn of(row: relay::Relay) -> Self {
        let relay::Relay { agreement, state, message, seq, at } = row;
        Self { agreement, state, message, seq, at: time::text(at) }
    }
}
