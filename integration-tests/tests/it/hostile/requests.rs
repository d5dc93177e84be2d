//! Requests that are wrong: each is refused with its status, and nothing is accepted.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;
use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Delivery, Person, health_record, health_records, insured, insured_persons};
use serde_json::{Value, json};

use super::{files_in, is_refused, is_unharmed, memory_is_bounded};

const DELIVERIES: &str = "/v1/feeds/social-security/insured-persons/deliveries";
const RECORDS: &str = "/v1/feeds/health/resident-health-records/records";

fn good() -> Delivery {
    insured_persons("20261101", 1, [insured(&Person::nth(1), "1001"), insured(&Person::nth(2), "1002")])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// No delivery was accepted, and no byte of one is kept.
#[track_caller]
fn nothing_is_accepted(hub: &Hub) {
    let deliveries = hub.administrator().get("/v1/deliveries").good();
    assert_eq!(deliveries["items"], json!([]));
    let landed = files_in(&hub.folder().join("landing"));
    assert!(landed.is_empty(), "{landed:?}");
}

#[test]
fn a_body_that_is_not_what_it_says_is_not_accepted() {
    let mut hub = Hub::started(Store::Sqlite);
    let department = hub.department("social-security");
    let body = good().bytes;
    let (zipped, squeezed) = (gzip(&body), zstd(&body));
    let digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    let truncated = &zipped[..zipped.len() / 2];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], (u16, &'a str));
    let cases: [Case; 11] = [
        ("gzip cut in half", &[("content-encoding", "gzip")], truncated, (400, "body-truncated")),
        ("gzip without its end", &[("content-encoding", "gzip")], &zipped[..zipped.len() - 4], (400, "body-truncated")),
        ("zstd cut in half", &[("content-encoding", "zstd")], &squeezed[..squeezed.len() / 2], (400, "body-truncated")),
        ("nothing as gzip", &[("content-encoding", "gzip")], b"", (400, "body-truncated")),
        ("plain bytes as gzip", &[("content-encoding", "gzip")], &body, (400, "body-unreadable")),
        ("gzip as zstd", &[("content-encoding", "zstd")], &zipped, (400, "body-unreadable")),
        ("brotli", &[("content-encoding", "br")], &body, (400, "encoding-unsupported")),
        ("another digest", &[("content-digest", digest)], &body, (400, "digest-mismatch")),
        ("a digest nobody can check", &[("content-digest", "md5=:AAAA:")], &body, (400, "digest-unsupported")),
        ("a total that is no number", &[("hub-total", "zwei")], &body, (400, "header-invalid")),
        ("a file name with a line break", &[("hub-file-name", "a%0Ab.txt")], &body, (400, "header-invalid")),
    ];
    for (case, headers, body, expected) in cases {
        is_refused(case, &department.post_with(DELIVERIES, headers, body), expected);
    }
    nothing_is_accepted(&hub);
    let accepted = department.post_with(DELIVERIES, &[("content-encoding", "gzip")], &zipped);
    assert_eq!(accepted.status, 202, "{accepted}");
    assert_eq!(hub.decided(shape::delivery_id(&accepted.json()))["state"], "applied");
    is_unharmed(&mut hub);
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn a_body_that_grows_a_thousandfold_is_too_large() {
    let mut hub = Hub::on(Store::Sqlite).configured("").start();
    let department = hub.department("social-security");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..256 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let answer = department.post_with(DELIVERIES, &[("content-encoding", "gzip")], &bomb);
    is_refused("256 MB of blanks by gzip", &answer, (413, "delivery-too-large"));
    let bomb = zstd(&vec![b' '; 256 << 20]);
    let answer = department.post_with(DELIVERIES, &[("content-encoding", "zstd")], &bomb);
    is_refused("256 MB of blanks by zstd", &answer, (413, "delivery-too-large"));
    nothing_is_accepted(&hub);
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn a_connection_that_breaks_leaves_nothing() {
    let mut hub = Hub::started(Store::Sqlite);
    let department = hub.department("social-security");
    let delivery = good();
    for tenths in 0..10 {
        department.break_off(&delivery, tenths);
    }
    let address = department.base().trim_start_matches("http://").to_owned();
    let token = department.token().unwrap().to_owned();
    let raw = |request: &str| {
        let mut connection = TcpStream::connect(&address).unwrap();
        // A hub that refuses early may close before it has read all.
        let _ = connection.write_all(request.as_bytes()).and_then(|()| connection.shutdown(std::net::Shutdown::Write));
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let head = format!("POST {DELIVERIES} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n");
    for (case, rest) in [
        ("chunks without a last one", "Transfer-Encoding: chunked\r\n\r\n5\r\n<DATA\r\n"),
        ("a chunk that is shorter than it says", "Transfer-Encoding: chunked\r\n\r\nffff\r\n<DATA></DATA>\r\n"),
        ("a chunk of no length", "Transfer-Encoding: chunked\r\n\r\nzz\r\n<DATA>\r\n0\r\n\r\n"),
        ("a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<DATA\r\n"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 7\r\n\r\n<DATA/>"),
        ("a length that is no number", "Content-Length: -5\r\n\r\n<DATA/>"),
    ] {
        let answer = raw(&format!("{head}{rest}"));
        assert!(!answer.starts_with("HTTP/1.1 2"), "{case}: {answer}");
    }
    let headed = raw(&format!("HEAD /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    assert!(headed.starts_with("HTTP/1.1 200 ") && headed.ends_with("\r\n\r\n"), "a head without a body: {headed}");
    raw("GET / HTTP/1.1\r\n\r\n\0\0\0\r\n\r\n");
    raw(&"A".repeat(200_000));
    // The hub has seen the end of each when it answers the next request to the same folder of its landing store.
    wait_until_landing_is_empty(&hub);
    nothing_is_accepted(&hub);
    is_unharmed(&mut hub);
}

fn wait_until_landing_is_empty(hub: &Hub) {
    for _ in 0..400 {
        if files_in(&hub.folder().join("landing")).is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
}

#[test]
fn only_who_may_send_to_a_feed_learns_that_it_is_there() {
    let mut hub = Hub::started(Store::Sqlite);
    let delivery = good();
    let mut unknown = delivery.clone();
    unknown.feed = "social-security/nothing";
    let cases = [
        ("no token", hub.anonymous().deliver(&delivery), (401, "token-unknown")),
        ("a wrong token", hub.impostor().deliver(&delivery), (401, "token-unknown")),
        ("another department", hub.department("health").deliver(&delivery), (404, "feed-unknown")),
        (
            "another department's records",
            hub.department("civil-affairs").post(RECORDS, &json!([])),
            (404, "feed-unknown"),
        ),
        ("a consumer", hub.consumer("platform").deliver(&delivery), (403, "role-forbidden")),
        ("an unknown feed", hub.department("social-security").deliver(&unknown), (404, "feed-unknown")),
        ("an unknown feed, without a token", hub.anonymous().deliver(&unknown), (401, "token-unknown")),
        ("a department that reads", hub.department("health").get("/v1/residents"), (403, "role-forbidden")),
        ("nothing there", hub.administrator().get("/v1/nothing"), (404, "route-unknown")),
        ("nothing there, without a token", hub.anonymous().get("/v1/nothing"), (401, "token-unknown")),
        ("another method", hub.administrator().post("/v1/jobs", &json!({})), (405, "method-unknown")),
        ("the documentation, without a token", hub.anonymous().get("/docs/"), (401, "token-unknown")),
        ("the metrics, without a token", hub.anonymous().get("/metrics"), (401, "token-unknown")),
        ("the description, without a token", hub.anonymous().get("/openapi.json"), (401, "token-unknown")),
    ];
    for (case, answer, expected) in &cases {
        is_refused(case, answer, *expected);
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(hub.anonymous().get(path).status, 200, "{path}");
    }
    nothing_is_accepted(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn a_name_that_leads_elsewhere_is_no_feed() {
    let mut hub = Hub::started(Store::Sqlite);
    let administrator = hub.administrator();
    let body = good().bytes;
    let before = files_in(hub.folder()).len();
    for name in [
        "..%2f..%2fetc/passwd",
        "social-security/..%2fhealth",
        "social-security/%2e%2e",
        "social-security%2finsured-persons/..",
        "%2fetc/passwd",
        "social-security/insured-persons%00",
        "social-security/insured-persons%2f",
        "SOCIAL-SECURITY/insured-persons",
        "social-security/insured%2dpersons%20",
        "社保/参保",
        "%E7%A4%BE%E4%BF%9D/%ff%fe",
        "spill/x",
    ] {
        let encoded: String =
            name.chars().map(|c| if c.is_ascii() { c.to_string() } else { "%E7".to_owned() }).collect();
        for rest in ["/deliveries", "/records", ""] {
            let path = format!("/v1/feeds/{encoded}{rest}");
            let answer =
                if rest.is_empty() { administrator.get(&path) } else { administrator.post_with(&path, &[], &body) };
            assert!([400, 404].contains(&answer.status), "{name}: {answer}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}: {answer}");
        }
    }
    nothing_is_accepted(&hub);
    assert!(files_in(hub.folder()).len() <= before + 2, "{:?}", files_in(hub.folder()));
    is_unharmed(&mut hub);
}

#[test]
fn records_are_refused_whole_where_the_request_is_wrong() {
    let mut hub = Hub::started(Store::Sqlite);
    let department = hub.department("health");
    let record = json!({"DE01.00.009.00": "13010800000000001", "DE02.01.039.00": "张三"});
    let many: Vec<Value> = vec![record.clone(); 1_001];
    let json = [("content-type", "application/json")];
    is_refused("1,001 records", &department.post(RECORDS, &json!(many)), (413, "too-many-records"));
    is_refused("no record", &department.post(RECORDS, &json!([])), (400, "no-records"));
    for (case, body) in [
        ("one object", record.to_string()),
        ("half an array", "[{\"a\": 1}, ".to_owned()),
        ("no JSON", "<xml/>".to_owned()),
        ("nothing", String::new()),
        ("two arrays", "[{}][{}]".to_owned()),
    ] {
        is_refused(case, &department.post_with(RECORDS, &json, body.as_bytes()), (400, "body-unreadable"));
    }
    let latin = [b"[{\"DE02.01.039.00\": \"".as_slice(), &[0xD5, 0xC5, 0xC8, 0xFD], b"\"}]"].concat();
    let answer = department.post_with(RECORDS, &json, &latin);
    assert!([400, 422].contains(&answer.status), "{answer}");
    let snapshot =
        hub.department("social-security").post("/v1/feeds/social-security/insured-persons/records", &json!([{}]));
    is_refused("a snapshot feed", &snapshot, (409, "snapshot-feed"));
    is_unharmed(&mut hub);
}

#[test]
fn a_key_stands_for_one_body() {
    let mut hub = Hub::started(Store::Sqlite);
    let department = hub.department("social-security");
    let first = good().with_header("Idempotency-Key", "night-1");
    let receipt = department.deliver(&first);
    assert_eq!(receipt.status, 202, "{receipt}");
    let applied = hub.decided(shape::delivery_id(&receipt.json()));
    assert_eq!(applied["state"], "applied", "{applied}");
    let landed = files_in(&hub.folder().join("landing"));

    let again = department.deliver(&first);
    assert_eq!((again.status, &again.json()["id"]), (200, &applied["id"]), "{again}");
    let other =
        insured_persons("20261102", 1, [insured(&Person::nth(3), "1003")]).with_header("Idempotency-Key", "night-1");
    is_refused("another body", &department.deliver(&other), (422, "idempotency-mismatch"));
    assert_eq!(files_in(&hub.folder().join("landing")), landed, "the bytes of what was not accepted are not kept");
    let elsewhere = health_records(
        "2026-11-01T09:00:00+08:00",
        1,
        [health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00")],
    );
    let elsewhere = hub.department("health").deliver(&elsewhere.with_header("Idempotency-Key", "night-1"));
    assert_eq!(elsewhere.status, 202, "a key is its feed's own: {elsewhere}");
    hub.decided(shape::delivery_id(&elsewhere.json()));
    is_unharmed(&mut hub);
}

/// PostgreSQL holds no NUL in text: it must not come so far.
#[test]
fn what_the_store_cannot_hold_is_no_fault_of_the_hub() {
    let mut hub = Hub::started(Store::Postgres);
    let administrator = hub.administrator();
    for path in [
        "/v1/deliveries/%00",
        "/v1/deliveries/%00/report.csv",
        "/v1/deliveries?feed=%00",
        "/v1/deliveries?state=%00",
        "/v1/deliveries?cursor=AA",
        "/v1/rejections/%00",
        "/v1/rejections?code=%00",
        "/v1/rejections?cursor=AA",
        "/v1/jobs/%00",
        "/v1/jobs?kind=%00&state=%00&subject=%00",
        "/v1/residents/%00",
        "/v1/residents?community=%00",
        "/v1/residents?cursor=AA",
        "/v1/residents?limit=99999999999999999999",
        "/v1/residents?updated_since=%00",
        "/v1/communities/%00",
        "/v1/changes?after=%00",
        "/v1/changes?after=99999999999999999999-1",
        "/v1/changes?after=x-99999999999999999999",
        "/v1/trace?feed=%00&line=1",
        "/v1/trace?feed=health/resident-health-records&line=-9223372036854775808&delivery=%00",
    ] {
        let answer = administrator.get(path);
        assert!(answer.status < 500, "{path}: {answer}");
    }
    let deliver = |name: &str, value: &str| {
        let delivery = good().with_header(name, value);
        hub.department("social-security").deliver(&delivery)
    };
    assert_eq!(deliver("hub-file-name", "a%00b").status, 400);
    let posted = [
        ("/v1/residents/search", json!({"key": {"number": "\u{0}", "type": "\u{0}", "issuer": "\u{0}"}})),
        ("/v1/residents/search", json!({"alias": {"department": "\u{0}", "kind": "population-no", "number": "\u{0}"}})),
        ("/v1/trace", json!({"feed": "\u{0}", "key": "\u{0}"})),
        ("/v1/rejections/%00/edit", json!({"fields": {"\u{0}": "\u{0}"}})),
        ("/v1/deliveries/%00/release", json!({})),
        ("/v1/jobs/%00/retry", json!({})),
    ];
    for (path, body) in posted {
        let answer = administrator.post(path, &body);
        assert!(answer.status < 500, "{path}: {answer}");
    }
    is_unharmed(&mut hub);
}
