//! The hub is killed in the middle of a COPY.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;

use super::{Slowed, night};
use crate::judge::is_whole;

fn killed_in_a_copy_into(table: &'static str) {
    let mut hub = Hub::on(Store::Postgres).chunk(400).start();
    let url = hub.database().url.clone();
    let slowed = Slowed::on(&url, table, 2);
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_200)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    slowed.wait_for_copy();
    hub.kill9();
    slowed.undo();
    hub.start_again();
    is_whole(&hub, &id, 1_200);
}

#[test]
fn a_hub_killed_while_it_copies_contributions_loses_and_doubles_nothing() {
    killed_in_a_copy_into("contribution");
}

#[test]
fn a_hub_killed_while_it_copies_versions_loses_and_doubles_nothing() {
    killed_in_a_copy_into("entity_version");
}

#[test]
fn a_hub_killed_while_it_copies_the_staging_list_loses_and_doubles_nothing() {
    killed_in_a_copy_into("staging");
}
