//! The marriage fold: sentences, and a model written from the other end (it rewrites the log instead of folding it).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FAMILY, HEALTH, MARRIAGE, golden, key, told};
use crate::contribution::Contribution;
use crate::entity::sample::{number, says};

fn spouse(who: u16) -> Value {
    json!({"id_no": number("1982-01-02", 100 + who), "name": format!("配偶{who}")})
}

fn event(operation: &str, on: &str, spouse: &Value) -> Contribution {
    let certificate = format!("{operation}-{on}");
    let event = json!({"operation": operation, "certificate_no": certificate, "registered_on": on, "spouse": spouse});
    says(MARRIAGE, &certificate).with("marriage_events", json!([event])).build()
}

fn shown(who: u16) -> Value {
    json!({"key": key(&number("1982-01-02", 100 + who)), "name": format!("配偶{who}")})
}

fn marital(contributions: &[Contribution]) -> Option<Value> {
    golden(contributions).remove("marital")
}

#[test]
fn a_married_person_is_married_and_a_divorced_one_divorced() {
    let wedding = event("IA", "2001-05-01", &spouse(1));
    assert_eq!(marital(std::slice::from_ref(&wedding)), Some(json!("20")));
    let all = [event("IB", "2010-01-01", &spouse(1)), wedding];
    let document = golden(&all);
    assert_eq!(document["marital"], "40");
    assert_eq!(
        document["marriages"],
        json!([{
            "spouse": shown(1), "state": "divorced", "since": "2001-05-01", "until": "2010-01-01",
            "certificate_no": "IB-2010-01-01",
        }])
    );
}

#[test]
fn a_divorce_without_its_marriage_is_a_divorce() {
    let document = golden(&[event("IB", "2010-01-01", &spouse(1))]);
    assert_eq!(document["marital"], "40");
    assert_eq!(document["marriages"][0]["until"], "2010-01-01");
    assert_eq!(document["marriages"][0].get("since"), None);
}

