//! A hub that serves: `hub serve` on a loaded PostgreSQL store, until the value is dropped.

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use integration_tests::postgres::Database;
use integration_tests::{Postgres, guard, place};

use super::Result;
use super::http::Connection;
use super::install::Install;
use super::options::Plan;
use super::rows;

/// A running hub.
#[derive(Debug)]
pub struct Serving {
    /// Its configuration, for commands beside it.
    pub hub: Install,
    // Dropped after the process has ended.
    _database: Database,
    port: u16,
    process: Child,
}

/// A store that holds the insured persons of the night, at rest.
pub fn loaded(plan: &Plan) -> Result<Database> {
    let night = plan.night()?;
    let database = Postgres::shared().database();
    let hub = Install::new(folder(plan, "pg-loading"), &database.url, &plan.secret(), "")?;
    hub.ingest(&night.insured)?;
    hub.remove()?;
    rows::settle(&database);
    Ok(database)
}

impl Serving {
    /// Serves a copy of a store; `more` is added to the configuration.
    pub fn start(plan: &Plan, store: &Database, more: &str) -> Result<Self> {
        let database = Postgres::shared().database_like(store);
        let port = place::free_port();
        let more = format!("\n[server]\nlisten = \"127.0.0.1:{port}\"\n{more}");
        let hub = Install::new(folder(plan, &format!("pg-serving-{port}")), &database.url, &plan.secret(), &more)?;
        let process = hub.start(&["serve"])?;
        let mut serving = Self { hub, _database: database, port, process };
        serving.wait()?;
        Ok(serving)
    }

    /// A connection that is kept.
    pub fn connect(&self, token: &str) -> Result<Connection> {
        Connection::open(self.port, token)
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            let ready = Connection::open(self.port, "-").and_then(|mut connection| connection.get("/readyz"));
            if ready.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            if self.process.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(60) {
                return Err(format!("the hub does not start:\n{}", self.hub.log_tail()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It is a hub of this run alone: what it leaves is dropped with it.
        let _ = self.process.kill().and_then(|()| self.process.wait());
        guard::forget(self.process.id());
    }
}

fn folder(plan: &Plan, name: &str) -> PathBuf {
    plan.folder().join(name)
}
