//! Files whose content is not what it should be: cut, empty, in another encoding, with what no file may hold.

use integration_tests::hub::Hub;
use integration_tests::store::Store;
use integration_tests::world::{
    Delivery, Person, counted, health_record, health_records, health_records_ndjson, insured, insured_persons,
    marriage, marriage_registrations, population, registered, registered_residents, unemployed, unemployment_insurance,
};

use super::{Comes, comes_to, is_unharmed};

const AS_OF: &str = "2026-11-01T09:00:00+08:00";

/// A good delivery of each feed.
fn one_of_each() -> [Delivery; 6] {
    let (zhang, wang) = (Person::nth(1), Person::nth(2));
    [
        insured_persons("20261101", 1, [insured(&zhang, "1001"), insured(&wang, "1002")]),
        unemployment_insurance(AS_OF, [unemployed(&zhang, "1001"), unemployed(&wang, "1002")]),
        marriage_registrations("2026-11-01T20:00:00", [marriage(&zhang, &wang, "J130108-2026-000001", "2026-10-31")]),
        health_records(AS_OF, 1, [health_record(&zhang, "13010800000000001", "2026-11-01T08:30:00")]),
        population([counted(&zhang, "1300001", "2026-11-01"), counted(&wang, "1300002", "2026-11-01")]),
        registered_residents("20261101", [registered(&zhang, "001", "户主"), registered(&wang, "001", "配偶")]),
    ]
}

/// The same delivery with other bytes, under a name for messages.
fn with(delivery: &Delivery, bytes: impl Into<Vec<u8>>) -> Delivery {
    delivery.clone().with_bytes(bytes.into())
}

#[test]
fn a_cut_file_is_held() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let [insured, workbook, marriages, health, population, register] = one_of_each();
    for (case, delivery) in
        [("insured", insured), ("marriages", marriages), ("health", health), ("population", population)]
    {
        for tenths in [3, 6, 9] {
            comes_to(
                &hub,
                &format!("{case} cut at {tenths}/10"),
                &delivery.clone().cut_at(tenths),
                Comes::Held("truncated"),
            );
        }
    }
    comes_to(&hub, "a workbook cut at 5/10", &workbook.cut_at(5), Comes::Held("truncated"));
    comes_to(&hub, "a text without its trailer", &register.cut_at(8), Comes::Releasable("total-missing"));
    let lines =
        health_records_ndjson(AS_OF, 2, [health_record(&Person::nth(3), "13010800000000003", "2026-11-01T08:30:00")]);
    // A line may be cut where it looks whole, so a person may release it; half a line is no row.
    comes_to(&hub, "a line cut in its middle", &lines.clone().cut_at(5), Comes::Releasable("truncated"));
    let unsaid = lines.without_header("Hub-Total");
    comes_to(
        &hub,
        "lines without a total",
        &with(&unsaid, unsaid.bytes.trim_ascii_end()),
        Comes::Releasable("truncated"),
    );
    is_unharmed(&mut hub);
}

#[test]
fn an_empty_file_is_held_and_an_empty_snapshot_too() {
    let mut hub = Hub::on(Store::Sqlite).start();
    for delivery in one_of_each() {
        let case = format!("an empty file of {}", delivery.feed);
        comes_to(&hub, &case, &with(&delivery, ""), Comes::Held("truncated"));
    }
    comes_to(&hub, "no insured person", &insured_persons("20261101", 1, []), Comes::Releasable("zero-rows"));
    comes_to(&hub, "nobody unemployed", &unemployment_insurance(AS_OF, []), Comes::Releasable("zero-rows"));
    comes_to(&hub, "no population", &population([]), Comes::Held("as-of-missing"));
    comes_to(&hub, "an empty register", &registered_residents("20261101", []), Comes::Releasable("zero-rows"));
    is_unharmed(&mut hub);
}

#[test]
fn a_document_type_is_refused_before_anything_of_it_expands() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let [insured, _, marriages, _, population, _] = one_of_each();
    let mut bomb = String::from("<!DOCTYPE DATA [<!ENTITY a0 \"张三\">");
    for level in 1..12 {
        let before = format!("&a{};", level - 1).repeat(10);
        bomb += &format!("<!ENTITY a{level} \"{before}\">");
    }
    bomb += "]>";
    let external = "<!DOCTYPE DATA [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let outside = "<!DOCTYPE DATA SYSTEM \"http://127.0.0.1:1/x.dtd\">".to_owned();
    for (case, delivery) in [("insured", insured), ("marriages", marriages), ("population", population)] {
        for (kind, doctype) in [("a bomb", &bomb), ("an external entity", &external), ("an external DTD", &outside)] {
            let mut bytes = delivery.bytes.clone();
            let after_declaration = bytes.windows(2).position(|two| two == b"?>").unwrap() + 2;
            bytes.splice(after_declaration..after_declaration, doctype.bytes());
            comes_to(&hub, &format!("{kind} in {case}"), &with(&delivery, bytes), Comes::Held("forbidden"));
        }
    }
    is_unharmed(&mut hub);
}

