//! What is kept for how long: what is standing stays, what was followed by something newer goes when it is old enough.

use diesel::prelude::*;
use hub::store::past_link::PastLink;
use hub::store::schema::past_link;
use hub::store::{delivery, entity, foundation, job};
use hub::work::clean_up::clean_up;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use integration_tests::{Inside, Store};

const INSURED: &str = "social-security/insured-persons";

fn named(night: u32, people: u32, name: &str) -> Delivery {
    let rows = (1..=people).map(|number| insured(&Person::nth(number).named(name), &number.to_string()));
    insured_persons(&format!("202611{night:02}"), 1, rows)
}

/// Makes all that was written so far a year old.
fn aged(hub: &Inside) {
    const YEAR: i64 = 365 * 24 * 3_600_000_000;
    use diesel::connection::SimpleConnection as _;
    let sql = format!(
        "UPDATE entity_version SET at = at - {YEAR}; UPDATE delivery SET received_at = received_at - {YEAR}; \
         UPDATE rejection SET decided_at = decided_at - {YEAR}; UPDATE job SET planned_at = planned_at - {YEAR}; \
         UPDATE past_link SET since = since - {YEAR}, until = until - {YEAR};"
    );
    hub.hub().db.write(|conn| Ok(conn.batch_execute(&sql)?)).unwrap();
}

fn versions(hub: &Inside) -> Vec<(i64, i64)> {
    let found = hub.hub().db.read(|conn| entity::changes(conn, 0, 10_000)).unwrap();
    found.iter().map(|version| (version.seq, version.version)).collect()
}

fn entity_version(hub: &Inside, seq: i64) -> entity::Version {
    hub.hub().db.read(|conn| entity::changes(conn, seq - 1, 1)).unwrap().remove(0)
}

fn places_left(hub: &Inside) -> Vec<PastLink> {
    hub.hub().db.read(|conn| Ok(past_link::table.select(PastLink::as_select()).load(conn)?)).unwrap()
}

fn old_versions_go_and_what_stood_then_is_still_known(store: Store) {
    let hub = Inside::with(store, |config| config.keep.versions_days = Some(30));
    hub.deliver(&named(1, 3, "甲"));
    hub.deliver(&named(2, 3, "乙"));
    hub.deliver(&named(3, 2, "丙"));
    aged(&hub);
    let then = hub.seq();
    assert_eq!(then, 9, "three came, three changed, two changed and one ended");
    let stood = hub.hub().db.read(|conn| entity::page_at_seq(conn, then, &[], 100)).unwrap();
    let (first, ended) = (entity_version(&hub, 1), places_left(&hub));
    assert_eq!(ended.len(), 1, "the place of the record that ended");
    hub.deliver(&named(4, 1, "丁"));
    clean_up(hub.hub()).unwrap();
    let left = places_left(&hub);
    assert!(left.len() == 1 && left != ended, "only that of the record that has just ended: {left:?}");
    let early = hub.hub().db.read(|conn| entity::version_at(conn, &first.entity, first.at)).err().unwrap();
    assert_eq!(early.code, Some("past-not-kept"));

    let kept = versions(&hub);
    assert_eq!(
        kept.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [7, 8, 9, 10, 11],
        "the last of the old ones, and all new ones"
    );
    let again = hub.hub().db.read(|conn| entity::page_at_seq(conn, then, &[], 100)).unwrap();
    assert_eq!(format!("{stood:?}"), format!("{again:?}"), "what stood at the horizon is told as before");
    assert_eq!(hub.hub().db.read(|conn| Ok(foundation::get(conn)?.pruned_seq)).unwrap(), 9);
    let news = hub.hub().db.read(|conn| entity::changes(conn, 9, 100)).unwrap();
    assert_eq!(
        hub.hub().db.read(|conn| entity::previous(conn, &news)).unwrap().len(),
        2,
        "a kept change knows what it changed"
    );
    assert_eq!(hub.differences(), 0);

    // A second night prunes what was standing and has been followed since; nothing is pruned twice.
    aged(&hub);
    clean_up(hub.hub()).unwrap();
    assert_eq!(versions(&hub).iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [9, 10, 11]);
    assert_eq!(hub.golden("resident").len(), 1);
    hub.deliver(&named(5, 2, "戊"));
    assert_eq!((hub.seq(), hub.differences()), (13, 0));
}

fn without_a_setting_every_version_stays(store: Store) {
    let hub = Inside::new(store);
    hub.deliver(&named(1, 2, "甲"));
    hub.deliver(&named(2, 2, "乙"));
    aged(&hub);
    clean_up(hub.hub()).unwrap();
    assert_eq!(versions(&hub).len(), 4);
}

