use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{FEED, HERE, World, file, row};
use crate::store::{contribution, delivery, entity, staging};

fn counts(delivery: &Value) -> [i64; 6] {
    ["received", "applied", "unchanged", "stale", "rejected", "waiting"].map(|name| delivery[name].as_i64().unwrap())
}

#[actix_web::test]
async fn a_delivery_is_accepted_followed_and_counted() {
    let world = World::new();
    let receipt = world
        .deliver_with(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)]), &[("hub-file-name", "a%20b.xml")])
        .await;
    assert_eq!(receipt.status, 202, "{}", receipt.text());
    let id = receipt.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/deliveries/{id}");
    assert_eq!(receipt.header("location"), Some(path.as_str()));
    world.work().await;
    let delivery = world.get(&world.department, &path).await.good();
    assert_eq!(delivery["state"], "applied", "{delivery}");
    assert_eq!(counts(&delivery), [2, 1, 0, 0, 1, 0]);
    assert_eq!(delivery["file_name"], "a b.xml");
    assert_eq!(delivery["as_of"], "2025-11-01T00:00:00+08:00");
    assert_eq!(delivery["sender"], "social-security");
}

#[actix_web::test]
async fn the_same_thing_twice_answers_with_the_first_delivery() {
    let world = World::new();
    let day = file(1, &[row(1, "Wang", HERE)]);
    let first = world.deliver_with(&day, &[("idempotency-key", "k")]).await;
    let again = world.deliver_with(&day, &[("idempotency-key", "k")]).await;
    assert_eq!((again.status, &again.json()["id"]), (200, &first.json()["id"]));
    let other = world.deliver_with(&file(2, &[row(1, "Wang", HERE)]), &[("idempotency-key", "k")]).await;
    assert_eq!(other.refused(422), "idempotency-mismatch");
    world.work().await;
    let without_key = world.deliver(&day).await;
    assert_eq!((without_key.status, &without_key.json()["id"]), (200, &first.json()["id"]));
}

#[actix_web::test]
async fn a_body_is_checked_against_its_digest_and_unpacked() {
    let world = World::new();
    let day = file(1, &[row(1, "Wang", HERE)]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(day.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(openssl::sha::sha256(bytes)));

    let wrong = [("content-encoding", "gzip"), ("content-digest", &digest(day.as_bytes()))];
    let answer = world.deliver_bytes(packed.clone(), "", &wrong).await;
    assert_eq!(answer.refused(400), "digest-mismatch", "the digest is of the bytes as sent");
    let cut = world.deliver_bytes(packed[..packed.len() - 9].to_vec(), "", &[("content-encoding", "gzip")]).await;
    assert_eq!(cut.refused(400), "body-truncated");
    assert_eq!(world.landing_files(), Vec::<std::path::PathBuf>::new(), "nothing of them was kept");

    let right = [("content-encoding", "gzip"), ("content-digest", &digest(&packed))];
    let answer = world.deliver_bytes(packed, "", &right).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["bytes"], day.len());
}

