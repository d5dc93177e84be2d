//! The Kafka relay: what leaves to consumers by Kafka, exactly once.
//!
//! One relay for each agreement, in the hub that is the writer. It reads the store's changes and sends them with
//! idempotence and transactions to two topics: `events`, one message per change, and `state`, the latest record of each
//! entity. Its position is a message in the compacted control topic, committed in the same transaction, and nowhere
//! else: after `init_transactions` it is read back, so that no crash loses or doubles a change.
//!
//! Never decides what a consumer may see (that is [`leaving`](crate::leaving)) and never writes to the dataset.
//! `hub/docs/topics.md` tells consumers and administrators of the topics.

pub mod asyncapi;
mod client;
mod message;
mod outlet;
mod position;
mod reading;
mod reset;
mod session;
mod source;
mod status;
mod topics;
mod trouble;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use message::{EVENT_TYPE, STATE_TYPE, source};
pub use position::{Position, Snapshot};
pub use reset::reset;
pub use status::{RUNNING, STOPPED, WAITING};
pub use topics::Topics;
pub use trouble::{Stop, Trouble};

use crate::config::{Agreement, KafkaConfig};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::foundation;
use position::{Here, fingerprint};
use reading::{Care, Reader};
use session::Session;
use status::Status;

/// Pauses after a failure: 1 s, 2 s, 4 s ... and at most this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const SLICE: Duration = Duration::from_millis(50);

/// What only tests set otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// Waits so long between the last message and the commit (`HUB_RELAY_PAUSE_BEFORE_COMMIT_MS`), so that a test can
    /// kill the hub there.
    pub pause_before_commit: Duration,
    /// How often a stopped relay looks whether it may go on.
    pub look_again: Duration,
    /// How long a fenced relay lets the other one stand still before it takes back.
    pub take_back: Duration,
    /// So many changes, or entities of a snapshot, go into one transaction at most.
    pub batch: usize,
}

/// Larger transactions make a backlog faster and keep its consumers waiting for longer.
const BATCH: usize = 4_000;

impl Default for Options {
    fn default() -> Self {
        let (look_again, take_back) = (Duration::from_secs(5), Duration::from_secs(60));
        Self { pause_before_commit: Duration::ZERO, look_again, take_back, batch: BATCH }
    }
}

impl Options {
    /// The defaults, with what the environment says for tests.
    pub fn from_environment() -> Self {
        let pause = std::env::var("HUB_RELAY_PAUSE_BEFORE_COMMIT_MS").ok().and_then(|text| text.parse().ok());
        Self { pause_before_commit: Duration::from_millis(pause.unwrap_or(0)), ..Self::default() }
    }
}

/// The relay of one agreement.
pub struct Relay {
    hub: Arc<Hub>,
    kafka: KafkaConfig,
    agreement: Agreement,
    topics: Topics,
    fingerprint: String,
    options: Options,
    status: Status,
    /// Failures in a row.
    failures: AtomicU32,
}

impl Relay {
    /// The relay of this agreement; nothing happens yet.
    pub fn new(hub: Arc<Hub>, agreement: &str, options: Options) -> Result<Self> {
        let kafka = hub.config.kafka.clone();
        let kafka = kafka
            .ok_or_else(|| Error::new(Kind::Config, "kafka is not configured").coded("no-kafka", "未配置 Kafka。"))?;
        let found = hub.config.agreements.iter().find(|found| found.id == agreement).cloned();
        let agreement = found.ok_or_else(|| {
            Error::new(Kind::NotFound, format!("there is no agreement '{agreement}'"))
                .coded("agreement-unknown", "没有这个共享协议。")
        })?;
        Ok(Self {
            topics: Topics::of(&kafka, &agreement.id),
            fingerprint: fingerprint(&agreement),
            status: Status::new(hub.clone(), &agreement.id),
            failures: AtomicU32::new(0),
            hub,
            kafka,
            agreement,
            options,
        })
    }

    /// Works until `stop` or until this hub is not the writer any more.
    pub fn run(&self, stop: &AtomicBool) {
        let going = || !stop.load(Ordering::Relaxed) && self.hub.is_writer();
        while going() {
            let (trouble, round) = self.session(&going);
            match trouble {
                Trouble::Over => return,
                Trouble::Away(why) => {
                    self.status.say(WAITING, Some(&why), None);
                    self.pause(self.next_pause(), &going);
                }
                Trouble::Stopped(why) => self.stand(why, round, &going),
            }
        }
    }

    /// One connected stretch of work, and why it ended; [`Relay::run`] decides what follows.
    pub fn work_once(&self, stop: &AtomicBool) -> Trouble {
        self.session(&|| !stop.load(Ordering::Relaxed) && self.hub.is_writer()).0
    }

    fn session(&self, going: &dyn Fn() -> bool) -> (Trouble, Option<u64>) {
        match Session::open(self, going) {
            Ok(mut session) => (session.work(), Some(session.round())),
            Err(trouble) => (trouble, None),
        }
    }

