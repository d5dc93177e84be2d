//! Faults of a real PostgreSQL in the middle of a load: nothing is lost, nothing is doubled, and the load ends by itself.

mod cut;
mod full;
mod killed;
mod stopped;

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use integration_tests::world::{Delivery, Person, insured, insured_persons};

/// A night of the first so many people.
pub fn night(date: &str, people: u32) -> Delivery {
    insured_persons(date, 1, (1..=people).map(|number| insured(&Person::nth(number), &number.to_string())))
}

/// Asks again and again until there is an answer; three minutes are long enough for anything here.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(180), "{what} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How long a row of a table takes where a case wants to meet it: of the staging list a row is a page of many.
fn pause(table: &str) -> u32 {
    if table == "staging" { 1_500 } else { 2 }
}

/// A table into which every row takes its time, so that a case can meet the statement that fills it.
pub struct Slowed {
    url: String,
    table: &'static str,
}

impl Slowed {
    /// Each row of `table` takes so many milliseconds from now on.
    pub fn on(url: &str, table: &'static str, milliseconds: u32) -> Self {
        let slowed = Self { url: url.to_owned(), table };
        slowed.sql(&format!(
            "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM pg_sleep({milliseconds} / 1000.0); RETURN NEW; END $$; \
             CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION slow()"
        ));
        slowed
    }

    /// Waits until a statement that fills the table is on its way.
    #[track_caller]
    pub fn wait_for_rows(&self) {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut conn = PgConnection::establish(&self.url).unwrap();
        let sql = format!(
            "SELECT count(*) AS count FROM pg_stat_activity WHERE state = 'active' \
             AND (query LIKE 'COPY \"{0}\"%' OR query LIKE 'INSERT INTO \"{0}\"%')",
            self.table
        );
        wait_for("a statement that fills the table", || {
            let found: Count = diesel::sql_query(&sql).get_result(&mut conn).unwrap();
            (found.count > 0).then_some(())
        });
        // Not before its first rows.
        std::thread::sleep(Duration::from_millis(100));
    }

    /// Rows go their usual way again.
    pub fn undo(&self) {
        self.sql(&format!("DROP TRIGGER slow ON {}", self.table));
    }

    fn sql(&self, sql: &str) {
        PgConnection::establish(&self.url)
            .and_then(|mut conn| {
                conn.batch_execute(sql).map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))
            })
            .unwrap();
    }
}
