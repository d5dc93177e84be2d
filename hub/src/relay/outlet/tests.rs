//! What each of the broker's errors means, with librdkafka's mock of a broker. It proves nothing about transactions:
//! what a consumer reads is tested against a real broker.

use std::collections::BTreeMap;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;

struct Bench {
    mock: MockCluster<'static, DefaultProducerContext>,
    outlet: Outlet,
}

const TOPIC: &str = "events";

fn bench() -> Bench {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(TOPIC, 1, 1).unwrap();
    let config = KafkaConfig {
        brokers: mock.bootstrap_servers(),
        prefix: "test".to_owned(),
        partitions: 1,
        replication: None,
        properties: BTreeMap::new(),
    };
    let outlet = Outlet::open(&config, "test", &|| true).unwrap();
    Bench { mock, outlet }
}

fn send(outlet: &Outlet, value: &[u8]) -> Result<(), Failure> {
    outlet.send(Parcel { topic: TOPIC, key: "k", value: Some(value), headers: None })
}

fn commit(outlet: &Outlet) -> Result<(), Failure> {
    outlet.flush(&|| true, &|_| {})?;
    outlet.commit(&|| true, &|_| {})
}

#[test]
fn a_transaction_commits_and_the_next_one_begins() {
    let bench = bench();
    for _ in 0..2 {
        bench.outlet.begin().unwrap();
        send(&bench.outlet, b"v").unwrap();
        commit(&bench.outlet).unwrap();
    }
}

#[test]
fn a_busy_coordinator_is_asked_again() {
    let bench = bench();
    bench.outlet.begin().unwrap();
    send(&bench.outlet, b"v").unwrap();
    let busy = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    bench.mock.request_errors(RDKafkaApiKey::EndTxn, &[busy, busy]);
    assert_eq!(commit(&bench.outlet), Ok(()));
}

#[test]
fn a_rival_fences() {
    let bench = bench();
    bench.outlet.begin().unwrap();
    send(&bench.outlet, b"v").unwrap();
    bench.mock.request_errors(RDKafkaApiKey::EndTxn, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
    assert_eq!(commit(&bench.outlet), Err(Failure::Fenced));
    assert_eq!(bench.outlet.begin(), Err(Failure::Fenced), "and the producer is of no more use");
}

#[test]
fn a_message_the_broker_refuses_aborts_and_the_reason_is_told() {
    let bench = bench();
    bench.outlet.begin().unwrap();
    bench.mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    send(&bench.outlet, b"v").unwrap();
    let Err(Failure::Abort(why)) = commit(&bench.outlet) else { panic!("it was committed") };
    assert!(why.contains("events") && why.contains("too large"), "{why}");
    assert_eq!(bench.outlet.abort(), Ok(()));
}

#[test]
fn a_message_too_large_to_be_sent_aborts() {
    let bench = bench();
    bench.outlet.begin().unwrap();
    let Err(Failure::Abort(why)) = send(&bench.outlet, &vec![0; 9 << 20]) else { panic!("it was taken") };
    assert!(why.contains("too large"), "{why}");
}

#[test]
fn of_a_commit_without_an_answer_nothing_is_concluded() {
    let bench = bench();
    bench.outlet.begin().unwrap();
    send(&bench.outlet, b"v").unwrap();
    bench.outlet.flush(&|| true, &|_| {}).unwrap();
    bench.mock.broker_down(1).unwrap();
    // Asked to end while it waits.
    let result = bench.outlet.commit(&|| false, &|_| {});
    assert!(matches!(result, Err(Failure::Lost(_))), "{result:?}");
}

#[test]
fn without_a_broker_a_start_can_be_given_up() {
    let bench = bench();
    let mut properties = BTreeMap::new();
    properties.insert("reconnect.backoff.max.ms".to_owned(), "100".to_owned());
    let brokers = bench.mock.bootstrap_servers();
    bench.mock.broker_down(1).unwrap();
    let config = KafkaConfig { brokers, prefix: "t".to_owned(), partitions: 1, replication: None, properties };
    assert!(matches!(Outlet::open(&config, "t", &|| false), Err(Trouble::Over)));
}
