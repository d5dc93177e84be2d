//! What a hub is started with, and the configuration file it becomes. The only place that knows how that file looks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::Hub;
use crate::kafka::Kafka;
use crate::store::Store;

/// Name of the drop folder in the hub's folder.
pub(super) const DROP: &str = "drop";

/// What a hub is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) store: Store,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) file_limit_kb: Option<u64>,
    pub(super) allowed: Allowed,
    kafka: Option<(String, String)>,
    agreements: Vec<Agreement>,
    landing: String,
    lease_ms: u64,
    chunk: u32,
    beside: Option<Beside>,
    tls: Option<(String, String)>,
    url: Option<String>,
    database: String,
    more: String,
}

/// What two hubs on one store share besides their database.
#[derive(Debug, Clone)]
struct Beside {
    url: String,
    secret: String,
}

/// What a case may leave behind because it is about that.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowed {
    pub(super) rejections: bool,
    pub(super) failed_jobs: bool,
    pub(super) leases: bool,
}

/// What one consumer may see.
#[derive(Debug, Clone)]
pub struct Agreement {
    id: String,
    entities: Vec<String>,
    fields: BTreeMap<String, Vec<String>>,
    communities: Vec<String>,
}

impl Agreement {
    /// An agreement that allows nothing yet.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), entities: Vec::new(), fields: BTreeMap::new(), communities: Vec::new() }
    }

    /// Allows these attributes of an entity.
    pub fn fields(mut self, entity: &str, fields: &[&str]) -> Self {
        self.entities.push(entity.to_owned());
        self.fields.insert(entity.to_owned(), strings(fields));
        self
    }

    /// Entities of these communities.
    pub fn communities(mut self, communities: &[&str]) -> Self {
        self.communities = strings(communities);
        self
    }

    /// Entities of all communities.
    pub fn everywhere(self) -> Self {
        self.communities(&["*"])
    }

    fn write(&self, toml: &mut String) {
        let Self { id, entities, fields, communities } = self;
        let fields: Vec<String> = fields.iter().map(|(entity, fields)| format!("{entity} = {fields:?}")).collect();
        let _ = write!(
            toml,
            "\n[[agreement]]\nid = {id:?}\ntitle = {{ zh = \"{id}\", en = \"{id}\" }}\nentities = {entities:?}\n\
             fields = {{ {} }}\ncommunities = {communities:?}\n",
            fields.join(", ")
        );
    }
}

impl Setup {
    pub(super) fn on(store: Store) -> Self {
        Self {
            store,
            environment: BTreeMap::new(),
            file_limit_kb: None,
            allowed: Allowed::default(),
            kafka: None,
            agreements: Vec::new(),
            landing: "landing".to_owned(),
            lease_ms: 3_000,
            chunk: 1_000,
            beside: None,
            tls: None,
            url: None,
            database: String::new(),
            more: String::new(),
        }
    }

    /// Starts the hub; returns when it is ready.
    pub fn start(self) -> Hub {
        Hub::start(self)
    }

    /// Produces to this broker, with topics under `prefix` ([`Kafka::prefix`]).
    pub fn kafka(mut self, kafka: &Kafka, prefix: &str) -> Self {
        self.kafka = Some((kafka.brokers.clone(), prefix.to_owned()));
        self
    }

    /// Adds an agreement.
    pub fn agreement(mut self, agreement: Agreement) -> Self {
        self.agreements.push(agreement);
        self
    }

    /// Records in one apply chunk; small ones give a kill more places to strike.
    pub fn chunk(mut self, records: u32) -> Self {
        self.chunk = records;
        self
    }

    /// How long leases last without renewal. Short here by default, so that a case waits little for a take-over.
    pub fn lease_ms(mut self, lease_ms: u64) -> Self {
        self.lease_ms = lease_ms;
        self
    }

    /// Adds lines to the end of the configuration file.
    pub fn configured(mut self, toml: &str) -> Self {
        self.more.push('\n');
        self.more.push_str(toml);
        self
    }

