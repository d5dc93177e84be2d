//! Marriages through the pipeline: one row, two people, and a relation folded from all rows.

use integration_tests::inside::Document;
use integration_tests::world::{Person, Row, annulment, divorce, marriage, marriage_registrations, reissue};
use integration_tests::{Inside, Store};

const FEED: &str = "civil-affairs/marriage-registrations";

on_both_stores!(
    a_couple_marries_and_divorces,
    an_annulment_goes_back_to_the_earlier_state,
    a_reissue_changes_nothing_but_the_certificate,
    events_out_of_order_come_to_the_same,
    a_number_withdrawn_from_a_certificate_leaves_nobody_behind,
    a_part_that_fails_rejects_the_row,
    an_as_of_behind_the_rows_orders_them_all_the_same,
);

fn registry(hub: &Inside, day: u32, rows: impl IntoIterator<Item = Row>) {
    let receipt = hub.deliver(&marriage_registrations(&format!("2026-11-{day:02}T20:00:00"), rows));
    assert_eq!(receipt.rejected, 0, "{:?}", hub.rejected_rows(&receipt.id));
}

fn state(document: &Document) -> (Option<&str>, Vec<&str>) {
    let states = document.get("marriages").and_then(|list| list.as_array()).into_iter().flatten();
    (document.get("marital").and_then(|code| code.as_str()), states.filter_map(|one| one["state"].as_str()).collect())
}

fn a_couple_marries_and_divorces(store: Store) {
    let hub = Inside::new(store);
    let (man, woman) = (Person::nth(1), Person::nth(2));
    registry(&hub, 1, [marriage(&man, &woman, "J1", "2026-10-01")]);
    for person in [&man, &woman] {
        let document = hub.resident(&person.id_no).unwrap();
        assert_eq!(state(&document), (Some("20"), vec!["married"]));
    }
    let key = hub.entity_of(&woman.id_no).unwrap().0.token;
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hub.resident(&man.id_no).unwrap()["marriages"][0]["spouse"]["key"], key.as_str());

    registry(&hub, 2, [divorce(&man, &woman, "L1", "2026-10-20")]);
    for person in [&man, &woman] {
        let document = hub.resident(&person.id_no).unwrap();
        assert_eq!(state(&document), (Some("40"), vec!["divorced"]));
        assert_eq!(document["marriages"][0]["until"], "2026-10-20");
    }
}

fn an_annulment_goes_back_to_the_earlier_state(store: Store) {
    let hub = Inside::new(store);
    let (man, woman, other) = (Person::nth(1), Person::nth(2), Person::nth(4));
    registry(&hub, 1, [marriage(&man, &woman, "J1", "2020-01-01"), divorce(&man, &woman, "L1", "2021-01-01")]);
    registry(&hub, 2, [marriage(&man, &other, "J2", "2022-01-01")]);
    assert_eq!(state(&hub.resident(&man.id_no).unwrap()).0, Some("20"));
    registry(&hub, 3, [annulment(&man, &other, "C2", "2023-01-01")]);
    let document = hub.resident(&man.id_no).unwrap();
    let (marital, mut states) = state(&document);
    states.sort_unstable();
    assert_eq!((marital, states), (Some("40"), vec!["annulled", "divorced"]));
    assert_eq!(state(&hub.resident(&other.id_no).unwrap()), (None, vec!["annulled"]));
}

fn a_reissue_changes_nothing_but_the_certificate(store: Store) {
    let hub = Inside::new(store);
    let (man, woman) = (Person::nth(1), Person::nth(2));
    registry(&hub, 1, [marriage(&man, &woman, "J1", "2020-01-01")]);
    let mut before = hub.resident(&man.id_no).unwrap();
    registry(&hub, 2, [reissue(&man, &woman, "B1", "2026-10-01")]);
    let mut after = hub.resident(&man.id_no).unwrap();
    assert_eq!(after["marriages"][0]["certificate_no"], "B1");
    for document in [&mut before, &mut after] {
        document["marriages"][0]["certificate_no"].take();
    }
    assert_eq!(after, before);
}

