//! The hub is killed in the middle of a COPY.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;

use super::{Slowed, night, pause};
use crate::judge::is_whole;

fn killed_while_it_fills(table: &'static str) {
    let mut hub = Hub::on(Store::Postgres).chunk(400).start();
    let url = hub.database().url.clone();
    let slowed = Slowed::on(&url, table, pause(table));
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_200)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    slowed.wait_for_rows();
    hub.kill9();
    slowed.undo();
    hub.start_again();
    is_whole(&hub, &id, 1_200);
}

#[test]
fn a_hub_killed_while_it_copies_contributions_loses_and_doubles_nothing() {
    killed_while_it_fills("contribution");
}

#[test]
fn a_hub_killed_while_it_copies_versions_loses_and_doubles_nothing() {
    killed_while_it_fills("entity_version");
}

#[test]
fn a_hub_killed_while_it_writes_the_staging_list_loses_and_doubles_nothing() {
    killed_while_it_fills("staging");
}
