//! Households, each a function of the seed, its number and the day: who belongs, where they live, who came and left.

use chrono::{Datelike, NaiveDate};

use super::dice::{Dice, Topic};
use super::name::Name;
use super::number::{Origin, Slot};
use super::person::{Person, Role, Sex};
use super::place::Place;

/// People of the plain city have indexes below this.
pub(super) const MAX_RESIDENTS: u64 = 7_000_000;
/// Newborns have this plus their household's number; households are fewer than residents by half.
const NEWBORN: u64 = MAX_RESIDENTS;
/// People of the special cases have this and more.
pub(super) const CAST: u64 = 11_200_000;

/// Chances of household sizes 1 to 6, of 100,000, summed up.
const SIZES: [u64; 6] = [22_000, 50_000, 76_000, 91_000, 97_000, 100_000];

/// A household on a day. People who left stay among the members, marked: others may refer to them.
#[derive(Debug, Clone)]
pub(super) struct Household {
    /// Unique in the city.
    pub number: u64,
    pub dice: Dice,
    /// Not registered in this city.
    pub floating: bool,
    pub registered: Place,
    pub current: Place,
    /// Whether people live elsewhere than they are registered.
    pub apart: bool,
    pub members: Vec<Person>,
    /// Members of the first day.
    pub size: u64,
}

/// What households are made from: the parts of the city that do not change.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub dice: Dice,
    pub start: NaiveDate,
    pub communities: usize,
    /// Share of working insured people in the unemployment feed, of 100,000.
    pub unemployment_share: u64,
    pub shift: u64,
}

impl Household {
    /// Household `number` on `day`; its members have indexes from `first` on and are at most `most`.
    pub fn new(ground: &Ground, number: u64, first: u64, most: u64, day: u32) -> Self {
        let dice = ground.dice.on(Topic::Household).at(number);
        let throw = dice.on(Topic::Size).below(SIZES[5]);
        let size = (1 + SIZES.iter().filter(|&&share| share <= throw).count() as u64).min(most);
        let floating = dice.on(Topic::Floating).chance(8_000);
        let (registered, current, apart, moved_on) = homes(ground, dice, floating, day);
        let mut household =
            Self { number, dice, floating, registered, current, apart, members: Vec::with_capacity(7), size };
        for place in 0..size {
            household.add_member(ground, place, first + place, moved_on);
        }
        household.add_newborn(ground, day, moved_on);
        for person in &mut household.members {
            live(person, day);
        }
        household
    }

    /// The two members who are a couple.
    pub fn couple(&self) -> Option<(&Person, &Person)> {
        match self.members.as_slice() {
            [head, spouse, ..] if spouse.role == Role::Spouse => Some((head, spouse)),
            _ => None,
        }
    }

    /// Father or mother of the member, if in the household.
    pub fn parent(&self, member: &Person, sex: Sex) -> Option<&Person> {
        if !matches!(member.role, Role::Child(_)) {
            return None;
        }
        self.members.iter().take(2).find(|one| matches!(one.role, Role::Head | Role::Spouse) && one.sex == sex)
    }

    /// The member's husband or wife, if in the household.
    pub fn partner(&self, member: &Person) -> Option<&Person> {
        let (head, spouse) = self.couple()?;
        match member.role {
            Role::Head => Some(spouse),
            Role::Spouse => Some(head),
            _ => None,
        }
    }

    fn add_member(&mut self, ground: &Ground, place: u64, index: u64, changed_on: u32) {
        let size = self.size;
        let dice = ground.dice.on(Topic::Person).at(index);
        let coupled = size >= 3 || (size == 2 && self.dice.on(Topic::Marriage).at(1).chance(75_000));
        let role = match place {
            0 => Role::Head,
            1 if coupled => Role::Spouse,
            1 => Role::Child(0),
            2 | 3 => Role::Child(place as u8 - 2),
            _ => Role::Parent,
        };
        let age = self.age(ground, role, size, dice);
        let sex = match role {
            Role::Head if dice.chance(70_000) => Sex::Male,
            Role::Head => Sex::Female,
            Role::Spouse => self.members[0].sex.other(),
            Role::Parent if place == 4 => Sex::Female,
            Role::Parent => Sex::Male,
            Role::Child(_) if dice.chance(52_000) => Sex::Male,
            Role::Child(_) => Sex::Female,
        };
        let slot = Slot::new(if self.floating { Origin::Elsewhere } else { Origin::Local }, index, ground.shift);
        let birth = slot.birth_date(ground.start.year() - age);
        self.members.push(self.person(ground, Draft { index, role, sex, birth, slot, came_on: 1, changed_on }, dice));
    }

