//! Back to a moment of yesterday: the store is restored, has a new epoch, and nobody goes on from what is no more.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::hub::{Agreement, Client, Hub, shape};
use integration_tests::kafka::Kafka;
use integration_tests::place;
use integration_tests::postgres::{Private, Stopping};
use integration_tests::store::Store;
use serde_json::{Value, json};

use crate::faults::{night, wait_for};
use crate::judge::{changes, conserved, without_gap};

fn agreement() -> Agreement {
    Agreement::new("platform").fields("resident", &["name"]).everywhere()
}

fn relay(hub: &Hub) -> Value {
    hub.json(&["status"])["relays"][0].clone()
}

fn cursor(client: &Client) -> String {
    client.get("/v1/changes?limit=1000").good()["next"].as_str().unwrap().to_owned()
}

/// A copy of a folder as it is now, in which nothing is ever deleted: as `rsync -a` without `--delete`.
fn copied(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(format!("{}/.", from.display())).arg(to).status();
    assert!(done.is_ok_and(|status| status.success()));
}

/// The store says what was restored, an old cursor is answered 410 with the way to begin again, the relay has stopped and
/// says what to do, and a new load works.
fn goes_on_in_a_new_epoch(hub: &mut Hub, old: &str, people: u32) {
    hub.start_again();
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    assert_eq!(hub.json(&["status"])["dataset"]["residents"], people);
    let consumer = hub.consumer("platform");
    let answer = consumer.get(&format!("/v1/changes?after={old}"));
    let problem = answer.refused(410);
    assert_eq!(problem["code"], "epoch-changed", "{answer}");
    assert!(problem["resync"].as_str().is_some_and(|way| way.contains("/v1/residents")), "{answer}");
    let resynced = consumer.get("/v1/residents?limit=1000").good();
    assert_eq!(shape::items(&resynced).len(), people.min(1_000) as usize);

    let stopped = wait_for("the relay to stop", || Some(relay(hub)).filter(|relay| relay["state"] == "relay-stopped"));
    let message = stopped["message"].as_str().unwrap();
    assert!(message.contains("hub relay reset platform") && message.contains("另一个数据库"), "{message}");

    let applied = hub.deliver(&night("20261110", people + 3));
    assert_eq!(applied["applied"], 3, "{applied}");
    conserved(&[applied]);
    let next = consumer.get(&format!("/v1/changes?after={}", problem["cursor"].as_str().unwrap())).good();
    assert_eq!(shape::items(&next).len(), 3, "the cursor it was given goes on: {next}");
    without_gap(&changes(&hub.administrator()));
    hub.json(&["relay", "reset", "platform"]);
    wait_for("the relay to run", || Some(relay(hub)).filter(|relay| relay["state"] == "running"));
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

#[test]
fn postgres_is_restored_to_a_moment_and_begins_a_new_epoch() {
    let archive = place::temporary_folder("archive");
    let mut cluster = Private::initialised(&[
        "archive_mode=on",
        &format!("archive_command=test ! -f {0}/%f && cp %p {0}/%f", archive.path().display()),
    ]);
    cluster.owned(archive.path());
    cluster.start();
    cluster.sql("postgres", "CREATE DATABASE hub");
    let (kafka, url) = (Kafka::shared(), cluster.url("hub"));
    let prefix = kafka.prefix();
    let mut hub = Hub::on(Store::Postgres).at(&url).kafka(kafka, &prefix).agreement(agreement()).start();
    // Tokens are part of the store too: these were there before the backup.
    hub.consumer("platform");
    hub.administrator();
    assert_eq!(hub.deliver(&night("20261101", 20))["applied"], 20);

    // As operations.md has it: the base backup, then the landing folder; the log goes to the archive by itself.
    let base = cluster.folder("base");
    cluster.run(
        "pg_basebackup",
        &["-d", &cluster.url("postgres"), "-D", &base.display().to_string(), "-X", "none", "-c", "fast"],
    );
    assert_eq!(hub.deliver(&night("20261102", 25))["applied"], 5);
    let moment = cluster.sql("hub", "SELECT now()");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let lost = hub.deliver(&night("20261103", 40));
    assert_eq!(lost["applied"], 15);
    let old = cursor(&hub.consumer("platform"));
    let sent = hub.json(&["status"])["last_seq"].clone();
    wait_for("the relay", || (relay(&hub)["seq"] == sent).then_some(()));
    hub.kill9();
    cluster.sql("postgres", "SELECT pg_switch_wal()");
    cluster.stop(Stopping::Orderly);

    restore(&cluster, &base, archive.path(), &moment);
    cluster.start();
    wait_for("the end of recovery", || (cluster.sql("hub", "SELECT pg_is_in_recovery()") == "f").then_some(()));
    let restored = hub.json(&["restored"]);
    assert_eq!(restored["last_seq"], 25, "{restored}");
    let without: Vec<&str> =
        restored["without_delivery"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(without.len() == 1 && without[0].contains(lost["id"].as_str().unwrap()), "{restored}");
    assert_eq!(restored["without_bytes"], json!([]));
    goes_on_in_a_new_epoch(&mut hub, &old, 25);
    drop(hub);
}

fn restore(cluster: &Private, base: &Path, archive: &Path, moment: &str) {
    let data = cluster.data();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(base, &data).unwrap();
    let settings = format!(
        "restore_command = 'cp {}/%f %p'\nrecovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n",
        archive.display()
    );
    let file = data.join("postgresql.auto.conf");
    std::fs::write(&file, settings).unwrap();
    cluster.owned(&file);
    std::fs::write(data.join("recovery.signal"), "").unwrap();
    cluster.owned(&data.join("recovery.signal"));
    // The folder of a server is its own alone.
    let private = Command::new("chmod").arg("700").arg(&data).status();
    assert!(private.is_ok_and(|status| status.success()));
}

#[test]
fn an_embedded_store_is_backed_up_while_it_works_and_restored() {
    let kafka = Kafka::shared();
    let prefix = kafka.prefix();
    let mut hub = Hub::on(Store::Sqlite).chunk(20).kafka(kafka, &prefix).agreement(agreement()).start();
    hub.consumer("platform");
    hub.administrator();
    assert_eq!(hub.deliver(&night("20261101", 20))["applied"], 20);
    let receipt = hub.department("social-security").deliver(&night("20261102", 2_000)).good();
    let (file, landing) = (hub.folder().join("backup.db"), place::temporary_folder("landing"));
    wait_for("the first rows", || {
        let found = hub.administrator().get(&shape::delivery_path(shape::delivery_id(&receipt))).good();
        (found["applied"].as_i64() > Some(0)).then_some(())
    });
    hub.json(&["backup", &file.display().to_string()]);
    copied(&hub.folder().join("landing"), landing.path());
    let again = hub.command(&["backup", &file.display().to_string()]);
    assert!(again.status.code() == Some(2) && String::from_utf8_lossy(&again.stderr).contains("there already"));
    let applied = hub.decided(shape::delivery_id(&receipt));
    assert_eq!(applied["applied"], 1_980, "a backup stops nothing: {applied}");
    assert_eq!(hub.deliver(&night("20261103", 2_010))["applied"], 10);
    let old = cursor(&hub.consumer("platform"));
    let sent = hub.json(&["status"])["last_seq"].clone();
    wait_for("the relay", || (relay(&hub)["seq"] == sent).then_some(()));
    hub.kill9();

    // The database and the landing folder are lost; the secret was kept.
    let lost: Vec<PathBuf> = ["hub.db", "hub.db-wal", "hub.db-shm"].map(|name| hub.folder().join(name)).into();
    lost.iter().for_each(|file| drop(std::fs::remove_file(file)));
    std::fs::remove_dir_all(hub.folder().join("landing")).unwrap();
    std::fs::rename(&file, &lost[0]).unwrap();
    std::fs::create_dir(hub.folder().join("landing")).unwrap();
    copied(landing.path(), &hub.folder().join("landing"));
    let restored = hub.json(&["restored"]);
    assert!(
        restored["last_seq"].as_i64().is_some_and(|seq| (20..2_000).contains(&seq)),
        "in the middle of a load: {restored}"
    );
    assert_eq!(restored["without_bytes"], json!([]), "{restored}");
    // What was on its way when the backup was made goes on from its checkpoint and the copied bytes.
    hub.start_again();
    assert_eq!(hub.decided(shape::delivery_id(&receipt))["applied"], 1_980);
    assert!(hub.stop().success());
    goes_on_in_a_new_epoch(&mut hub, &old, 2_000);
}

#[test]
fn a_hub_at_work_ends_when_its_store_gets_a_new_epoch() {
    let mut hub = Hub::started(Store::Postgres);
    hub.administrator();
    let said = String::from_utf8_lossy(&hub.command(&["backup", "copy.db"]).stderr).into_owned();
    assert!(said.contains("pg_basebackup") && !hub.folder().join("copy.db").exists(), "{said}");
    let epoch = hub.json(&["status"])["epoch"].clone();
    let restored = hub.json(&["restored"]);
    assert_ne!(restored["epoch"], epoch);
    wait_for("the end of the hub", || (!hub.is_running()).then_some(()));
    assert!(hub.log_text().contains("new epoch"), "{}", hub.log_tail());
    hub.stop_waiting();
    hub.start_again();
    assert_eq!(hub.json(&["status"])["epoch"], restored["epoch"]);
    assert_eq!(hub.deliver(&night("20261101", 2))["applied"], 2);
}

#[test]
fn a_restore_without_its_secret_is_refused() {
    let mut hub = Hub::started(Store::Sqlite);
    assert!(hub.stop().success());
    let secret = hub.folder().join("secret");
    let kept = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    let said = String::from_utf8_lossy(&hub.command(&["restored"]).stderr).into_owned();
    assert!(said.contains("restore it first") && !secret.exists(), "{said}");
    std::fs::write(&secret, b"another secret of another hub....").unwrap();
    let said = String::from_utf8_lossy(&hub.command(&["restored"]).stderr).into_owned();
    assert!(said.contains("another hub secret"), "{said}");
    std::fs::write(&secret, kept).unwrap();
    hub.json(&["restored"]);
}
