//! The command line: without a server, and beside one.

use std::fs;
use std::path::PathBuf;

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{
    Delivery, Person, health_record, health_records, insured, insured_persons, registered, registered_residents,
};
use serde_json::json;

const INSURED: &str = "social-security/insured-persons";

fn people(date: &str, numbers: std::ops::RangeInclusive<u32>) -> Delivery {
    insured_persons(date, 1, numbers.map(|number| insured(&Person::nth(number), &number.to_string())))
}

fn file(hub: &Hub, name: &str, delivery: &Delivery) -> String {
    let path: PathBuf = hub.folder().join(name);
    fs::write(&path, &delivery.bytes).unwrap();
    path.display().to_string()
}

fn files_are_ingested_with_and_without_a_server(store: Store) {
    let mut hub = Hub::started(store);
    hub.administrator();
    assert!(hub.stop().success());
    let (one, two) =
        (file(&hub, "1.xml", &people("20261101", 1..=30)), file(&hub, "2.xml", &people("20261102", 1..=31)));
    let done = hub.json(&["ingest", INSURED, &one, &two]);
    assert_eq!(done["deliveries"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(hub.json(&["status"])["dataset"]["residents"], 31);
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    let again = hub.json(&["ingest", INSURED, &two]);
    assert_eq!(again["deliveries"][0], done["deliveries"][1], "the same file again is the same delivery");

    let cut = file(&hub, "cut.xml", &people("20261103", 1..=31).cut_at(7));
    let output = hub.command(&["ingest", INSURED, &cut]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("held") && said.contains("truncated") && said.contains("不完整"), "{said}");

    hub.start_again();
    let beside = file(&hub, "3.xml", &people("20261104", 1..=32));
    let output = hub.command(&["ingest", INSURED, &beside]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("received 32 = applied 1 + unchanged 31"), "{said}");
    assert_eq!(hub.json(&["status"])["dataset"]["residents"], 32);

    let record = health_records("", 1, [health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00")]);
    let health = file(&hub, "h.json", &record);
    let output = hub.command(&["ingest", "health/resident-health-records", &health]);
    assert_eq!(output.status.code(), Some(2), "no as-of");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("as-of") && said.contains("数据时点"), "{said}");
    hub.json(&[
        "ingest",
        "health/resident-health-records",
        &health,
        "--as-of",
        "2026-11-01T09:00:00+08:00",
        "--total",
        "1",
    ]);
    let output = hub.command(&["ingest", "health/nothing", &health]);
    assert_eq!(output.status.code(), Some(2), "an unknown feed");
    let output = hub.command(&["ingest", INSURED, "no-such-file.xml"]);
    assert_eq!(output.status.code(), Some(2), "no such file");
}

#[test]
fn files_are_ingested_with_and_without_a_server_on_sqlite() {
    files_are_ingested_with_and_without_a_server(Store::Sqlite);
}

#[test]
fn files_are_ingested_with_and_without_a_server_on_postgres() {
    files_are_ingested_with_and_without_a_server(Store::Postgres);
}

#[test]
fn a_token_is_worth_nothing_once_it_is_revoked() {
    let hub = Hub::started(Store::Sqlite);
    let department = hub.department("social-security");
    assert_eq!(department.get("/v1/feeds").status, 200);
    let tokens = hub.json(&["token", "list"]);
    let tokens = tokens["tokens"].as_array().unwrap();
    let secret = department.token().unwrap();
    assert!(!tokens.iter().any(|token| token.to_string().contains(secret)), "a list tells no secret");
    let id = tokens.iter().find(|token| token["subject"] == "social-security").unwrap()["id"].as_str().unwrap();
    assert!(hub.command(&["token", "revoke", id]).status.success());
    assert_eq!(department.get("/v1/feeds").refused(401)["code"], "token-unknown");
    assert_eq!(hub.command(&["token", "revoke", id]).status.code(), Some(2), "it is revoked already");
    let wrong = hub.command(&["token", "create", "--role", "department"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--department"));
    for file in [hub.folder().join("hub.db"), hub.folder().join("hub.db-wal"), hub.folder().join("hub.log")] {
        let bytes = fs::read(&file).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|found| found == secret.as_bytes()),
            "{} holds a token",
            file.display()
        );
    }
}

#[test]
fn check_says_in_which_line_a_mapping_is_wrong() {
    let hub = Hub::started(Store::Sqlite);
    let printed =
        |output: std::process::Output| (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned());
    let said = |folder: &str| printed(hub.command(&["check", "--data", folder]));
    assert_eq!(printed(hub.command(&["check"])), (Some(0), "no findings\n".to_owned()));
    let mappings = hub.folder().join("data/mappings/social-security");
    fs::create_dir_all(&mappings).unwrap();
    let embedded = integration_tests::place::workspace().join("mappings/social-security/insured-persons.toml");
    let good = fs::read_to_string(embedded).unwrap();
    let line_of = |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    for (from, to) in [
        ("codes = \"sex\"", "codes = \"sexes\""),
        ("with = [\"name\"]", "with = [\"nome\"]"),
        ("when = 'row.AAC058 in", "when = 'row.AAC058 inn"),
        ("mode = \"snapshot\"", "mode = \"snapshot"),
        ("schedule = {", "shedule = {"),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        fs::write(mappings.join("insured-persons.toml"), &broken).unwrap();
        let (code, text) = said("data");
        let place = format!("mappings/social-security/insured-persons.toml:{}: ", line_of(&broken, to));
        assert!(code == Some(1) && text.contains(&place), "{to}: {code:?} without {place}:\n{text}");
    }
    // A wrong expectation of a test beside a mapping is a finding too, and a hub does not start on a broken mapping.
    fs::write(
        mappings.join("insured-persons.toml"),
        good.replacen("with = [\"bool:1,离退休|0,非离退休\"]", "with = [\"bool:0,离退休|1,非离退休\"]", 1),
    )
    .unwrap();
    let (code, text) = said("data");
    assert!(
        code == Some(1) && text.contains("mappings/social-security/insured-persons.tests.toml:"),
        "{code:?}: {text}"
    );
}

#[test]
fn a_record_is_traced_and_a_rejection_waived_on_the_command_line() {
    let hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let nameless = registered(&Person::nth(1), "001", "户主").with("姓名", "");
    let delivered =
        hub.deliver(&registered_residents("20261101", [nameless, registered(&Person::nth(2), "001", "配偶")]));
    let listed = hub.json(&["rejections", "--feed", "public-security/registered-residents"]);
    let rejection = &listed["rejections"][0];
    assert_eq!((&rejection["state"], &rejection["line"]), (&json!("open"), &json!(2)), "{listed}");
    let traced = hub.json(&["trace", "public-security/registered-residents", &Person::nth(1).id_no]);
    assert_eq!(traced["rejections"][0]["id"], rejection["id"], "{traced}");
    let traced = hub.json(&["trace", "public-security/registered-residents", &Person::nth(2).id_no]);
    assert_eq!(traced["contributions"].as_array().map(Vec::len), Some(1), "{traced}");
    let waived = hub.json(&["rejections", "waive", rejection["id"].as_str().unwrap()]);
    assert_eq!(waived["rejections"][0]["state"], "waived", "{waived}");
    let jobs = hub.json(&["jobs", "--kind", "apply"]);
    assert_eq!(jobs["jobs"][0]["subject"], shape::delivery_id(&delivered), "{jobs}");
    let words = String::from_utf8_lossy(&hub.command(&["status"]).stdout).into_owned();
    assert!(words.contains("public-security/registered-residents") && words.contains("dataset"), "{words}");
}
