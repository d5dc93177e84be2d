//! The people of a linkage set: families at one address, twins and siblings, strangers with one name and birthday.
//!
//! Owns what is true. Never writes a cell.

use chrono::{Datelike, Days, NaiveDate};
use pinyin::ToPinyin;

use super::super::dice::Dice;
use super::mix::Mix;
use super::words::{COMPOUND, FEMALE, MALE, SURNAMES, SYLLABLES};
use crate::identity::CitizenNumber;

/// The day the registers were written.
pub(super) const TODAY: (i32, u32, u32) = (2026, 11, 1);

/// Somebody as in truth.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub index: usize,
    pub household: u64,
    pub surname: String,
    pub given: String,
    /// Name in two parts that transcribe another language.
    pub transcribed: bool,
    pub male: bool,
    pub birth: NaiveDate,
    /// The citizen number, or a passport.
    pub number: String,
    /// Father or mother of the same household.
    pub parent: Option<usize>,
    pub dice: Dice,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Population {
    pub people: Vec<Person>,
    pub dice: Dice,
}

/// Shares of household sizes 1 to 6, of 100, summed up.
const SIZES: [u64; 6] = [20, 45, 72, 89, 97, 100];

impl Population {
    /// People of about that number.
    pub fn new(dice: Dice, residents: u64, mix: Mix) -> Self {
        let mut population = Self { people: Vec::new(), dice };
        let mut household = 0;
        while (population.people.len() as u64) < residents {
            population.family(dice.at(1).at(household), household, mix);
            household += 1;
        }
        population.namesakes(mix);
        population
    }

    fn family(&mut self, dice: Dice, household: u64, mix: Mix) {
        let size = 1 + SIZES.iter().filter(|share| **share <= dice.at(1).below(100)).count();
        let transcribed = dice.at(2).chance(2_000);
        let (father, mother) = (surname(dice.at(3), mix), surname(dice.at(4), mix));
        let year = TODAY.0 - if size > 2 { 26 + dice.at(5).below(30) as i32 } else { 20 + dice.at(5).below(68) as i32 };
        let head_male = dice.at(6).chance(60_000) || size > 2;
        let head = self.add(dice.at(10), household, Draft::grown(&father, head_male, year, transcribed));
        if size == 1 {
            return;
        }
        let spouse = self.add(
            dice.at(11),
            household,
            Draft::grown(&mother, !head_male, year + dice.at(7).below(7) as i32 - 3, transcribed),
        );
        let parent = if dice.at(8).chance(60_000) { spouse } else { head };
        let first = year + 22 + dice.at(9).below(8) as i32;
        let children = size.saturating_sub(2).min(3);
        let mut elder: Option<usize> = None;
        for place in 0..children as u64 {
            let throw = dice.at(20 + place);
            let male = throw.chance(52_000);
            let twin = elder.filter(|_| throw.at(1).chance(mix.twins * 5));
            // Brothers and sisters often share a character.
            let shared =
                elder.filter(|_| throw.at(2).chance(40_000)).and_then(|elder| self.people[elder].given.chars().next());
            let birth_year = first + 3 * place as i32 + throw.at(3).below(3) as i32;
            if birth_year > TODAY.0 {
                break;
            }
            let day = twin.map(|twin| self.people[twin].birth);
            let surname = if throw.at(4).chance(95_000) { &father } else { &mother };
            elder = Some(self.add(
                throw.at(5),
                household,
                Draft { surname, male, year: birth_year, parent: Some(parent), day, given: shared, transcribed },
            ));
        }
        if size > 5 {
            self.add(dice.at(30), household, Draft::grown(&father, true, year - 26, transcribed));
        }
    }

    fn add(&mut self, dice: Dice, household: u64, draft: Draft<'_>) -> usize {
        let index = self.people.len();
        let birth = draft.day.unwrap_or_else(|| birthday(draft.year, dice.at(1)));
        let given =
            if draft.transcribed { transcription(dice.at(2)) } else { self.unshared(household, &draft, dice.at(2)) };
        let surname = if draft.transcribed { transcription(dice.at(3)) } else { draft.surname.to_owned() };
        let sequence = 2 * dice.at(5).below(499) as u16 + u16::from(draft.male);
        let division = format!("{}", 130_102 + dice.at(6).below(8) + 100 * dice.at(7).below(3) * dice.at(8).below(2));
        let number = match CitizenNumber::build(&division, birth, sequence) {
            Ok(number) if !dice.at(9).chance(400) => number.as_str().to_owned(),
            _ => format!("E{:08}", dice.at(10).below(100_000_000)),
        };
        self.people.push(Person {
            index,
            household,
            surname,
            given,
            transcribed: draft.transcribed,
            male: draft.male,
            birth,
            number,
            parent: draft.parent,
            dice: dice.at(11),
        });
        index
    }

