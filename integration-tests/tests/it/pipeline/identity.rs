//! What people decide of who is who: it holds whatever comes later, and leaves no trace once it is taken back.

use std::collections::BTreeMap;

use diesel::prelude::*;
use hub::error::{Error, Kind};
use hub::keyring::Token;
use hub::pipeline::identify::{self, Judge, Seen};
use hub::pipeline::rebuild;
use hub::store::contribution::Row as Stored;
use hub::store::decision::Decision;
use hub::store::past_link::PastLink;
use hub::store::schema::past_link;
use hub::store::{contribution, entity};
use integration_tests::world::{Person, insured, registered, unemployed};
use integration_tests::{Inside, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::resolve::{insurance, register, unemployment};

const INSURED: &str = "social-security/insured-persons";
const UNEMPLOYED: &str = "social-security/unemployment-insurance";
const REGISTER: &str = "public-security/registered-residents";
const CLERK: Judge = Judge { name: "clerk", reason: "同一人，两个号码" };

on_both_stores!(
    two_residents_become_one_and_two_again,
    what_comes_under_the_absorbed_number_is_about_who_stays,
    merges_are_followed_and_taken_back_one_by_one,
    a_record_is_placed_by_hand_and_stays_there,
    a_record_that_is_nobodys_waits_and_teaches_nothing,
    decisions_survive_a_rebuild,
    whoever_decides_has_seen_what_stands,
    invariant_3_whatever_is_decided_and_taken_back_leaves_what_the_rules_say,
);

fn seen(hub: &Inside, who: &Person) -> Seen {
    let (row, _) = hub.entity_of(&who.id_no).expect("a resident");
    Seen { id: Token::from_slice(&row.id).unwrap(), version: row.version }
}

fn merge(hub: &Inside, into: &Person, absorbed: &Person) -> Decision {
    identify::merge(hub.hub(), seen(hub, into), seen(hub, absorbed), CLERK).expect("they are merged")
}

fn revoke(hub: &Inside, decision: &Decision) {
    identify::revoke(hub.hub(), &decision.id, "clerk").expect("it is taken back");
}

fn place(hub: &Inside, row: &Stored, to: Option<Seen>) -> Result<Decision, Error> {
    let from = row.entity.as_deref().map(|id| Token::from_slice(id).unwrap());
    identify::place(hub.hub(), row.token().unwrap(), (from, to), CLERK)
}

fn code<T>(outcome: Result<T, Error>) -> (Kind, &'static str) {
    let Err(error) = outcome else { panic!("it was done") };
    (error.kind, error.code.unwrap_or_default())
}

/// All golden records, and where each contribution belongs and why.
pub(super) type Picture = (BTreeMap<String, Document>, BTreeMap<String, Document>, Vec<Place>);
pub(super) type Document = serde_json::Map<String, serde_json::Value>;
pub(super) type Place = (Vec<u8>, String, Option<Vec<u8>>);

pub(super) fn picture(hub: &Inside) -> Picture {
    let rows = hub.hub().db.read(|conn| contribution::page(conn, &[], 10_000)).unwrap();
    let places = rows.into_iter().map(|row| (row.id, row.link, row.entity)).collect();
    (hub.golden("resident"), hub.golden("household"), places)
}

/// Where each live contribution belongs and why, now and as it is told of this moment.
pub(super) fn moment(hub: &Inside) -> (i64, Vec<Place>) {
    let rows = hub.hub().db.read(|conn| contribution::page(conn, &[], 10_000)).unwrap();
    let places = rows.into_iter().filter(Stored::is_live).map(|row| (row.id, row.link, row.entity));
    (hub.hub().now(), places.collect())
}

/// What is told later of a moment.
pub(super) fn told_of(hub: &Inside, moment: i64) -> Vec<Place> {
    let (rows, left) = hub
        .hub()
        .db
        .read(|conn| {
            let rows = contribution::page(conn, &[], 10_000)?;
            let left = past_link::table.select(PastLink::as_select()).load(conn)?;
            Ok((rows, left))
        })
        .unwrap();
    let since = rows.into_iter().filter(|row| row.is_live() && row.linked_at <= moment);
    let left = left.into_iter().filter(|left| left.since <= moment && moment < left.until);
    let mut places: Vec<Place> = since.map(|row| (row.id, row.link, row.entity)).collect();
    places.extend(left.map(|left| (left.contribution, left.link, left.entity)));
    places.sort();
    places
}

fn two_residents_become_one_and_two_again(store: Store) {
    let hub = Inside::new(store);
    let (zhang, other) = (Person::nth(1), Person::nth(2));
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    hub.deliver(&insurance(1, [insured(&other, "1002")]));
    let (before, seq) = (picture(&hub), hub.seq());

    let made = merge(&hub, &zhang, &other);
    let one = hub.resident(&zhang.id_no).expect("who stays");
    assert!(one.contains_key("insurance_person_no"), "what the other's records say: {one:?}");
    let (gone, version) = hub.entity_of(&other.id_no).unwrap();
    assert_eq!(gone.state, "ended");
    let stays = seen(&hub, &zhang).id;
    assert_eq!(hub::leaving::merged_into(&version).unwrap(), Some(stays));
    assert_eq!(hub.contribution(INSURED, "1002").entity, Some(stays.to_vec()));
    assert_eq!(hub.seq(), seq + 2, "one version of each");
    let versions = hub.hub().db.read(|conn| entity::changes(conn, seq, 10)).unwrap();
    assert!(versions.iter().all(|version| version.delivery == format!("decision:{}", made.id)), "{versions:?}");

    revoke(&hub, &made);
    assert_eq!(picture(&hub), before);
    assert_eq!(hub.seq(), seq + 4);
}

fn what_comes_under_the_absorbed_number_is_about_who_stays(store: Store) {
    let hub = Inside::new(store);
    let (zhang, other) = (Person::nth(1), Person::nth(2));
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    hub.deliver(&insurance(1, [insured(&other, "1002")]));
    let made = merge(&hub, &zhang, &other);
    let stays = seen(&hub, &zhang).id.to_vec();

    // A changed row, and one that only the department's number places: both mean who stays.
    hub.deliver(&insurance(2, [insured(&other, "1002").with("AAE006", "新址")]));
    hub.deliver(&unemployment(2, [unemployed(&other, "1002").with("公民身份证", "")]));
    assert_eq!(hub.contribution(INSURED, "1002").entity, Some(stays.clone()));
    let by_alias = hub.contribution(UNEMPLOYED, "1002");
    assert_eq!((by_alias.link.as_str(), by_alias.entity), ("alias", Some(stays)));

    // And the other again, once it turns out that they are two.
    revoke(&hub, &made);
    let parted = seen(&hub, &other).id.to_vec();
    assert_eq!(hub.contribution(INSURED, "1002").entity, Some(parted.clone()));
    assert_eq!(hub.contribution(UNEMPLOYED, "1002").entity, Some(parted));
}

fn merges_are_followed_and_taken_back_one_by_one(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(3);
    hub.deliver(&insurance(1, (0..3).map(|at| insured(&people[at], &format!("100{at}")))));
    let place = |at: usize| hub.contribution(INSURED, &format!("100{at}")).entity;
    let own: Vec<_> = (0..3).map(place).collect();

    let first = merge(&hub, &people[1], &people[0]);
    let second = merge(&hub, &people[2], &people[1]);
    assert!((0..3).all(|at| place(at) == own[2]));
    let (_, version) = hub.entity_of(&people[0].id_no).unwrap();
    assert_eq!(hub::leaving::merged_into(&version).unwrap().map(Token::to_vec), own[2], "straight to who stays");

    // The first is taken back while the second stands.
    revoke(&hub, &first);
    assert_eq!((place(0), place(1)), (own[0].clone(), own[2].clone()));
    assert_eq!(code(identify::revoke(hub.hub(), &first.id, "another")), (Kind::Conflict, "decision-revoked"));
    revoke(&hub, &second);
    assert_eq!((0..3).map(place).collect::<Vec<_>>(), own);
}

fn a_record_is_placed_by_hand_and_stays_there(store: Store) {
    let hub = Inside::new(store);
    let (mother, child) = (Person::nth(1), Person::nth(2));
    hub.deliver(&register(1, [registered(&mother, "001", "户主"), registered(&child, "001", "子")]));
    // The child was sent under its mother's number.
    let borrowed = |street: &str| {
        let row = insured(&child, "1002").with("AAC002", &mother.id_no);
        row.with("AAE006", street)
    };
    hub.deliver(&insurance(1, [borrowed("甲路")]));
    let waits = hub.contribution(INSURED, "1002");
    assert_eq!((waits.link.as_str(), waits.entity.clone()), ("key-disagrees", None));
    let before = picture(&hub);

    let made = place(&hub, &waits, Some(seen(&hub, &child))).expect("it is placed");
    let placed = hub.contribution(INSURED, "1002");
    assert_eq!((placed.link.as_str(), placed.entity), ("decision", Some(seen(&hub, &child).id.to_vec())));
    let document = hub.resident(&child.id_no).unwrap();
    assert!(document.contains_key("insurance_person_no"));
    assert_eq!(document["id_no"], child.id_no.as_str(), "the number it was sent under is not the child's");

    hub.deliver(&insurance(2, [borrowed("乙路")]));
    assert_eq!(hub.contribution(INSURED, "1002").link, "decision", "whatever it says later");
    hub.deliver(&insurance(3, [borrowed("甲路")]));
    // It ends and comes back.
    hub.deliver(&insurance(4, [insured(&Person::nth(5), "1005")]).with_header("Hub-Total", "1"));
    revoke(&hub, &made);
    assert_eq!(picture(&hub).0.len(), before.0.len() + 1, "the child, the mother and who came last");
}

fn a_record_that_is_nobodys_waits_and_teaches_nothing(store: Store) {
    let hub = Inside::new(store);
    let zhang = Person::nth(1);
    hub.deliver(&register(1, [registered(&zhang, "001", "户主")]));
    hub.deliver(&insurance(1, [insured(&zhang, "1001")]));
    hub.deliver(&unemployment(1, [unemployed(&zhang, "1001").with("公民身份证", "")]));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "alias");
    let before = picture(&hub);

    let made = place(&hub, &hub.contribution(INSURED, "1001"), None).expect("it is taken out");
    let parted = hub.contribution(INSURED, "1001");
    assert_eq!((parted.link.as_str(), parted.entity), ("parted", None));
    assert_eq!(hub.contribution(UNEMPLOYED, "1001").link, "no-key", "its number means nobody now");
    assert!(!hub.resident(&zhang.id_no).unwrap().contains_key("insurance_person_no"));

    hub.deliver(&insurance(2, [insured(&zhang, "1001").with("AAE006", "新址")]));
    assert_eq!(hub.contribution(INSURED, "1001").link, "parted", "whatever it says later");
    hub.deliver(&insurance(3, [insured(&zhang, "1001")]));
    revoke(&hub, &made);
    let after = picture(&hub);
    assert_eq!(after.2, before.2);
    assert_eq!(after.1, before.1);
}

