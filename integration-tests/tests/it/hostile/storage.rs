//! Storage that fills up: 507, nothing accepted, and work goes on by itself once there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::hub::{Hub, shape};
use integration_tests::place;
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use serde_json::json;

use super::{files_in, is_refused, is_unharmed};

/// A file that compresses to more than 2 MB.
fn large(date: &str) -> Delivery {
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    let rows = (1..=70).map(|number| {
        let text: String = (0..4_000).map(|_| noise()).collect();
        insured(&Person::nth(number), &number.to_string()).with("AAE006", &text)
    });
    insured_persons(date, 1, rows)
}

#[test]
fn a_full_landing_store_accepts_nothing() {
    let mut hub = Hub::on(Store::Sqlite).file_limit_kb(1_536).start();
    let landing = hub.folder().join("landing");
    full_then_room(&mut hub, &large("20261101"), &landing);
}

/// As on a small disk; only root may mount one, and everybody has the test above.
#[test]
fn a_full_disk_accepts_nothing() {
    let Some(disk) = Disk::mounted() else { return };
    let mut hub = Hub::on(Store::Sqlite).landing(&disk.folder).start();
    full_then_room(&mut hub, &large("20261101"), &disk.folder);
    drop(hub);
}

fn full_then_room(hub: &mut Hub, delivery: &Delivery, landing: &Path) {
    let department = hub.department("social-security");
    for _ in 0..2 {
        is_refused("a full disk", &department.deliver(delivery), (507, "landing-full"));
        is_refused("a full disk, dry", &department.inspect(delivery), (507, "landing-full"));
    }
    assert_eq!(hub.administrator().get("/v1/deliveries").good()["items"], json!([]));
    assert_eq!(files_in(landing), [], "what did not fit is not left behind");
    is_unharmed(hub);
}

#[test]
fn a_store_that_is_full_is_tried_again_until_there_is_room() {
    let mut hub = Hub::on(Store::Sqlite).file_limit_kb(3_000).start();
    let rows = (1..=3_000).map(|number| insured(&Person::nth(number), &number.to_string()));
    let receipt = hub.department("social-security").deliver(&insured_persons("20261101", 1, rows)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    wait_for_a_failed_attempt(&hub, &id);
    hub.kill9();
    hub.reconfigure(|setup| setup.no_file_limit());
    hub.start_again();
    let applied = hub.decided(&id);
    assert_eq!((&applied["state"], &applied["applied"]), (&json!("applied"), &json!(3_000)), "{applied}");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    is_unharmed(&mut hub);
}

fn wait_for_a_failed_attempt(hub: &Hub, delivery: &str) {
    for _ in 0..1_200 {
        let log = hub.log_text();
        if log.lines().any(|line| line.contains(delivery) && line.contains("a job failed"))
            || log.contains("looking for work failed")
        {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no attempt failed:\n{}", hub.log_tail());
}

/// A file system in memory of 1 MB.
struct Disk {
    folder: PathBuf,
    _parent: tempfile::TempDir,
}

impl Disk {
    fn mounted() -> Option<Self> {
        let parent = place::temporary_folder("disk");
        let folder = parent.path().join("disk");
        std::fs::create_dir(&folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&folder).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder, _parent: parent }),
            _ => {
                eprintln!("mounting is not allowed here; the limit on a file's size shows the same");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.folder).status();
    }
}