#[actix_web::test]
async fn a_dry_run_says_what_would_happen_and_keeps_nothing() {
    let world = World::new();
    world
        .delivered(&file(1, &[row(1, "Wang", HERE), row(2, "Li", HERE), row(3, "Zhao", HERE), row(4, "Wu", HERE)]))
        .await;
    let before = world.landing_files();
    let rows = [row(1, "Wang", HERE), row(2, "Lin", HERE), row(5, "", HERE), row(6, "He", HERE), row(6, "Hu", HERE)];
    let run = world.deliver_bytes(file(2, &rows).into(), "?dry_run=1", &[]).await.good();
    let count = |name: &str| run[name].as_i64().unwrap();
    assert_eq!(
        ["received", "applied", "unchanged", "stale", "rejected", "ended"].map(count),
        [5, 2, 1, 0, 2, 2],
        "{run}"
    );
    assert_eq!((run["state"].as_str(), &run["as_of"]), (Some("ready"), &json!("2025-11-02T00:00:00+08:00")));
    let names = &run["changes"][0]["parts"]["person"]["name"];
    assert_eq!(*names, json!({"before": "Li", "after": "Lin"}), "{run}");
    assert_eq!(run["changes"][1]["parts"]["person"]["name"], json!({"before": null, "after": "Hu"}));
    let codes: Vec<&Value> =
        run["rejections"].as_array().unwrap().iter().map(|row| &row["reasons"][0]["code"]).collect();
    assert!(codes.contains(&&json!("duplicate-key")), "{codes:?}");

    assert_eq!(world.landing_files(), before);
    let kept = world
        .hub
        .db
        .read(|conn| Ok((delivery::state_counts(conn)?, entity::last_seq(conn)?, contribution::total(conn)?)));
    assert_eq!(kept.unwrap(), (vec![("applied".to_owned(), 1)], 4, 4));
    let lists = world.hub.db.read(staging::count_all);
    assert_eq!(lists.unwrap(), 0, "the staging list is gone");
    let again = world.deliver_bytes(file(2, &rows).into(), "", &[]).await;
    assert_eq!(again.status, 202, "a dry run is not the same thing come before");
}

#[actix_web::test]
async fn a_dry_run_says_why_a_delivery_would_be_held() {
    let world = World::new();
    let cut = file(1, &[row(1, "Wang", HERE)]).replace("<TOTAL>1<", "<TOTAL>7<");
    let run = world.deliver_bytes(cut.into(), "?dry_run=1", &[]).await.good();
    assert_eq!((&run["state"], &run["reasons"][0]["code"]), (&json!("held"), &json!("total-mismatch")));
}

#[actix_web::test]
async fn a_held_delivery_is_released_or_refused_once_and_says_why_it_was_held() {
    let world = World::new();
    let short = |day| file(day, &[row(1, "Wang", HERE)]).replace("<TOTAL>1<", "<TOTAL>7<");
    let (first, second) = (world.delivered(&short(1)).await, world.delivered(&short(2)).await);
    for held in [&first, &second] {
        assert_eq!((&held["state"], counts(held)), (&json!("held"), [1, 0, 0, 0, 0, 1]));
        let reason = &held["reasons"][0];
        assert_eq!((&reason["code"], &reason["releasable"]), (&json!("total-mismatch"), &json!(true)));
        assert!(reason["zh"].is_string() && reason["en"].is_string());
    }
    let decide = |held: &Value, what: &str| format!("/v1/deliveries/{}/{what}", held["id"].as_str().unwrap());
    let refused = world.post(&world.administrator, &decide(&first, "refuse"), &json!({})).await.good();
    assert_eq!(refused["state"], "refused");
    assert_eq!(world.post(&world.administrator, &decide(&first, "release"), &json!({})).await.refused(409), "not-held");
    world.post(&world.administrator, &decide(&second, "release"), &json!({})).await.good();
    world.work().await;
    let path = format!("/v1/deliveries/{}", second["id"].as_str().unwrap());
    let applied = world.get(&world.administrator, &path).await.good();
    assert_eq!((&applied["state"], counts(&applied)), (&json!("applied"), [1, 1, 0, 0, 0, 0]));
}

