use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{HERE, THERE, World, file, number, row, with_token};

/// A world with two residents here and one there.
async fn settled() -> World {
    let world = World::new();
    world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "Li", HERE), row(3, "Zhao", THERE)])).await;
    world
}

async fn ids(world: &World, token: &str, path: &str) -> BTreeSet<String> {
    let page = world.get(token, path).await.good();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn search(n: u16) -> Value {
    json!({"key": {"type": "01", "number": number(n)}})
}

async fn id_of(world: &World, n: u16) -> String {
    let found = world.post(&world.administrator, "/v1/residents/search", &search(n)).await.good();
    found["items"][0]["id"].as_str().expect("a resident").to_owned()
}

/// Records as one caller gets them on every way out, by way.
async fn ways_out(world: &World, token: &str, n: u16) -> Vec<(&'static str, Option<Value>)> {
    let id = id_of(world, n).await;
    let mut ways = Vec::new();
    let listed = world.get(token, "/v1/residents").await.good();
    let in_list = listed["items"].as_array().unwrap().iter().find(|item| item["id"] == json!(id));
    ways.push(("list", in_list.map(|item| item["data"].clone())));
    let read = world.get(token, &format!("/v1/residents/{id}")).await;
    ways.push(("read", (read.status == 200).then(|| read.json()["data"].clone())));
    let past = world.get(token, &format!("/v1/residents/{id}/history")).await;
    ways.push(("history", (past.status == 200).then(|| past.json()["items"][0]["data"].clone())));
    let found = world.post(token, "/v1/residents/search", &search(n)).await.good();
    ways.push(("search", found["items"].get(0).map(|item| item["data"].clone())));
    let changes = world.get(token, "/v1/changes").await.good();
    let told = changes["items"].as_array().unwrap().iter().find(|change| change["entity"] == json!(id));
    ways.push(("changes", told.map(|change| change["data"].clone())));
    ways
}

#[actix_web::test]
async fn an_agreement_holds_on_every_way_out_alike() {
    let world = settled().await;
    for (way, data) in ways_out(&world, &world.consumer, 1).await {
        let data = data.unwrap_or_else(|| panic!("nothing by {way}"));
        let names: BTreeSet<&String> = data.as_object().unwrap().keys().collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["community", "id", "id_no", "name"], "{way}");
    }
    for (way, data) in ways_out(&world, &world.consumer, 3).await {
        assert_eq!(data, None, "{way}: of another community");
    }
    for (way, data) in ways_out(&world, &world.administrator, 3).await {
        let data = data.unwrap_or_else(|| panic!("nothing by {way}"));
        assert!(data["phones"].is_array() && data["sex"] == "1", "{way}: {data}");
    }
}

#[actix_web::test]
async fn an_agreement_that_is_not_configured_shows_nothing() {
    let world = settled().await;
    let id = id_of(&world, 1).await;
    for path in ["/v1/residents", "/v1/households", "/v1/changes"] {
        assert_eq!(world.get(&world.stranger, path).await.good()["items"], json!([]), "{path}");
    }
    for path in
        [format!("/v1/residents/{id}"), format!("/v1/residents/{id}/history"), format!("/v1/communities/{HERE}")]
    {
        world.get(&world.stranger, &path).await.refused(404);
    }
    let asked = world.post(&world.stranger, "/v1/residents/search", &search(1)).await;
    assert_eq!(asked.refused(403), "field-not-agreed");
}

#[actix_web::test]
async fn what_is_not_agreed_is_answered_as_if_it_were_not_there() {
    let world = settled().await;
    let there = world.get(&world.consumer, &format!("/v1/residents/{}", id_of(&world, 3).await)).await;
    let nowhere = world.get(&world.consumer, &format!("/v1/residents/{}", "0".repeat(32))).await;
    assert_eq!((there.status, there.json()), (nowhere.status, nowhere.json()));
}

#[actix_web::test]
async fn a_community_is_counted_for_who_may_see_it() {
    let world = settled().await;
    let here = world.get(&world.consumer, &format!("/v1/communities/{HERE}")).await.good();
    let expected = json!({
        "code": HERE, "name": "八五零社区居委会", "within": ["河北省", "石家庄市", "裕华区", "裕兴街道"], "residents": 2,
    });
    assert_eq!(here, expected, "households are not agreed");
    world.get(&world.consumer, &format!("/v1/communities/{THERE}")).await.refused(404);
    let there = world.get(&world.administrator, &format!("/v1/communities/{THERE}")).await.good();
    assert_eq!((&there["residents"], &there["households"]), (&json!(1), &json!(0)));
    world.get(&world.administrator, "/v1/communities/999999999999").await.refused(404);
}

