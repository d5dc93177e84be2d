//! Where the demo plays: a hub of its own in its own folder, serving on loopback, with a token for each department.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate};
use serde_json::Value;

use crate::access;
use crate::config::{Agreement, Config, KafkaConfig};
use crate::error::{Error, Kind, Result};
use crate::feed::spec::Text;
use crate::hub::Hub;
use crate::time;

/// Day 1 of the city, unless the clock is behind it.
const FIRST_DAY: &str = "2026-11-01";
/// The agreement the demo's community platform has.
pub const AGREEMENT: &str = "community-platform";

/// A hub that serves in this process.
pub struct Stage {
    /// The hub.
    pub hub: Arc<Hub>,
    /// Where it serves.
    pub url: String,
    /// Speaks to it.
    pub client: ureq::Agent,
    /// An administrator's token.
    pub administrator: String,
    /// The token of the community platform.
    pub consumer: String,
    departments: BTreeMap<String, String>,
    ended: mpsc::Receiver<Result<()>>,
}

/// The first day's date: fixed, so that the same seed gives the same bytes, but never ahead of the clock.
pub fn first_day(now: i64) -> NaiveDate {
    let today = DateTime::from_timestamp_micros(now).unwrap_or_default().with_timezone(&time::shanghai()).date_naive();
    let fixed: NaiveDate = FIRST_DAY.parse().unwrap_or(today);
    let latest = today.checked_sub_days(Days::new(3)).unwrap_or(today);
    fixed.min(latest)
}

impl Stage {
    /// Removes what a former demo left, opens a hub and starts to serve.
    pub fn open(folder: &Path, listen: &str) -> Result<Self> {
        fresh(folder)?;
        let mut config = Config::in_folder(folder);
        config.server.listen = free(listen)?;
        config.agreements = vec![agreement()];
        if let Ok(brokers) = std::env::var("HUB_KAFKA") {
            config.kafka = Some(KafkaConfig { brokers, prefix: "hub-demo".to_owned(), ..KafkaConfig::default() });
        }
        let url = format!("http://{}", config.server.listen);
        let hub = Arc::new(Hub::open(config)?);
        let token = |role, subject: &str| access::create(&hub, role, subject, "demo").map(|(_, secret)| secret);
        let mut departments = BTreeMap::new();
        for feed in hub.catalogue.feeds() {
            let department = feed.spec.feed.split('/').next().unwrap_or_default().to_owned();
            if !departments.contains_key(&department) {
                departments.insert(department.clone(), token("department", &department)?);
            }
        }
        let (administrator, consumer) = (token("administrator", "")?, token("consumer", AGREEMENT)?);
        let ended = served(&hub)?;
        let client = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let stage = Self { hub, url, client, administrator, consumer, departments, ended };
        stage.ready()?;
        Ok(stage)
    }

    /// A department's token.
    pub fn department_token(&self, department: &str) -> &str {
        self.departments.get(department).map_or("", String::as_str)
    }

    /// What the hub answers an administrator.
    pub fn get(&self, path: &str) -> Result<Value> {
        let failed = |error: ureq::Error| Error::new(Kind::Unavailable, "asking the demo's hub").because(error);
        let authorization = format!("Bearer {}", self.administrator);
        let mut answer = self
            .client
            .get(format!("{}{path}", self.url))
            .header("Authorization", &authorization)
            .call()
            .map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        serde_json::from_str(&text).map_err(|error| Error::new(Kind::Internal, "an answer of the hub").because(error))
    }

    fn ready(&self) -> Result<()> {
        for _ in 0..600 {
            if self.client.get(format!("{}/readyz", self.url)).call().is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            if let Ok(ended) = self.ended.try_recv() {
                return ended.and(Err(Error::new(Kind::Internal, "the demo's hub ended before it served")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Error::new(Kind::Unavailable, "the demo's hub does not serve"))
    }

    /// Serves until Ctrl-C.
    pub fn wait(&self) -> Result<()> {
        self.ended.recv().unwrap_or(Ok(()))
    }

    /// Gives the writer's lease back; the process ends next.
    pub fn close(self) {
        if let Err(error) = self.hub.give_back() {
            tracing::warn!(error = %error, "the writer's lease could not be given back");
        }
    }
}

/// Serves on a thread of its own; the receiver hears when that ends.
fn served(hub: &Arc<Hub>) -> Result<mpsc::Receiver<Result<()>>> {
    let (tell, ended) = mpsc::channel();
    let hub = hub.clone();
    std::thread::Builder::new()
        .name("demo-serve".to_owned())
        .spawn(move || {
            let result = actix_web::rt::System::new().block_on(crate::work::serve::serve(hub));
            // Nobody listens any more once the demo has ended.
            let _gone = tell.send(result);
        })
        .map_err(|error| Error::new(Kind::Internal, "starting to serve").because(error))?;
    Ok(ended)
}

/// What a community platform may see: base data of all communities, nothing of health.
fn agreement() -> Agreement {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let resident = [
        "name",
        "sex",
        "birth_date",
        "current_address",
        "registered_address",
        "phones",
        "marital",
        "household_relation",
    ];
    Agreement {
        id: AGREEMENT.to_owned(),
        title: Text { zh: "社区综合服务平台".to_owned(), en: "Community platform".to_owned() },
        entities: names(&["resident", "household"]),
        fields: BTreeMap::from([
            ("resident".to_owned(), names(&resident)),
            ("household".to_owned(), names(&["address", "head", "members"])),
        ]),
        communities: names(&["*"]),
    }
}

/// The folder is the demo's own; only what a demo makes is removed.
fn fresh(folder: &Path) -> Result<()> {
    let failed =
        |error: std::io::Error| Error::new(Kind::Config, format!("clearing {}", folder.display())).because(error);
    for name in ["hub.db", "hub.db-wal", "hub.db-shm", "hub.secret"] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    match std::fs::remove_dir_all(folder.join("landing")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => std::fs::create_dir_all(folder).map_err(failed),
    }
}

/// The address asked for, or a free port of the same host.
fn free(listen: &str) -> Result<String> {
    let host = listen.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
    let bound = TcpListener::bind(listen).or_else(|_| TcpListener::bind(format!("{host}:0")));
    let bound = bound.and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.to_string())
        .map_err(|error| Error::new(Kind::Config, format!("listening at {listen}")).because(error))
}