    /// Stopped: says so, and looks now and then whether what stopped it has been put right.
    fn stand(&self, mut why: Stop, round: Option<u64>, going: &dyn Fn() -> bool) {
        let mut seen = (round, None::<Position>, Instant::now());
        loop {
            let (zh, en) = why.sentences(&self.agreement.id);
            self.status.say(STOPPED, Some(&format!("{zh} {en}")), None);
            if !self.pause(self.options.look_again, going) {
                return;
            }
            match self.look(Care::Glance, going) {
                Ok((_, position)) if why != Stop::Fenced || self.may_take_back(&mut seen, &position) => return,
                Err(Trouble::Over) => return,
                Err(Trouble::Stopped(now)) => why = now,
                Ok(_) | Err(Trouble::Away(_)) => {}
            }
        }
    }

    /// After being fenced: a reset asks for a new start, and so does a position that stands still behind the store. Both
    /// happen without another relay too: a broker fences a producer whose transaction was open for too long.
    fn may_take_back(&self, seen: &mut (Option<u64>, Option<Position>, Instant), position: &Position) -> bool {
        let (round, last, since) = seen;
        let was_reset = round.is_some_and(|round| round != position.round);
        let behind =
            self.hub.db.writer().is_ok_and(|writer| position.seq < writer.next_seq - 1 || position.snapshot.is_some());
        if !behind || last.as_ref() != Some(position) {
            *since = Instant::now();
            *last = Some(position.clone());
        }
        was_reset || since.elapsed() > self.options.take_back
    }

    /// The topics as they are and the position as it is committed, if the relay may go on from there.
    fn look(&self, care: Care, going: &dyn Fn() -> bool) -> Result<(BTreeMap<String, i32>, Position), Trouble> {
        let partitions = topics::ensure(&self.kafka, &self.topics)?;
        let reader = Reader { config: &self.kafka, care, going };
        let found = reading::position(reader, &self.topics.control, &self.agreement.id)?;
        if found.is_none() {
            let of_events = partitions.get(&self.topics.events).copied().unwrap_or(1);
            if reading::has_events(reader, &self.topics.events, of_events)? {
                return Err(Stop::PositionLost.into());
            }
        }
        let last = self.hub.db.writer()?.next_seq - 1;
        let first = self.hub.db.read(foundation::get)?.pruned_seq;
        let here = Here { epoch: &self.hub.epoch, first, last, scope: &self.fingerprint };
        Ok((partitions, Position::resumed(found, here)?))
    }

    /// The generation of the writer's row, if this hub holds it.
    fn generation(&self) -> Result<Option<i64>> {
        let writer = self.hub.db.writer()?;
        Ok((writer.holder == self.hub.instance).then_some(writer.generation))
    }

    fn transactional_id(&self) -> String {
        transactional_id(&self.kafka, &self.agreement.id)
    }

    fn shipped(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    fn next_pause(&self) -> Duration {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(6);
        LONGEST_PAUSE.min(Duration::from_secs(1 << failures))
    }

    /// Sleeps; false if it was asked to end meanwhile.
    fn pause(&self, length: Duration, going: &dyn Fn() -> bool) -> bool {
        let started = Instant::now();
        while going() && started.elapsed() < length {
            std::thread::sleep(SLICE.min(length));
        }
        going()
    }
}

/// One producer at a time under this name.
fn transactional_id(kafka: &KafkaConfig, agreement: &str) -> String {
    format!("{}-{agreement}", kafka.prefix)
}

/// All relays of a hub, in threads of their own.
pub struct Relays {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the relays; none without Kafka in the configuration. Those that the configuration no longer names are not
/// shown as if they were still at work.
pub fn start(hub: &Arc<Hub>) -> Result<Relays> {
    let stop = Arc::new(AtomicBool::new(false));
    status::keep_configured(hub)?;
    if hub.config.kafka.is_none() {
        return Ok(Relays { stop, thread: None });
    }
    let (hub, stopped) = (hub.clone(), stop.clone());
    let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || run(&hub, &stopped));
    Ok(Relays {
        stop,
        thread: Some(thread.map_err(|error| Error::new(Kind::Internal, "starting a thread").because(error))?),
    })
}

impl Relays {
    /// Asks all relays to end and waits at most `patience`. What was not committed then is sent by the next hub.
    pub fn stop(self, patience: Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let started = Instant::now();
        while started.elapsed() < patience && self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            std::thread::sleep(SLICE);
        }
    }
}

/// Runs one relay for each agreement while this hub is the writer; returns when `stop` is set.
pub fn run(hub: &Arc<Hub>, stop: &AtomicBool) {
    let options = Options::from_environment();
    while !stop.load(Ordering::Relaxed) {
        if hub.is_writer() {
            std::thread::scope(|scope| {
                for agreement in &hub.config.agreements {
                    scope.spawn(|| keep_running(hub, &agreement.id, &options, stop));
                }
            });
        }
        std::thread::sleep(SLICE * 4);
    }
}

/// A fault of the relay itself must not end in silence.
fn keep_running(hub: &Arc<Hub>, agreement: &str, options: &Options, stop: &AtomicBool) {
    let relay = match Relay::new(hub.clone(), agreement, options.clone()) {
        Ok(relay) => relay,
        Err(error) => return tracing::error!(agreement, error = %error, "the relay does not start"),
    };
    while catch_unwind(AssertUnwindSafe(|| relay.run(stop))).is_err() {
        relay.status.say(WAITING, Some("内部错误，请查看日志。 An internal fault; see the log."), None);
        relay.pause(LONGEST_PAUSE, &|| !stop.load(Ordering::Relaxed));
    }
}