#[actix_web::test]
async fn provenance_shows_all_claims_on_agreed_attributes_only() {
    let world = settled().await;
    let path = format!("/v1/residents/{}?provenance=1", id_of(&world, 1).await);
    let all = world.get(&world.administrator, &path).await.good();
    assert_eq!(all["provenance"]["sex"][0]["wins"], true, "{all}");
    assert!(all["provenance"]["name"][0]["contribution"].is_string());
    let agreed = world.get(&world.consumer, &path).await.good();
    let names: Vec<&String> = agreed["provenance"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["community", "id_no", "name"]);
    let claim = &agreed["provenance"]["name"][0];
    assert_eq!((&claim["value"], &claim["feed"]), (&json!("Wang"), &json!("social-security/insured-persons")));
    assert_eq!(claim.get("contribution"), None, "a source record is not named");
    assert_eq!(claim["as_of"], "2025-11-01T00:00:00+08:00");
}

#[actix_web::test]
async fn provenance_tells_the_attribute_that_a_bad_column_would_have_made() {
    let world = World::new();
    let bad = row(1, "Wang", HERE).replace("<AAC004>1<", "<AAC004>7<").replace("<AAC301>", "<AAC301>x");
    world.delivered(&file(1, &[bad])).await;
    let path = format!("/v1/residents/{}?provenance=1", id_of(&world, 1).await);
    let provenance = world.get(&world.administrator, &path).await.good()["provenance"].clone();
    assert_eq!(provenance["sex"][0]["issue"]["code"], "code-unknown", "{provenance}");
    assert_eq!(provenance["current_address"][0]["issue"]["pointer"], "/AAC301", "{provenance}");
    assert_eq!(provenance.get("issues"), None, "{provenance}");
}

#[actix_web::test]
async fn residents_are_filtered_by_community_and_time() {
    let world = settled().await;
    let admin = &world.administrator;
    assert_eq!(ids(&world, admin, &format!("/v1/residents?community={HERE}")).await.len(), 2);
    assert_eq!(ids(&world, admin, &format!("/v1/residents?community={THERE}")).await.len(), 1);
    assert_eq!(ids(&world, &world.consumer, &format!("/v1/residents?community={THERE}")).await.len(), 0);
    let since = crate::time::text(world.hub.now()).replace('+', "%2B");
    world.delivered(&file(2, &[row(1, "Wang", HERE), row(2, "Lin", HERE), row(3, "Zhao", THERE)])).await;
    let changed = ids(&world, admin, &format!("/v1/residents?updated_since={since}")).await;
    assert_eq!(changed, [id_of(&world, 2).await].into());
}

#[actix_web::test]
async fn pages_of_residents_are_stable_under_writes() {
    let world = World::new();
    let rows = |name: &str| -> Vec<String> { (1..=40).map(|n| row(n, name, HERE)).collect() };
    world.delivered(&file(1, &rows("Wang"))).await;
    let before = ids(&world, &world.administrator, "/v1/residents?limit=1000").await;
    let (mut seen, mut path, mut day) = (Vec::new(), "/v1/residents?limit=9".to_owned(), 1);
    loop {
        let page = world.get(&world.consumer, &path).await.good();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/residents?limit=9&cursor={next}");
        day += 1;
        world.delivered(&file(day, &rows(["Li", "Wang"][usize::from(day % 2)]))).await;
    }
    assert_eq!(seen.len(), before.len(), "nothing comes twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
}

#[actix_web::test]
async fn a_record_that_has_not_changed_is_not_sent_again() {
    let world = settled().await;
    let path = format!("/v1/residents/{}", id_of(&world, 1).await);
    let first = world.get(&world.consumer, &path).await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with("W/\"1-"), "{tag}");
    let ask = || TestRequest::get().uri(&path).insert_header(("if-none-match", tag.clone()));
    assert_eq!(world.send(with_token(ask(), &world.consumer)).await.status, 304);
    assert_eq!(world.send(with_token(ask(), &world.administrator)).await.status, 200, "who sees more has another tag");
    world.delivered(&file(2, &[row(1, "Wang Da", HERE), row(2, "Li", HERE), row(3, "Zhao", THERE)])).await;
    assert_eq!(world.send(with_token(ask(), &world.consumer)).await.status, 200);
}

#[actix_web::test]
async fn a_resident_is_found_by_number_or_by_a_departments_own() {
    let world = settled().await;
    let admin = &world.administrator;
    let by_key = world.post(admin, "/v1/residents/search", &search(2)).await.good();
    let alias = json!({"alias": {"department": "social-security", "kind": "insurance-person-no", "number": "0000000000000002"}});
    let by_alias = world.post(admin, "/v1/residents/search", &alias).await.good();
    assert_eq!(by_key["items"][0]["data"]["name"], "Li");
    assert_eq!(by_alias, by_key);
    let nobody = world.post(admin, "/v1/residents/search", &search(99)).await.good();
    assert_eq!(nobody["items"], json!([]));
    let wrong = world.post(admin, "/v1/residents/search", &json!({"key": {"number": "130108199001010000"}})).await;
    assert_eq!(wrong.refused(400), "key-invalid");
    let both = json!({"key": {"number": "1"}, "alias": {"department": "a", "kind": "b", "number": "c"}});
    world.post(admin, "/v1/residents/search", &both).await.refused(400);
    let not_agreed = world.post(&world.consumer, "/v1/residents/search", &alias).await;
    assert_eq!(not_agreed.refused(403), "field-not-agreed");
}
