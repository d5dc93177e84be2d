//! The schedule: a tick is a job row, planned once whoever ticks, and caught up once after an absence.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use serde_json::Value;

use super::wait_for;

/// The housekeeping of each night.
const NIGHTLY: &str = "/v1/jobs?kind=clean-up";

fn nightly(hub: &Hub) -> Vec<Value> {
    let administrator = hub.administrator();
    wait_for("the end of the jobs", || {
        let jobs = shape::items(&administrator.get(NIGHTLY).good()).to_vec();
        (!jobs.is_empty() && jobs.iter().all(|job| job["state"] == "done")).then_some(jobs)
    })
}

#[test]
fn ticks_that_were_missed_are_caught_up_once() {
    let mut hub = Hub::started(Store::Postgres);
    let first = nightly(&hub);
    assert_eq!(first.len(), 1, "the latest tick before the start: {first:?}");
    assert!(first[0]["planned_at"].as_str().unwrap().ends_with("T03:30:00+08:00"), "{first:?}");

    hub.kill9();
    hub.start_again();
    assert_eq!(nightly(&hub), first, "that tick has been");

    assert!(hub.stop().success());
    hub.database().sql("UPDATE job SET planned_at = planned_at - 30 * 86400000000 WHERE kind = 'clean-up'");
    hub.start_again();
    let after = nightly(&hub);
    // The clean-up has removed the job of thirty days ago.
    assert_eq!(after.len(), 1, "thirty ticks were missed, one is caught up: {after:?}");
    assert_eq!(after[0]["planned_at"], first[0]["planned_at"]);
    assert_ne!(after[0]["id"], first[0]["id"]);
}

#[test]
fn two_hubs_plan_a_tick_once() {
    let hub = Hub::started(Store::Postgres);
    let other = Hub::on(Store::Postgres).beside(&hub).start();
    let administrator = other.administrator();
    // Both look through their drop folders each second.
    wait_for("four ticks", || {
        let jobs = administrator.get("/v1/jobs?kind=drop-scan&state=done&limit=1000").good();
        (shape::items(&jobs).len() >= 4).then_some(())
    });
    let sql = |text: &str| hub.database().sql(text);
    assert_eq!(sql("SELECT count(*) - count(DISTINCT (kind, subject, planned_at)) FROM job"), "0");
    assert_eq!(sql("SELECT count(*) FROM job WHERE attempts > 1"), "0", "each was run by one of the two");
    assert_eq!(sql("SELECT count(*) FROM job WHERE kind = 'clean-up'"), "1", "the second start caught up nothing");
    drop(other);
}
