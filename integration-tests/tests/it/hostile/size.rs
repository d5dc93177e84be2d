//! Files that are too large, too deep or too wide somewhere: a limit says so, and memory stays what it was.

use integration_tests::hub::Hub;
use integration_tests::store::Store;
use integration_tests::world::{
    Delivery, Person, health_record, health_records, health_records_ndjson, insured, insured_persons, registered,
    registered_residents,
};

use super::{Comes, comes_to, is_refused, is_unharmed, memory_is_bounded};

const DEEP: usize = 10_000_000;
const LONG: usize = 64 << 20;
/// Long enough to pass the limit of 1 MiB; the decoders do not differ in how they keep it.
const LONGER_THAN_ALLOWED: usize = 4 << 20;
const WIDE: usize = 100_000;
const AS_OF: &str = "2026-11-01T09:00:00+08:00";

fn health() -> Delivery {
    health_records(AS_OF, 1, [health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00")])
}

#[test]
fn json_ten_million_deep_does_not_reach_the_bottom() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let down = |open: &str, close: &str| open.repeat(DEEP) + &close.repeat(DEEP);
    let cases = [
        ("arrays that never close", "[".repeat(DEEP), Comes::Held("limit")),
        ("arrays", down("[", "]"), Comes::Held("limit")),
        ("objects", format!("[{}]", down("{\"a\":", "}").replacen("}", "1}", 1)), Comes::Held("limit")),
    ];
    for (case, text, expected) in cases {
        comes_to(&hub, case, &health().with_bytes(text.into_bytes()), expected);
    }
    // Records are read whole, so their body has a limit of its own; below it they are as deep as that allows.
    let department = hub.department("health");
    let deep = format!("[{}]", "[".repeat(4_000_000) + &"]".repeat(4_000_000));
    let answer = department.post_with(RECORDS, &[("content-type", "application/json")], deep.as_bytes());
    assert!((400..500).contains(&answer.status), "{answer}");
    let large = format!("[{}]", down("[", "]"));
    let answer = department.post_with(RECORDS, &[("content-type", "application/json")], large.as_bytes());
    is_refused("records of 20 MB", &answer, (413, "body-too-large"));
    let search =
        hub.administrator().post_with(SEARCH, &[("content-type", "application/json")], &deep.as_bytes()[..900_000]);
    is_refused("a search that is deep", &search, (400, "body-unreadable"));
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

const RECORDS: &str = "/v1/feeds/health/resident-health-records/records";
const SEARCH: &str = "/v1/residents/search";

#[test]
fn a_line_of_64_megabytes_is_rejected_as_one_row() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let long = "1".repeat(LONG);
    let register = |street: &str| {
        let rows = [
            registered(&Person::nth(1), "001", "户主").with("街路巷", street),
            registered(&Person::nth(2), "001", "配偶"),
        ];
        registered_residents("20261101", rows)
    };
    comes_to(&hub, "text", &register(&long), Comes::Rejected("record-too-large"));
    let long = "1".repeat(LONGER_THAN_ALLOWED);
    // Few long lines: each of them becomes a row of its own once the quote is given up.
    let quoted = format!("\"{}", format!("{},\n", "长".repeat(LONGER_THAN_ALLOWED / 200)).repeat(100));
    let rows = register("某街");
    let text = encoding_rs::GBK.decode(&rows.bytes).0.replacen("某街", &quoted, 1);
    let open = rows.with_bytes(encoding_rs::GBK.encode(&text).0.into_owned());
    comes_to(&hub, "a quote that never closes", &open, Comes::Releasable("total-mismatch"));

    let xml = insured_persons(
        "20261101",
        1,
        [insured(&Person::nth(1), "1001").with("AAE006", &long), insured(&Person::nth(2), "1002")],
    );
    // A parser hands on a text whole, so one that is too large ends the reading.
    comes_to(&hub, "XML", &xml, Comes::Held("limit"));
    let record = |number: u32, phone: &str| {
        health_record(
            &Person::nth(number),
            &format!("{:017}", 13010800000000000_u64 + u64::from(number)),
            "2026-11-01T08:30:00",
        )
        .with("DE02.01.010.00", phone)
    };
    let lines = health_records_ndjson(AS_OF, 1, [record(1, &long), record(2, "13800000002")]);
    comes_to(&hub, "JSON lines", &lines, Comes::Rejected("record-too-large"));
    let array = health_records(AS_OF, 2, [record(1, &long), record(2, "13800000002")]);
    comes_to(&hub, "a JSON array", &array, Comes::Rejected("record-too-large"));
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn a_hundred_thousand_columns_are_too_many() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let columns: Vec<String> = (0..WIDE).map(|number| format!("c{number}")).collect();
    let register = registered_residents("20261101", [registered(&Person::nth(1), "001", "户主")]);
    let headings = columns.join(",") + "\r\n" + &"1,".repeat(WIDE) + "\r\n合计,1\r\n";
    comes_to(&hub, "headings", &register.clone().with_bytes(headings.into_bytes()), Comes::Held("missing"));

    let wide = ",1".repeat(WIDE);
    let text = encoding_rs::GBK.decode(&register.bytes).0.replacen("裕华区\r\n", &format!("裕华区{wide}\r\n"), 1);
    let row = register.with_bytes(encoding_rs::GBK.encode(&text).0.into_owned());
    comes_to(&hub, "a row of text", &row, Comes::Rejected("column-count"));

    let elements: String = columns.iter().map(|name| format!("<{name}>1</{name}>")).collect();
    let xml = insured_persons("20261101", 1, [insured(&Person::nth(1), "1001")]);
    let text = encoding_rs::GB18030.decode(&xml.bytes).0.replacen("<ROW>", &format!("<ROW>{elements}"), 1);
    let xml = xml.with_bytes(encoding_rs::GB18030.encode(&text).0.into_owned());
    comes_to(&hub, "a row of XML", &xml, Comes::Rejected("too-many-columns"));

    let members: Vec<String> = columns.iter().map(|name| format!("\"{name}\":1")).collect();
    let json = health().with_bytes(format!("[{{{}}}]", members.join(",")).into_bytes());
    comes_to(&hub, "a JSON object", &json, Comes::Held("limit"));
    memory_is_bounded(&hub);
    is_unharmed(&mut hub);
}

#[test]
fn a_row_of_many_narrow_columns_and_one_of_many_items_are_too_wide() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let xml = insured_persons("20261101", 1, [insured(&Person::nth(1), "1001")]);
    let text = encoding_rs::GB18030.decode(&xml.bytes).0.into_owned();
    let elements: String = (0..5_000).map(|number| format!("<c{number}/>")).collect();
    let items = "<INSURED><AAE140>110</AAE140></INSURED>".repeat(5_000);
    for (case, inside, code) in [("columns", elements, "too-many-columns"), ("items", items, "too-many-items")] {
        let wide = text.replacen("</ROW>", &format!("{inside}</ROW>"), 1);
        let bytes = encoding_rs::GB18030.encode(&wide).0.into_owned();
        comes_to(&hub, case, &xml.clone().with_bytes(bytes), Comes::Rejected(code));
    }
    is_unharmed(&mut hub);
}