    /// Sets a variable of the server's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lands deliveries in this folder (a small file system that fills up).
    pub fn landing(mut self, folder: &Path) -> Self {
        self.landing = folder.display().to_string();
        self
    }

    /// Shares the store, the landing folder and the secret of a hub on PostgreSQL, which must outlive the new one.
    pub fn beside(mut self, other: &Hub) -> Self {
        assert!(self.store == Store::Postgres, "two hubs share a PostgreSQL");
        let secret = other.folder().join("secret").display().to_string();
        self.beside = Some(Beside { url: other.database().url.clone(), secret });
        self.landing(&other.folder().join(&other.setup.landing))
    }

    /// Keeps its store at this URL, which the case looks after.
    pub fn at(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    /// Adds lines to the section `[database]`.
    pub fn database(mut self, toml: &str) -> Self {
        self.database.push_str(toml);
        self.database.push('\n');
        self
    }

    /// Speaks TLS with this certificate and key (PEM files).
    pub fn tls(mut self, certificate: &str, key: &str) -> Self {
        self.tls = Some((certificate.to_owned(), key.to_owned()));
        self
    }

    /// The scheme of its addresses.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Whether it needs a database of its own.
    pub(super) fn needs_database(&self) -> bool {
        self.beside.is_none() && self.url.is_none()
    }

    /// No file of the server may grow past this: writing further fails as on a full disk.
    pub fn file_limit_kb(mut self, kb: u64) -> Self {
        self.file_limit_kb = Some(kb);
        self
    }

    /// Lifts the limit of [`Setup::file_limit_kb`].
    pub fn no_file_limit(mut self) -> Self {
        self.file_limit_kb = None;
        self
    }

    /// The case is about rejections: open ones may be left at its end.
    pub fn rejections_allowed(mut self) -> Self {
        self.allowed.rejections = true;
        self
    }

    /// The case is about failing jobs: failed ones may be left at its end.
    pub fn failed_jobs_allowed(mut self) -> Self {
        self.allowed.failed_jobs = true;
        self
    }

    /// The case is about leases: held ones may be left at its end.
    pub fn leases_allowed(mut self) -> Self {
        self.allowed.leases = true;
        self
    }

    /// Writes `hub.toml` into the hub's folder.
    pub(super) fn write(&self, folder: &Path, port: u16, url: Option<&str>) {
        let at = |name: &str| folder.join(name).display().to_string();
        let url = self.url.as_deref().or(self.beside.as_ref().map(|beside| beside.url.as_str())).or(url);
        let url = url.map_or_else(|| format!("sqlite://{}", at("hub.db")), str::to_owned);
        let secret = self.beside.as_ref().map_or_else(|| at("secret"), |beside| beside.secret.clone());
        let tls = self.tls.as_ref().map_or_else(String::new, |(certificate, key)| {
            format!("tls_certificate = {certificate:?}\ntls_key = {key:?}\n")
        });
        let mut toml = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n{tls}\n[database]\nurl = {url:?}\n{}\n[landing]\nfolder = {:?}\n\n\
             [secret]\nfile = {:?}\n\n[drop]\nfolder = {:?}\nscan = \"* * * * * *\"\n\n\
             [work]\nlease_ms = {}\nchunk = {}\n",
            self.database,
            at(&self.landing),
            secret,
            at(DROP),
            self.lease_ms,
            self.chunk
        );
        if let Some((brokers, prefix)) = &self.kafka {
            let _ = write!(toml, "\n[kafka]\nbrokers = {brokers:?}\nprefix = {prefix:?}\n");
        }
        for agreement in &self.agreements {
            agreement.write(&mut toml);
        }
        toml.push_str(&self.more);
        std::fs::create_dir_all(folder.join(DROP)).expect("the drop folder");
        std::fs::write(folder.join("hub.toml"), toml).expect("the configuration");
    }
}

fn strings(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}
