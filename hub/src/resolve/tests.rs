//! The rules of "Resolve" as sentences.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::contribution::Contribution;
use crate::entity::sample::{Builder, keyring, number, resident, says};
use crate::keyring::Token;

const INSURED: &str = "social-security/insured-persons";
const UNEMPLOYED: &str = "social-security/unemployment-insurance";
const HEALTH: &str = "health/resident-health-records";
const POLICE: &str = "public-security/registered-residents";
const FAMILY: &str = "family-planning/population";

const JOINED: Standing = Standing::Joined;
const DISAGREES: Standing = Standing::Waiting(KEY_DISAGREES);
const PLACEHOLDER: Standing = Standing::Waiting(PLACEHOLDER_KEY);

const BORN: &str = "1980-05-17";

fn zhang() -> String {
    number(BORN, 123)
}

fn person(feed: &str, key: &str, name: &str) -> Builder {
    says(feed, key).person(&zhang(), name)
}

fn born(feed: &str, key: &str, name: &str, birth_date: &str) -> Contribution {
    person(feed, key, name).with("birth_date", birth_date).build()
}

fn undated(feed: &str, key: &str, name: &str) -> Contribution {
    person(feed, key, name).build()
}

fn standings(contributions: &[Contribution]) -> Vec<Standing> {
    agreement(resident(), &contributions.iter().collect::<Vec<_>>())
}

fn read(contribution: &Contribution) -> Claims {
    claims(resident(), keyring(), contribution).expect("claims")
}

fn token(text: &str) -> Token {
    keyring().token("test", &[text]).expect("a token")
}

#[test]
fn a_record_with_the_numbers_birth_date_is_an_anchor_and_joins() {
    assert_eq!(standings(&[born(POLICE, "1", "张三", BORN), born(HEALTH, "2", "张珊", BORN)]), [JOINED, JOINED]);
}

#[test]
fn another_joins_by_an_anchors_name_though_its_birth_date_is_wrong_or_missing() {
    let anchor = born(POLICE, "1", "阿依努尔·买买提", BORN);
    let mistyped = born(HEALTH, "2", "阿依努尔 买买提", "1908-05-17");
    let silent = undated(UNEMPLOYED, "3", "阿依努尔．买买提");
    let other = undated(INSURED, "4", "买买提");
    assert_eq!(standings(&[mistyped, silent, anchor, other]), [JOINED, JOINED, JOINED, DISAGREES]);
}

#[test]
fn a_child_sent_under_its_parents_number_waits() {
    let parent = born(POLICE, "1", "张三", BORN);
    let child = born(FAMILY, "2", "张小三", "2012-03-04");
    assert_eq!(standings(&[child, parent]), [DISAGREES, JOINED]);
}

#[test]
fn a_child_alone_under_its_parents_number_waits_too() {
    assert_eq!(standings(&[born(FAMILY, "2", "张小三", "2012-03-04")]), [DISAGREES]);
}

#[test]
fn without_anchors_all_join_if_their_names_agree_else_none() {
    let [one, two] = [undated(UNEMPLOYED, "1", "张三"), undated(INSURED, "2", "张 三")];
    assert_eq!(standings(&[one.clone(), two.clone()]), [JOINED, JOINED]);
    let three = undated(HEALTH, "3", "李四");
    assert_eq!(standings(&[one, two, three]), [DISAGREES, DISAGREES, DISAGREES]);
}

#[test]
fn without_anchors_a_contradicting_birth_date_joins_by_the_name_of_one_that_does_not_contradict() {
    let silent = undated(UNEMPLOYED, "1", "张三");
    let mistyped = born(HEALTH, "2", "张三", "1908-05-17");
    assert_eq!(standings(&[silent, mistyped]), [JOINED, JOINED]);
}

#[test]
fn more_than_three_names_among_one_feeds_anchors_is_a_placeholder() {
    let under = |names: &[&str]| -> Vec<Contribution> {
        names.iter().enumerate().map(|(key, name)| born(FAMILY, &key.to_string(), name, BORN)).collect()
    };
    let mut all = under(&["张三", "李四", "王五"]);
    assert_eq!(standings(&all), [JOINED; 3], "three names are three names");
    all.push(born(HEALTH, "9", "赵六", BORN));
    assert_eq!(standings(&all), [JOINED; 4], "four names of two feeds are no placeholder");
    all.push(born(FAMILY, "4", "张　三", BORN));
    assert_eq!(standings(&all), [JOINED; 5], "one name written twice is one name");
    all.push(undated(FAMILY, "8", "孙八"));
    assert_eq!(standings(&all), [[JOINED; 5].as_slice(), &[DISAGREES]].concat(), "only anchors count");
    all.pop();
    all.push(born(FAMILY, "5", "钱七", BORN));
    all.push(undated(INSURED, "6", "张三"));
    assert_eq!(standings(&all), [PLACEHOLDER; 7]);
}

