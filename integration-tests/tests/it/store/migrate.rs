//! Migrations on a database in production: refused until somebody asks for them, safe beside a hub at work, and a store
//! that has gone on is still good for an older hub until it says otherwise.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use serde_json::json;

use super::night;
use crate::judge::is_whole;

const NEWEST: &str = "20261123000000";

/// Takes a migration away that no hub needs to be there: an index.
const LACKING: &str =
    "DROP INDEX contribution_marked; DELETE FROM __diesel_schema_migrations WHERE version = '20261123000000'";

#[test]
fn a_database_in_production_is_migrated_only_on_demand_and_beside_a_hub_at_work() {
    let mut hub = Hub::on(Store::Postgres).chunk(50).start();
    let receipt = hub.department("social-security").deliver(&night("20261101", 2_000)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    hub.database().sql(LACKING);
    let listed = hub.json(&["migrate", "--dry-run"]);
    assert_eq!(listed["pending"], json!([{"name": "2026-11-23-000000_bulk", "contracts": false}]), "{listed}");
    assert_eq!(listed["applied"], json!([]));
    let index = "SELECT count(*) FROM pg_indexes WHERE indexname = 'contribution_marked'";
    assert_eq!(hub.database().sql(index), "0", "a dry run changes nothing");
    let refused = hub.command(&["status"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("hub migrate") && said.contains("数据库结构"), "{said}");

    let migrated = hub.json(&["migrate"]);
    assert_eq!(migrated["applied"][0]["name"], "2026-11-23-000000_bulk", "{migrated}");
    assert_eq!((&migrated["pending"], hub.database().sql(index).as_str()), (&json!([]), "1"));
    is_whole(&hub, &id, 2_000);
    assert_eq!(hub.json(&["migrate"])["applied"], json!([]), "nothing is left to do");

    hub.database().sql(LACKING);
    assert!(hub.stop().success());
    let (status, log) = hub.start_in_vain();
    assert!(!status.success() && log.contains("hub migrate") && log.contains("2026-11-23-000000_bulk"), "{log}");
    hub.json(&["migrate"]);
    hub.start_again();
    let applied =
        hub.database().sql(&format!("SELECT count(*) FROM __diesel_schema_migrations WHERE version = '{NEWEST}'"));
    assert_eq!(applied, "1");
}

/// What the release after this one may have done to the store, expanding it.
const EXPANDED: &str = "ALTER TABLE contribution ADD COLUMN remark TEXT; ALTER TABLE delivery ADD COLUMN weight BIGINT NOT NULL DEFAULT 0; \
    CREATE TABLE novelty (id TEXT PRIMARY KEY NOT NULL); INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";

#[test]
fn an_older_hub_works_on_an_expanded_store_until_the_store_needs_a_newer_one() {
    let mut hub = Hub::on(Store::Postgres).chunk(50).start();
    let receipt = hub.department("social-security").deliver(&night("20261101", 1_000)).good();
    let id = shape::delivery_id(&receipt).to_owned();
    hub.database().sql(EXPANDED);
    is_whole(&hub, &id, 1_000);
    assert!(hub.stop().success());
    hub.start_again();
    assert_eq!(hub.deliver(&night("20261102", 1_001))["applied"], 1, "an older hub starts on it too");
    assert_eq!(hub.json(&["migrate", "--dry-run"])["pending"], json!([]));

    hub.database().sql("UPDATE foundation SET needs = 20991231000000");
    crate::faults::wait_for("the end of the writer", || {
        let status = hub.administrator().get("/v1/status").good();
        (status["writer"]["held"] == json!(false)).then_some(())
    });
    let receipt = hub.department("social-security").deliver(&night("20261103", 1_002)).good();
    let waiting = shape::delivery_id(&receipt).to_owned();
    crate::faults::wait_for("the inspection", || {
        let found = hub.administrator().get(&shape::delivery_path(&waiting)).good();
        (found["state"] == json!("ready")).then_some(())
    });
    assert!(hub.stop().success());
    let (status, log) = hub.start_in_vain();
    assert!(!status.success() && log.contains("older than the database allows"), "{log}");
    let refused = hub.command(&["migrate"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("older than the database allows"));
    assert_eq!(
        hub.database().sql("SELECT state FROM delivery ORDER BY id DESC LIMIT 1"),
        "ready",
        "nothing was written"
    );

    hub.database().sql("UPDATE foundation SET needs = 0");
    hub.start_again();
    assert_eq!(hub.decided(&waiting)["applied"], 1);
}

#[test]
fn a_database_that_belongs_to_something_else_is_left_alone() {
    let hub = Hub::started(Store::Postgres);
    let other = hub.database().url.clone();
    let name = other.rsplit('/').next().unwrap();
    let schema = "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.customers (id INTEGER)";
    hub.database().sql(schema);
    let url = format!("{other}?options=-c%20search_path%3Delsewhere");
    let config = hub.folder().join("other.toml");
    std::fs::write(&config, format!("[database]\nurl = {url:?}\n")).unwrap();
    let output = std::process::Command::new(integration_tests::hub::binary::path())
        .args(["status", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("hub migrate"), "{name}: {said}");
    let tables = hub
        .database()
        .sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'elsewhere' AND tablename NOT LIKE '\\_\\_diesel%'");
    assert_eq!(tables, "1");
}

#[test]
fn an_embedded_store_migrates_itself() {
    let mut hub = Hub::started(Store::Sqlite);
    assert_eq!(hub.deliver(&night("20261101", 3))["applied"], 3);
    assert!(hub.stop().success());
    let path = hub.folder().join("hub.db");
    let sqlite = |sql: &str| {
        use diesel::Connection as _;
        use diesel::connection::SimpleConnection as _;
        let mut conn = diesel::SqliteConnection::establish(&path.display().to_string()).unwrap();
        conn.batch_execute(sql).unwrap();
    };
    sqlite(LACKING);
    let listed = hub.json(&["migrate", "--dry-run"]);
    assert_eq!(listed["pending"][0]["name"], "2026-11-23-000000_bulk", "{listed}");
    hub.start_again();
    assert_eq!(hub.json(&["migrate", "--dry-run"])["pending"], json!([]));
    assert_eq!(hub.deliver(&night("20261102", 4))["applied"], 1);
    assert!(hub.stop().success());
    sqlite(
        &EXPANDED
            .replace("(version) VALUES", "(version, run_on) VALUES")
            .replace("('20991231000000')", "('20991231000000', CURRENT_TIMESTAMP)"),
    );
    hub.start_again();
    assert_eq!(hub.deliver(&night("20261103", 5))["applied"], 1);
}