    fn age(&self, ground: &Ground, role: Role, size: u64, dice: Dice) -> i32 {
        let throw = |low: i32, high: i32| low + dice.on(Topic::Age).below((high - low) as u64) as i32;
        let head = self.members.first().map_or(0, |head| ground.start.year() - head.birth.year());
        let younger = self.members.iter().take(2).filter(|one| !matches!(one.role, Role::Child(_)));
        let younger = younger.map(|one| ground.start.year() - one.birth.year()).min().unwrap_or(head);
        match role {
            Role::Head if size >= 3 => throw(29, 58),
            Role::Head if size == 2 => throw(27, 80),
            Role::Head => throw(22, 88),
            Role::Spouse => (head + throw(-4, 5)).max(23),
            Role::Child(nth) => (younger - throw(22, 32) - 3 * i32::from(nth)).max(1),
            Role::Parent => (head + throw(21, 33)).min(98),
        }
    }

    fn add_newborn(&mut self, ground: &Ground, day: u32, moved_on: u32) {
        let Some((head, spouse)) = self.couple() else { return };
        let mother = if head.sex == Sex::Female { head } else { spouse };
        let throw = self.dice.on(Topic::Birth);
        if !(22..41).contains(&mother.age) || self.members.len() > 4 {
            return;
        }
        let Some(came_on) = (2..=day).find(|&day| throw.at(u64::from(day)).chance(300)) else { return };
        let index = NEWBORN + self.number;
        let dice = ground.dice.on(Topic::Person).at(index);
        let sex = if dice.chance(52_000) { Sex::Male } else { Sex::Female };
        let slot = Slot::new(if self.floating { Origin::Elsewhere } else { Origin::Local }, index, ground.shift);
        let birth = slot.recent_birth_date(ground.start);
        let nth = self.members.iter().filter(|one| matches!(one.role, Role::Child(_))).count() as u8;
        let changed_on = came_on.max(moved_on);
        let draft = Draft { index, role: Role::Child(nth), sex, birth, slot, came_on, changed_on };
        self.members.push(self.person(ground, draft, dice));
    }

    fn person(&self, ground: &Ground, draft: Draft, dice: Dice) -> Person {
        let Draft { index, role, sex, birth, slot, came_on, changed_on } = draft;
        let (ethnic, dotted) = Person::ethnic_group(self.dice);
        let naming = dice.on(Topic::Name);
        let own = match role {
            Role::Spouse => Name::family(naming),
            Role::Parent if sex == Sex::Female => Name::family(naming),
            Role::Child(_) if self.members[0].sex == Sex::Female && self.couple().is_some() => {
                Name::family(self.members[1].dice.on(Topic::Name))
            }
            _ => Name::family(self.dice.on(Topic::Name)),
        };
        let name = if dotted { Name::dotted(sex, naming) } else { Name::han(own, sex, naming) };
        let age = ground.start.year() - birth.year();
        let feeds = Person::membership(dice, age, self.floating, ground.unemployment_share);
        Person {
            index,
            role,
            sex,
            birth,
            name,
            ethnic,
            slot,
            dice,
            age,
            came_on,
            left_on: None,
            changed_on,
            phone_since: 1,
            job_since: 1,
            feeds,
        }
    }
}

/// What is known of a person before the throws.
struct Draft {
    index: u64,
    role: Role,
    sex: Sex,
    birth: NaiveDate,
    slot: Slot,
    came_on: u32,
    changed_on: u32,
}

/// Registered and current home on a day, whether they differ, and the day of the last move.
fn homes(ground: &Ground, dice: Dice, floating: bool, day: u32) -> (Place, Place, bool, u32) {
    let (mut registered_on, mut moved_on) = (1, 1);
    for day in 2..=day {
        let throw = dice.on(Topic::Move).at(u64::from(day));
        if throw.chance(800) {
            moved_on = day;
            if throw.at(1).chance(50_000) {
                registered_on = day;
            }
        }
    }
    let registered = Place::new(ground.communities, dice.on(Topic::Registered).at(u64::from(registered_on)));
    let elsewhere = dice.on(Topic::Current).at(u64::from(moved_on));
    let apart = floating || moved_on > registered_on || dice.on(Topic::Current).chance(10_000);
    let current = if apart { Place::new(ground.communities, elsewhere) } else { registered };
    (registered, current, apart, moved_on)
}

/// Lets the days from the second on pass for a person.
fn live(person: &mut Person, day: u32) {
    for day in person.came_on + 1..=day {
        if person.dice.on(Topic::Leave).at(u64::from(day)).chance(500) {
            person.left_on = Some(day);
            return;
        }
        let throw = person.dice.on(Topic::Change).at(u64::from(day));
        if throw.chance(2_200) {
            person.changed_on = person.changed_on.max(day);
            if throw.at(1).chance(60_000) {
                person.phone_since = day;
            } else {
                person.job_since = day;
            }
        }
    }
}
