use serde_json::Value;

use super::World;

fn described(openapi: &Value) -> Vec<String> {
    let mut routes = Vec::new();
    for (path, methods) in openapi["paths"].as_object().expect("paths") {
        routes.extend(methods.as_object().expect("methods").keys().map(|method| format!("{method} {path}")));
    }
    routes
}

#[actix_web::test]
async fn the_description_is_openapi_31_and_names_these_routes() {
    let world = World::new();
    let openapi = world.get(&world.consumer, "/openapi.json").await.good();
    assert!(openapi["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", openapi["openapi"]);
    insta::assert_snapshot!(described(&openapi).join("\n"));
}

#[actix_web::test]
async fn every_described_route_is_there() {
    let world = World::new();
    let openapi = world.get(&world.administrator, "/openapi.json").await.good();
    for route in described(&openapi) {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let path = path.replace("{department}/{feed}", "a/b").replace("{id}", "c").replace("{code}", "d");
        let request =
            actix_web::test::TestRequest::default().method(method.to_uppercase().parse().expect("a method")).uri(&path);
        let answer = world.send(super::with_token(request, &world.administrator)).await;
        let no_topics = path == "/asyncapi.json" && answer.status == 404;
        let code = if answer.status >= 400 { answer.json()["code"].to_string() } else { String::new() };
        assert!(
            no_topics || !["\"route-unknown\"", "\"method-unknown\""].contains(&code.as_str()),
            "{route}: {}",
            answer.text()
        );
    }
}

#[actix_web::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let world = World::new();
    let openapi = world.get(&world.administrator, "/openapi.json").await.good();
    let mut values = vec![&openapi];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a reference in the document");
                    assert!(openapi.pointer(pointer).is_some(), "{reference}");
                }
                values.extend(fields.values());
            }
            Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
}

#[actix_web::test]
async fn records_are_described_attribute_by_attribute() {
    let world = World::new();
    let openapi = world.get(&world.administrator, "/openapi.json").await.good();
    let attributes = &openapi["components"]["schemas"]["data-resident"]["properties"];
    assert_eq!(attributes["name"]["title"], "姓名");
    assert_eq!(attributes["spouse"]["$ref"], "#/components/schemas/person");
    let page = world.get(&world.administrator, "/docs/swagger-initializer.js").await.text();
    assert!(page.contains("/openapi.json"), "{page}");
}