#[actix_web::test]
async fn the_report_names_each_fault_page_by_page_and_in_a_table_excel_opens() {
    let world = World::new();
    let bad_date = row(3, "Zhao", HERE).replace("<AAC006>19900101", "<AAC006>19000230");
    let formula = row(4, "=HYPERLINK(1)", HERE).replace("<AAC004>1", "<AAC004>=1+1");
    let rows = [row(1, "Wang", HERE), row(2, "", HERE), bad_date, formula];
    let delivery = world.delivered(&file(1, &rows)).await;
    let path = format!("/v1/deliveries/{}/report", delivery["id"].as_str().unwrap());
    let (mut findings, mut next) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = next {
        let page = world.get(&world.department, &format!("{path}?limit=1{cursor}")).await.good();
        findings.extend(page["items"].as_array().unwrap().clone());
        next = page["next"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }
    let whole = world.get(&world.department, &path).await.good();
    assert_eq!(whole["items"].as_array(), Some(&findings), "pages hold what the whole does");
    let places: Vec<(i64, &str)> = findings
        .iter()
        .map(|finding| (finding["position"].as_i64().unwrap(), finding["column"].as_str().unwrap()))
        .collect();
    assert!(places.is_sorted_by_key(|(position, _)| *position), "{places:?}");
    for expected in [(2, "AAC003"), (3, "AAC006"), (4, "AAC004")] {
        assert!(places.contains(&expected), "{expected:?} in {places:?}");
    }

    let csv = world.get(&world.department, &format!("{path}.csv")).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = csv.text();
    assert!(text.starts_with("\u{feff}行号,主键,字段,值,原因,类别,代码\r\n"), "{text}");
    assert_eq!(text.matches("\r\n").count(), findings.len() + 1);
    assert!(text.contains(",\"'=1+1\","), "a value is no formula: {text}");
    assert!(text.contains("\"\t0000000000000002\""), "a key keeps its digits: {text}");
}

#[actix_web::test]
async fn pages_of_deliveries_are_stable_under_writes() {
    let world = World::new();
    for day in 1..=5 {
        world.delivered(&file(day, &[row(1, "Wang", HERE)])).await;
    }
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let whole = ids(&world.get(&world.administrator, "/v1/deliveries").await.good());
    let first = world.get(&world.administrator, "/v1/deliveries?limit=2").await.good();
    world.delivered(&file(6, &[row(1, "Wang", HERE)])).await;
    let mut seen = ids(&first);
    let mut next = first["next"].as_str().map(str::to_owned);
    while let Some(cursor) = next {
        let page = world.get(&world.administrator, &format!("/v1/deliveries?limit=2&cursor={cursor}")).await.good();
        seen.extend(ids(&page));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, whole);
}

#[actix_web::test]
async fn a_feed_tells_its_newest_delivery_and_what_is_expected() {
    let world = World::new();
    let before = world.get(&world.department, &format!("/v1/feeds/{FEED}")).await.good();
    assert_eq!((&before["arrival"], &before["last_delivery"]), (&json!("never"), &Value::Null));
    let delivery = world.delivered(&file(1, &[row(1, "Wang", HERE), row(2, "", HERE)])).await;
    let feed = world.get(&world.department, &format!("/v1/feeds/{FEED}")).await.good();
    assert_eq!(feed["last_delivery"]["id"], delivery["id"]);
    assert_eq!((&feed["mode"], &feed["open_rejections"]), (&json!("snapshot"), &json!(1)));
    assert!(feed["title"]["zh"].is_string() && feed["next_expected_at"].is_string(), "{feed}");
    assert_eq!(feed["key"], json!(["BAC001"]));
}

#[actix_web::test]
async fn records_are_taken_packed_and_answered_one_by_one() {
    let world = World::new();
    let feed = "health/resident-health-records";
    let record = |no: u32, name: &str| {
        json!({"DE01.00.009.00": format!("130108000000{no:05}"), "DE02.01.030.00": super::number(no as u16),
            "DE02.01.039.00": name, "status": "0", "lastModifyDate": "2025-11-01T08:00:00"})
    };
    let body = json!([record(1, "王小明"), record(2, "")]).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    let digest = format!("sha-256=:{}:", STANDARD.encode(openssl::sha::sha256(&packed)));
    let send = |digest: &str| {
        let request = actix_web::test::TestRequest::post().uri(&format!("/v1/feeds/{feed}/records"));
        let request =
            request.insert_header(("content-encoding", "gzip")).insert_header(("content-digest", digest.to_owned()));
        super::with_token(request, &world.other).set_payload(packed.clone())
    };
    let wrong = format!("sha-256=:{}:", STANDARD.encode([0; 32]));
    assert_eq!(world.send(send(&wrong)).await.refused(400), "digest-mismatch");
    let answer = world.send(send(&digest)).await.good();
    let outcomes: Vec<&Value> = answer["records"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["applied", "rejected"], "{answer}");
    assert_eq!(counts(&answer["delivery"]), [2, 1, 0, 0, 1, 0]);
}
