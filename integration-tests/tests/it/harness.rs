//! The harness's own cases: that the servers are the real ones, and that what it reads is what is there.

use std::time::Duration;

use integration_tests::world::{Person, insurance, insured, insured_persons, registered, registered_residents};
use integration_tests::world::{citizen_id, unemployed, unemployment_insurance};
use integration_tests::{Kafka, Postgres};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

const WAIT: Duration = Duration::from_secs(30);

#[test]
fn postgres_answers_and_each_case_has_a_database_of_its_own() {
    let (one, other) = (Postgres::shared().database(), Postgres::shared().database());
    one.sql("CREATE TABLE resident (name TEXT)");
    one.sql("INSERT INTO resident VALUES ('张三')");
    assert_eq!(one.sql("SELECT name FROM resident"), "张三");
    assert_eq!(other.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'resident'"), "0");
    assert!(one.sql("SHOW server_version_num").parse::<u32>().unwrap() >= 150_000);
}

#[test]
fn a_database_is_gone_after_its_case() {
    let here = Postgres::shared().database();
    let gone = Postgres::shared().database();
    let name = gone.url.rsplit('/').next().unwrap().to_owned();
    drop(gone);
    assert_eq!(here.sql(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")), "0");
}

#[test]
fn kafka_shows_what_was_committed_and_hides_what_was_aborted() {
    let kafka = Kafka::shared();
    let topic = format!("{}.events", kafka.prefix());
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", &kafka.brokers).set("transactional.id", &topic).create().unwrap();
    producer.init_transactions(WAIT).unwrap();

    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::to(&topic).key("1").payload("aborted")).unwrap();
    producer.flush(WAIT).unwrap();
    producer.abort_transaction(WAIT).unwrap();

    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::to(&topic).key("1").payload("张三\n二行")).unwrap();
    producer.send(BaseRecord::<_, str>::to(&topic).key("2")).unwrap();
    producer.flush(WAIT).unwrap();
    producer.commit_transaction(WAIT).unwrap();

    let read: Vec<_> = kafka.read_all(&topic).into_iter().map(|m| (m.key.unwrap(), m.value)).collect();
    assert_eq!(read, [("1".to_owned(), Some("张三\n二行".to_owned())), ("2".to_owned(), None)]);
    assert_eq!(kafka.read_all(&topic).len(), 2, "a second read sees the same, without the harness's marks");
}

#[test]
fn kafka_headers_are_read() {
    let kafka = Kafka::shared();
    let topic = format!("{}.events", kafka.prefix());
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().unwrap();
    let headers = rdkafka::message::OwnedHeaders::new()
        .insert(rdkafka::message::Header { key: "content-type", value: Some("application/json; a=b,c:d") })
        .insert(rdkafka::message::Header { key: "ce_id", value: Some("1") });
    producer.send(BaseRecord::to(&topic).key("k").payload("v").headers(headers)).unwrap();
    producer.flush(WAIT).unwrap();
    let expected = [("content-type", "application/json; a=b,c:d"), ("ce_id", "1")];
    assert_eq!(kafka.read_all(&topic)[0].headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_topic_nobody_wrote_to_is_empty() {
    assert_eq!(Kafka::shared().read_all(&Kafka::shared().prefix()), []);
}

#[test]
fn made_up_numbers_carry_the_check_digit_of_the_standard() {
    assert_eq!(citizen_id("110105", "19491231", 2), "11010519491231002X");
    assert_eq!(citizen_id("440524", "18800101", 1), "440524188001010014");
}

#[test]
fn no_two_people_share_a_number() {
    let people = Person::first(2_000);
    let numbers: std::collections::BTreeSet<_> = people.iter().map(|person| &person.id_no).collect();
    assert_eq!(numbers.len(), people.len());
    assert!(people.iter().all(|person| (person.id_no.as_bytes()[16] % 2 == 1) == (person.sex == "1")));
}

#[test]
fn deliveries_hold_what_the_rows_say() {
    let zhang = Person::nth(1);
    let row =
        insured(&zhang, "1001").with("AAC003", "张𠮷").and(insurance("110", "2001")).and(insurance("310", "2002"));
    let xml = insured_persons("20261101", 1, [row]);
    let text = encoding_rs::GB18030.decode(&xml.bytes).0;
    assert!(text.contains("<AAC003>张𠮷</AAC003>") && text.contains("<TOTAL>1</TOTAL>"), "{text}");
    assert_eq!(text.matches("<INSURED>").count(), 2);

    let list = registered_residents("20261101", [registered(&zhang, "001", "户主").with("街路巷", "甲,乙")]);
    let text = encoding_rs::GBK.decode(&list.bytes).0;
    assert!(text.contains("\"甲,乙\"") && text.ends_with("合计,1\r\n"), "{text}");
}

#[test]
fn the_workbook_is_one_that_others_can_read() {
    use calamine::{Data, Reader as _};
    let zhang = Person::nth(1);
    let delivery = unemployment_insurance("2026-11-01", [unemployed(&zhang, "1001")]);
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(delivery.bytes)).unwrap();
    let mut cells = Vec::new();
    let mut reader = book.worksheet_cells_reader("失业保险").unwrap();
    while let Some(cell) = reader.next_cell().unwrap() {
        cells.push((cell.get_position(), Data::from(cell.get_value().clone()).to_string()));
    }
    assert!(cells.contains(&((1, 14), "经办时间".to_owned())), "{cells:?}");
    assert!(cells.contains(&((2, 2), zhang.id_no)), "{cells:?}");
    assert!(cells.contains(&((3, 0), "合计".to_owned())), "{cells:?}");
}
