use std::collections::BTreeMap;

use actix_web::body::MessageBody;
use actix_web::test::{TestRequest, call_service, init_service};
use serde_json::{Value, json};

use super::{HERE, THERE, Told, World, app, file, row, with_token};
use crate::access;

async fn ndjson(world: &World, token: &str, path: &str) -> Told {
    let request = TestRequest::get().uri(path).insert_header(("accept", "application/x-ndjson"));
    world.send(with_token(request, token)).await
}

#[track_caller]
fn lines(answer: &Told) -> Vec<Value> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson")),
        "{}",
        answer.text()
    );
    let text = answer.text();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Three residents here and one there.
async fn settled() -> World {
    let world = World::new();
    let rows = [row(1, "Wang", HERE), row(2, "Li", HERE), row(3, "Zhao", THERE), row(4, "Sun", HERE)];
    world.delivered(&file(1, &rows)).await;
    world
}

#[actix_web::test]
async fn an_export_says_what_the_pages_say_line_by_line() {
    let world = settled().await;
    for token in [&world.administrator, &world.consumer, &world.stranger] {
        for path in ["/v1/residents", "/v1/households", "/v1/changes", &format!("/v1/residents?community={HERE}")] {
            let pages = world.get(token, path).await.good();
            assert_eq!(json!(lines(&ndjson(&world, token, path).await)), pages["items"], "{path}");
        }
    }
    let seen = lines(&ndjson(&world, &world.consumer, "/v1/residents").await);
    assert_eq!(seen.len(), 3);
    let names: Vec<&String> = seen[0]["data"].as_object().expect("a record").keys().collect();
    assert_eq!(names, ["community", "id", "id_no", "name"], "by the agreement");
    assert_eq!(ndjson(&world, &world.department, "/v1/residents").await.refused(403), "role-forbidden");
    assert_eq!(ndjson(&world, "", "/v1/residents").await.refused(401), "token-unknown");
}

#[actix_web::test]
async fn changes_go_on_from_the_cursor_of_an_export() {
    let world = settled().await;
    for path in ["/v1/residents", "/v1/households", "/v1/changes"] {
        let cursor = ndjson(&world, &world.consumer, path).await.header("hub-cursor").expect("a cursor").to_owned();
        assert_eq!(
            lines(&ndjson(&world, &world.consumer, &format!("/v1/changes?after={cursor}")).await),
            [] as [Value; 0]
        );
    }
    let first = ndjson(&world, &world.consumer, "/v1/residents").await;
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    for line in lines(&first) {
        held.insert(line["id"].to_string(), line["data"].clone());
    }
    // Wang is renamed, Li moves away, Zhao moves in, Sun ends.
    world.delivered(&file(2, &[row(1, "Wang Da", HERE), row(2, "Li", THERE), row(3, "Zhao", HERE)])).await;
    let path = format!("/v1/changes?after={}", first.header("hub-cursor").expect("a cursor"));
    for change in lines(&ndjson(&world, &world.consumer, &path).await) {
        match change["operation"].as_str() {
            Some("removed") => drop(held.remove(&change["entity"].to_string())),
            _ => drop(held.insert(change["entity"].to_string(), change["data"].clone())),
        }
    }
    let now = lines(&ndjson(&world, &world.consumer, "/v1/residents").await);
    let now: BTreeMap<String, Value> =
        now.into_iter().map(|line| (line["id"].to_string(), line["data"].clone())).collect();
    assert_eq!(held, now);
    assert_eq!(now.len(), 2);
}

#[actix_web::test]
async fn what_only_pages_have_is_refused() {
    let world = settled().await;
    for query in ["/v1/residents?limit=5", "/v1/households?cursor=eA", "/v1/changes?limit=5", "/v1/changes?wait=1"] {
        assert_eq!(ndjson(&world, &world.consumer, query).await.refused(400), "query-invalid", "{query}");
    }
    let epoch = "0".repeat(32);
    let gone = ndjson(&world, &world.consumer, &format!("/v1/changes?after={epoch}-1")).await;
    assert_eq!(gone.refused(410), "epoch-changed");
}

