//! `[database]`: where the store is, how it is reached, and how long anything there may take. Opens nothing.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// What libpq knows of TLS. `verify-full` is the one for production: it checks the certificate and the name.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` or `postgres://...`; what libpq knows may follow behind `?`.
    pub url: String,
    /// Connections for reading.
    pub read_connections: u32,
    /// Connections for writing to PostgreSQL; SQLite has one.
    pub write_connections: u32,
    /// Longest wait for PostgreSQL to answer a new connection, in seconds.
    pub connect_timeout_s: u64,
    /// Longest statement of a read, in seconds; 0 for no limit. PostgreSQL only, as are those that follow.
    pub read_timeout_s: u64,
    /// Longest statement of a write, in seconds: one COPY of a chunk is one statement.
    pub write_timeout_s: u64,
    /// Longest wait of a write for somebody else's lock, in seconds.
    pub lock_timeout_s: u64,
    /// `disable`, `allow`, `prefer` (libpq's own default), `require`, `verify-ca` or `verify-full`.
    pub sslmode: Option<String>,
    /// PEM file of the authorities that may have signed the server's certificate.
    pub sslrootcert: Option<PathBuf>,
    /// PEM file of the hub's own certificate, where the server asks for one.
    pub sslcert: Option<PathBuf>,
    /// PEM file of its key.
    pub sslkey: Option<PathBuf>,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://data/hub.db".to_owned(),
            read_connections: 8,
            write_connections: 8,
            connect_timeout_s: 10,
            read_timeout_s: 60,
            write_timeout_s: 600,
            lock_timeout_s: 30,
            sslmode: None,
            sslrootcert: None,
            sslcert: None,
            sslkey: None,
        }
    }
}

impl DatabaseConfig {
    /// Whether the store is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        is_postgres(&self.url)
    }

    /// The URL with all that libpq is to be told.
    pub fn connection_url(&self) -> Result<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let told = [
            ("sslmode", self.sslmode.clone()),
            ("sslrootcert", path(&self.sslrootcert)),
            ("sslcert", path(&self.sslcert)),
            ("sslkey", path(&self.sslkey)),
        ];
        if !self.is_postgres() {
            return match told.iter().find(|(_, value)| value.is_some()) {
                Some((name, _)) => Err(wrong(format!("database.{name} is for PostgreSQL"))),
                None => Ok(self.url.clone()),
            };
        }
        if let Some(mode) = self.sslmode.as_deref().filter(|mode| !SSL_MODES.contains(mode)) {
            return Err(wrong(format!("database.sslmode '{mode}' is none of {}", SSL_MODES.join(", "))));
        }
        let mut url = self.url.clone();
        for (name, value) in told.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if self.says(name) {
                return Err(wrong(format!("database.url and database.{name} both say {name}")));
            }
            add(&mut url, name, &value);
        }
        let seconds = self.connect_timeout_s.max(2).to_string();
        // A database whose machine is gone is noticed, and not waited for until the system gives up after hours.
        for (name, value) in [
            ("connect_timeout", seconds.as_str()),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "4"),
            ("tcp_user_timeout", "30000"),
            // Else libpq looks for Kerberos tickets before every connection.
            ("gssencmode", "disable"),
        ] {
            if !self.says(name) {
                add(&mut url, name, value);
            }
        }
        Ok(url)
    }

    /// Whether the URL says it already.
    fn says(&self, name: &str) -> bool {
        let (_, query) = self.url.split_once('?').unwrap_or_default();
        query.split('&').any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name))
    }
}

/// Whether a URL names a PostgreSQL.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn add(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(name);
    url.push('=');
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => url.push(char::from(byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
}

fn wrong(text: String) -> Error {
    Error::new(Kind::Config, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(url: &str) -> DatabaseConfig {
        DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() }
    }

    #[test]
    fn keys_become_what_libpq_reads() {
        let config = DatabaseConfig {
            sslmode: Some("verify-full".to_owned()),
            sslrootcert: Some(PathBuf::from("/etc/hub/根 ca.pem")),
            ..postgres("postgres://hub@db/hub")
        };
        let url = config.connection_url().expect("a URL");
        let start =
            "postgres://hub@db/hub?sslmode=verify-full&sslrootcert=/etc/hub/%E6%A0%B9%20ca.pem&connect_timeout=10&";
        assert!(url.starts_with(start), "{url}");
    }

    #[test]
    fn what_the_url_says_is_kept() {
        let url = postgres("postgres://hub@db/hub?connect_timeout=3&sslmode=require").connection_url().expect("a URL");
        assert!(url.starts_with("postgres://hub@db/hub?connect_timeout=3&sslmode=require&keepalives_idle=10"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
    }

    #[test]
    fn contradictions_are_refused() {
        let mode = |mode: &str, url: &str| DatabaseConfig { sslmode: Some(mode.to_owned()), ..postgres(url) };
        for wrong in [
            mode("verify-all", "postgres://db/hub"),
            mode("require", "postgres://db/hub?sslmode=disable"),
            mode("require", "sqlite://hub.db"),
        ] {
            assert_eq!(wrong.connection_url().expect_err("a contradiction").kind, Kind::Config, "{wrong:?}");
        }
    }
}