#[test]
fn a_key_that_holds_no_birth_date_has_no_anchors() {
    let passport = |key: &str, name: &str, birth_date: &str| {
        let card = says(HEALTH, key).person("G12345678", name).with("id_type", "03").with("nationality", "FRA");
        card.with("birth_date", birth_date).build()
    };
    let [one, two] = [passport("1", "Marie Curie", BORN), passport("2", "MARIE CURIE", "1990-01-01")];
    assert_eq!(standings(&[one.clone(), two]), [JOINED, JOINED]);
    assert_eq!(standings(&[one, passport("3", "Paul", BORN)]), [DISAGREES, DISAGREES]);
}

#[test]
fn a_key_is_type_issuer_and_number() {
    let card = |kind: &str, state: &str, number: &str| {
        let card = says(HEALTH, "1").with("id_no", number).with("id_type", kind).with("nationality", state);
        read(&card.build()).key.expect("a key")
    };
    assert_eq!(card("03", "FRA", "G12345678"), card("03", "FRA", " g1234-5678 "));
    assert_ne!(card("03", "FRA", "G12345678"), card("03", "DEU", "G12345678"), "two states may issue one number");
    assert_ne!(card("03", "CHN", "H12345678"), card("06", "CHN", "H12345678"), "a number without its type is no key");
    assert_eq!(card("06", "FRA", "H12345678"), card("06", "CHN", "H12345678"), "China alone issues travel permits");
}

#[test]
fn what_names_no_one_person_is_no_key() {
    let keyless =
        |kind: &str, number: &str| read(&says(HEALTH, "1").with("id_no", number).with("id_type", kind).build()).keyless;
    assert_eq!(keyless("02", "123456789"), Some(NO_KEY), "a household register names a household");
    assert_eq!(keyless("99", "123456789"), Some(NO_KEY));
    assert_eq!(keyless("03", "G12345678"), Some(NO_KEY), "a passport without its issuer");
    assert_eq!(keyless("06", "无"), Some(KEY_INVALID));
    assert_eq!(keyless("06", "1.30108E+17"), Some(KEY_INVALID));
    assert_eq!(read(&says(HEALTH, "1").with("name", "张三").build()).keyless, Some(NO_KEY));
    assert_eq!(read(&says(HEALTH, "1").with("id_no", Value::Null).build()).keyless, Some(NO_KEY));
}

#[test]
fn fifteen_digits_and_a_small_x_make_the_same_key() {
    let key = |number: &str| read(&says(HEALTH, "1").with("id_no", number).build()).key.expect("a key");
    assert_eq!(key("110105491231002"), key("11010519491231002X"));
    assert_eq!(key("11010519491231002x"), key("１１０１０５１９４９１２３１００２Ｘ"));
}

#[test]
fn a_wrong_check_digit_is_no_key_and_an_alias_may_resolve_the_record() {
    let number = zhang();
    let wrong = format!("{}{}", &number[..17], if number.ends_with('1') { '2' } else { '1' });
    let claims = read(&says(INSURED, "1").person(&wrong, "张三").with("insurance_person_no", "77").build());
    assert_eq!((claims.key, claims.keyless, claims.aliases.len()), (None, Some(KEY_INVALID), 1));
    assert_eq!(link(&claims, DISAGREES, &[AliasMeaning::Unknown]), Link::None(KEY_INVALID));
    assert_eq!(link(&claims, DISAGREES, &[AliasMeaning::Means(token("a"))]), Link::Alias(token("a")));
}

#[test]
fn an_aliass_scope_is_department_and_kind_of_number() {
    let alias = |feed: &str, attribute: &str| read(&says(feed, "1").with(attribute, "0077").build()).aliases;
    assert_eq!(alias(INSURED, "insurance_person_no"), alias(UNEMPLOYED, "insurance_person_no"));
    assert_ne!(alias(INSURED, "insurance_person_no"), alias(HEALTH, "insurance_person_no"));
    assert_ne!(alias(HEALTH, "health_record_no"), alias(HEALTH, "insurance_person_no"));
    assert_eq!(alias(HEALTH, "name"), []);
}

#[test]
fn an_alias_means_the_one_key_it_is_tied_to_and_is_suspended_between_two() {
    let [a, b] = [token("a"), token("b")];
    assert_eq!(alias([].into_iter()), AliasMeaning::Unknown);
    assert_eq!(alias([a, a].into_iter()), AliasMeaning::Means(a));
    assert_eq!(alias([a, b].into_iter()), AliasMeaning::Suspended);
    assert_eq!(alias([a, b, a].into_iter()), AliasMeaning::Suspended);
}