#[test]
fn the_latest_event_over_all_spouses_decides() {
    let past = [event("IA", "2001-05-01", &spouse(1)), event("IB", "2010-01-01", &spouse(1))];
    let all = [past[1].clone(), event("IA", "2015-06-01", &spouse(2)), past[0].clone()];
    assert_eq!(marital(&all), Some(json!("20")));
    assert_eq!(golden(&all)["marriages"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_annulled_marriage_counts_as_if_it_had_not_been() {
    let annulled = [event("IA", "2015-06-01", &spouse(2)), event("ID", "2016-01-01", &spouse(2))];
    assert_eq!(marital(&annulled), None, "nothing earlier: the registry claims nothing");
    assert_eq!(golden(&annulled)["marriages"][0]["state"], "annulled");
    let mut all = annulled.to_vec();
    all.extend([event("IA", "2001-05-01", &spouse(1)), event("IB", "2010-01-01", &spouse(1))]);
    assert_eq!(marital(&all), Some(json!("40")), "back to the earlier state");
}

#[test]
fn annulled_with_nothing_earlier_leaves_the_field_to_other_departments() {
    let mut all = vec![event("IA", "2015-06-01", &spouse(2)), event("ID", "2016-01-01", &spouse(2))];
    all.push(says(FAMILY, "1").with("marital", "10").build());
    assert_eq!(marital(&all), Some(json!("10")));
}

#[test]
fn annulling_a_second_marriage_to_the_same_spouse_leaves_the_first_divorced() {
    let dates =
        [("IA", "2001-01-01"), ("IB", "2002-01-01"), ("IA", "2003-01-01"), ("ID", "2004-01-01"), ("ID", "2005-01-01")];
    let all: Vec<_> = dates.iter().map(|(operation, on)| event(operation, on, &spouse(1))).collect();
    let states: Vec<Value> =
        golden(&all)["marriages"].as_array().into_iter().flatten().map(|m| m["state"].clone()).collect();
    assert_eq!((marital(&all), states), (Some(json!("40")), vec![json!("divorced"), json!("annulled")]));
}

#[test]
fn a_re_issue_changes_nothing_but_the_certificate() {
    let wedding = event("IA", "2001-05-01", &spouse(1));
    let mut plain = golden(std::slice::from_ref(&wedding));
    let mut reissued = golden(&[event("ICA", "2005-05-01", &spouse(1)), wedding.clone()]);
    assert_eq!(reissued["marriages"][0]["certificate_no"], "ICA-2005-05-01");
    for document in [&mut plain, &mut reissued] {
        document["marriages"][0]["certificate_no"].take();
    }
    assert_eq!(plain, reissued);
    let divorced = [wedding, event("IB", "2005-05-01", &spouse(1)), event("ICA", "2005-05-01", &spouse(1))];
    assert_eq!(
        golden(&divorced)["marriages"][0]["certificate_no"],
        "IB-2005-05-01",
        "issued for the divorce of that day"
    );
    assert_eq!(golden(&[event("ICB", "2005-05-01", &spouse(1))]).len(), 0, "a re-issue alone tells no relation");
}

#[test]
fn the_status_before_never_becomes_the_marital_status() {
    let before = json!([{"operation": "ICA", "certificate_no": "J1", "status_before": "30", "spouse": spouse(1)}]);
    let only = says(MARRIAGE, "1").with("marriage_events", before).build();
    assert_eq!(marital(&[only]), None);
}

#[test]
fn the_same_event_told_twice_counts_once() {
    let told = json!([{"operation": "IA", "certificate_no": "J1", "registered_on": "2001-05-01", "spouse": spouse(1)}]);
    let corrected =
        json!([{"operation": "IA", "certificate_no": "J1", "registered_on": "2001-05-02", "spouse": spouse(1)}]);
    let old = says(MARRIAGE, "1").at(1).with("marriage_events", told).build();
    let new = says("civil-affairs/corrections", "1").at(2).with("marriage_events", corrected).build();
    let marriages = golden(&[old, new])["marriages"].clone();
    assert_eq!(marriages.as_array().map(Vec::len), Some(1));
    assert_eq!(marriages[0]["since"], "2001-05-02", "as the source that changed last tells it");
}

#[test]
fn a_divorce_row_with_a_mistyped_number_ends_the_marriage_of_that_name() {
    let mistyped = json!({"id_no": "130108198201021010", "name": "配偶1"});
    let document = golden(&[event("IB", "2010-01-01", &mistyped), event("IA", "2001-05-01", &spouse(1))]);
    assert_eq!(document["marriages"].as_array().map(Vec::len), Some(1));
    assert_eq!(document["marriages"][0]["spouse"], shown(1));
    assert_eq!(document["marriages"][0]["state"], "divorced");
}

#[test]
fn the_fold_comes_before_other_departments_and_a_refinement_of_married_is_shown() {
    let wedding = event("IA", "2001-05-01", &spouse(1));
    let claims = |code: &str| says(FAMILY, "1").at(99).with("marital", code).build();
    assert_eq!(marital(&[claims("10"), wedding.clone()]), Some(json!("20")));
    assert_eq!(marital(&[claims("40"), wedding.clone()]), Some(json!("20")));
    assert_eq!(marital(&[claims("21"), wedding.clone()]), Some(json!("21")));
    let provenance = told(&[claims("21"), wedding]);
    assert_eq!(provenance["marital"][1]["feed"], MARRIAGE, "whose claim is refined stands next");
}

#[test]
fn a_first_marriage_is_no_refinement_where_the_registry_knows_more_than_one() {
    let past = [event("IA", "2001-05-01", &spouse(1)), event("IB", "2010-01-01", &spouse(1))];
    let mut all = vec![event("IA", "2015-06-01", &spouse(2)), says(FAMILY, "1").with("marital", "21").build()];
    all.extend(past);
    assert_eq!(marital(&all), Some(json!("20")));
    all.push(says(HEALTH, "1").with("marital", "22").build());
    assert_eq!(marital(&all), Some(json!("22")));
}

#[test]
fn provenance_names_the_record_whose_event_decided() {
    let [wedding, divorce] = [event("IA", "2001-05-01", &spouse(1)), event("IB", "2010-01-01", &spouse(1))];
    let reissue = event("ICB", "2011-01-01", &spouse(1));
    let provenance = told(&[reissue, wedding, divorce.clone()]);
    assert_eq!(provenance["marital"][0]["contribution"], json!(divorce.id));
    assert_eq!(provenance["marriages"][0]["contribution"], json!(divorce.id));
    assert_eq!(provenance.get("marriage_events"), None);
}

/// One registration of a made-up life: operation and spouse; its place in the list is its day.
type Life = Vec<(&'static str, u16)>;

fn life() -> impl Strategy<Value = Life> {
    let operation = prop::sample::select(vec!["IA", "IA", "IB", "IB", "ID", "IC", "ICA", "ICB"]);
    prop::collection::vec((operation, 0..3u16), 0..12)
}

fn day(place: usize) -> String {
    format!("2001-01-{:02}", place + 1)
}

fn records(life: &Life) -> Vec<Contribution> {
    life.iter().enumerate().map(|(place, (operation, who))| event(operation, &day(place), &spouse(*who))).collect()
}

/// The model: strikes from the log every annulled marriage with all its registrations, then reads off the last line.
/// A marriage of a couple begins with the first line or with a wedding after a divorce.
fn last_line(life: &Life) -> (Option<&'static str>, usize) {
    let mut struck = vec![false; life.len()];
    let mut annulled: std::collections::BTreeSet<u16> = std::collections::BTreeSet::new();
    for (place, (operation, who)) in life.iter().enumerate() {
        let lines: Vec<usize> =
            (0..place).filter(|at| life[*at].1 == *who && !struck[*at] && life[*at].0 < "IC").collect();
        match *operation {
            "ID" if !annulled.contains(who) => {
                let weddings_after_divorce =
                    lines.windows(2).filter(|pair| life[pair[0]].0 == "IB" && life[pair[1]].0 == "IA");
                let begin = weddings_after_divorce.map(|pair| pair[1]).next_back().or(lines.first().copied());
                lines.iter().filter(|at| Some(**at) >= begin).for_each(|at| struck[*at] = true);
                annulled.insert(*who);
            }
            "IA" => drop(annulled.remove(who)),
            "IB" if lines.is_empty() => drop(annulled.remove(who)),
            _ => {}
        }
    }
    let left: Vec<&(&str, u16)> = life
        .iter()
        .zip(&struck)
        .filter(|((operation, _), struck)| *operation < "IC" && !**struck)
        .map(|(line, _)| line)
        .collect();
    let code = left.last().map(|(operation, _)| if *operation == "IA" { "20" } else { "40" });
    let married: std::collections::BTreeMap<u16, &str> =
        left.iter().map(|(operation, who)| (*who, *operation)).collect();
    (code, married.values().filter(|operation| **operation == "IA").count())
}

proptest! {
    #[test]
    fn the_fold_equals_the_model(life in life()) {
        let document = golden(&records(&life));
        let (code, married) = last_line(&life);
        prop_assert_eq!(document.get("marital").and_then(Value::as_str), code);
        let marriages = document.get("marriages").and_then(Value::as_array).cloned().unwrap_or_default();
        prop_assert_eq!(marriages.iter().filter(|marriage| marriage["state"] == "married").count(), married);
    }

    #[test]
    fn the_fold_does_not_depend_on_the_order_of_arrival(
        (given, shuffled) in life().prop_flat_map(|life| (Just(records(&life)), Just(records(&life)).prop_shuffle()))
    ) {
        prop_assert_eq!(golden(&given), golden(&shuffled));
    }

    #[test]
    fn a_couple_tells_one_story_from_both_sides(life in life()) {
        let life: Life = life.into_iter().map(|(operation, _)| (operation, 1)).collect();
        let mine = golden(&records(&life));
        let theirs: Vec<Contribution> =
            life.iter().enumerate().map(|(place, (operation, _))| event(operation, &day(place), &spouse(2))).collect();
        let theirs = golden(&theirs);
        let story = |document: &serde_json::Map<String, Value>| {
            let marriages = document.get("marriages").and_then(Value::as_array).cloned().unwrap_or_default();
            let told = marriages.into_iter().map(|mut marriage| { marriage["spouse"].take(); marriage });
            (document.get("marital").cloned(), told.collect::<Vec<_>>())
        };
        prop_assert_eq!(story(&mine), story(&theirs));
    }
}
