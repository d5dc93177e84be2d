//! The topics of an agreement: their names, how they are created, and whether those that are there keep messages as the
//! relay needs. Never changes a topic that is there.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use super::client::{self, LARGEST, PATIENCE, Witness};
use super::trouble::{Stop, Trouble};
use crate::config::KafkaConfig;

/// The topics of one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Positions of all agreements, one message each; shared.
    pub control: String,
    /// One message per change.
    pub events: String,
    /// The latest record of each entity.
    pub state: String,
}

/// How a topic is created.
struct Plan<'a> {
    name: &'a str,
    partitions: i32,
    policy: &'static str,
    settings: &'static [(&'static str, &'static str)],
}

/// Days in which a consumer that was away still sees that a record is gone.
const TOMBSTONES: (&str, &str) = ("delete.retention.ms", "604800000");

impl Topics {
    /// Their names.
    pub fn of(config: &KafkaConfig, agreement: &str) -> Self {
        let prefix = &config.prefix;
        Self {
            control: format!("{prefix}.control"),
            events: format!("{prefix}.{agreement}.events"),
            state: format!("{prefix}.{agreement}.state"),
        }
    }

    fn plans(&self, config: &KafkaConfig) -> [Plan<'_>; 3] {
        let partitions = i32::from(config.partitions.max(1));
        [
            // It is read from its beginning at each start: small segments keep it short.
            Plan {
                name: &self.control,
                partitions: 1,
                policy: "compact",
                settings: &[("segment.bytes", "16777216"), ("min.cleanable.dirty.ratio", "0.1")],
            },
            // Nothing is dropped by age unless the administrator of the broker says so.
            Plan { name: &self.events, partitions, policy: "delete", settings: &[("retention.ms", "-1")] },
            Plan { name: &self.state, partitions, policy: "compact", settings: &[TOMBSTONES] },
        ]
    }
}

/// Creates what is missing and checks what was there. Returns the number of partitions by topic.
pub(super) fn ensure(config: &KafkaConfig, topics: &Topics) -> Result<BTreeMap<String, i32>, Trouble> {
    let admin = client::admin(config)?;
    let plans = topics.plans(config);
    let deadline = Instant::now() + PATIENCE;
    let mut created = false;
    loop {
        let mut found = BTreeMap::new();
        for plan in &plans {
            if let Some(partitions) = partitions(&admin, plan.name)? {
                found.insert(plan.name.to_owned(), partitions);
            }
        }
        if found.len() == plans.len() {
            if !created {
                check(&admin, &plans)?;
            }
            return Ok(found);
        }
        if !created {
            create(&admin, config, plans.iter().filter(|plan| !found.contains_key(plan.name)))?;
            created = true;
        }
        if Instant::now() > deadline {
            return Err(Trouble::Away(format!("topics {topics:?} are not ready")));
        }
        // The brokers tell each other of a new topic in their own time.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// How many partitions the topic has; `None` if it is not there or has no leaders yet.
fn partitions(admin: &AdminClient<Witness>, topic: &str) -> Result<Option<i32>, Trouble> {
    let metadata = admin.inner().fetch_metadata(Some(topic), PATIENCE).map_err(|error| {
        let why = admin.inner().context().take();
        Trouble::Away(why.unwrap_or_else(|| error.to_string()))
    })?;
    let Some(topic) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    let ready = topic.error().is_none()
        && !topic.partitions().is_empty()
        && topic.partitions().iter().all(|partition| partition.leader() >= 0);
    Ok(ready.then(|| i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
}

fn create<'a>(
    admin: &AdminClient<Witness>,
    config: &KafkaConfig,
    missing: impl Iterator<Item = &'a Plan<'a>>,
) -> Result<(), Trouble> {
    let replication = config.replication.map_or(-1, i32::from);
    let topics: Vec<NewTopic<'_>> = missing
        .map(|plan| {
            let topic = NewTopic::new(plan.name, plan.partitions, TopicReplication::Fixed(replication))
                .set("cleanup.policy", plan.policy)
                .set("max.message.bytes", LARGEST);
            plan.settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
        })
        .collect();
    for result in answer(admin.create_topics(&topics, &options()))? {
        match result {
            Ok(topic) => tracing::info!(topic, "created a topic"),
            // Another relay was quicker.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(Trouble::Away(format!("creating topic {topic}: {code}"))),
        }
    }
    Ok(())
}

/// Compaction decides whether a position or a change can be lost, so it is not left to chance.
fn check(admin: &AdminClient<Witness>, plans: &[Plan<'_>]) -> Result<(), Trouble> {
    let resources: Vec<ResourceSpecifier<'_>> = plans.iter().map(|plan| ResourceSpecifier::Topic(plan.name)).collect();
    let described = answer(admin.describe_configs(&resources, &options()))?;
    for (plan, described) in plans.iter().zip(described) {
        let Ok(described) = described else {
            tracing::warn!(topic = plan.name, "the broker does not tell how the topic is kept");
            continue;
        };
        let is = described.get("cleanup.policy").and_then(|entry| entry.value.clone()).unwrap_or_default();
        if is != plan.policy {
            return Err(Stop::Policy { topic: plan.name.to_owned(), is, wants: plan.policy }.into());
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

/// Waits for what the admin client answers from its own thread; needs no runtime and may be called inside one.
fn answer<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
