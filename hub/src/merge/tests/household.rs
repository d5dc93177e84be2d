//! Households folded from their members' records.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{HEALTH, POLICE, key};
use crate::contribution::Contribution;
use crate::entity::sample::{self, Builder, number, says};

fn folded(members: &[Contribution]) -> Map<String, Value> {
    let members: Vec<&Contribution> = members.iter().collect();
    super::super::household(sample::household(), sample::keyring(), sample::resident(), &members).expect("a document")
}

fn member(who: u16, name: &str, relation: &str) -> Builder {
    let member = says(POLICE, &who.to_string()).person(&number("1980-05-17", who), name);
    member.with("household_station", "东苑派出所").with("household_no", "0017").with("household_relation", relation)
}

fn living(builder: Builder, division: &str) -> Contribution {
    builder.with("registered_address", json!({"division": division, "text": "槐安东路1号"})).build()
}

#[test]
fn a_household_is_station_number_head_and_members() {
    let wife = living(member(2, "李四", "12"), "130108001002");
    let head = living(member(1, "张三", "02"), "130108001001");
    let key = |who: u16| key(&number("1980-05-17", who));
    assert_eq!(
        json!(folded(&[wife, head])),
        json!({
            "station": "东苑派出所", "number": "0017", "community": "130108001001",
            "address": {"division": "130108001001", "text": "槐安东路1号"},
            "head": {"key": key(1), "name": "张三"},
            "members": [
                {"key": key(1), "name": "张三", "relation": "02"},
                {"key": key(2), "name": "李四", "relation": "12"},
            ],
        })
    );
}

#[test]
fn self_is_the_head_where_nobody_else_is() {
    let only = member(1, "张三", "01").build();
    assert_eq!(folded(std::slice::from_ref(&only))["head"]["name"], "张三");
    let head = member(2, "李四", "02").build();
    assert_eq!(folded(&[only, head])["head"]["name"], "李四");
    assert_eq!(folded(&[member(3, "王五", "20").build()]).get("head"), None);
}

#[test]
fn without_a_head_the_address_is_that_of_the_smallest_key() {
    let both = [living(member(2, "李四", "20"), "130108001002"), living(member(3, "王五", "20"), "130108001003")];
    let smallest = if both[0].id < both[1].id { "130108001002" } else { "130108001003" };
    assert_eq!(folded(&both)["community"], smallest);
}

#[test]
fn a_member_without_a_good_number_is_shown_by_name() {
    let wrong = member(1, "张三", "02").with("id_no", "130108198005171230").build();
    assert_eq!(folded(&[wrong])["members"], json!([{"name": "张三", "relation": "02"}]));
}

#[test]
fn members_stand_by_relation_then_key_then_name() {
    let unkeyed = |key: &str, name: &str, relation: &str| {
        let member = says(POLICE, key).with("name", name).with("household_relation", relation);
        member.with("household_station", "东苑派出所").with("household_no", "0017").build()
    };
    let all = [
        unkeyed("c", "C", "20"),
        unkeyed("b", "B", "20"),
        unkeyed("a", "A", "20"),
        unkeyed("d", "D", "10"),
        member(5, "Z", "20").build(),
        says(POLICE, "e").with("name", "E").build(),
        unkeyed("f", "F", "02"),
    ];
    let names: Vec<Value> =
        folded(&all)["members"].as_array().into_iter().flatten().map(|member| member["name"].clone()).collect();
    assert_eq!(names, ["F", "D", "Z", "A", "B", "C", "E"]);
}

#[test]
fn a_person_told_by_two_records_is_one_member_by_the_newest_relation() {
    let old = member(1, "张三", "20").build();
    let new = says(HEALTH, "9").at(5).person(&number("1980-05-17", 1), "张 三").with("household_station", "东苑派出所");
    let new = new.with("household_no", "0017").with("household_relation", "02").build();
    let members = folded(&[old, new])["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    assert_eq!(members[0]["relation"], "02");
}

#[test]
fn a_child_under_its_parents_number_stays_a_member_of_its_own() {
    let parent = member(1, "张三", "02").build();
    let child = says(POLICE, "9").person(&number("1980-05-17", 1), "张小三").with("household_station", "东苑派出所");
    let child = child.with("household_no", "0017").with("household_relation", "20").build();
    assert_eq!(folded(&[parent, child])["members"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_household_without_members_is_nothing() {
    assert_eq!(folded(&[]).len(), 0);
}

fn family() -> impl Strategy<Value = Vec<Contribution>> {
    let relation = prop::sample::select(vec!["02", "01", "12", "20"]);
    let name = prop::sample::select(vec!["张三", "李四"]);
    let division = prop::sample::select(vec!["130108001001", "130108001000", "130108"]);
    prop::collection::vec((0..3u16, name, relation, division, any::<bool>()), 0..6).prop_map(|people| {
        let build = |(place, (who, name, relation, division, good)): (usize, (u16, &str, &str, &str, bool))| {
            let id_no = if good { number("1980-05-17", who) } else { "1".to_owned() };
            let builder = says(POLICE, &place.to_string()).at(i64::from(who)).person(&id_no, name);
            let builder = builder.with("household_station", "东苑").with("household_no", "1");
            living(builder.with("household_relation", relation), division)
        };
        people.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn a_household_does_not_depend_on_the_order_of_its_members(
        (given, shuffled) in family().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(folded(&given), folded(&shuffled));
    }
}