#[test]
fn a_good_key_resolves_whatever_the_aliases_mean() {
    let claims = read(&person(INSURED, "1", "张三").build());
    let key = claims.key.expect("a key");
    for meaning in [AliasMeaning::Unknown, AliasMeaning::Suspended, AliasMeaning::Means(token("b"))] {
        assert_eq!(link(&claims, JOINED, &[meaning]), Link::Key(key));
    }
}

#[test]
fn a_record_that_disagrees_under_its_key_is_not_resolved_by_an_alias_instead() {
    let claims = read(&person(INSURED, "1", "张小三").build());
    let meanings = [AliasMeaning::Means(token("a"))];
    assert_eq!(link(&claims, DISAGREES, &meanings), Link::None(KEY_DISAGREES));
    assert_eq!(link(&claims, PLACEHOLDER, &meanings), Link::None(PLACEHOLDER_KEY));
}

#[test]
fn aliases_that_mean_different_people_resolve_nothing() {
    let claims = read(&says(HEALTH, "1").with("name", "张三").build());
    let [a, b] = [AliasMeaning::Means(token("a")), AliasMeaning::Means(token("b"))];
    assert_eq!(link(&claims, JOINED, &[a, b]), Link::None(KEY_CONFLICT));
    assert_eq!(link(&claims, JOINED, &[a, a]), Link::Alias(token("a")));
    assert_eq!(link(&claims, JOINED, &[AliasMeaning::Suspended]), Link::None(ALIAS_SUSPENDED));
    assert_eq!(link(&claims, JOINED, &[AliasMeaning::Suspended, a]), Link::Alias(token("a")));
    assert_eq!(link(&claims, JOINED, &[AliasMeaning::Unknown]), Link::None(NO_KEY));
    assert_eq!(link(&claims, JOINED, &[]), Link::None(NO_KEY));
}

#[test]
fn a_household_is_station_and_number() {
    let household = |station: &str, number: &str| {
        read(&says(POLICE, "1").with("household_station", station).with("household_no", number).build()).household
    };
    assert!(household("东苑派出所", "001").is_some());
    assert_eq!(household("东苑派出所", "001"), household(" 东苑派出所", "００１"));
    assert_ne!(household("东苑派出所", "001"), household("裕强派出所", "001"));
    assert_eq!(household("东苑派出所", ""), None);
    assert_eq!(read(&says(POLICE, "1").with("household_no", "001").build()).household, None);
}

#[test]
fn a_search_and_a_record_make_one_token_of_one_number() {
    let claimed = read(&person(POLICE, "1", "张三").build()).key;
    assert_eq!(citizen_token(keyring(), &zhang()).expect("a token"), claimed);
    let key = PersonKey::read(Some("01"), None, &zhang()).expect("a key");
    assert_eq!(key.token(keyring()).ok(), claimed);
}

/// Contributions under one number: of three feeds, few names, birth dates that agree, contradict or are missing.
fn crowd() -> impl Strategy<Value = Vec<Contribution>> {
    let feed = prop::sample::select(vec![POLICE, HEALTH, FAMILY]);
    let name = prop::sample::select(vec!["张三", "张 三", "李四", "王五", "赵六", ""]);
    let birth = prop::sample::select(vec![Some(BORN), Some("2012-03-04"), None]);
    prop::collection::vec((feed, name, birth), 0..9).prop_map(|people| {
        let build = |(key, (feed, name, birth)): (usize, (&str, &str, Option<&str>))| {
            let builder = person(feed, &key.to_string(), name);
            birth.map_or(builder.clone(), |birth| builder.with("birth_date", birth)).build()
        };
        people.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn agreement_does_not_depend_on_order((given, shuffled) in crowd().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))) {
        let standing_of = |id: Token, all: &[Contribution]| {
            all.iter().zip(standings(all)).find(|(one, _)| one.id == id).map(|(_, standing)| standing)
        };
        for one in &given {
            prop_assert_eq!(standing_of(one.id, &given), standing_of(one.id, &shuffled));
        }
    }

    #[test]
    fn anchors_stand_or_fall_together_and_without_them_so_do_all(all in crowd()) {
        let told = standings(&all);
        let anchor = |one: &Contribution| one.attributes.get("birth_date").is_some_and(|date| date == BORN);
        let anchors: Vec<Standing> = all.iter().zip(&told).filter(|(one, _)| anchor(one)).map(|(_, told)| *told).collect();
        let together = if anchors.is_empty() { &told } else { &anchors };
        prop_assert!(together.windows(2).all(|pair| pair[0] == pair[1]));
        prop_assert!(!anchors.contains(&DISAGREES));
    }
}
