//! Registers with many kinds of slips: whom their records are about, and that whatever changes leaves what a look at all of them
//! comes to.

use std::collections::BTreeMap;

use hub::city::linkage::{LinkageOptions, Mix};
use hub::matching::surest;
use hub::pipeline::tune;
use hub::store::matching;
use integration_tests::registers::{Cells, REGISTERS, Registers, Score, rules};
use integration_tests::{Inside, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

on_both_stores!(whoever_wrote_badly_is_found_and_stays_so_whatever_changes);

/// A hub with several registers of the same residents, and an active model.
fn registers(store: Store, residents: u64) -> (Inside, Registers) {
    let hub = Inside::with(store, |config| config.data.folder = Some(rules()));
    let registers =
        Registers::new(LinkageOptions { residents, seed: 11, mix: Mix::USUAL, numbers: true }).expect("registers");
    hub.deliver(&registers.delivery("2026-11-01T00:00:00+08:00", &registers.rows));
    assert!(tune::tune(hub.hub(), "clerk", true, &|_| ()).expect("a model").active);
    (hub, registers)
}

fn score(hub: &Inside, registers: &Registers) -> Score {
    registers.score(|id| hub.contributions(REGISTERS, id).first().and_then(|row| row.entity.clone()))
}

/// Where each record stands by likeness: its state, and whom it is like.
fn standings(hub: &Inside) -> BTreeMap<Vec<u8>, (String, Vec<u8>)> {
    let read = |state: &str| hub.hub().db.read(|conn| matching::list(conn, state, None, i64::from(i32::MAX)));
    let all = ["joined", "review"].into_iter().flat_map(|state| read(state).expect("standings"));
    all.map(|one| (one.contribution, (one.state, one.document))).collect()
}

/// Some records are of the person they are of because others are, which is told.
fn through_others(hub: &Inside, registers: &Registers) {
    let mut through = 0;
    for row in registers.rows.iter().flat_map(|row| hub.contributions(REGISTERS, &row[0])) {
        let stands = hub.hub().db.read(|conn| matching::standing(conn, std::slice::from_ref(&row.id))).expect("a look");
        let Some(like) = stands.first().filter(|_| row.link.starts_with("like/")) else { continue };
        let like = like.candidates().expect("candidates");
        assert_eq!((Some(like[0].entity.to_vec()), like[0].record), (row.entity, None), "{like:?}");
        through += u32::from(surest(&like).is_some_and(|surest| surest.record.is_some()));
    }
    assert!(through > 0);
}

/// Some rows with cells that are gone or somebody else's, some as they were at first, and some that have ended.
fn changed(registers: &Registers, seed: u64) -> Vec<Cells> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for row in &registers.rows {
        let mut row = row.clone();
        match random.random_range(0..100) {
            0..25 => {
                // Number, name, birth date, phone and address; the number most of all.
                let at = [1, 1, 2, 4, 5, 6][random.random_range(0..6)];
                let other = &registers.rows[random.random_range(0..registers.rows.len())];
                row[at] = if random.random_bool(0.5) { String::new() } else { other[at].clone() };
            }
            25..40 => {}
            40..42 => row.iter_mut().skip(1).for_each(String::clear),
            _ => continue,
        }
        rows.push(row);
    }
    rows
}

fn whoever_wrote_badly_is_found_and_stays_so_whatever_changes(store: Store) {
    let (hub, registers) = registers(store, 400);
    let found = score(&hub, &registers);
    assert!(found.precision() >= 0.995 && found.recall() >= 0.97, "{found:?}");
    assert_eq!(hub.differences(), 0);
    through_others(&hub, &registers);
    for day in 2..=4 {
        let rows = changed(&registers, day);
        hub.deliver(&registers.delivery(&format!("2026-11-{day:02}T00:00:00+08:00"), &rows));
        assert_eq!(hub.differences(), 0, "day {day}");
        let (dataset, stood) = (hub.dataset(), standings(&hub));
        tune::rematch(hub.hub(), &|_| ()).expect("all are placed again");
        assert_eq!(dataset, hub.dataset(), "day {day}");
        assert_eq!(stood, standings(&hub), "day {day}");
    }
    // Everything as it was at first: so are the places.
    hub.deliver(&registers.delivery("2026-11-05T00:00:00+08:00", &registers.rows));
    assert_eq!(score(&hub, &registers), found);
}
