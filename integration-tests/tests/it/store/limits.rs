//! How long anything in the database may take: reads are cut early, a chunk is not, and nobody waits for a lock for ever.

use std::process::Stdio;

use integration_tests::hub::{Hub, shape};
use integration_tests::postgres::Postgres;
use integration_tests::store::Store;

use super::night;
use crate::faults::{Slowed, wait_for};
use crate::judge::is_whole;

/// A session that holds a table until it is dropped.
struct Held(std::process::Child);

impl Held {
    fn table(hub: &Hub, table: &str) -> Self {
        let sql = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)");
        let mut psql = Postgres::shared().program("psql");
        psql.args(["-X", "-q", "-d", &hub.database().url, "-c", &sql]).stdin(Stdio::null()).stdout(Stdio::null());
        let held = Self(psql.stderr(Stdio::null()).spawn().expect("psql runs"));
        wait_for("the lock", || {
            let found = hub.database().sql(&format!(
                "SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass AND mode = 'AccessExclusiveLock' AND granted"
            ));
            (found == "1").then_some(())
        });
        held
    }

    fn let_go(mut self, hub: &Hub) {
        hub.database().sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%' AND datname = current_database() AND pid <> pg_backend_pid()");
        self.0.wait().expect("the end of psql");
    }
}

#[test]
fn a_read_is_cut_and_a_chunk_is_not() {
    let hub = Hub::on(Store::Postgres).database("read_timeout_s = 1").chunk(2_000).start();
    // One statement of 1,500 rows takes 3 s at the least, and a read may take one.
    let slowed = Slowed::on(&hub.database().url, "contribution", 2);
    let id =
        shape::delivery_id(&hub.department("social-security").deliver(&night("20261101", 1_500)).good()).to_owned();
    slowed.wait_for_rows();
    is_whole(&hub, &id, 1_500);
    slowed.undo();

    let held = Held::table(&hub, "entity");
    let answer = hub.administrator().get("/v1/residents");
    let problem = answer.refused(503);
    assert_eq!(problem["code"], "statement-timeout", "{answer}");
    assert!(problem["detail_zh"].as_str().is_some_and(|text| text.contains("read_timeout_s")), "{answer}");
    held.let_go(&hub);
    hub.administrator().get("/v1/residents").good();
}

#[test]
fn nobody_waits_for_a_lock_for_ever() {
    let hub = Hub::on(Store::Postgres).database("lock_timeout_s = 1\nwrite_connections = 3").start();
    let department = hub.department("social-security");
    let held = Held::table(&hub, "delivery");
    let answer = department.deliver(&night("20261101", 3));
    assert_eq!(answer.refused(503)["code"], "lock-timeout", "{answer}");
    held.let_go(&hub);
    let applied = hub.deliver(&night("20261101", 3));
    assert_eq!(applied["applied"], 3, "{applied}");
    let connections = hub.database().sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'hub-%' AND datname = current_database()",
    );
    assert!(connections.parse::<u32>().unwrap() <= 3 + 8, "{connections} connections");
}
