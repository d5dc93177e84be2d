use serde_json::{Value, json};

use super::{FEED, HERE, World, file, row};

async fn only_rejection(world: &World, query: &str) -> Value {
    let page = world.get(&world.administrator, &format!("/v1/rejections{query}")).await.good();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
    page["items"][0].clone()
}

#[actix_web::test]
async fn a_clerk_repairs_a_row_and_it_is_used() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)])).await;
    let rejection = only_rejection(&world, &format!("?feed={FEED}&state=open")).await;
    let path = format!("/v1/rejections/{}", rejection["id"].as_str().unwrap());
    assert_eq!(rejection.get("fields"), None, "a list does not show the row");
    let whole = world.get(&world.department, &path).await.good();
    assert_eq!(whole["fields"]["AAC004"], "1");

    let still = world.post(&world.administrator, &format!("{path}/edit"), &json!({"fields": {"AAC003": " "}})).await;
    assert_eq!(still.refused(422), "still-wrong");
    assert!(still.json()["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));

    let edited = world.post(&world.administrator, &format!("{path}/edit"), &json!({"fields": {"AAC003": "Li"}})).await;
    let edited = edited.good();
    assert_eq!((&edited["outcome"], &edited["rejection"]["state"]), (&json!("replayed"), &json!("replayed")));
    let names: Vec<Value> = world.get(&world.administrator, "/v1/residents").await.good()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["data"]["name"].clone())
        .collect();
    assert!(names.contains(&json!("Li")), "columns that were not named stayed: {names:?}");
    let again = world.post(&world.administrator, &format!("{path}/edit"), &json!({"fields": {}})).await;
    assert_eq!(again.refused(409), "not-open");
}

#[actix_web::test]
async fn a_rejection_is_found_by_code_and_waived_once() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)])).await;
    let rejection = only_rejection(&world, "").await;
    let code = rejection["codes"][0].as_str().unwrap().to_owned();
    only_rejection(&world, &format!("?code={code}")).await;
    for nothing in ["?code=no-such-code", "?state=waived", "?feed=health/nothing"] {
        let page = world.get(&world.administrator, &format!("/v1/rejections{nothing}")).await.good();
        assert_eq!(page["items"], json!([]), "{nothing}");
    }
    let path = format!("/v1/rejections/{}/waive", rejection["id"].as_str().unwrap());
    let waived = world.post(&world.administrator, &path, &json!({})).await.good();
    assert_eq!((&waived["state"], &waived["decided_by"].is_string()), (&json!("waived"), &true));
    world.post(&world.administrator, &path, &json!({})).await.refused(409);
}

#[actix_web::test]
async fn a_record_is_traced_by_line_and_by_key() {
    let world = World::new();
    let bad = row(2, "", HERE);
    let delivery = world.delivered(&file(1, &[row(1, "Wang", HERE), bad])).await;
    let resident = world.get(&world.administrator, "/v1/residents").await.good()["items"][0]["id"].clone();
    let key = json!({"feed": FEED, "key": "0000000000000001"});
    let by_key = world.post(&world.administrator, "/v1/trace", &key).await.good();
    let said = &by_key["contributions"][0];
    assert_eq!((&said["entity"], &said["version"], &said["link"]), (&resident, &json!(1), &json!("key")));
    assert_eq!((&said["delivery"], &said["position"]), (&delivery["id"], &json!(1)));

    let key = json!({"feed": FEED, "key": "0000000000000002"});
    let rejected = world.post(&world.administrator, "/v1/trace", &key).await.good();
    assert_eq!(rejected["rejections"][0]["state"], "open");
    assert_eq!(rejected["deliveries"][0]["outcome"], "rejected");
    assert_eq!(rejected["contributions"], json!([]));

    let by_line = world.get(&world.administrator, &format!("/v1/trace?feed={FEED}&line=1")).await.good();
    assert_eq!(by_line["key"], "0000000000000001", "both rows begin in line 1; the first is meant");
    assert_eq!(by_line["contributions"], by_key["contributions"]);
    let beyond = world.get(&world.administrator, &format!("/v1/trace?feed={FEED}&line=99")).await;
    assert_eq!(beyond.refused(404), "line-unknown");
}

#[actix_web::test]
async fn a_job_tells_its_attempts_and_is_queued_again_only_after_it_failed() {
    let world = World::new();
    let delivery = world.delivered(&file(1, &[row(1, "Wang", HERE)])).await;
    let subject = delivery["id"].as_str().unwrap();
    let page = world.get(&world.administrator, &format!("/v1/jobs?subject={subject}&kind=inspect")).await.good();
    let id = page["items"][0]["id"].as_str().expect("a job").to_owned();
    let job = world.get(&world.administrator, &format!("/v1/jobs/{id}")).await.good();
    assert_eq!((&job["state"], &job["runs"][0]["outcome"]), (&json!("done"), &json!("done")));
    let retried = world.post(&world.administrator, &format!("/v1/jobs/{id}/retry"), &json!({})).await;
    assert_eq!(retried.refused(409), "job-state");
    world.post(&world.administrator, "/v1/jobs/nothing/retry", &json!({})).await.refused(404);
}

#[actix_web::test]
async fn status_tells_what_is_held_late_wrong_and_there() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)])).await;
    let held = file(2, &[row(1, "Wang", HERE)]).replace("<TOTAL>1<", "<TOTAL>7<");
    let held = world.delivered(&held).await;
    let status = world.get(&world.administrator, "/v1/status").await.good();
    assert_eq!(status["held"][0]["id"], held["id"]);
    assert_eq!(status["held"][0]["reasons"][0]["code"], "total-mismatch");
    assert_eq!(status["deliveries"], json!({"applied": 1, "held": 1}));
    assert_eq!(status["open_rejections"], json!({FEED: 1}));
    assert_eq!(status["dataset"]["residents"], 1);
    assert_eq!((&status["last_seq"], &status["epoch"]), (&json!(1), &json!(world.hub.epoch)));
    let feed = status["feeds"].as_array().unwrap().iter().find(|feed| feed["feed"] == FEED).unwrap();
    assert_eq!((&feed["punctuality"], &feed["last_state"]), (&json!("on-time"), &json!("held")));
}
