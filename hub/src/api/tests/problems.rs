use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use super::{FEED, World, with_token};

#[actix_web::test]
async fn what_cannot_be_read_is_a_problem_like_any_other() {
    let world = World::new();
    let admin = &world.administrator;
    let cases = [
        (TestRequest::get().uri("/v1/nothing"), 404, "route-unknown"),
        (TestRequest::delete().uri("/v1/feeds"), 405, "method-unknown"),
        (TestRequest::post().uri("/v1/residents/search").set_payload("{"), 400, "body-unreadable"),
        (TestRequest::post().uri("/v1/residents/search").set_json(json!({})), 400, "body-unreadable"),
        (TestRequest::post().uri("/v1/residents/search").set_json(json!({"other": 1})), 400, "body-unreadable"),
        (TestRequest::get().uri("/v1/residents?community=1&no_such=1"), 400, "query-invalid"),
        (TestRequest::get().uri("/v1/residents?limit=0"), 400, "query-invalid"),
        (TestRequest::get().uri("/v1/residents?limit=1001"), 400, "query-invalid"),
        (TestRequest::get().uri("/v1/residents?updated_since=yesterday"), 400, "query-invalid"),
        (TestRequest::get().uri("/v1/residents?cursor=%21"), 400, "cursor-invalid"),
        (TestRequest::get().uri("/v1/residents?cursor=AAAA"), 400, "cursor-invalid"),
        (TestRequest::get().uri("/v1/residents/not-an-id"), 404, "resident-unknown"),
        (TestRequest::get().uri("/v1/changes?wait=61"), 400, "query-invalid"),
        (TestRequest::get().uri("/v1/changes?after=nonsense"), 400, "cursor-invalid"),
        (TestRequest::get().uri("/v1/communities/1'--"), 404, "community-unknown"),
        (TestRequest::get().uri("/v1/trace?feed=x/y&line=1"), 404, "feed-unknown"),
        (TestRequest::get().uri("/v1/trace?line=1"), 400, "query-invalid"),
    ];
    for (request, status, code) in cases {
        let request = with_token(request, admin);
        let answer = world.send(request).await;
        assert_eq!(answer.refused(status), code, "{}", answer.text());
    }
}

#[actix_web::test]
async fn an_invented_method_makes_no_label_of_its_own() {
    let world = World::new();
    for method in ["INVENTED", "get"] {
        let request = TestRequest::default().uri("/v1/feeds").method(method.parse().unwrap());
        assert_eq!(world.send(with_token(request, &world.administrator)).await.refused(405), "method-unknown");
    }
    let metrics = world.get(&world.administrator, "/metrics").await.text();
    let counted = r#"hub_http_requests_total{method="OTHER",route="/v1/feeds",status="405"} 2"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    assert!(!metrics.contains("INVENTED"), "{metrics}");
}

#[actix_web::test]
async fn head_is_answered_like_get_and_asks_for_the_same_rights() {
    let world = World::new();
    let head = |path: &str| TestRequest::default().method(Method::HEAD).uri(path);
    assert_eq!(world.send(head("/healthz")).await.status, 200);
    assert_eq!(world.send(head("/v1/feeds")).await.status, 401);
    assert_eq!(world.send(with_token(head("/v1/feeds"), &world.administrator)).await.status, 200);
    assert_eq!(world.send(with_token(head("/v1/status"), &world.department)).await.status, 403);
    assert_eq!(world.send(with_token(head("/v1/residents/search"), &world.administrator)).await.status, 405);
}

#[actix_web::test]
async fn a_body_beyond_its_limit_is_refused() {
    let world = World::new();
    let large = format!("{{\"key\": {{\"number\": \"{}\"}}}}", "1".repeat(2 << 20));
    let request = TestRequest::post().uri("/v1/residents/search").insert_header(("content-type", "application/json"));
    let answer = world.send(with_token(request.set_payload(large), &world.administrator)).await;
    assert_eq!(answer.refused(413), "body-too-large");
}

#[actix_web::test]
async fn a_header_that_cannot_be_read_is_a_problem() {
    let world = World::new();
    let cases = [
        ("hub-total", "many", "header-invalid"),
        ("hub-sequence", "-1", "header-invalid"),
        ("hub-file-name", "%zz", "header-invalid"),
        ("content-digest", "sha-256=:AAAA:", "header-invalid"),
        ("content-digest", "md5=:AAAA:", "digest-unsupported"),
        ("content-encoding", "br", "encoding-unsupported"),
    ];
    for (name, value, code) in cases {
        assert_eq!(world.deliver_with("<DATA/>", &[(name, value)]).await.refused(400), code, "{name}: {value}");
    }
    let list = world.get(&world.administrator, &format!("/v1/deliveries?feed={FEED}")).await.good();
    assert_eq!(list["items"], json!([]), "nothing was accepted");
}

#[actix_web::test]
async fn a_problem_never_shows_the_text_of_the_database() {
    use diesel::connection::SimpleConnection;
    let world = World::new();
    world.hub.db.write(|conn| Ok(conn.batch_execute("ALTER TABLE job RENAME TO lost")?)).unwrap();
    let answer = world.get(&world.administrator, "/v1/jobs").await;
    assert_eq!(answer.refused(500), "internal");
    let text = answer.text().to_lowercase();
    for word in ["sqlite", "table", "job", "column", "select", "diesel"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[actix_web::test]
async fn a_trace_context_is_taken_over_and_answered() {
    let world = World::new();
    let sent = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let answer = world.send(TestRequest::get().uri("/healthz").insert_header(sent)).await;
    let answered = answer.header("traceparent").expect("a trace context");
    assert!(answered.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{answered}");
    assert_ne!(answered, sent.1, "under a span of the hub's own");
}

#[actix_web::test]
async fn metrics_count_requests_by_route_and_name_no_entity() {
    let world = World::new();
    let id = "0123456789abcdef0123456789abcdef";
    world.get(&world.administrator, &format!("/v1/residents/{id}")).await.refused(404);
    let text = world.get(&world.administrator, "/metrics").await.text();
    let line = r#"hub_http_requests_total{method="GET",route="/v1/residents/{id}",status="404"} 1"#;
    assert!(text.lines().any(|found| found == line), "{text}");
    assert!(text.contains("\nhub_entities{kind=\"resident\"} 0\n"), "{text}");
    assert!(!text.contains(id), "{text}");
}

#[actix_web::test]
async fn an_answer_is_compressed_where_the_client_takes_it() {
    let world = World::new();
    for encoding in ["gzip", "zstd"] {
        let request = TestRequest::get().uri("/openapi.json").insert_header(("accept-encoding", encoding));
        let answer = world.send(with_token(request, &world.administrator)).await;
        assert_eq!(answer.header("content-encoding"), Some(encoding));
    }
}
