//! What may not be known at all, and dates that never were.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{
    Person, health_record, health_records, health_records_ndjson, insured, insured_persons,
};
use serde_json::json;

use super::{Comes, comes_to, files_in, is_unharmed};

const AS_OF: &str = "2026-11-01T09:00:00+08:00";
const CHANGED: &str = "2026-11-01T08:30:00";

#[test]
fn a_file_with_diagnoses_is_refused_and_its_bytes_are_erased() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let landing = hub.folder().join("landing");
    let rows = || {
        let ill = health_record(&Person::nth(1), "13010800000000001", CHANGED).with("diagnoses", "某种疾病");
        [ill, health_record(&Person::nth(2), "13010800000000002", CHANGED)]
    };
    // Behind more rows than are looked at together, too.
    let mut many: Vec<_> = (3..2_500)
        .map(|number| {
            health_record(&Person::nth(number), &format!("{:017}", 13010800000000000_u64 + u64::from(number)), CHANGED)
        })
        .collect();
    many.extend(rows());
    for (case, delivery) in [
        ("an array", health_records(AS_OF, 1, rows())),
        ("lines", health_records_ndjson(AS_OF, 2, rows())),
        ("the last of many", health_records(AS_OF, 3, many)),
    ] {
        let refused = comes_to(&hub, case, &delivery, Comes::Refused("forbidden-column"));
        are_erased(&hub, case, shape::delivery_id(&refused));
        assert_eq!(files_in(&landing), [], "{case}");
        let report = hub.administrator().get(&format!("/v1/deliveries/{}/report.csv", shape::delivery_id(&refused)));
        assert!(!report.text().contains("某种疾病") && report.text().contains("forbidden-column"), "{case}: {report}");
    }
    let department = hub.department("health");
    let record = json!([{"DE01.00.009.00": "13010800000000001", "DE02.01.039.00": "张三", "pastHistory": "某种疾病"}]);
    let answer = department.post("/v1/feeds/health/resident-health-records/records", &record);
    assert_eq!(answer.status, 422, "{answer}");
    assert!(!answer.text().contains("某种疾病"), "{answer}");
    assert!(files_in(&landing).is_empty(), "{:?}", files_in(&landing));
    assert_eq!(hub.administrator().get("/v1/residents").good()["items"], json!([]));
    let words = "某种疾病".as_bytes();
    for (file, _) in files_in(hub.folder()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(words.len()).any(|found| found == words), "{file} holds what was refused");
    }
    is_unharmed(&mut hub);
}

/// The refusal is written before the bytes go, so that no crash leaves bytes nobody knows of.
fn are_erased(hub: &Hub, case: &str, delivery: &str) {
    for _ in 0..400 {
        if hub.administrator().get(&shape::delivery_path(delivery)).good()["landed"] == false {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("{case}: the bytes stay");
}

#[test]
fn a_birth_date_that_never_was_is_dropped_and_the_row_is_used() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let (zhang, wang) = (Person::nth(1), Person::nth(2));
    let dated = |date: &str| [insured(&zhang, "1001").with("AAC006", date), insured(&wang, "1002")];
    comes_to(&hub, "1900-02-30", &insured_persons("20261101", 1, dated("1900-02-30")), Comes::Issue("date-invalid"));
    comes_to(&hub, "19000230", &insured_persons("20261102", 1, dated("19000230")), Comes::Issue("date-invalid"));
    comes_to(
        &hub,
        "a day to come",
        &insured_persons("20261103", 1, dated("20990101")),
        Comes::Issue("date-out-of-range"),
    );
    let found = hub.administrator().post("/v1/residents/search", &json!({"key": {"number": zhang.id_no}})).good();
    let data = &shape::items(&found)[0]["data"];
    assert_eq!((&data["name"], &data["birth_date"]), (&json!(zhang.name), &json!(null)), "{data}");
    is_unharmed(&mut hub);
}
