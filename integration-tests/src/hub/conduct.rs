//! What a hub may not be left with at the end of a case: failed jobs, held leases, open rejections.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Hub, shape};

/// What is left and was not announced, a line each.
pub(super) fn left_behind(hub: &Hub) -> Vec<String> {
    let allowed = hub.setup.allowed;
    let mut left = Vec::new();
    if !allowed.failed_jobs {
        left.extend(found(hub, "/v1/jobs?state=failed").iter().map(|job| format!("a failed job: {job}")));
    }
    if !allowed.leases {
        left.extend(leases_that_stay(hub).iter().map(|job| format!("a held lease: {job}")));
    }
    if !allowed.rejections {
        left.extend(found(hub, "/v1/rejections?state=open").iter().map(|one| format!("an open rejection: {one}")));
    }
    left
}

/// Jobs of the schedule may be at work at any moment; only a lease that stays was forgotten.
fn leases_that_stay(hub: &Hub) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let running = found(hub, "/v1/jobs?state=running");
        if running.is_empty() || started.elapsed() > Duration::from_secs(10) {
            return running;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn found(hub: &Hub, path: &str) -> Vec<Value> {
    let answer = hub.administrator().get(path);
    if answer.status == 200 { shape::items(&answer.json()).to_vec() } else { vec![Value::from(answer.to_string())] }
}
