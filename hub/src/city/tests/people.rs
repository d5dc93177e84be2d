//! The people: numbers that agree with them and belong to one alone.

use std::collections::{BTreeMap, BTreeSet};

use super::super::feed::Feed;
use super::super::household::{CAST, Household, MAX_RESIDENTS};
use super::super::number::{Origin, Slot};
use super::super::person::{Person, Role, Sex};
use super::super::place;
use super::{city, reading};
use crate::identity::CitizenNumber;

fn everybody(residents: u64, day: u32) -> Vec<Person> {
    let people = std::cell::RefCell::new(Vec::new());
    city(residents, 11)
        .visit(
            day,
            |household: &Household| {
                people.borrow_mut().extend(household.members.iter().cloned());
                Ok(())
            },
            |performance| {
                people.borrow_mut().extend(performance.household.members.iter().cloned());
                Ok(())
            },
        )
        .expect("a walk");
    people.into_inner()
}

#[test]
fn numbers_agree_with_people_and_belong_to_one_alone() {
    let people = everybody(5_000, 5);
    assert!(people.len() > 5_000 && people.iter().any(|person| person.came_on > 1 && person.index < CAST));
    let mut numbers = BTreeSet::new();
    for person in &people {
        let number = CitizenNumber::parse(&person.number()).expect("a good number");
        assert_eq!((number.birth_date(), number.sex()), (person.birth, person.sex.code()));
        assert!(person.birth < city(1, 1).start() && person.age < 100);
        assert!(numbers.insert(person.number()), "{} has a number of its own", person.index);
    }
}

#[test]
fn near_and_far_indexes_have_different_numbers() {
    let mut numbers = BTreeMap::new();
    let edges = [0, 2_189_990, 2_190_000, MAX_RESIDENTS - 40, MAX_RESIDENTS, MAX_RESIDENTS + 3_000_000];
    let plain = edges.iter().flat_map(|&edge| edge..edge + 2_000);
    let plain = plain.flat_map(|index| [(Origin::Local, index), (Origin::Elsewhere, index)]);
    let cast = (CAST..CAST + 20_000).flat_map(|index| [(Origin::Cast, index), (Origin::Nobody, index)]);
    for (origin, index) in plain.chain(cast) {
        let slot = Slot::new(origin, index, 12_345);
        let before = numbers.insert(slot.number(slot.birth_date(1980), Sex::Female), (origin, index));
        assert!(before.is_none() || before == Some((origin, index)), "{before:?} and {index} share a number");
    }
}

#[test]
fn families_are_of_one_piece() {
    let households = std::cell::RefCell::new(Vec::new());
    let keep = |household: &Household| {
        households.borrow_mut().push(household.clone());
        Ok(())
    };
    city(5_000, 2).visit(1, keep, |_| Ok(())).expect("a walk");
    let households = households.into_inner();
    let sizes: BTreeSet<usize> = households.iter().map(|household| household.members.len()).collect();
    assert_eq!(sizes, (1..=6).collect());
    assert_eq!(households.iter().map(|household| household.members.len()).sum::<usize>(), 5_000);
    for household in &households {
        if let Some((head, spouse)) = household.couple() {
            assert_ne!(head.sex, spouse.sex);
            assert!(spouse.age >= 22 && head.age >= 22);
        }
        for child in household.members.iter().filter(|one| matches!(one.role, Role::Child(_))) {
            assert!(
                child.age + 15 < household.members[0].age,
                "a parent of {} is {}",
                child.age,
                household.members[0].age
            );
        }
    }
}

#[test]
fn about_three_in_a_hundred_change_and_one_in_two_hundred_leaves() {
    let people = everybody(20_000, 2);
    let plain: Vec<_> = people.iter().filter(|person| person.index < CAST).collect();
    let share = |count: usize| count * 10_000 / plain.len();
    let changed = share(plain.iter().filter(|person| person.is_present() && person.changed_on == 2).count());
    let left = share(plain.iter().filter(|person| !person.is_present()).count());
    assert!((240..360).contains(&changed), "{changed} of 10,000 changed");
    assert!((30..70).contains(&left), "{left} of 10,000 left");
}

#[test]
fn the_communities_are_those_of_the_district() {
    let communities = place::communities();
    assert_eq!(communities.len(), 115);
    let names: BTreeSet<&str> = communities.iter().map(|one| one.name).collect();
    assert_eq!(names.len(), 115, "a label names one community");
    for one in &communities {
        assert!(one.code.len() == 12 && one.code.starts_with("130108") && !one.code.ends_with("000"));
        assert!(one.street.ends_with("街道") || one.street.ends_with('镇'));
    }
}

#[test]
fn names_and_numbers_come_in_the_forms_departments_write() {
    let city = city(6_000, 4);
    let first = city.deliveries(1);
    let column = |feed: Feed, place: usize| -> Vec<String> {
        let delivery = first.iter().find(|one| one.feed == feed.name()).expect("a delivery");
        reading::rows(delivery).into_iter().map(|row| row.cells[place].clone()).collect()
    };
    let numbers = column(Feed::Unemployment, 2);
    assert!(numbers.iter().any(|number| number.len() == 15), "old numbers");
    assert!(numbers.iter().any(|number| number.ends_with('x')), "small x");
    assert!(numbers.iter().any(String::is_empty), "no number");
    let names = column(Feed::Population, 1);
    assert!(names.iter().any(|name| name.contains('．')), "another dot");
    let phones = column(Feed::Insured, 16);
    for wanted in ["/0311-", "、", "１"] {
        assert!(phones.iter().any(|phone| phone.contains(wanted)), "phones with {wanted}");
    }
    let education = column(Feed::Population, 8);
    assert!(education.iter().any(|one| one == "21") && education.iter().any(|one| one == "大学本科毕业"));
}
