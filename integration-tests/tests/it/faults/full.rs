//! The database has no space left: the job waits, says why, and goes on once there is room.

use std::path::PathBuf;
use std::process::Command;

use integration_tests::hub::{Hub, shape};
use integration_tests::postgres::Private;
use integration_tests::store::Store;
use serde_json::Value;

use super::{night, wait_for};
use crate::judge::is_whole;

const PEOPLE: u32 = 6_000;

/// Waits until the job of a delivery says that the database is full, and returns it.
fn says_full(hub: &Hub, delivery: &str) -> Value {
    let administrator = hub.administrator();
    wait_for("a job that says why it waits", || {
        let jobs = administrator.get(&format!("/v1/jobs?subject={delivery}")).good();
        shape::items(&jobs)
            .iter()
            .find(|job| job["message"].as_str().is_some_and(|text| text.contains("no space left")))
            .cloned()
    })
}

fn waits_then_goes_on(hub: &Hub, id: &str, make_room: impl FnOnce()) {
    let job = says_full(hub, id);
    // Queued, or at work again by the time we look.
    let is_tried_again = ["queued", "running"].contains(&job["state"].as_str().unwrap());
    assert!(is_tried_again && job["finished_at"].is_null(), "{job}");
    let message = job["message"].as_str().unwrap();
    assert!(message.contains("空间") && message.contains("tries again by itself"), "{message}");
    assert_eq!(hub.json(&["verify"])["differences"], 0, "what is there is whole");
    make_room();
    is_whole(hub, id, PEOPLE);
}

/// A file system in memory as a tablespace. Only root may mount one; the case below needs no rights.
struct Disk(PathBuf);

impl Disk {
    fn mounted(cluster: &Private) -> Option<Self> {
        let folder = cluster.folder("disk");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&folder).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("mounting is not allowed here; the limit on a file's size shows the same");
            return None;
        }
        cluster.owned(&folder);
        Some(Self(folder))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=512m"]).arg(&self.0).status();
        assert!(grown.is_ok_and(|status| status.success()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_job_waits_while_the_disk_of_the_database_is_full_and_goes_on() {
    let cluster = Private::started(&[]);
    let Some(disk) = Disk::mounted(&cluster) else { return };
    cluster.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", disk.0.display()));
    cluster.sql("postgres", "CREATE DATABASE hub");
    let hub = Hub::on(Store::Postgres).at(&cluster.url("hub")).start();
    hub.administrator();
    // The rest of the database has room, so that the hub can say what is wrong.
    cluster.sql("hub", "ALTER TABLE contribution SET TABLESPACE small");
    let receipt = hub.department("social-security").deliver(&night("20261101", PEOPLE)).good();
    waits_then_goes_on(&hub, shape::delivery_id(&receipt), || disk.grow());
    drop(hub);
    drop(cluster);
}

#[test]
fn a_job_waits_while_a_table_may_not_grow_and_goes_on() {
    let cluster = Private::started(&[]);
    cluster.sql("postgres", "CREATE DATABASE hub");
    let hub = Hub::on(Store::Postgres).at(&cluster.url("hub")).start();
    hub.administrator();
    let department = hub.department("social-security");
    // A segment of the log has 1 MB here and is not meant.
    cluster.limit_files("1500000");
    let receipt = department.deliver(&night("20261101", PEOPLE)).good();
    waits_then_goes_on(&hub, shape::delivery_id(&receipt), || cluster.limit_files("unlimited"));
    drop(hub);
}
