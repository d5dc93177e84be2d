//! What a relay says of itself in the store, for people. Written when it changes, never the relay's memory of anything.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::hub::Hub;
use crate::store::relay::{self, Relay as Row};

/// The relay works, and has sent what there is or is about to.
pub const RUNNING: &str = "running";
/// Something is away; the relay tries again by itself.
pub const WAITING: &str = "waiting";
/// A person must act.
pub const STOPPED: &str = "relay-stopped";

/// While only the `seq` moves, the row follows at most this often, in microseconds.
const OFTEN: i64 = 500_000;

/// Forgets what relays said of which the configuration names no agreement any more. Their topics and positions stay.
pub(super) fn keep_configured(hub: &Hub) -> Result<()> {
    let relayed = hub.config.agreements.iter().filter(|_| hub.config.kafka.is_some());
    let relayed: Vec<&str> = relayed.map(|agreement| agreement.id.as_str()).collect();
    let forgotten = hub.db.write(|conn| relay::keep(conn, &relayed))?;
    if forgotten > 0 {
        tracing::info!(forgotten, "relays of agreements that are no longer configured");
    }
    Ok(())
}

/// The row of one agreement.
pub(super) struct Status {
    hub: Arc<Hub>,
    agreement: String,
    said: Mutex<Option<Row>>,
}

impl Status {
    pub(super) fn new(hub: Arc<Hub>, agreement: &str) -> Self {
        Self { hub, agreement: agreement.to_owned(), said: Mutex::new(None) }
    }

    /// Says it, unless it has been said.
    pub(super) fn say(&self, state: &str, message: Option<&str>, seq: Option<i64>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.hub.now();
        let before = said.as_ref();
        let seq = seq.or(before.map(|row| row.seq)).unwrap_or(0);
        let same = before.is_some_and(|row| row.state == state && row.message.as_deref() == message);
        if same && before.is_some_and(|row| row.seq == seq || (now - row.at).abs() < OFTEN) {
            return;
        }
        if !same {
            log(&self.agreement, state, message);
        }
        let message = message.map(str::to_owned);
        let row = Row { agreement: self.agreement.clone(), state: state.to_owned(), message, seq, at: now };
        // Nothing is said over the head of the hub that has become the writer meanwhile.
        if self.hub.is_writer() {
            match self.hub.db.write(|conn| relay::put(conn, &row)) {
                Ok(()) => *said = Some(row),
                Err(error) => {
                    tracing::warn!(agreement = self.agreement, error = %error, "the relay's state was not noted")
                }
            }
        }
    }

    /// Whether someone else has said something since: a reset, or another hub's relay.
    pub(super) fn contradicted(&self) -> Result<bool> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mine) = said.as_ref().map(|row| (row.state.clone(), row.at)) else { return Ok(false) };
        let rows = self.hub.db.read(relay::list)?;
        let stands = rows.into_iter().any(|row| row.agreement == self.agreement && (row.state, row.at) == mine);
        if !stands {
            // So that it is said again.
            *said = None;
        }
        Ok(!stands)
    }
}

fn log(agreement: &str, state: &str, message: Option<&str>) {
    if state == RUNNING {
        tracing::info!(agreement, state, "relay");
    } else {
        tracing::warn!(agreement, state, message, "relay");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Agreement, Config, KafkaConfig};

    /// The agreements of which rows are left after a hub with this Kafka and the agreement `kept` has started.
    fn left(kafka: Option<KafkaConfig>) -> Vec<String> {
        let folder = tempfile::TempDir::new().expect("a folder");
        let agreements = vec![Agreement { id: "kept".to_owned(), ..Agreement::default() }];
        let hub = Hub::open(Config { kafka, agreements, ..Config::in_folder(folder.path()) }).expect("a hub");
        for agreement in ["kept", "removed"] {
            let (agreement, state) = (agreement.to_owned(), RUNNING.to_owned());
            let row = Row { agreement, state, message: None, seq: 7, at: hub.now() };
            hub.db.write(|conn| relay::put(conn, &row)).expect("a row");
        }
        keep_configured(&hub).expect("an answer");
        hub.db.read(relay::list).expect("the rows").into_iter().map(|row| row.agreement).collect()
    }

    #[test]
    fn the_relay_of_a_removed_agreement_is_not_shown() {
        assert_eq!(left(Some(KafkaConfig::default())), ["kept"]);
    }

    #[test]
    fn without_kafka_no_relay_is_shown() {
        assert!(left(None).is_empty());
    }
}
