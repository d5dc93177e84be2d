//! PostgreSQL itself ends in the middle of a chunk, as by a crash, and comes back.

use integration_tests::hub::{Hub, shape};
use integration_tests::postgres::{Private, Stopping};
use integration_tests::store::Store;

use super::{Slowed, night, pause};
use crate::judge::is_whole;

fn stopped_while_it_fills(table: &'static str) {
    let mut cluster = Private::started(&[]);
    cluster.sql("postgres", "CREATE DATABASE hub");
    let url = cluster.url("hub");
    let mut hub = Hub::on(Store::Postgres).at(&url).chunk(400).start();
    let slowed = Slowed::on(&url, table, pause(table));
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_200)).good();
    hub.administrator();
    let id = shape::delivery_id(&receipt).to_owned();
    slowed.wait_for_rows();
    cluster.stop(Stopping::AtOnce);
    // Long enough for the hub to meet a database that is away.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert!(hub.is_running());
    cluster.start();
    slowed.undo();
    is_whole(&hub, &id, 1_200);
    assert!(hub.is_running());
    drop(hub);
}

#[test]
fn a_load_ends_by_itself_when_postgres_was_stopped_at_once_in_a_chunk() {
    stopped_while_it_fills("contribution");
}

#[test]
fn a_load_ends_by_itself_when_postgres_was_stopped_at_once_in_an_inspection() {
    stopped_while_it_fills("staging");
}
