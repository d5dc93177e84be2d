//! An embedded store moves to PostgreSQL: every row, a new epoch, and the old store is closed.

use integration_tests::hub::{Hub, shape};
use integration_tests::postgres::Postgres;
use integration_tests::store::Store;
use integration_tests::world::{Person, health_record, health_records, insured, insured_persons};
use serde_json::json;

use crate::faults::night;
use crate::judge::{changes, conserved, without_gap};

/// The source is closed, to a hub that starts and to one that never heard of it.
fn is_closed(hub: &mut Hub, from: &str) {
    let (status, log) = hub.start_in_vain();
    assert!(!status.success() && log.contains("sealed"), "{log}");
    let refused = String::from_utf8_lossy(&hub.command(&["token", "list"]).stderr).into_owned();
    assert!(refused.contains("use the copy") && refused.contains("封存"), "{refused}");
    let mut raw =
        <diesel::SqliteConnection as diesel::Connection>::establish(from.trim_start_matches("sqlite://")).unwrap();
    let written =
        diesel::connection::SimpleConnection::batch_execute(&mut raw, "UPDATE writer SET generation = generation + 1");
    assert!(written.unwrap_err().to_string().contains("sealed"), "whoever writes");
}

/// The next night's file finds what the night before left.
fn goes_on(hub: &Hub) {
    let third = hub.deliver(&insured_persons(
        "20261103",
        1,
        (1..=2_481).map(|n| insured(&Person::nth(n), &n.to_string()).with("AAC003", "改名")),
    ));
    assert_eq!((&third["applied"], &third["unchanged"]), (&json!(2), &json!(2_479)), "{third}");
    conserved(&[third]);
    without_gap(&changes(&hub.administrator()));
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

#[test]
fn a_store_is_copied_to_postgres_and_goes_on_there() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    assert_eq!(hub.deliver(&night("20261101", 2_500))["applied"], 2_500);
    // Something of everything: a delta, rejections, endings, people who changed.
    let record = health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00");
    assert_eq!(hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 1, [record]))["applied"], 1);
    let rows =
        (1..=2_480).map(|n| insured(&Person::nth(n), &n.to_string()).with("AAC003", if n == 7 { "" } else { "改名" }));
    let second = hub.deliver(&insured_persons("20261102", 1, rows));
    assert_eq!((&second["rejected"], &second["ended"]), (&json!(1), &json!(20)), "{second}");
    let (told, status) = (changes(&hub.administrator()), hub.json(&["status"]));
    let old = hub.administrator().get("/v1/changes?limit=1").good()["next"].as_str().unwrap().to_owned();

    let database = Postgres::shared().database();
    let from = format!("sqlite://{}", hub.folder().join("hub.db").display());
    let copy = ["copy-store", "--from", &from, "--to", &database.url];
    let busy = hub.command(&copy);
    assert!(String::from_utf8_lossy(&busy.stderr).contains("stop it first"), "a hub is at work");
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    assert!(hub.stop().success());

    let copied = hub.json(&copy);
    let rows = |table: &str| {
        let found = copied["tables"].as_array().unwrap().iter().find(|found| found["table"] == table).unwrap();
        assert_eq!(found["digest"].as_str().map(str::len), Some(64));
        found["rows"].to_string()
    };
    for table in [
        "contribution",
        "entity_version",
        "entity",
        "delivery",
        "rejection",
        "delivery_rejection",
        "job",
        "token",
        "writer",
    ] {
        assert_eq!(database.sql(&format!("SELECT count(*) FROM {table}")), rows(table), "{table}");
    }
    assert_eq!(rows("contribution"), "2501");

    is_closed(&mut hub, &from);
    assert!(!hub.command(&copy).status.success(), "it is copied once");

    hub.reconfigure(|_| Hub::on(Store::Sqlite).at(&database.url).rejections_allowed());
    hub.start_again();
    assert_eq!(hub.json(&["verify"])["differences"], 0);
    let there = hub.json(&["status"]);
    assert_eq!((&there["dataset"], &there["last_seq"]), (&status["dataset"], &status["last_seq"]));
    assert_eq!(there["epoch"], copied["epoch"]);
    let answer = hub.administrator().get(&format!("/v1/changes?after={old}"));
    assert_eq!(answer.refused(410)["code"], "epoch-changed");
    let shown = |told: &[serde_json::Value]| {
        let part =
            |change: &serde_json::Value| (change["seq"].clone(), change["entity"].clone(), change["data"].clone());
        told.iter().map(part).collect::<Vec<_>>()
    };
    assert_eq!(shown(&changes(&hub.administrator())), shown(&told));
    goes_on(&hub);
    drop(hub);
}

#[test]
fn a_copy_that_fails_leaves_both_as_they_were() {
    let mut hub = Hub::started(Store::Sqlite);
    assert_eq!(hub.deliver(&night("20261101", 30))["applied"], 30);
    assert!(hub.stop().success());
    let database = Postgres::shared().database();
    let from = format!("sqlite://{}", hub.folder().join("hub.db").display());
    let copy = |hub: &Hub, to: &str| hub.command(&["copy-store", "--from", &from, "--to", to]);
    let said = |output: std::process::Output| {
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };

    // A store of somebody else is in the way.
    let other = Hub::started(Store::Postgres);
    other.administrator();
    assert!(said(copy(&hub, &other.database().url)).contains("not empty"));
    assert!(said(copy(&hub, "sqlite://elsewhere.db")).contains("postgres://"));
    let unknown = hub.command(&["copy-store", "--from", "sqlite://no-such.db", "--to", &database.url]);
    assert!(said(unknown).contains("there is no store"));

    // A row arrives otherwise than it was.
    hub.command(&["migrate"]);
    let config = hub.folder().join("target.toml");
    std::fs::write(&config, format!("[database]\nurl = {:?}\n", database.url)).unwrap();
    let made = std::process::Command::new(integration_tests::hub::binary::path())
        .args(["migrate", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(made.status.success());
    database.sql(
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := 'other'; RETURN NEW; END $$; \
         CREATE TRIGGER other BEFORE INSERT ON token FOR EACH ROW EXECUTE FUNCTION other()",
    );
    assert!(said(copy(&hub, &database.url)).contains("token"), "digests are compared");
    assert_eq!(database.sql("SELECT count(*) FROM entity"), "0", "nothing of it stays");
    hub.start_again();
    assert_eq!(hub.deliver(&night("20261102", 31))["applied"], 1, "the source is open as before");

    assert!(hub.stop().success());
    database.sql("DROP TRIGGER other ON token");
    assert!(copy(&hub, &database.url).status.success());
    assert!(!hub.command(&["status"]).status.success());
    let opened = hub.command(&["copy-store", "--from", &from, "--unseal"]);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    hub.start_again();
    let id = shape::delivery_id(&hub.deliver(&night("20261103", 32))).to_owned();
    assert!(!id.is_empty());
    drop(other);
}
