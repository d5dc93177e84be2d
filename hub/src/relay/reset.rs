//! `hub relay reset AGREEMENT`: a person's decision that the relay goes on from the store as it is.

use super::outlet::{Failure, Outlet, Parcel};
use super::position::{Here, Position, fingerprint};
use super::reading::{self, Care, Reader};
use super::status::WAITING;
use super::trouble::{Stop, Trouble};
use super::{Topics, topics, transactional_id};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::foundation;
use crate::store::relay::{self, Relay as Row};

const SAID: &str = "位置已重置，即将与状态主题比对后继续。 The position was reset; the relay compares with the state topic and goes on.";

/// Writes a position from which the relay compares everything in the agreement's scope with what the state topic holds,
/// sends what differs (added, changed, removed), and goes on with changes. Fences a relay at work, which then starts
/// anew; may run in another process than the hub.
pub fn reset(hub: &Hub, agreement: &str) -> Result<Position> {
    let kafka = hub.config.kafka.as_ref();
    let kafka =
        kafka.ok_or_else(|| Error::new(Kind::Config, "kafka is not configured").coded("no-kafka", "未配置 Kafka。"))?;
    let found = hub.config.agreements.iter().find(|found| found.id == agreement);
    let found = found.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no agreement '{agreement}'"))
            .coded("agreement-unknown", "没有这个共享协议。")
    })?;
    let scope = fingerprint(found);
    let topics = Topics::of(kafka, agreement);
    topics::ensure(kafka, &topics).map_err(|trouble| failed(trouble, agreement))?;
    let going = || true;
    let outlet = Outlet::open(kafka, &transactional_id(kafka, agreement), &going)
        .map_err(|trouble| failed(trouble, agreement))?;
    let reader = Reader { config: kafka, care: Care::Whole, going: &going };
    let before = match reading::position(reader, &topics.control, agreement) {
        Ok(before) => before,
        Err(Trouble::Stopped(Stop::PositionUnreadable)) => None,
        Err(trouble) => return Err(failed(trouble, agreement)),
    };
    let last = hub.db.writer()?.next_seq - 1;
    // Without a position to count from, the clock gives a round that was never used.
    let round = before.as_ref().map_or_else(|| u64::try_from(hub.now()).unwrap_or(1), |before| before.round + 1);
    let first = hub.db.read(foundation::get)?.pruned_seq;
    let here = Here { epoch: &hub.epoch, first, last, scope: &scope };
    let position = Position::compared(before.as_ref(), here, round);
    commit(&outlet, &topics, agreement, &position.bytes()?)?;
    let row = Row {
        agreement: agreement.to_owned(),
        state: WAITING.to_owned(),
        message: Some(SAID.to_owned()),
        seq: position.seq,
        at: hub.now(),
    };
    hub.db.write(|conn| relay::put(conn, &row))?;
    Ok(position)
}

fn commit(outlet: &Outlet, topics: &Topics, agreement: &str, value: &[u8]) -> Result<()> {
    let send = || {
        outlet.begin()?;
        outlet.send(Parcel { topic: &topics.control, key: agreement, value: Some(value), headers: None })?;
        outlet.commit(&|| true, &|_| {})
    };
    send().map_err(|failure| match failure {
        Failure::Fenced => failed(Stop::Fenced.into(), agreement),
        Failure::Again(why) | Failure::Abort(why) | Failure::Lost(why) => failed(Trouble::Away(why), agreement),
    })
}

fn failed(trouble: Trouble, agreement: &str) -> Error {
    match trouble {
        Trouble::Stopped(stop) => {
            let (zh, en) = stop.sentences(agreement);
            Error::new(Kind::Conflict, en).coded("relay-stopped", zh)
        }
        Trouble::Away(why) => {
            Error::new(Kind::Unavailable, format!("Kafka: {why}")).coded("kafka-away", "Kafka 暂不可用，位置未重置。")
        }
        Trouble::Over => Error::new(Kind::Unavailable, "the reset was interrupted"),
    }
}
