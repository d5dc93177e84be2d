use actix_web::http::Method;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{FEED, HERE, World, file, row, with_token};

/// What each kind of caller is answered: administrator, social security, another department, consumer.
type Case<'a> = (&'a str, String, [u16; 4]);

async fn matrix(world: &World) -> Vec<(&'static str, String, [u16; 4])> {
    let delivery = world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)])).await;
    let delivery = delivery["id"].as_str().expect("an id").to_owned();
    let page = world.get(&world.administrator, "/v1/rejections").await.good();
    let rejection = page["items"][0]["id"].as_str().expect("a rejection").to_owned();
    let page = world.get(&world.administrator, "/v1/residents").await.good();
    let resident = page["items"][0]["id"].as_str().expect("a resident").to_owned();
    let page = world.get(&world.administrator, "/v1/jobs").await.good();
    let job = page["items"][0]["id"].as_str().expect("a job").to_owned();
    let none = "0".repeat(32);
    let departments = [200, 200, 404, 403];
    let lists = [200, 200, 200, 403];
    let out = [200, 403, 403, 200];
    let administrators = [200, 403, 403, 403];
    let cases: Vec<Case<'static>> = vec![
        ("GET", "/v1/feeds".to_owned(), lists),
        ("GET", format!("/v1/feeds/{FEED}"), departments),
        ("GET", "/v1/feeds/social-security/nothing".to_owned(), [404, 404, 404, 403]),
        ("POST", format!("/v1/feeds/{FEED}/deliveries?dry_run=1"), departments),
        ("POST", format!("/v1/feeds/{FEED}/records"), [409, 409, 404, 403]),
        ("GET", "/v1/deliveries".to_owned(), lists),
        ("GET", format!("/v1/deliveries/{delivery}"), departments),
        ("GET", "/v1/deliveries/nothing".to_owned(), [404, 404, 404, 403]),
        ("POST", format!("/v1/deliveries/{delivery}/release"), [409, 403, 403, 403]),
        ("POST", format!("/v1/deliveries/{delivery}/refuse"), [409, 403, 403, 403]),
        ("GET", format!("/v1/deliveries/{delivery}/report"), departments),
        ("GET", format!("/v1/deliveries/{delivery}/report.csv"), departments),
        ("GET", "/v1/rejections".to_owned(), lists),
        ("GET", format!("/v1/rejections/{rejection}"), departments),
        ("POST", format!("/v1/rejections/{rejection}/edit"), [422, 403, 403, 403]),
        ("POST", format!("/v1/rejections/{none}/waive"), [404, 403, 403, 403]),
        ("GET", "/v1/jobs".to_owned(), administrators),
        ("GET", format!("/v1/jobs/{job}"), administrators),
        ("POST", format!("/v1/jobs/{job}/retry"), [409, 403, 403, 403]),
        ("GET", "/v1/residents".to_owned(), out),
        ("GET", format!("/v1/residents/{resident}"), out),
        ("GET", format!("/v1/residents/{resident}?provenance=1"), out),
        ("GET", format!("/v1/residents/{resident}/history"), out),
        ("POST", "/v1/residents/search".to_owned(), out),
        ("GET", "/v1/households".to_owned(), out),
        ("GET", format!("/v1/households/{none}"), [404, 403, 403, 404]),
        ("GET", format!("/v1/communities/{HERE}"), out),
        ("GET", "/v1/changes".to_owned(), out),
        ("GET", "/v1/agreements".to_owned(), administrators),
        ("GET", "/v1/status".to_owned(), administrators),
        ("GET", format!("/v1/trace?feed={FEED}&line=1"), administrators),
        ("POST", "/v1/trace".to_owned(), administrators),
        ("GET", "/metrics".to_owned(), administrators),
        ("GET", "/openapi.json".to_owned(), [200; 4]),
        ("GET", "/asyncapi.json".to_owned(), [404, 403, 403, 404]),
        ("GET", "/docs/swagger-initializer.js".to_owned(), [200; 4]),
        ("GET", "/docs/index.html".to_owned(), [200; 4]),
        ("GET", "/docs/nothing.js".to_owned(), [404; 4]),
        ("GET", "/v1/nothing".to_owned(), [404; 4]),
    ];
    cases
}