/// More than a page, so that an answer takes several reads.
async fn crowded() -> World {
    let world = World::new();
    let rows: Vec<String> = (1..=1_500).map(|n| row(n, "Wang", if n % 3 == 0 { THERE } else { HERE })).collect();
    world.delivered(&file(1, &rows)).await;
    world
}

/// The rest of an answer of which the first piece has been read, after `meanwhile`; none where it breaks off.
async fn interrupted(world: &World, token: &str, meanwhile: impl AsyncFnOnce()) -> Option<Vec<Value>> {
    let service = init_service(app(&world.state)).await;
    let request = TestRequest::get().uri("/v1/residents").insert_header(("accept", "application/x-ndjson"));
    let answer = call_service(&service, with_token(request, token).to_request()).await;
    let mut body = std::pin::pin!(answer.into_body());
    let mut text = Vec::new();
    let first = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await;
    text.extend(first?.ok()?);
    meanwhile().await;
    while let Some(piece) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
        text.extend(piece.ok()?);
    }
    Some(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[actix_web::test]
async fn an_export_is_of_one_moment_whatever_is_written_meanwhile() {
    let world = crowded().await;
    let before = lines(&ndjson(&world, &world.consumer, "/v1/residents").await);
    assert_eq!(before.len(), 1_000);
    let all_change = async || {
        let moved = |n: u16| if n % 3 == 1 { THERE } else { HERE };
        let rows: Vec<String> = (1..=1_480).map(|n| row(n, "Li", moved(n))).collect();
        assert_eq!(world.delivered(&file(2, &rows)).await["state"], "applied");
    };
    let read = interrupted(&world, &world.consumer, all_change).await.expect("it is whole");
    assert_eq!(read, before);
    assert_ne!(lines(&ndjson(&world, &world.consumer, "/v1/residents").await), before);
}

#[actix_web::test]
async fn an_export_breaks_off_when_its_token_is_revoked() {
    let world = World::new();
    let rows: Vec<String> = (1..=3_500).map(|n| row(n, "Wang", HERE)).collect();
    world.delivered(&file(1, &rows)).await;
    let token = access::verify(&world.hub, &world.consumer).expect("an answer").expect("it is known").id.clone();
    let revoke = async || {
        access::revoke(&world.hub, &token).expect("it is revoked");
        actix_web::rt::time::sleep(access::FRESH).await;
    };
    assert_eq!(interrupted(&world, &world.consumer, revoke).await, None);
    assert!(interrupted(&world, &world.administrator, async || ()).await.is_some_and(|read| read.len() == 3_500));
}

#[actix_web::test]
async fn readers_who_come_at_once_are_each_told_what_their_own_scope_shows() {
    let world = settled().await;
    let all = lines(&ndjson(&world, &world.administrator, "/v1/residents").await);
    let mut asked = Vec::new();
    for resident in all.iter().cycle().take(120) {
        let path = format!("/v1/residents/{}", resident["id"].as_str().expect("an id"));
        for token in [&world.administrator, &world.consumer, &world.stranger] {
            for query in ["", "?provenance=1"] {
                asked.push((token, resident, format!("{path}{query}")));
            }
        }
    }
    let answers = futures_util::future::join_all(asked.iter().map(|(token, _, path)| world.get(token, path))).await;
    for (answer, (token, resident, path)) in answers.iter().zip(&asked) {
        let here = resident["data"]["community"] == HERE;
        if **token == world.stranger || (**token == world.consumer && !here) {
            answer.refused(404);
            continue;
        }
        let found = answer.good();
        assert_eq!(found["id"], resident["id"]);
        assert_eq!(found.get("provenance").is_some(), path.ends_with("provenance=1"), "{found}");
        let whole = **token == world.administrator;
        assert_eq!(found["data"].get("sex").is_some(), whole, "{found}");
        assert_eq!(found["provenance"].get("sex").is_some(), whole && path.ends_with("provenance=1"), "{found}");
    }
}
