//! What a message looks like: a CloudEvent 1.0 in structured JSON for the events topic, the bare record for the state
//! topic. Reads and decides nothing.

use rdkafka::message::{Header, OwnedHeaders};
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::keyring::Token;
use crate::leaving::{Event, Record};
use crate::time;

/// The media type of an event.
pub const EVENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";
/// The media type of a record in the state topic.
pub const STATE_TYPE: &str = "application/json; charset=UTF-8";
/// The header of a state message that names the kind of entity.
pub(super) const KIND: &str = "kind";

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    r#type: String,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    version: i64,
    seq: i64,
    record: Option<&'a Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<Token>,
}

/// Who says it: a store. Events of another store have another source.
pub fn source(epoch: &str) -> String {
    format!("/hub/{epoch}")
}

/// The key of both messages.
pub(super) fn key(event: &Event) -> String {
    event.entity.to_string()
}

/// The message for the events topic.
pub(super) fn event(epoch: &str, event: &Event) -> Result<Vec<u8>> {
    json(&CloudEvent {
        specversion: "1.0",
        id: &event.id,
        source: source(epoch),
        r#type: format!("{}.{}", event.kind, event.operation.text()),
        subject: key(event),
        time: time::text(event.at),
        datacontenttype: "application/json",
        data: Data {
            version: event.version,
            seq: event.seq,
            record: event.data.as_ref(),
            merged_into: event.merged_into,
        },
    })
}

/// The message for the state topic; none is a tombstone.
pub(super) fn state(event: &Event) -> Option<&[u8]> {
    event.data.as_ref().map(|record| record.text().as_bytes())
}

/// Headers of an event.
pub(super) fn event_headers() -> OwnedHeaders {
    OwnedHeaders::new().insert(Header { key: "content-type", value: Some(EVENT_TYPE) })
}

/// Headers of a state message: how it compares with events, for who reads the state first and the events then.
pub(super) fn state_headers(epoch: &str, event: &Event) -> OwnedHeaders {
    let (source, seq, version) = (source(epoch), event.seq.to_string(), event.version.to_string());
    let said =
        [("content-type", STATE_TYPE), (KIND, &event.kind), ("source", &source), ("seq", &seq), ("version", &version)];
    said.into_iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::new(Kind::Internal, "writing a message").because(error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::leaving::Operation;

    fn of(operation: Operation) -> Event {
        let entity = Token([0x11; 16]);
        let record = Record::of(entity, &[("community", "130108001001"), ("name", "张三")]).unwrap();
        Event {
            id: "e1-42".to_owned(),
            seq: 42,
            at: 1_795_363_200_000_000,
            kind: "resident".to_owned(),
            entity,
            version: 3,
            operation,
            data: (operation != Operation::Removed).then_some(record),
            merged_into: None,
        }
    }

    #[test]
    fn an_event_is_a_cloud_event_with_the_full_record() {
        let bytes = event("e1", &of(Operation::Changed)).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        insta::assert_json_snapshot!(value, @r#"
        {
          "data": {
            "record": {
              "community": "130108001001",
              "id": "11111111111111111111111111111111",
              "name": "张三"
            },
            "seq": 42,
            "version": 3
          },
          "datacontenttype": "application/json",
          "id": "e1-42",
          "source": "/hub/e1",
          "specversion": "1.0",
          "subject": "11111111111111111111111111111111",
          "time": "2026-11-23T00:00:00+08:00",
          "type": "resident.changed"
        }
        "#);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"specversion":"1.0","id":"e1-42""#), "{text}");
    }

    #[test]
    fn a_removal_says_that_and_nothing_of_the_record() {
        let bytes = event("e1", &of(Operation::Removed)).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["type"], "resident.removed");
        assert_eq!(value["data"], json!({"version": 3, "seq": 42, "record": null}));
        assert_eq!(state(&of(Operation::Removed)), None);
    }

    #[test]
    fn the_state_is_the_bare_record() {
        let event = of(Operation::Added);
        let value: Value = serde_json::from_slice(state(&event).unwrap()).unwrap();
        assert_eq!(
            value,
            json!({"id": "11111111111111111111111111111111", "name": "张三", "community": "130108001001"})
        );
    }
}
