//! What leaves by Kafka: the backlog of a new agreement beside Kafka's own producer tool, and the way of one record from
//! the request to a consumer.

use std::fs;
use std::time::Duration;

use integration_tests::Kafka;
use integration_tests::postgres::Database;

use super::Result;
use super::figure::{Bound, Figure, Target};
use super::options::Plan;
use super::push;
use super::serving::{self, Serving};
use super::topic::{Held, Topics};

const RELAY: Target = Target { key: "relay", unit: "1/s", bound: Bound::RatioAtLeast(0.7) };
const PUSH: Target = Target { key: "push_to_topic_ms", unit: "ms", bound: Bound::ValueAtMost(500.0) };

/// What this file measures.
pub const TARGETS: [Target; 2] = [RELAY, PUSH];

/// Messages of one of the hub's transactions: 4,000 changes in two topics.
const TRANSACTION: f64 = 8_000.0;
/// Nothing has come for so long: the backlog is over.
const PAUSE: Duration = Duration::from_millis(1_500);
const PERFORMANCE: &str = "org.apache.kafka.tools.ProducerPerformance";

const AGREEMENT: &str = "\
[[agreement]]
id = \"bench\"
title = { zh = \"测量\", en = \"Benchmark\" }
entities = [\"resident\", \"household\"]
communities = [\"*\"]
[agreement.fields]
resident = [\"name\", \"sex\", \"birth_date\", \"registered_address\", \"current_address\", \"phones\", \"insurances\", \"health_record_no\"]
household = [\"address\", \"members\"]
";

/// A hub that has sent its backlog.
struct Sent {
    serving: Serving,
    events: Topics,
    held: Held,
    seconds: f64,
}

/// Measures the group.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let store = serving::loaded(plan)?;
    let kafka = Kafka::shared();
    let mut figures = Vec::new();
    let mut last = None;
    let (mut values, mut limits, mut note) = (Vec::new(), Vec::new(), String::new());
    let runs = if plan.wants(RELAY.key) { plan.runs } else { 1 };
    for _ in 0..runs {
        drop(last.take());
        let sent = backlog(plan, kafka, &store)?;
        let rate = sent.held.messages as f64 / sent.seconds;
        if plan.wants(RELAY.key) {
            let limit = by_tool(plan, kafka, &sent.held, rate)?;
            plan.say(&format!("relay: {rate:.0}/s, Kafka's tool {limit:.0}/s"));
            values.push(rate);
            limits.push(limit);
            let average = sent.held.average();
            note =
                format!("{} messages of {average} bytes, {:.1} MB/s", sent.held.messages, rate * average as f64 / 1e6);
        }
        last = Some(sent);
    }
    if plan.wants(RELAY.key) {
        figures.push(Figure::of_pairs(RELAY, &values, &limits, note));
    }
    if let Some(sent) = last.filter(|_| plan.wants(PUSH.key)) {
        figures.push(push::measure(plan, PUSH, &sent.serving, &sent.events)?);
    }
    Ok(figures)
}

/// Starts a hub with a new agreement and waits until everything is sent.
fn backlog(plan: &Plan, kafka: &Kafka, store: &Database) -> Result<Sent> {
    let prefix = kafka.prefix();
    let more = format!("\n[kafka]\nbrokers = {:?}\nprefix = {prefix:?}\n\n{AGREEMENT}", kafka.brokers);
    let serving = Serving::start(plan, store, &more)?;
    let names = [format!("{prefix}.bench.events"), format!("{prefix}.bench.state")];
    let all = Topics::find(&kafka.brokers, &names)?;
    let seconds = all.settled(PAUSE)?;
    let held = all.held(20_000)?;
    let entities: u64 = store.sql("SELECT count(*) FROM entity WHERE state = 'live'").parse()?;
    if held.messages < 2 * entities {
        return Err(format!("{} messages of {entities} entities:\n{}", held.messages, serving.hub.log_tail()).into());
    }
    let events = Topics::find(&kafka.brokers, &names[..1])?;
    Ok(Sent { serving, events, held, seconds })
}

/// Messages a second of Kafka's own tool: the same values, partitions, acknowledgements, compression, and transactions
/// that last as long as the hub's.
fn by_tool(plan: &Plan, kafka: &Kafka, held: &Held, rate: f64) -> Result<f64> {
    let payloads = plan.folder().join("payloads");
    fs::write(&payloads, held.values.join(&b'\n'))?;
    let topic = format!("{}.perf", kafka.prefix());
    let create = ["--create", "--topic", &topic, "--partitions", "6"];
    kafka.tool("org.apache.kafka.tools.TopicCommand", &create);
    let (records, lasts) = (held.messages.to_string(), format!("{:.0}", (1_000.0 * TRANSACTION / rate).max(1.0)));
    let mut java = Kafka::program(PERFORMANCE);
    java.args(["--topic", &topic, "--num-records", &records, "--throughput", "-1"]);
    java.arg("--payload-file").arg(&payloads);
    java.args(["--transactional-id", &topic, "--transaction-duration-ms", &lasts, "--producer-props"]);
    java.args([&format!("bootstrap.servers={}", kafka.brokers), "acks=all", "compression.type=lz4"]);
    let output = java.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = printed.lines().rev().find(|line| line.contains("99th"));
    let rate = last.and_then(|line| line.split(" records/sec").next()?.rsplit(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("{PERFORMANCE}: {printed}{}", String::from_utf8_lossy(&output.stderr)).into())
}
