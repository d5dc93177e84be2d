//! The invariants of the design that are the pipeline's own, each by its number.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::connection::SimpleConnection as _;
use hub::pipeline::land::{self, Arrival, Landed};
use hub::pipeline::{decide, process};
use hub::store::delivery;
use integration_tests::world::{Person, health_record, health_records, insured, insured_persons};
use integration_tests::{Inside, Store};

const FEED: &str = "social-security/insured-persons";

on_both_stores!(
    invariant_1_accepted_means_stored,
    invariant_1_the_receipt_follows_the_bytes,
    invariant_1_what_cannot_be_stored_is_not_accepted,
    invariant_1_the_store_commits_to_disk,
    invariant_3_verify_finds_every_tampering,
    invariant_3_rebuild_changes_nothing_and_mends_what_was_damaged,
    invariant_4_the_same_delivery_twice_writes_nothing,
    invariant_6_a_held_or_refused_delivery_changes_nothing,
);

fn file(day: &str, people: &[Person]) -> integration_tests::world::Delivery {
    insured_persons(day, 1, people.iter().map(|person| insured(person, &person.phone)))
}

fn arrival() -> Arrival {
    Arrival::new(FEED, "http", "social-security")
}

fn deliveries(hub: &Inside) -> usize {
    let filter = delivery::Filter { limit: 100, ..delivery::Filter::default() };
    hub.hub().db.read(|conn| delivery::list(conn, &filter)).unwrap().len()
}

fn invariant_1_accepted_means_stored(store: Store) {
    let hub = Inside::new(store);
    let sent = file("20261101", &Person::first(3));
    let receipt = hub.land(&sent);
    // Another process would see all of it at once: the bytes, the row, and the job that takes it further.
    let other = hub.another();
    let found = other.db.read(|conn| delivery::get(conn, &receipt.id)).unwrap();
    let mut bytes = Vec::new();
    other.landing.read(found.landed.as_deref().unwrap()).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, sent.bytes);
    hub.work();
    assert_eq!(hub.receipt(&receipt.id).state, "applied");
}

/// A body that counts the deliveries that are there when it ends.
struct Watching {
    bytes: io::Cursor<Vec<u8>>,
    database: hub::store::Db,
    seen: Arc<AtomicI64>,
}

impl Read for Watching {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 {
            let filter = delivery::Filter { limit: 100, ..delivery::Filter::default() };
            let rows = self.database.read(|conn| delivery::list(conn, &filter)).unwrap();
            self.seen.store(rows.len() as i64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

fn invariant_1_the_receipt_follows_the_bytes(store: Store) {
    let hub = Inside::new(store);
    let seen = Arc::new(AtomicI64::new(-1));
    let bytes = io::Cursor::new(file("20261101", &Person::first(3)).bytes);
    let body = Watching { bytes, database: hub.hub().db.clone(), seen: seen.clone() };
    assert!(matches!(land::land(hub.hub(), &arrival(), Box::new(body)), Ok(Landed::New(_))));
    assert_eq!((seen.load(Ordering::Relaxed), deliveries(&hub)), (0, 1));
}

fn invariant_1_what_cannot_be_stored_is_not_accepted(store: Store) {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 3 { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(buffer.len()) }
        }
    }
    let hub = Inside::new(store);
    let broken = land::land(hub.hub(), &arrival(), Box::new(Breaks(0))).err().unwrap();
    assert_eq!(broken.code, Some("body-aborted"));
    assert_eq!(deliveries(&hub), 0);