    /// A given name that nobody else in the family has or sounds like, as parents see to.
    fn unshared(&self, household: u64, draft: &Draft<'_>, dice: Dice) -> String {
        let family = || self.people.iter().rev().take_while(|one| one.household == household);
        let taken = |name: &String| family().any(|one| sound(&one.given) == sound(name));
        let mut names = (0..20).map(|attempt| given(draft.male, draft.given, dice.at(attempt)));
        names.find(|name| !taken(name)).unwrap_or_else(|| given(draft.male, None, dice.at(99)))
    }

    /// Gives some people name, sex and birthday of somebody who has nothing to do with them.
    fn namesakes(&mut self, mix: Mix) {
        let count = self.people.len() as u64;
        for at in 0..self.people.len() {
            let dice = self.people[at].dice.at(77);
            let other = self.people[dice.at(1).below(count) as usize].clone();
            let person = &mut self.people[at];
            let adult = |birth: NaiveDate| birth.year() < TODAY.0 - 20;
            if !dice.chance(mix.namesakes)
                || other.household == person.household
                || !adult(other.birth)
                || !adult(person.birth)
            {
                continue;
            }
            person.surname = other.surname;
            person.given = other.given;
            person.transcribed = other.transcribed;
            person.male = other.male;
            person.birth = other.birth;
            let sequence = 2 * dice.at(2).below(499) as u16 + u16::from(other.male);
            if let Ok(number) = CitizenNumber::build("130110", other.birth, sequence) {
                person.number = number.as_str().to_owned();
            }
        }
    }
}

/// What is known of somebody before the throws.
struct Draft<'a> {
    surname: &'a str,
    male: bool,
    year: i32,
    parent: Option<usize>,
    /// A twin's birthday.
    day: Option<NaiveDate>,
    /// First character of the given name, as brothers and sisters share.
    given: Option<char>,
    transcribed: bool,
}

impl<'a> Draft<'a> {
    /// Somebody of whom the family tells no more than the surname.
    fn grown(surname: &'a str, male: bool, year: i32, transcribed: bool) -> Self {
        Self { surname, male, year, parent: None, day: None, given: None, transcribed }
    }
}

fn birthday(year: i32, dice: Dice) -> NaiveDate {
    let day = NaiveDate::from_yo_opt(year, 1 + dice.below(365) as u32).unwrap_or_default();
    let today = NaiveDate::from_ymd_opt(TODAY.0, TODAY.1, TODAY.2).unwrap_or_default();
    if day > today { today - Days::new(dice.at(1).below(300)) } else { day }
}

/// One of a list of characters, the front favoured the more throws are made.
fn skewed(list: &str, dice: Dice, throws: u8) -> char {
    let count = list.chars().count() as u64;
    let place = (0..u64::from(throws)).map(|throw| dice.at(throw).below(count)).min().unwrap_or(0);
    list.chars().nth(place as usize).unwrap_or('王')
}

fn surname(dice: Dice, mix: Mix) -> String {
    match dice.at(90).chance(600) {
        true => dice.at(91).pick(&COMPOUND).to_owned(),
        false => skewed(SURNAMES, dice, mix.skew + 1).to_string(),
    }
}

/// A given name, of two characters or one.
pub(super) fn given(male: bool, shared: Option<char>, dice: Dice) -> String {
    let list = if male { MALE } else { FEMALE };
    let first = shared.unwrap_or_else(|| skewed(list, dice, 2));
    if shared.is_none() && dice.at(50).chance(24_000) {
        return first.to_string();
    }
    format!("{first}{}", skewed(list, dice.at(51), 2))
}

fn sound(name: &str) -> Vec<&'static str> {
    name.chars().filter_map(|c| c.to_pinyin()).map(pinyin::Pinyin::plain).collect()
}

fn transcription(dice: Dice) -> String {
    (0..3 + dice.at(9).below(2)).map(|place| skewed(SYLLABLES, dice.at(place), 1)).collect()
}
