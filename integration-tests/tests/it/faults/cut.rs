//! The database ends a connection, or a transaction that stands in a deadlock.

use integration_tests::hub::{Hub, shape};
use integration_tests::postgres::Postgres;
use integration_tests::store::Store;

use super::{Slowed, night, pause, wait_for};
use crate::judge::is_whole;

const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND state = 'active' \
     AND (query LIKE 'COPY%' OR query LIKE 'INSERT INTO \"staging\"%')";

fn cut_while_it_fills(table: &'static str) {
    let hub = Hub::on(Store::Postgres).chunk(400).start();
    let slowed = Slowed::on(&hub.database().url, table, pause(table));
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_200)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    for _ in 0..3 {
        wait_for("a statement that is cut", || (hub.database().sql(CUT) != "0").then_some(()));
    }
    slowed.undo();
    is_whole(&hub, &id, 1_200);
}

#[test]
fn an_inspection_whose_connection_is_cut_ends_by_itself() {
    cut_while_it_fills("staging");
}

#[test]
fn an_apply_whose_connection_is_cut_ends_by_itself() {
    cut_while_it_fills("contribution");
}

#[test]
fn a_chunk_that_loses_a_deadlock_is_done_again() {
    let hub = Hub::on(Store::Postgres).lease_ms(30_000).chunk(100).start();
    hub.administrator();
    let slowed = Slowed::on(&hub.database().url, "contribution", 3);
    let receipt = hub.department("social-security").deliver(&night("20261101", 600)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    slowed.wait_for_rows();
    // Somebody has the delivery's row, which a chunk updates last, and then wants what the chunk has. The hub waits first,
    // so that it is the hub that finds the deadlock.
    let sql = format!(
        "SET deadlock_timeout = '60s'; BEGIN; SELECT 1 FROM delivery WHERE id = '{id}' FOR UPDATE; SELECT pg_sleep(0.5); \
         SELECT 1 FROM writer FOR UPDATE; COMMIT"
    );
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    wait_for("a deadlock", || {
        let output =
            Postgres::shared().program("psql").args(["-X", "-q", "-d", &hub.database().url, "-c", &sql]).output();
        assert!(output.unwrap().status.success(), "the hub gives way");
        std::thread::sleep(std::time::Duration::from_millis(300));
        (hub.database().sql(deadlocks) != "0").then_some(())
    });
    slowed.undo();
    is_whole(&hub, &id, 600);
}
