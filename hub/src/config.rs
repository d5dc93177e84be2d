//! The hub's configuration file. Owns its shape and defaults; opens nothing.

mod database;

pub use database::{DatabaseConfig, is_postgres};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::feed::spec::Text;

/// `hub.toml`. Relative paths are relative to the file's folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// The store.
    pub database: DatabaseConfig,
    /// Where bytes land.
    pub landing: LandingConfig,
    /// The hub secret.
    pub secret: SecretConfig,
    /// The drop folder; none without it.
    pub drop: Option<DropConfig>,
    /// Kafka; no relay without it.
    pub kafka: Option<KafkaConfig>,
    /// Feeds, schemas and code tables that override the embedded ones.
    pub data: DataConfig,
    /// What is kept for how long.
    pub keep: KeepConfig,
    /// Leases and workers.
    pub work: WorkConfig,
    /// What each consumer may see; none means nothing.
    #[serde(rename = "agreement")]
    pub agreements: Vec<Agreement>,
}

/// The HTTP server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: String,
    /// PEM file of the certificate chain; with `tls_key` the server speaks TLS only.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key: Option<PathBuf>,
    /// Worker threads.
    pub workers: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), tls_certificate: None, tls_key: None, workers: 2 }
    }
}

/// Where bytes land.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LandingConfig {
    /// The folder.
    pub folder: PathBuf,
    /// Most decompressed bytes of one delivery.
    pub delivery_bytes: u64,
    /// Days to keep the bytes of applied and refused deliveries.
    pub keep_days: u32,
}

impl Default for LandingConfig {
    fn default() -> Self {
        Self { folder: PathBuf::from("data/landing"), delivery_bytes: 64 << 30, keep_days: 90 }
    }
}

/// The hub secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretConfig {
    /// The file; created with mode 0600 if it is not there.
    pub file: PathBuf,
}

impl Default for SecretConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("data/hub.secret") }
    }
}

/// The drop folder: `FOLDER/department/feed/FILE`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropConfig {
    /// The folder.
    pub folder: PathBuf,
    /// When it is looked through: a cron expression with seconds, Asia/Shanghai.
    #[serde(default = "every_ten_seconds")]
    pub scan: String,
    /// Take a file only with its `.ok` file; without it a file is complete once it has its final name.
    #[serde(default)]
    pub require_ok: bool,
}

fn every_ten_seconds() -> String {
    "*/10 * * * * *".to_owned()
}

/// Kafka.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port,host:port`.
    pub brokers: String,
    /// What topic names begin with.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Partitions of the topics the hub creates for events and state.
    #[serde(default = "partitions")]
    pub partitions: u16,
    /// Copies of each partition of topics the hub creates; the broker's default without it.
    #[serde(default)]
    pub replication: Option<u16>,
    /// Further librdkafka properties for producer and consumer alike (TLS, SASL).
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

fn prefix() -> String {
    "hub".to_owned()
}

fn partitions() -> u16 {
    3
}

/// Feeds, schemas and code tables.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A folder with `mappings/` and `schemas/` that overrides the embedded ones.
    pub folder: Option<PathBuf>,
}

/// What is kept for how long, in days. What is standing (contributions, entities, edits, waives) is kept for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepConfig {
    /// Finished jobs of deliveries, with their attempts.
    pub jobs_days: u32,
    /// Rows of the reports of applied and refused deliveries.
    pub reports_days: u32,
    /// Rejections that something newer has superseded.
    pub rejections_days: u32,
    /// Versions of entities that have been followed by another one; for ever without it.
    pub versions_days: Option<u32>,
}

impl Default for KeepConfig {
    fn default() -> Self {
        Self { jobs_days: 90, reports_days: 400, rejections_days: 400, versions_days: None }
    }
}

/// Leases and workers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkConfig {
    /// How long the writer's and a job's lease last without renewal, in milliseconds.
    pub lease_ms: u64,
    /// Threads that inspect deliveries.
    pub inspectors: usize,
    /// Records in one apply chunk.
    pub chunk: usize,
}

impl Default for WorkConfig {
    fn default() -> Self {
        Self { lease_ms: 10_000, inspectors: 1, chunk: 2_000 }
    }
}

/// What one consumer may see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agreement {
    /// Its name in tokens and topics: lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    pub title: Text,
    /// Kinds of entity: `resident`, `household`.
    pub entities: Vec<String>,
    /// Attributes by kind of entity.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Communities by 12-digit code, or `*` for all.
    pub communities: Vec<String>,
}

impl Config {
    /// Reads a file; its relative paths become relative to its folder.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::new(Kind::Config, format!("reading {}", path.display())).because(error))?;
        let config: Self =
            toml::from_str(&text).map_err(|error| Error::new(Kind::Config, format!("{}: {error}", path.display())))?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        config.below(&folder).checked()
    }

    /// The defaults with all data below one folder.
    pub fn in_folder(folder: &Path) -> Self {
        let config = Self {
            database: DatabaseConfig { url: "sqlite://hub.db".to_owned(), ..DatabaseConfig::default() },
            landing: LandingConfig { folder: PathBuf::from("landing"), ..LandingConfig::default() },
            secret: SecretConfig { file: PathBuf::from("hub.secret") },
            ..Self::default()
        };
        config.below(folder)
    }

    fn below(mut self, folder: &Path) -> Self {
        if let Some(path) = self.database.url.strip_prefix("sqlite://")
            && Path::new(path).is_relative()
        {
            self.database.url = format!("sqlite://{}", folder.join(path).display());
        }
        self.landing.folder = folder.join(&self.landing.folder);
        self.secret.file = folder.join(&self.secret.file);
        let Self { data, server, database, .. } = &mut self;
        let paths = [
            &mut data.folder,
            &mut server.tls_certificate,
            &mut server.tls_key,
            &mut database.sslrootcert,
            &mut database.sslcert,
            &mut database.sslkey,
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&path);
        }
        if let Some(drop) = &mut self.drop {
            drop.folder = folder.join(&drop.folder);
        }
        self
    }

    fn checked(self) -> Result<Self> {
        let mut seen = std::collections::BTreeSet::new();
        for agreement in &self.agreements {
            let id = &agreement.id;
            let plain = !id.is_empty()
                && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !plain || !seen.insert(id) {
                return Err(Error::new(
                    Kind::Config,
                    format!("agreement id '{id}' is not unique lower-case letters, digits and hyphens"),
                ));
            }
        }
        if self.server.tls_certificate.is_some() != self.server.tls_key.is_some() {
            return Err(Error::new(Kind::Config, "server.tls_certificate and server.tls_key belong together"));
        }
        self.database.connection_url()?;
        Ok(self)
    }
}