    // No room for the bytes: the folder they belong in is a file.
    let folder = hub.hub().config.landing.folder.join("social-security");
    let _left = std::fs::remove_dir_all(&folder);
    std::fs::write(&folder, "").unwrap();
    assert!(hub.arrive(&file("20261101", &Person::first(1))).is_err());
    assert_eq!(deliveries(&hub), 0);
    std::fs::remove_file(&folder).unwrap();
    assert!(hub.arrive(&file("20261101", &Person::first(1))).is_ok());
}

fn invariant_1_the_store_commits_to_disk(store: Store) {
    #[derive(diesel::QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }
    let hub = Inside::new(store);
    let asked = match store {
        Store::Sqlite => "SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous",
        Store::Postgres => "SELECT current_setting('synchronous_commit') AS value",
    };
    let found: Setting =
        hub.hub().db.write(|conn| Ok(diesel::RunQueryDsl::get_result(diesel::sql_query(asked), conn)?)).unwrap();
    // SQLite's 2 is FULL: each commit is synced.
    assert!(["2", "on"].contains(&found.value.as_str()), "{}", found.value);
}

fn invariant_3_verify_finds_every_tampering(store: Store) {
    let mut hub = Inside::new(store);
    let people = Person::first(3);
    let rows = people.iter().enumerate();
    hub.deliver(&file("20261101", &people));
    hub.deliver(&integration_tests::world::registered_residents(
        "20261101",
        rows.map(|(n, person)| integration_tests::world::registered(person, &format!("00{}", n / 2), "户主")),
    ));
    assert_eq!(hub.differences(), 0);
    let first = "(SELECT id FROM contribution ORDER BY id LIMIT 1)";
    let housed = "(SELECT id FROM contribution WHERE household IS NOT NULL ORDER BY id LIMIT 1)";
    let damages = [
        ("entity_version", "UPDATE entity_version SET document = (SELECT document FROM entity_version WHERE seq = 1) WHERE seq = (SELECT MAX(seq) FROM entity_version)".to_owned()),
        ("entity_version", "DELETE FROM entity_version WHERE seq = 1".to_owned()),
        ("entity", "UPDATE entity SET state = 'ended' WHERE seq = (SELECT MIN(seq) FROM entity)".to_owned()),
        ("entity", "UPDATE entity SET community = '130108001099' WHERE seq = (SELECT MIN(seq) FROM entity)".to_owned()),
        ("entity", "DELETE FROM entity WHERE seq = (SELECT MIN(seq) FROM entity)".to_owned()),
        ("contribution", format!("UPDATE contribution SET entity = NULL WHERE id = {first}")),
        ("contribution", format!("UPDATE contribution SET link = 'alias' WHERE id = {first}")),
        ("contribution", format!("UPDATE contribution SET key_token = NULL WHERE id = {first}")),
        ("contribution", format!("UPDATE contribution SET state = 'ended' WHERE id = {first}")),
        ("contribution", format!("UPDATE contribution SET household = NULL WHERE id = {housed}")),
        ("contribution", format!("UPDATE contribution SET document = (SELECT document FROM contribution ORDER BY id DESC LIMIT 1) WHERE id = {first}")),
        ("contribution", format!("DELETE FROM contribution WHERE id = {first}")),
        ("contribution_alias", "DELETE FROM contribution_alias".to_owned()),
        ("delivery", "UPDATE delivery SET applied = applied - 1".to_owned()),
        ("delivery", "UPDATE delivery SET unchanged = unchanged + 1".to_owned()),
    ];
    for (table, damage) in damages {
        hub.tamper(|conn| Ok(conn.batch_execute(&format!("CREATE TABLE kept AS SELECT * FROM {table}; {damage}"))?));
        assert!(hub.differences() > 0, "{damage}");
        let undo = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept");
        hub.tamper(|conn| Ok(conn.batch_execute(&undo)?));
        assert_eq!(hub.differences(), 0, "undone: {damage}");
    }
}

fn invariant_4_the_same_delivery_twice_writes_nothing(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(2);
    let health = |hour: u32| {
        let row = health_record(&people[0], "13010800100000001", "2026-11-01T08:00:00");
        health_records(&format!("2026-11-01T{hour:02}:00:00+08:00"), 0, [row])
    };
    hub.deliver(&file("20261101", &people));
    hub.deliver(&health(9));
    let before = hub.dataset();
    for again in [file("20261101", &people), health(9)] {
        assert!(integration_tests::inside::landed_as_same(hub.arrive(&again)).is_some());
    }
    // Taken for a new one all the same, because it was refused in between or came by another hub at the same moment.
    hub.hub()
        .db
        .write(|conn| Ok(conn.batch_execute("UPDATE delivery SET digest = digest, fingerprint = ''")?))
        .unwrap();
    for again in [file("20261101", &people), health(9)] {
        let receipt = hub.deliver(&again);
        assert_eq!((receipt.applied, receipt.unchanged), (0, receipt.received));
    }
    assert_eq!(hub.dataset(), before);
}

fn invariant_6_a_held_or_refused_delivery_changes_nothing(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(6);
    hub.deliver(&file("20261101", &people));
    let row = health_record(&people[0], "13010800100000001", "2026-11-01T08:00:00");
    hub.deliver(&health_records("2026-11-01T09:00:00+08:00", 0, [row.clone()]));
    let before = hub.dataset();
    let renamed = |name: &str| people.iter().map(|person| person.clone().named(name)).collect::<Vec<_>>();
    let nameless = insured_persons("20261103", 1, people.iter().map(|p| insured(p, &p.phone).with("AAC003", "")));
    let forbidden = row.with("diagnoses", "高血压").with("DE02.01.039.00", "新名");
    let bad = [
        ("held", file("20261102", &renamed("总数错")).with_header("Hub-Total", "9")),
        ("held", nameless),
        ("held", file("20261104", &renamed("少了")[..1])),
        ("held", file("20261105", &[])),
        ("held", file("20261106", &renamed("截断")).cut_at(7)),
        ("held", file("20991231", &renamed("未来"))),
        ("refused", health_records("2026-11-01T10:00:00+08:00", 0, [forbidden])),
    ];
    for (state, delivery) in bad {
        let receipt = hub.process(&delivery);
        assert_eq!(receipt.state, state);
        assert_eq!(hub.dataset(), before, "{:?}", receipt.hold_reasons());
        if state == "held" {
            decide::refuse(hub.hub(), &receipt.id, "administrator").unwrap();
            process(hub.hub(), &receipt.id, &|_| ()).unwrap();
            hub.work();
            assert_eq!((hub.receipt(&receipt.id).state.as_str(), hub.dataset()), ("refused", before.clone()));
        }
    }
    assert!(hub.rejections(FEED).is_empty());
    // The feed goes on as if they had never come.
    assert_eq!(hub.deliver(&file("20261102", &people)).unchanged, 6);
}

fn invariant_3_rebuild_changes_nothing_and_mends_what_was_damaged(store: Store) {
    use hub::pipeline::rebuild::rebuild;
    let mut hub = Inside::new(store);
    let people = Person::first(3);
    hub.deliver(&file("20261101", &people));
    hub.deliver(&file("20261102", &people[..2]));
    let before = hub.dataset();
    let rebuilt = rebuild(hub.hub(), &|_| ()).unwrap();
    assert_eq!((rebuilt.contributions, rebuilt.versions), (2, 0));
    assert_eq!(hub.dataset(), before);

    let golden = hub.golden("resident");
    let changes = hub.seq();
    hub.tamper(|conn| {
        Ok(conn.batch_execute(
            "UPDATE entity_version SET document = (SELECT document FROM entity_version WHERE state = 'ended') \
             WHERE seq = (SELECT MIN(seq) FROM entity WHERE state = 'live'); UPDATE contribution SET entity = NULL, link = 'no-key'",
        )?)
    });
    assert!(hub.differences() > 0);
    assert!(rebuild(hub.hub(), &|_| ()).unwrap().versions > 0);
    assert_eq!(hub.differences(), 0);
    assert_eq!(hub.golden("resident"), golden, "the same entities, under the same ids");
    assert!(hub.seq() > changes, "what was mended is told");
}