fn events_out_of_order_come_to_the_same(store: Store) {
    let (one, other) = (Inside::new(store), Inside::new(store));
    let (man, woman) = (Person::nth(1), Person::nth(2));
    let rows = [
        marriage(&man, &woman, "J1", "2020-01-01"),
        divorce(&man, &woman, "L1", "2021-01-01"),
        marriage(&man, &woman, "J2", "2022-01-01"),
    ];
    for (day, row) in (1..4).zip(&rows) {
        registry(&one, day, [row.clone()]);
    }
    for (day, row) in (1..4).zip(&rows).rev() {
        registry(&other, day, [row.clone()]);
    }
    assert_eq!(one.golden("resident"), other.golden("resident"));
    assert_eq!(state(&one.resident(&woman.id_no).unwrap()).0, Some("20"));
}

fn a_number_withdrawn_from_a_certificate_leaves_nobody_behind(store: Store) {
    let hub = Inside::new(store);
    let (man, woman) = (Person::nth(1), Person::nth(2));
    let row = marriage(&man, &woman, "J1", "2020-01-01");
    registry(&hub, 1, [row.clone()]);
    registry(&hub, 2, [row.with("man_id_no", "")]);
    let parts = hub.contributions(FEED, "J1");
    let of_man = parts.iter().find(|part| part.part == "man").unwrap();
    assert_eq!((of_man.link.as_str(), of_man.entity.clone()), ("no-key", None));
    assert_eq!(hub.resident(&man.id_no), None);
    assert!(hub.resident(&woman.id_no).is_some());
}

fn a_part_that_fails_rejects_the_row(store: Store) {
    let hub = Inside::new(store);
    let (man, woman) = (Person::nth(1), Person::nth(2));
    let row = marriage(&man, &woman, "J1", "2020-01-01").with("woman_name", "");
    let receipt = hub.deliver(&marriage_registrations("2026-11-01T20:00:00", [row]));
    assert_eq!((receipt.rejected, receipt.applied, hub.seq()), (1, 0, 0));
    // A child too few is no row of this feed.
    let short = marriage(&man, &woman, "J2", "2020-01-01").without("woman_birth_date");
    let receipt = hub.deliver(&marriage_registrations("2026-11-02T20:00:00", [short]));
    assert_eq!(hub.rejected_rows(&receipt.id), [(1, "column-count".to_owned())]);
}

fn an_as_of_behind_the_rows_orders_them_all_the_same(store: Store) {
    let hub = Inside::new(store);
    let (man, woman) = (Person::nth(1), Person::nth(2));
    let row = |certificate| marriage(&man, &woman, certificate, "2020-01-01");
    registry(&hub, 2, [row("J1"), row("J2")]);
    let stored = |hub: &Inside| [hub.contributions(FEED, "J1"), hub.contributions(FEED, "J2")];
    let before = stored(&hub);
    // So many rows that the first are compared before the file has told how old it is.
    let known = [row("J1").with("man_address", "旧址"), row("J2").with("man_name", "")];
    let rows = known.into_iter().chain(std::iter::repeat_n(row("J3"), 1_000));
    let late = marriage_registrations("2026-11-01T20:00:00", rows);
    let text = String::from_utf8(late.bytes.clone()).unwrap();
    let told = "<导出日期>2026-11-01T20:00:00</导出日期>";
    let moved = text.replace(told, "").replace("</婚姻登记>", &format!("{told}</婚姻登记>"));
    let receipt = hub.deliver(&late.with_bytes(moved.into_bytes()));
    assert_eq!((receipt.applied, receipt.stale, receipt.rejected), (1, 1_000, 1));
    assert_eq!(stored(&hub), before, "not even a mark");
    assert!(hub.rejections_in(FEED, "open").is_empty(), "nothing is to be repaired where something newer stands");
}