#[test]
fn an_entity_without_a_document_type_rejects_its_row() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let rows = [insured(&Person::nth(1), "1001").with("AAC003", "某某某"), insured(&Person::nth(2), "1002")];
    let delivery = insured_persons("20261101", 1, rows);
    let text = encoding_rs::GB18030.decode(&delivery.bytes).0.replace("某某某", "&bomb;");
    let delivery = with(&delivery, encoding_rs::GB18030.encode(&text).0.into_owned());
    comes_to(&hub, "an unknown entity", &delivery, Comes::Rejected("unknown-entity"));
    is_unharmed(&mut hub);
}

#[test]
fn a_file_in_another_encoding_is_held() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let [insured, _, marriages, health, population, register] = one_of_each();
    let gbk = |bytes: &[u8]| encoding_rs::GBK.encode(std::str::from_utf8(bytes).unwrap()).0.into_owned();
    let utf8 = |bytes: &[u8]| encoding_rs::GB18030.decode(bytes).0.into_owned().into_bytes();
    let utf16 = |bytes: &[u8]| {
        let text = encoding_rs::GB18030.decode(bytes).0.into_owned();
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<u8>>()
    };
    let cases = [
        ("UTF-8 where GB 18030 is declared", with(&insured, utf8(&insured.bytes))),
        ("UTF-8 text where GBK is declared", with(&register, utf8(&register.bytes))),
        ("UTF-16 XML", with(&insured, utf16(&insured.bytes))),
        ("UTF-16 text", with(&register, utf16(&register.bytes))),
        ("GBK where UTF-8 is declared", with(&marriages, gbk(&marriages.bytes))),
        ("GBK population", with(&population, gbk(&population.bytes))),
        ("GBK JSON", with(&health, gbk(&health.bytes))),
    ];
    for (case, delivery) in cases {
        comes_to(&hub, case, &delivery, Comes::Held("encoding"));
    }
    is_unharmed(&mut hub);
}

#[test]
fn a_file_of_another_format_is_held() {
    let mut hub = Hub::on(Store::Sqlite).start();
    let [insured, workbook, _, health, population, register] = one_of_each();
    let cases = [
        ("a workbook as XML", with(&insured, workbook.bytes.clone()), Comes::Held("malformed")),
        ("JSON as XML", with(&population, health.bytes.clone()), Comes::Held("malformed")),
        ("XML as JSON", with(&health, population.bytes.clone()), Comes::Held("malformed")),
        ("text as a workbook", with(&workbook, register.bytes.clone()), Comes::Held("malformed")),
        ("another root", with(&population, "<a><b>1</b></a>"), Comes::Held("missing")),
        ("another heading line", with(&register, "a,b,c\r\n1,2,3\r\n"), Comes::Held("missing")),
        ("JSON that is one number", with(&health, "17"), Comes::Held("malformed")),
    ];
    for (case, delivery, expected) in cases {
        comes_to(&hub, case, &delivery, expected);
    }
    is_unharmed(&mut hub);
}

#[test]
fn nul_bytes_do_no_harm() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let [insured, workbook, _, health, population, register] = one_of_each();
    let marked = |delivery: &Delivery, from: &[u8], to: &[u8]| {
        let at = delivery.bytes.windows(from.len()).position(|found| found == from).unwrap();
        let mut bytes = delivery.bytes.clone();
        bytes.splice(at..at + from.len(), to.iter().copied());
        with(delivery, bytes)
    };
    let xml = marked(&insured, b"<BAC001>1001</BAC001>", b"<BAC001>10\x0001</BAC001>");
    comes_to(&hub, "a NUL in XML", &xml, Comes::Rejected("undecodable-characters"));
    let escaped = marked(&population, "<人口>".as_bytes(), "<人口>&#0;".as_bytes());
    comes_to(&hub, "a NUL as a character reference", &escaped, Comes::Rejected("unknown-entity"));
    let text = marked(&register, Person::nth(1).id_no.as_bytes(), b"13\x0001");
    comes_to(&hub, "a NUL in text", &text, Comes::Rejected("undecodable-characters"));
    let json = marked(&health, b"13010800000000001", b"1301080\\u0000001");
    comes_to(&hub, "a NUL in JSON", &json, Comes::Rejected("undecodable-characters"));
    let nothing = |delivery: &Delivery| with(delivery, vec![0; 4096]);
    for (case, delivery) in [("XML", insured), ("JSON", health), ("population", population), ("text", register)] {
        comes_to(&hub, &format!("nothing but NUL as {case}"), &nothing(&delivery), Comes::Held("encoding"));
    }
    comes_to(&hub, "nothing but NUL as a workbook", &nothing(&workbook), Comes::Held("malformed"));
    is_unharmed(&mut hub);
}
