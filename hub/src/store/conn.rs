//! The one connection type over both databases. Owns how a connection is opened and how a database error is told apart.

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel::{Connection, PgConnection, SqliteConnection};

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

impl Place {
    /// Reads `postgres://...`, `postgresql://...` or `sqlite://PATH`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            _ => Err(Error::new(Kind::Config, "database.url must begin with sqlite:// or postgres://")),
        }
    }

    /// Opens a connection; `writes` false makes it refuse to write.
    pub fn open(&self, writes: bool) -> diesel::ConnectionResult<Conn> {
        let refused = |error: DbError| diesel::ConnectionError::BadConnection(error.to_string());
        match self {
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url)?;
                let mut setup = "SET client_min_messages = warning; SET timezone = 'UTC'".to_owned();
                if !writes {
                    setup.push_str("; SET default_transaction_read_only = on; SET statement_timeout = '60s'");
                    // A read is of one moment without saying so each time.
                    setup.push_str("; SET default_transaction_isolation = 'repeatable read'");
                }
                conn.batch_execute(&setup).map_err(refused)?;
                Ok(Conn::Pg(conn))
            }
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                conn.batch_execute(
                    "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
                )
                .map_err(refused)?;
                if !writes {
                    conn.batch_execute("PRAGMA query_only = ON").map_err(refused)?;
                }
                Ok(Conn::Sqlite(conn))
            }
        }
    }
}

impl diesel::r2d2::ManageConnection for Opener {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        self.place.open(self.writes).map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

/// Opens the connections of one pool.
#[derive(Debug)]
pub struct Opener {
    /// Where.
    pub place: Place,
    /// Whether its connections may write.
    pub writes: bool,
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let kind = kind_of(&error);
        Error::new(kind, "the database refused").because(error)
    }
}

fn kind_of(error: &DbError) -> Kind {
    let DbError::DatabaseError(kind, information) = error else {
        return match error {
            DbError::NotFound => Kind::NotFound,
            DbError::BrokenTransactionManager | DbError::AlreadyInTransaction | DbError::NotInTransaction => {
                Kind::Unavailable
            }
            DbError::DeserializationError(_) => Kind::Internal,
            _ => Kind::Internal,
        };
    };
    let message = information.message();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if says(&["disk is full", "No space left", "could not extend file", "disk I/O error"]) {
        return Kind::Full;
    }
    if says(&[
        "database is locked",
        "deadlock",
        "terminating connection",
        "server closed",
        "connection",
        "shutting down",
    ]) {
        return Kind::Unavailable;
    }
    match kind {
        DatabaseErrorKind::UniqueViolation => Kind::Conflict,
        DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand => Kind::Unavailable,
        _ => Kind::Internal,
    }
}
