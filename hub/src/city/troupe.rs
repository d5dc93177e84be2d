//! The people of the special cases: each play is given by several companies, each a household of its own.

use chrono::Datelike;

use super::cast::{PLAYS, Play};
use super::dice::Topic;
use super::feed::Feed;
use super::household::{CAST, Ground, Household};
use super::name::Name;
use super::number::{Origin, Slot};
use super::person::{Person, Role, Sex};
use super::place::Place;
use super::wrong::{Take, Wrong};

/// Numbers of the households of plays begin here.
const HOUSEHOLDS: u64 = 900_000_000;
/// Most people in a play.
const MOST: u64 = 8;

/// One performance: the play and its people.
pub(super) struct Performance {
    pub play: &'static Play,
    pub household: Household,
}

/// The performance of that number; they go round the plays.
pub(super) fn performance(ground: &Ground, number: u64) -> Performance {
    let play = &PLAYS[(number % PLAYS.len() as u64) as usize];
    let dice = ground.dice.on(Topic::Cast).at(number);
    let home = Place::within(community(ground, number), dice.on(Topic::Registered));
    let members = (0..play.people).map(|who| person(ground, play, number, who)).collect();
    let household = Household {
        number: HOUSEHOLDS + number,
        dice,
        floating: false,
        registered: home,
        current: home,
        apart: false,
        members,
        size: u64::from(play.people),
    };
    Performance { play, household }
}

/// The community a whole company lives in: some of its people always do, whatever the rows of the others come to.
pub(super) fn community(ground: &Ground, number: u64) -> usize {
    let company = number / PLAYS.len() as u64;
    ground.dice.on(Topic::Cast).on(Topic::Current).at(company).below(ground.communities as u64) as usize
}

fn person(ground: &Ground, play: &Play, number: u64, who: u8) -> Person {
    let index = CAST + number * MOST + u64::from(who);
    let dice = ground.dice.on(Topic::Person).at(index);
    let sends = |feed: Feed| play.parts.iter().any(|part| part.feed == feed);
    let (role, age) = match who {
        0 => (Role::Head, 45 + dice.on(Topic::Age).below(10) as i32),
        _ if sends(Feed::Marriage) => (Role::Spouse, 45),
        _ if sends(Feed::Unemployment) => (Role::Child(who - 1), 21),
        _ => (Role::Child(who - 1), 6),
    };
    let sex = if who.is_multiple_of(2) { Sex::Male } else { Sex::Female };
    let slot = Slot::new(Origin::Cast, index, 0);
    let birth = slot.birth_date(ground.start.year() - age);
    // Names differ within a play: a parent has two given characters, a child one; many have surnames of their own.
    let foreign = play.parts.iter().any(|part| part.takes.contains(&Take::Wrong(Wrong::Passport)));
    let family = Name::family(ground.dice.on(Topic::Cast).at(number)) + if play.people > 2 { who } else { 0 };
    let naming = dice.on(Topic::Name);
    let name =
        if foreign { Name::latin(naming) } else { Name::han_of(family, sex, if who == 0 { 2 } else { 1 }, naming) };
    Person {
        index,
        role,
        sex,
        birth,
        name,
        ethnic: ("01", "汉族"),
        slot,
        dice,
        age,
        came_on: 1,
        left_on: None,
        changed_on: 1,
        phone_since: 1,
        job_since: 1,
        feeds: 0,
    }
}