fn decisions_survive_a_rebuild(store: Store) {
    let hub = Inside::new(store);
    let people = Person::first(3);
    hub.deliver(&register(1, people.iter().map(|who| registered(who, "001", "户主"))));
    hub.deliver(&insurance(1, [insured(&people[1], "1001"), insured(&people[2], "1002")]));
    hub.deliver(&unemployment(1, [unemployed(&people[2], "1002").with("公民身份证", "")]));
    merge(&hub, &people[0], &people[1]);
    place(&hub, &hub.contribution(INSURED, "1002"), Some(seen(&hub, &people[0]))).unwrap();
    place(&hub, &hub.contribution(REGISTER, &people[2].id_no), None).unwrap();
    let before = picture(&hub);
    let rebuilt = rebuild::rebuild(hub.hub(), &|_| ()).expect("everything is made anew");
    assert_eq!((rebuilt.versions, picture(&hub)), (0, before));
}

fn whoever_decides_has_seen_what_stands(store: Store) {
    let hub = Inside::new(store);
    let (zhang, other) = (Person::nth(1), Person::nth(2));
    hub.deliver(&insurance(1, [insured(&zhang, "1001"), insured(&other, "1002")]));
    let (one, two) = (seen(&hub, &zhang), seen(&hub, &other));
    assert_eq!(code(identify::merge(hub.hub(), one, one, CLERK)), (Kind::Invalid, "same-resident"));

    // What was looked at has changed since.
    hub.deliver(&insurance(2, [insured(&zhang, "1001").with("AAE006", "新址"), insured(&other, "1002")]));
    assert_eq!(code(identify::merge(hub.hub(), one, two, CLERK)), (Kind::Conflict, "moved-on"));

    // Two clerks at once: one of them decides.
    let (one, two) = (seen(&hub, &zhang), seen(&hub, &other));
    let decide = |into, absorbed| identify::merge(hub.hub(), into, absorbed, CLERK);
    let outcomes = std::thread::scope(|scope| {
        let other = scope.spawn(|| decide(two, one));
        [decide(one, two), other.join().unwrap()]
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(hub.golden("resident").len(), 1);

    let row = hub.contribution(INSURED, "1001");
    let nobody = Seen { id: Token([7; 16]), version: 1 };
    assert_eq!(code(place(&hub, &row, Some(nobody))), (Kind::NotFound, "resident-unknown"));
    let nowhere = identify::place(hub.hub(), row.token().unwrap(), (None, None), CLERK);
    assert_eq!(code(nowhere), (Kind::Conflict, "moved-on"));
    let unknown = identify::place(hub.hub(), Token([7; 16]), (None, None), CLERK);
    assert_eq!(code(unknown), (Kind::NotFound, "contribution-unknown"));
}

/// One thing that happens: a delivery, or something a clerk does.
#[derive(Debug, Clone)]
enum Step {
    /// Insured persons: of each whose number it bears.
    Insured(Vec<(usize, usize)>),
    /// Unemployed persons: whose number, if any.
    Unemployed(Vec<(usize, Option<usize>)>),
    Merge(usize, usize),
    /// The insurance record of one is about another, or nobody.
    Place(usize, Option<usize>),
    Revoke(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..4_usize;
    let step = prop_oneof![
        prop::collection::vec((who.clone(), who.clone()), 1..5).prop_map(Step::Insured),
        prop::collection::vec((who.clone(), prop::option::of(who.clone())), 1..4).prop_map(Step::Unemployed),
        (who.clone(), who.clone()).prop_map(|(into, absorbed)| Step::Merge(into, absorbed)),
        (who.clone(), prop::option::of(who.clone())).prop_map(|(of, to)| Step::Place(of, to)),
        (0..6_usize).prop_map(Step::Revoke),
    ];
    prop::collection::vec(step, 4..14)
}

/// Takes a step; what cannot be decided as things stand is left.
fn take(hub: &Inside, day: u32, step: &Step, made: &mut Vec<Decision>) {
    let people = Person::first(4);
    let look = |who: usize| {
        let (row, _) = hub.entity_of(&people[who].id_no)?;
        Some(Seen { id: Token::from_slice(&row.id).unwrap(), version: row.version })
    };
    match step {
        Step::Insured(rows) => {
            let mut rows: Vec<(usize, usize)> = rows.clone();
            rows.sort_unstable();
            rows.dedup_by_key(|(key, _)| *key);
            let rows = rows.into_iter().map(|(key, bearer)| insured(&people[bearer], &format!("100{key}")));
            let receipt = hub.land(&insurance(day, rows));
            let receipt = hub::pipeline::process(hub.hub(), &receipt.id, &|_| ()).unwrap();
            if receipt.state == "held" {
                hub.release(&receipt.id);
            }
        }
        Step::Unemployed(rows) => {
            let rows = rows.iter().map(|(key, bearer)| {
                let row = unemployed(&people[*key], &format!("100{key}"));
                row.with("公民身份证", bearer.map_or("", |bearer| &people[bearer].id_no))
            });
            hub.deliver(&unemployment(day, rows.collect::<Vec<_>>()));
        }
        Step::Merge(into, absorbed) => {
            if let (Some(into), Some(absorbed)) = (look(*into), look(*absorbed)) {
                made.extend(identify::merge(hub.hub(), into, absorbed, CLERK));
            }
        }
        Step::Place(of, to) => {
            if let Some(row) = hub.contributions(INSURED, &format!("100{of}")).into_iter().find(Stored::is_live) {
                made.extend(place(hub, &row, to.and_then(look)));
            }
        }
        Step::Revoke(at) => {
            if let Some(decision) = made.get(*at) {
                // Another decision may have undone it.
                let _undone = identify::revoke(hub.hub(), &decision.id, "clerk");
            }
        }
    }
}

fn invariant_3_whatever_is_decided_and_taken_back_leaves_what_the_rules_say(store: Store) {
    let cases = if store == Store::Sqlite { 16 } else { 5 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let (decided, undecided) = (Inside::new(store), Inside::new(store));
        let (mut made, mut moments) = (Vec::new(), Vec::new());
        for (day, step) in (1..).zip(&steps) {
            take(&decided, day, step, &mut made);
            prop_assert_eq!(decided.differences(), 0, "after {:?}", step);
            moments.push(moment(&decided));
            if matches!(step, Step::Insured(_) | Step::Unemployed(_)) {
                take(&undecided, day, step, &mut Vec::new());
            }
        }
        let rebuilt = rebuild::rebuild(decided.hub(), &|_| ()).unwrap();
        prop_assert_eq!(rebuilt.versions, 0);
        for decision in &made {
            let _undone = identify::revoke(decided.hub(), &decision.id, "clerk");
        }
        for (at, places) in moments {
            prop_assert_eq!(told_of(&decided, at), places, "what stood then is told as it was");
        }
        // Two hubs have two secrets: documents are compared, and ids only inside each.
        let documents = |hub: &Inside| {
            let mut all: Vec<String> = hub.golden("resident").values().map(|one| format!("{one:?}")).collect();
            all.sort();
            all
        };
        prop_assert_eq!(documents(&decided), documents(&undecided));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
