//! The other names a person goes by, and cells that came through badly: characters lost on the way, cells one column off.
//!
//! Owns these kinds; their rates are the mix's.

use super::super::dice::Dice;
use super::feed::{ADDRESS, BIRTH, NAME, NUMBER, PHONE, Row, SEX};
use super::mix::Mix;
use super::people::{self, Person, Population};

/// Gives a row another name of the person, loses characters and moves cells, as the mix says.
pub(super) fn spoil(row: &mut Row, person: &Person, population: &Population, dice: Dice, mix: Mix) {
    if !person.transcribed && row.cells[NAME].starts_with(&person.surname) && dice.at(1).chance(mix.renamed) {
        let (kind, text) = renamed(&row.cells[NAME], person, population, dice.at(2));
        row.noise.push(kind);
        row.cells[NAME] = text;
    }
    for (at, kind, cell) in [(0, "name_characters_lost", NAME), (1, "address_characters_lost", ADDRESS)] {
        if dice.at(10 + at).chance(mix.characters_lost) && !row.cells[cell].is_empty() {
            row.noise.push(kind);
            row.cells[cell] = without(&row.cells[cell], dice.at(20 + at));
        }
    }
    if dice.at(30).chance(mix.slipped) {
        let (kind, first) =
            [("slipped_from_number", NUMBER), ("slipped_from_name", NAME), ("slipped_from_birth", BIRTH)]
                [dice.at(31).below(3) as usize];
        row.noise.push(kind);
        // One cell too many: each stands one column further right, and what was last is gone.
        let last = if first == NUMBER { SEX } else { PHONE };
        row.cells[first..=last].rotate_right(1);
        row.cells[first].clear();
    }
}

fn renamed(name: &str, person: &Person, population: &Population, dice: Dice) -> (&'static str, String) {
    let (surname, given) = (&person.surname, &person.given);
    let former = || format!("{surname}{}", people::given(person.male, None, person.dice.at(78)));
    match dice.below(100) {
        0..30 => {
            let noted = ["（曾用名：", "(曾用名", "（原名", "（又名"][dice.at(1).below(4) as usize];
            ("name_former_noted", format!("{name}{noted}{}）", former()))
        }
        30..50 => ("name_former", former()),
        50..75 => {
            let last = given.chars().last().unwrap_or('宝');
            let pet = [format!("小{last}"), format!("阿{last}"), format!("{last}{last}")];
            ("name_pet", pet[dice.at(2).below(3) as usize].clone())
        }
        _ if !person.male => {
            let mut family = population.people.iter().skip(person.index.saturating_sub(6)).take(12);
            let husband = family.find(|one| one.household == person.household && one.male && one.parent.is_none());
            let of = husband.map_or("王", |husband| &husband.surname);
            ("name_married", format!("{of}{surname}{}", if dice.at(3).chance(40_000) { "氏" } else { given }))
        }
        _ => ("name_former_noted", format!("{name}/{}", former())),
    }
}

/// One character in three becomes a question mark or the sign of a broken encoding, at least one.
fn without(text: &str, dice: Dice) -> String {
    let sign = if dice.chance(50_000) { '?' } else { char::REPLACEMENT_CHARACTER };
    let count = text.chars().count() as u64;
    let sure = dice.at(1).below(count.max(1));
    (0..).zip(text.chars()).map(|(at, c)| if at == sure || dice.at(2 + at).chance(30_000) { sign } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{LinkageOptions, rows};
    use super::*;

    fn kinds(mix: Mix) -> BTreeSet<&'static str> {
        let population = Population::new(Dice::new(3), 8_000, mix);
        let options = LinkageOptions { residents: 8_000, seed: 3, mix, numbers: true };
        rows(&population, &[0, 1], options).into_iter().flat_map(|row| row.noise).collect()
    }

    #[test]
    fn the_other_city_has_every_kind_and_the_usual_one_has_none() {
        let ours = [
            "name_former_noted",
            "name_former",
            "name_pet",
            "name_married",
            "name_characters_lost",
            "address_characters_lost",
            "slipped_from_number",
            "slipped_from_name",
            "slipped_from_birth",
        ];
        let other = kinds(Mix::OTHER);
        let usual = kinds(Mix::USUAL);
        assert!(ours.iter().all(|kind| other.contains(kind) && !usual.contains(kind)), "{other:?}");
    }

    #[test]
    fn a_lost_character_leaves_a_sign_and_the_length() {
        for throw in 0..50 {
            let text = without("王小明", Dice::new(throw));
            assert!(text.chars().count() == 3 && text.contains(['?', char::REPLACEMENT_CHARACTER]), "{text}");
        }
    }
}