fn reports_and_superseded_rejections_go_and_decisions_stay(store: Store) {
    let hub = Inside::with(store, |config| {
        (config.keep.reports_days, config.keep.rejections_days, config.keep.jobs_days) = (30, 30, 30);
    });
    let nameless = |night: u32, bad: &[u32]| {
        let row = |n: u32| {
            let row = insured(&Person::nth(n), &n.to_string());
            if bad.contains(&n) { row.with("AAC003", "") } else { row }
        };
        insured_persons(&format!("202611{night:02}"), 1, (1..=40).map(row))
    };
    let first = hub.land(&nameless(1, &[1, 2, 3]));
    hub.work();
    let mut rejections = hub.rejections_in(INSURED, "open");
    rejections.sort_by_key(|rejection| rejection.position);
    assert_eq!(rejections.len(), 3);
    hub.edit(&rejections[0], "AAC003", "改好");
    hub.waive(&rejections[1]);
    // The third is good on the next night.
    let second = hub.land(&nameless(2, &[1, 2]));
    hub.work();
    assert_eq!(hub.receipt(&second.id).state, "applied", "{:?}", hub.receipt(&second.id).hold_reasons());
    assert_eq!(hub.rejections_in(INSURED, "superseded").len(), 1);
    aged(&hub);
    let third = hub.land(&nameless(3, &[1, 2, 5]));
    hub.work();
    clean_up(hub.hub()).unwrap();

    assert_eq!(hub.rejected_rows(&first.id), [], "the report of an old delivery is gone");
    let gone = hub::report::page(hub.hub(), &first.id, hub::report::Place::start(), 10).err().unwrap();
    assert_eq!(gone.code, Some("report-pruned"));
    assert!(!hub.rejected_rows(&third.id).is_empty(), "that of a new one is there");
    assert_eq!(hub.receipt(&first.id).rejected, 3, "its counts stay");
    assert_eq!(hub.rejections_in(INSURED, "superseded").len(), 0);
    assert_eq!((hub.rejections_in(INSURED, "replayed").len(), hub.rejections_in(INSURED, "waived").len()), (1, 1));
    assert_eq!(hub.rejections_in(INSURED, "open").len(), 1);
    let jobs = |id: &str| {
        let filter = job::Filter { subject: Some(id.to_owned()), limit: 10, ..job::Filter::default() };
        hub.hub().db.read(|conn| job::list(conn, &filter)).unwrap().len()
    };
    assert_eq!((jobs(&first.id), jobs(&third.id)), (0, 2));
    // The edit and the waive still stand for the same rows.
    let fourth = hub.land(&nameless(4, &[1, 2, 5]));
    hub.work();
    let fourth = hub.receipt(&fourth.id);
    assert_eq!((fourth.state.as_str(), fourth.rejected), ("applied", 2), "the edited row counts as good");
    assert!(hub.hub().db.read(|conn| delivery::get(conn, &first.id)).is_ok());
}

mod on_both {
    use integration_tests::Store;

    #[test]
    fn old_versions_go_on_sqlite() {
        super::old_versions_go_and_what_stood_then_is_still_known(Store::Sqlite);
    }

    #[test]
    fn old_versions_go_on_postgres() {
        super::old_versions_go_and_what_stood_then_is_still_known(Store::Postgres);
    }

    #[test]
    fn without_a_setting_every_version_stays_on_sqlite() {
        super::without_a_setting_every_version_stays(Store::Sqlite);
    }

    #[test]
    fn without_a_setting_every_version_stays_on_postgres() {
        super::without_a_setting_every_version_stays(Store::Postgres);
    }

    #[test]
    fn reports_and_superseded_rejections_go_on_sqlite() {
        super::reports_and_superseded_rejections_go_and_decisions_stay(Store::Sqlite);
    }

    #[test]
    fn reports_and_superseded_rejections_go_on_postgres() {
        super::reports_and_superseded_rejections_go_and_decisions_stay(Store::Postgres);
    }
}

#[test]
fn a_cursor_of_before_the_horizon_is_gone_and_says_how_to_begin_again() {
    use integration_tests::hub::Hub;
    let mut hub = Hub::on(Store::Sqlite).configured("[keep]\nversions_days = 30").start();
    assert_eq!(hub.deliver(&named(1, 3, "甲"))["applied"], 3);
    let (administrator, second) = (hub.administrator(), named(2, 3, "乙"));
    let early = administrator.get("/v1/changes?limit=1").good()["next"].as_str().unwrap().to_owned();
    assert_eq!(hub.deliver(&second)["applied"], 3);
    assert!(hub.stop().success());
    {
        use diesel::Connection as _;
        use diesel::connection::SimpleConnection as _;
        let path = hub.folder().join("hub.db").display().to_string();
        let mut conn = diesel::SqliteConnection::establish(&path).unwrap();
        let old = "UPDATE entity_version SET at = at - 3600000000 * 24 * 365; DELETE FROM run; DELETE FROM job WHERE kind = 'clean-up'";
        conn.batch_execute(old).unwrap();
    }
    hub.start_again();
    // The clean-up of the night before is caught up at the start.
    crate::faults::wait_for("the clean-up", || {
        let jobs = administrator.get("/v1/jobs").good();
        let is_over = |job: &serde_json::Value| job["kind"] == "clean-up" && job["state"] == "done";
        integration_tests::hub::shape::items(&jobs).iter().any(is_over).then_some(())
    });
    let answer = administrator.get(&format!("/v1/changes?after={early}"));
    let problem = answer.refused(410);
    assert_eq!(problem["code"], "cursor-pruned", "{answer}");
    assert!(problem["resync"].as_str().is_some_and(|way| way.contains("/v1/residents")), "{answer}");
    assert_eq!(administrator.get("/v1/changes").refused(410)["code"], "cursor-pruned", "nor is there a beginning");
    assert_eq!(hub.deliver(&named(3, 3, "丙"))["applied"], 3);
    let cursor = problem["cursor"].as_str().unwrap();
    let next = administrator.get(&format!("/v1/changes?after={cursor}")).good();
    let told: Vec<&str> =
        next["items"].as_array().unwrap().iter().filter_map(|item| item["operation"].as_str()).collect();
    assert_eq!(told, ["changed"; 3], "{next}");
}
