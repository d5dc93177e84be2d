//! The one connection type over both databases. Owns how a connection is opened and how a database error is told apart.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel::{Connection, PgConnection, SqliteConnection};

use super::foundation::{SEALED, SEALED_MARK};
use crate::config::{DatabaseConfig, is_postgres};
use crate::error::{Error, Kind};

pub use derived::Conn;

mod derived {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to SQLite (embedded default) or PostgreSQL (production).
    #[derive(diesel::MultiConnection)]
    pub enum Conn {
        /// PostgreSQL 15 or later.
        Pg(PgConnection),
        /// The bundled SQLite.
        Sqlite(SqliteConnection),
    }
}

/// Runs one diesel body against the concrete connection, for what the common subset lacks (upserts, batch inserts).
macro_rules! each_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::conn::Conn::Pg($c) => $body,
            $crate::store::conn::Conn::Sqlite($c) => $body,
        }
    };
}
pub(crate) use each_backend;

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A `postgres://` URL.
    Postgres(String),
    /// Path of a SQLite file.
    Sqlite(String),
}

/// What a connection is for; it decides how long its statements may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Answers somebody: refuses to write.
    Reading,
    /// Lands, leases, applies.
    Writing,
    /// Changes the schema, backs up, copies: as long as it takes.
    Maintaining,
}

/// Opens connections, each for one purpose.
#[derive(Debug, Clone)]
pub struct Opener {
    /// Where.
    pub place: Place,
    /// What for.
    pub purpose: Purpose,
    /// What a connection to PostgreSQL is told first.
    setup: Arc<str>,
}

impl Place {
    /// Reads `postgres://...`, `postgresql://...` or `sqlite://PATH`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if is_postgres(url) {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            _ => Err(Error::new(Kind::Config, "database.url must begin with sqlite:// or postgres://")),
        }
    }
}

impl Opener {
    /// Opens for `purpose`, under a configuration, in the name of a hub.
    pub fn new(config: &DatabaseConfig, purpose: Purpose, instance: &str) -> Result<Self, Error> {
        let place = Place::parse(&config.connection_url()?)?;
        let mut setup = format!(
            "SET client_min_messages = warning; SET timezone = 'UTC'; SET application_name = '{}'",
            application_name(instance)
        );
        let DatabaseConfig { read_timeout_s, write_timeout_s, lock_timeout_s, .. } = config;
        setup.push_str(&match purpose {
            Purpose::Reading => {
                // A read is of one moment without saying so each time.
                format!(
                    "; SET default_transaction_read_only = on; SET statement_timeout = '{read_timeout_s}s'; \
                     SET default_transaction_isolation = 'repeatable read'"
                )
            }
            // A hub that stands still inside a transaction holds its locks no longer than this.
            Purpose::Writing => format!(
                "; SET statement_timeout = '{write_timeout_s}s'; SET lock_timeout = '{lock_timeout_s}s'; \
                 SET idle_in_transaction_session_timeout = '120s'; SET tcp_keepalives_idle = 10; \
                 SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4"
            ),
            Purpose::Maintaining => "; SET statement_timeout = 0".to_owned(),
        });
        Ok(Self { place, purpose, setup: setup.into() })
    }

    /// Opens a connection.
    pub fn open(&self) -> diesel::ConnectionResult<Conn> {
        let refused = |error: DbError| diesel::ConnectionError::BadConnection(error.to_string());
        match &self.place {
            Place::Postgres(url) => {
                let mut conn = PgConnection::establish(url)?;
                conn.batch_execute(&self.setup).map_err(refused)?;
                Ok(Conn::Pg(conn))
            }
            Place::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                conn.batch_execute(
                    "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
                )
                .map_err(refused)?;
                if self.purpose == Purpose::Reading {
                    conn.batch_execute("PRAGMA query_only = ON").map_err(refused)?;
                }
                Ok(Conn::Sqlite(conn))
            }
        }
    }
}

/// How PostgreSQL knows the connections of a hub, so that whoever takes over can end them. It keeps 63 bytes.
pub fn application_name(instance: &str) -> String {
    let plain = instance.rsplit('/').next().unwrap_or_default();
    let plain: String = plain.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("hub-{plain}")
}

impl diesel::r2d2::ManageConnection for Opener {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        self.open().map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let (kind, told) = told(&error);
        let fault = Error::new(kind, told.map_or("the database refused", |(_, en, _)| en)).because(error);
        match told {
            Some((code, _, zh)) => fault.coded(code, zh),
            None => fault,
        }
    }
}

/// A code, a sentence and the same in Chinese, where an administrator can do something about it.
type Told = Option<(&'static str, &'static str, &'static str)>;

fn told(error: &DbError) -> (Kind, Told) {
    let DbError::DatabaseError(kind, information) = error else {
        return match error {
            DbError::NotFound => (Kind::NotFound, None),
            DbError::BrokenTransactionManager | DbError::AlreadyInTransaction | DbError::NotInTransaction => {
                (Kind::Unavailable, None)
            }
            _ => (Kind::Internal, None),
        };
    };
    let message = information.message();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if says(&["disk is full", "No space left", "could not extend file", "disk I/O error", "Disk quota exceeded"]) {
        return (Kind::Full, Some(("store-full", "the database has no space left", "数据库存储空间已满。")));
    }
    if says(&["due to statement timeout"]) {
        let zh = "数据库语句超过 database.read_timeout_s 或 write_timeout_s。";
        let en = "a statement took longer than database.read_timeout_s or write_timeout_s allows";
        return (Kind::Unavailable, Some(("statement-timeout", en, zh)));
    }
    if says(&["due to lock timeout"]) {
        let en = "something else holds a lock in the database for longer than database.lock_timeout_s";
        return (Kind::Unavailable, Some(("lock-timeout", en, "数据库锁等待超过 database.lock_timeout_s。")));
    }
    if says(&[SEALED_MARK]) {
        return (Kind::Conflict, Some(SEALED));
    }
    let away =
        ["database is locked", "deadlock", "terminating connection", "server closed", "connection", "shutting down"];
    if says(&away) {
        return (Kind::Unavailable, None);
    }
    let kind = match kind {
        DatabaseErrorKind::UniqueViolation => Kind::Conflict,
        DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand => Kind::Unavailable,
        _ => Kind::Internal,
    };
    (kind, None)
}
