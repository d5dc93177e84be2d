use actix_web::body::MessageBody;
use actix_web::test::{TestRequest, call_service, init_service};
use serde_json::{Value, json};

use super::{HERE, THERE, World, app, file, row, with_token};

fn told(page: &Value) -> Vec<(i64, &str)> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|change| (change["seq"].as_i64().unwrap(), change["operation"].as_str().unwrap())).collect()
}

async fn after(world: &World, cursor: &Value) -> Value {
    world.get(&world.consumer, &format!("/v1/changes?after={}", cursor.as_str().unwrap())).await.good()
}

#[actix_web::test]
async fn a_consumer_is_told_each_change_once_from_cursor_to_cursor() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "Li", THERE)])).await;
    let first = world.get(&world.consumer, "/v1/changes").await.good();
    assert_eq!((told(&first), &first["more"]), (vec![(1, "added")], &json!(false)));
    assert_eq!(told(&after(&world, &first["next"]).await), []);
    // Li moves in, Wang changes.
    world.delivered(&file(2, &[row(1, "Wang Da", HERE), row(2, "Li", HERE)])).await;
    let second = after(&world, &first["next"]).await;
    let mut words: Vec<&str> = told(&second).into_iter().map(|(_, word)| word).collect();
    words.sort_unstable();
    assert_eq!(words, ["added", "changed"]);
    // Both move away.
    world.delivered(&file(3, &[row(1, "Wang Da", THERE), row(2, "Li", THERE)])).await;
    let third = after(&world, &second["next"]).await;
    assert_eq!(told(&third), [(5, "removed"), (6, "removed")]);
    assert!(third["items"].as_array().unwrap().iter().all(|change| change.get("data").is_none()), "{third}");
    let id = &second["items"][0]["id"];
    assert_eq!(told(&after(&world, id).await).len(), 3, "a change's id is a cursor");
}

#[actix_web::test]
async fn a_cursor_of_another_epoch_or_ahead_of_the_store_is_answered_with_the_way_to_begin_again() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE)])).await;
    let now = world.get(&world.consumer, "/v1/changes?after=now").await.good();
    assert_eq!(told(&now), []);
    let epoch = world.hub.epoch.clone();
    for (cursor, code) in [(format!("{}-1", "0".repeat(32)), "epoch-changed"), (format!("{epoch}-2"), "cursor-ahead")] {
        for request in [
            TestRequest::get().uri(&format!("/v1/changes?after={cursor}")),
            TestRequest::get().uri("/v1/changes").insert_header(("last-event-id", cursor.clone())),
        ] {
            let answer = world.send(with_token(request, &world.consumer)).await;
            assert_eq!(answer.refused(410), code);
            let problem = answer.json();
            assert_eq!(problem["cursor"], now["next"], "where to go on after reading all anew");
            assert!(problem["resync"].is_string());
        }
    }
}

#[actix_web::test]
async fn who_waits_is_told_as_soon_as_there_is_something() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE)])).await;
    let next = world.get(&world.consumer, "/v1/changes").await.good()["next"].as_str().unwrap().to_owned();
    let path = format!("/v1/changes?wait=60&after={next}");
    let waiting = world.get(&world.consumer, &path);
    let changing = async {
        actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
        world.delivered(&file(2, &[row(1, "Wang Da", HERE)])).await
    };
    let (answer, _) = futures_util::future::join(waiting, changing).await;
    assert_eq!(told(&answer.good()), [(2, "changed")]);
}

#[actix_web::test]
async fn a_stream_goes_on_where_its_reader_left_it() {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "Li", HERE)])).await;
    let first = world.get(&world.consumer, "/v1/changes?limit=1").await.good();
    let last_seen = first["items"][0]["id"].as_str().unwrap().to_owned();
    let request = TestRequest::get()
        .uri("/v1/changes")
        .insert_header(("accept", "text/event-stream"))
        .insert_header(("accept-encoding", "gzip"))
        .insert_header(("last-event-id", last_seen));
    let service = init_service(app(&world.state)).await;
    let answer = call_service(&service, with_token(request, &world.consumer).to_request()).await;
    assert_eq!(answer.headers().get("content-type").unwrap(), "text/event-stream; charset=utf-8");
    let mut body = std::pin::pin!(answer.into_body());
    let first = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await;
    let text = String::from_utf8(first.and_then(Result::ok).expect("a piece").to_vec()).expect("text, not compressed");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("id: {}-2", world.hub.epoch), "{text}");
    assert_eq!(lines[1], "event: added");
    let change: Value = serde_json::from_str(lines[2].strip_prefix("data: ").expect("data")).expect("JSON");
    assert_eq!((&change["seq"], &change["operation"]), (&json!(2), &json!("added")));
    assert_eq!(lines[3], "", "{text}");
}