fn request(method: &str, path: &str) -> TestRequest {
    let request = TestRequest::default().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(path);
    match path.rsplit('/').next() {
        Some("search") => request.set_json(json!({"key": {"number": super::number(1)}})),
        Some("edit") => request.set_json(json!({"fields": {}})),
        Some("trace") if method == "POST" => request.set_json(json!({"feed": FEED, "key": "0000000000000001"})),
        Some("deliveries?dry_run=1") => request.set_payload(file(2, &[row(1, "Wang", HERE)])),
        _ => request,
    }
}

#[actix_web::test]
async fn each_role_may_do_what_is_its_own_and_nothing_else() {
    let world = World::new();
    let tokens = [&world.administrator, &world.department, &world.other, &world.consumer];
    for (method, path, expected) in matrix(&world).await {
        for (token, expected) in tokens.into_iter().zip(expected) {
            let answer = world.send(with_token(request(method, &path), token)).await;
            let role = crate::access::verify(&world.hub, token).unwrap().unwrap().role().unwrap();
            assert_eq!(answer.status, expected, "{method} {path} as {role:?}: {}", answer.text());
            if answer.status >= 400 {
                answer.refused(expected);
            }
        }
    }
}

#[actix_web::test]
async fn nothing_but_health_answers_without_a_token() {
    let world = World::new();
    for (method, path, _) in matrix(&world).await {
        for token in ["", "hub_wrong"] {
            let answer = world.send(with_token(request(method, &path), token)).await;
            assert_eq!(answer.refused(401), "token-unknown", "{method} {path}");
            let asked: Vec<&str> =
                answer.headers.get_all("www-authenticate").filter_map(|value| value.to_str().ok()).collect();
            assert!(asked.iter().any(|way| way.starts_with("Bearer")), "{asked:?}");
            assert!(asked.iter().any(|way| way.starts_with("Basic")), "{asked:?}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.get("", path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn a_revoked_token_opens_nothing() {
    let world = World::new();
    let token = crate::access::verify(&world.hub, &world.administrator).unwrap().unwrap();
    crate::access::revoke(&world.hub, &token.id).unwrap();
    world.get(&world.administrator, "/v1/status").await.refused(401);
}

#[actix_web::test]
async fn a_department_is_shown_its_own_feeds_deliveries_and_rejections_only() {
    let world = World::new();
    matrix(&world).await;
    for path in ["/v1/feeds", "/v1/deliveries", "/v1/rejections", &format!("/v1/deliveries?feed={FEED}")] {
        let own = world.get(&world.department, path).await.good();
        assert_ne!(own["items"], json!([]), "{path}");
        let others = world.get(&world.other, path).await.good();
        let names: Vec<&str> =
            others["items"].as_array().unwrap().iter().filter_map(|item| item["feed"].as_str()).collect();
        assert!(names.iter().all(|feed| feed.starts_with("health/")), "{path}: {names:?}");
    }
}

#[actix_web::test]
async fn a_browser_may_send_the_token_as_password_but_another_sites_page_may_not() {
    let world = World::new();
    let basic = format!("Basic {}", STANDARD.encode(format!("anybody:{}", world.administrator)));
    let ask = |site: &'static str| {
        let request = TestRequest::get().uri("/v1/status").insert_header(("authorization", basic.as_str()));
        if site.is_empty() { request } else { request.insert_header(("sec-fetch-site", site)) }
    };
    for site in ["", "none", "same-origin"] {
        assert_eq!(world.send(ask(site)).await.status, 200, "{site}");
    }
    for site in ["cross-site", "same-site"] {
        world.send(ask(site)).await.refused(403);
    }
}
