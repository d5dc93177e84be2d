//! Jobs: taken over from the dead, tried again after a fault, queued again by a person.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use serde_json::{Value, json};

use super::wait_for;

fn large(rows: u32) -> Delivery {
    insured_persons("20261101", 1, (1..=rows).map(|number| insured(&Person::nth(number), &number.to_string())))
}

/// A job of a delivery with its runs.
fn job(hub: &Hub, kind: &str, delivery: &str) -> Option<Value> {
    let administrator = hub.administrator();
    let jobs = administrator.get(&format!("/v1/jobs?kind={kind}&subject={delivery}")).good();
    let id = shape::items(&jobs).first()?["id"].as_str()?.to_owned();
    Some(administrator.get(&format!("/v1/jobs/{id}")).good())
}

fn outcomes(job: &Value) -> Vec<&str> {
    job["runs"].as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap_or("running")).collect()
}

#[track_caller]
fn is_whole(hub: &Hub, delivery: &str, rows: u32) {
    let applied = hub.decided(delivery);
    assert_eq!((&applied["state"], &applied["applied"]), (&json!("applied"), &json!(rows)), "{applied}");
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

fn a_killed_hubs_job_is_lost_and_run_again(store: Store) {
    let mut hub = Hub::started(store);
    let receipt = hub.department("social-security").deliver(&large(4_000)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    wait_for("the inspection", || job(&hub, "inspect", &id).filter(|job| job["state"] == "running"));
    hub.kill9();
    hub.start_again();
    is_whole(&hub, &id, 4_000);
    let inspected = job(&hub, "inspect", &id).unwrap();
    assert_eq!((&inspected["state"], outcomes(&inspected)), (&json!("done"), vec!["lost", "done"]), "{inspected}");
}

#[test]
fn a_killed_hubs_job_is_lost_and_run_again_on_sqlite() {
    a_killed_hubs_job_is_lost_and_run_again(Store::Sqlite);
}

#[test]
fn a_killed_hubs_job_is_lost_and_run_again_on_postgres() {
    a_killed_hubs_job_is_lost_and_run_again(Store::Postgres);
}

#[test]
fn a_job_goes_on_when_the_database_has_cut_its_connections() {
    let hub = Hub::started(Store::Postgres);
    let receipt = hub.department("social-security").deliver(&large(3_000)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    wait_for("the inspection", || job(&hub, "inspect", &id).filter(|job| job["state"] == "running"));
    for _ in 0..8 {
        hub.database().sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
    // A request that meets a cut connection may fail; the delivery may not.
    let administrator = hub.administrator();
    wait_for("the delivery", || {
        let found = administrator.try_get(&shape::delivery_path(&id))?;
        (found.status == 200 && found.json()["state"] == "applied").then_some(())
    });
    is_whole(&hub, &id, 3_000);
}

#[test]
fn a_job_that_needs_a_person_waits_and_is_queued_again() {
    let hub = Hub::on(Store::Postgres).failed_jobs_allowed().start();
    let database = hub.database();
    // The clean-up of the night before is caught up at start, and looks at staging too.
    wait_for("the clean-up", || job(&hub, "clean-up", "").filter(|job| job["state"] == "done"));
    database.sql("ALTER TABLE staging RENAME TO staging_away");
    let receipt = hub.department("social-security").deliver(&large(10)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    let waiting = wait_for("a fault", || job(&hub, "inspect", &id).filter(|job| job["state"] == "waiting"));
    assert!(waiting["message"].as_str().is_some_and(|message| message.contains("hub verify")), "{waiting}");
    assert_eq!(outcomes(&waiting), ["waiting"]);
    let status = hub.administrator().get("/v1/status").good();
    assert_eq!(status["jobs"]["waiting"], 1, "{status}");

    database.sql("ALTER TABLE staging_away RENAME TO staging");
    let path = format!("/v1/jobs/{}/retry", waiting["id"].as_str().unwrap());
    assert_eq!(hub.department("social-security").post(&path, &json!({})).status, 403);
    assert_eq!(hub.administrator().post(&path, &json!({})).good()["state"], "queued");
    is_whole(&hub, &id, 10);
    let done = job(&hub, "inspect", &id).unwrap();
    assert_eq!(outcomes(&done), ["waiting", "done"], "{done}");
    let again = hub.administrator().post(&path, &json!({}));
    assert_eq!(again.refused(409)["status"], 409);
}
