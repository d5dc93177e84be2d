//! The two stores a case must hold on.

use crate::postgres::{Database, Postgres};

/// Which database the hub runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The embedded one.
    Sqlite,
    /// The private cluster.
    Postgres,
}

impl Store {
    /// Both, for a case that is quick enough to be one test.
    pub fn both() -> [Self; 2] {
        [Self::Sqlite, Self::Postgres]
    }

    /// A fresh database where the store is a server's.
    pub(crate) fn database(self) -> Option<Database> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Postgres::shared().database()),
        }
    }
}
