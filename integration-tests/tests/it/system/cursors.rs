//! Cursors of changes: what is of another epoch, or ahead of the store, is never answered with silence.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Person, insured, insured_persons};
use serde_json::json;

fn filled(store: Store) -> Hub {
    let hub = Hub::started(store);
    let rows = (1..=5).map(|number| insured(&Person::nth(number), &number.to_string()));
    assert_eq!(hub.deliver(&insured_persons("20261101", 1, rows))["applied"], 5);
    hub
}

fn a_cursor_of_another_epoch_is_gone(store: Store) {
    let before = filled(store);
    let old = before.administrator().get("/v1/changes").good()["next"].as_str().unwrap().to_owned();
    drop(before);
    // A store that was made anew, as after a restore.
    let hub = filled(store);
    let administrator = hub.administrator();
    let answer = administrator.get(&format!("/v1/changes?after={old}"));
    let problem = answer.refused(410);
    assert_eq!(problem["code"], "epoch-changed", "{answer}");
    assert!(
        problem["detail_zh"].is_string() && problem["resync"].as_str().is_some_and(|way| way.contains("/v1/residents"))
    );
    let cursor = problem["cursor"].as_str().unwrap();
    let now = administrator.get(&format!("/v1/changes?after={cursor}")).good();
    assert_eq!((&now["items"], &now["more"]), (&json!([]), &json!(false)), "{now}");
    let residents = administrator.get("/v1/residents?limit=1000").good();
    assert_eq!(shape::items(&residents).len(), 5, "the way to begin again");

    let (epoch, seq) = cursor.rsplit_once('-').unwrap();
    let ahead = format!("{epoch}-{}", seq.parse::<i64>().unwrap() + 1);
    assert_eq!(administrator.get(&format!("/v1/changes?after={ahead}")).refused(410)["code"], "cursor-ahead");
    let next = insured_persons("20261102", 1, (1..=6).map(|number| insured(&Person::nth(number), &number.to_string())));
    assert_eq!(hub.deliver(&next)["applied"], 1);
    let after = administrator.get(&format!("/v1/changes?after={cursor}&wait=20")).good();
    assert_eq!(shape::items(&after).len(), 1, "{after}");
    for broken in ["x", "-", "-1", "nothing-", "%F0%9F", "1;DROP TABLE job"] {
        let answer = administrator.get(&format!("/v1/changes?after={}", broken.replace(' ', "%20")));
        assert!([400, 410].contains(&answer.status), "{broken}: {answer}");
    }
}

#[test]
fn a_cursor_of_another_epoch_is_gone_on_sqlite() {
    a_cursor_of_another_epoch_is_gone(Store::Sqlite);
}

#[test]
fn a_cursor_of_another_epoch_is_gone_on_postgres() {
    a_cursor_of_another_epoch_is_gone(Store::Postgres);
}
