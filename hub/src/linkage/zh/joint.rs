//! What several columns of Chinese registers say together: whose number it is, and what has been said already.
//!
//! Owns what needs more than one column: a number implies birth and sex, so they are not counted twice. Who may not be
//! joined is `pair`'s, cells in each other's columns are `exchanged`'s. Never weighs: it lowers what the weights may decide.
//! Only the first column of each kind takes part.

use super::address::rung as address;
use super::birth::{BirthDate, rung as birth};
use super::citizen::{Class, Document, rung as citizen};
use super::exchanged;
use super::glyph::Glyph;
use super::name::{Name, rung as name};
use super::owner;
use super::pair::Pair;
use super::phone::rung as phone;
use crate::linkage::cluster::{Agreed, Born, Called, Found};
use crate::linkage::evidence::{Evidence, Keys, Kind, Value, Verdict, combine, stable_hash};

use chrono::Datelike;

/// Where the first column of each kind stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places {
    pub number: Option<usize>,
    pub name: Option<usize>,
    pub birth: Option<usize>,
    pub sex: Option<usize>,
    pub phone: Option<usize>,
    pub address: Option<usize>,
}

/// The columns of a kind behind the first: a relative's.
fn relatives(kinds: &[Kind], kind: Kind) -> impl Iterator<Item = usize> {
    (0..kinds.len()).filter(move |at| kinds[*at] == kind).skip(1)
}

impl Places {
    pub fn of(kinds: &[Kind]) -> Self {
        let first = |kind| kinds.iter().position(|one| *one == kind);
        Self {
            number: first(Kind::CitizenId),
            name: first(Kind::NameZh),
            birth: first(Kind::BirthDate),
            sex: first(Kind::Sex),
            phone: first(Kind::Phone),
            address: first(Kind::AddressZh),
        }
    }
}

/// Looks at one record as a whole: reads exchanged cells again, marks a number that is somebody else's, and takes birth
/// date and sex from a number when their own cells are empty. `cells` are the texts `record` was prepared from.
pub fn settle(kinds: &[Kind], cells: &[&str], record: &mut [Option<Value>]) {
    if !kinds.iter().any(|kind| matches!(kind, Kind::CitizenId | Kind::NameZh)) {
        return;
    }
    exchanged::read_again(kinds, cells, record);
    let places = Places::of(kinds);
    let Some(number) = places.number else { return };
    let Some(Value::CitizenId(document)) = record[number] else { return };
    let Some(implied) = document.birth_date() else { return };
    let other_sex = matches!(
        (places.sex.map(|place| &record[place]), document.sex()),
        (Some(Some(Value::Sex(written))), Some(sex)) if *written != sex
    );
    let is_of_relative = other_sex || is_relatives_number(kinds, record, &document);
    let implied = BirthDate::implied(implied.year().unsigned_abs() * 10_000 + implied.month() * 100 + implied.day());
    let is_valid = document.class() == Class::Valid;
    let is_borrowed = match places.birth.map(|place| &mut record[place]) {
        Some(Some(Value::BirthDate(written))) if implied.digits() == written.digits() && is_valid => {
            written.confirm();
            false
        }
        Some(Some(Value::BirthDate(written))) => is_of_other(implied.compare(written), is_of_relative),
        // A boy with a woman's number, and no birth date to say that it is his.
        _ => is_valid && is_of_relative,
    };
    if is_borrowed {
        if let Some(Value::CitizenId(document)) = &mut record[number] {
            document.mark_borrowed();
        }
        return;
    }
    if is_valid {
        fill(record, places.birth, Value::BirthDate(implied));
    }
    if let Some(sex) = document.sex() {
        fill(record, places.sex, Value::Sex(sex));
    }
}

/// Whether a number is what the record calls a relative's, who is somebody else.
fn is_relatives_number(kinds: &[Kind], record: &[Option<Value>], document: &Document) -> bool {
    let is_it = |at: usize| matches!(&record[at], Some(Value::CitizenId(other)) if other.token() == document.token());
    let own = Places::of(kinds).name.and_then(|at| record[at].as_ref());
    // The head of a household is its own head.
    let is_own = |at: usize| match (own, &record[at]) {
        (Some(Value::NameZh(own)), Some(Value::NameZh(relative))) => own.compare(relative) <= name::SOUND,
        _ => false,
    };
    relatives(kinds, Kind::CitizenId).any(is_it) && !relatives(kinds, Kind::NameZh).any(is_own)
}

/// Whether a number is somebody else's by the birth date it tells.
fn is_of_other(births: u8, is_of_relative: bool) -> bool {
    births > birth::SAME_YEAR || births > birth::COARSE && is_of_relative
}

fn fill(record: &mut [Option<Value>], place: Option<usize>, value: Value) {
    if let Some(empty) = place.map(|place| &mut record[place]).filter(|cell| cell.is_none()) {
        *empty = Some(value);
    }
}

/// Looks at a pair as a whole: sets levels to `None` that say what another level has said already, takes a number for the
/// person's own where a wrong date beside it spoke against that, and tells whether the weights may decide.
pub fn judge(kinds: &[Kind], a: &[Option<&Value>], b: &[Option<&Value>], levels: &mut [Option<u8>]) -> Verdict {
    let places = Places::of(kinds);
    if places.number.is_none() && places.name.is_none() {
        return Verdict::Free;
    }
    let mut pair = Pair::of(&places, (a, b), levels);
    if pair.is_newborn() {
        pair.name = Some(name::UNNAMED);
    }
    if pair.is_own_number() {
        pair.number = Some(citizen::SAME);
        set(levels, places.number, pair.number);
        if pair.birth.is_some_and(|rung| rung > birth::COARSE) {
            pair.birth = None;
            set(levels, places.birth, None);
        }
    }
    if pair.is_of_one_day() && is_relatives_name(kinds, (a, b), &pair) {
        pair.name = None;
        set(levels, places.name, None);
    }
    let verdict = pair.verdict();
    let implied = match pair.number {
        Some(citizen::SAME | citizen::TYPO | citizen::TWO_TYPOS | citizen::NEAR) => true,
        Some(citizen::MASKED) => {
            pair.numbers.is_some_and(|(one, other)| one.birth_date().is_some() && other.birth_date().is_some())
        }
        _ => false,
    };
    if implied && pair.birth.is_some_and(|rung| rung <= birth::COARSE) {
        set(levels, places.birth, None);
        if pair.sex == Some(0) {
            set(levels, places.sex, None);
        }
    }
    said_twice(kinds, places.name, (a, b), levels);
    // The same name in Latin letters says nothing more.
    if pair.name.is_some_and(|rung| rung <= name::SOUND) && pair.names_are_whole() {
        let latin = kinds.iter().zip(levels.iter_mut()).filter(|(kind, _)| **kind == Kind::NameLatin);
        latin.for_each(|(_, level)| *level = None);
    }
    if pair.name == Some(name::UNNAMED) {
        set(levels, places.name, None);
    }
    verdict
}

/// Sets levels to what is left when another column of the kind has been heard: who is the head of his household has one
/// name, number and phone in both columns, and who has the surname of the head is not told by it again.
fn said_twice(
    kinds: &[Kind],
    own: Option<usize>,
    (a, b): (&[Option<&Value>], &[Option<&Value>]),
    levels: &mut [Option<u8>],
) {
    const KINDS: [Kind; 4] = [Kind::CitizenId, Kind::NameZh, Kind::Phone, Kind::AddressZh];
    for at in 1..kinds.len() {
        let is_one = |first: usize| a[first] == a[at] && b[first] == b[at];
        if KINDS.contains(&kinds[at]) && (0..at).any(|first| kinds[first] == kinds[at] && is_one(first)) {
            levels[at] = None;
        }
    }
    let Some(own) = own else { return };
    for at in relatives(kinds, Kind::NameZh) {
        let is_named_alike = |record: &[Option<&Value>]| match (record[own], record[at]) {
            (Some(Value::NameZh(own)), Some(Value::NameZh(relative))) => own.shares_surname(relative),
            _ => false,
        };
        if matches!(levels[at], Some(name::SURNAME | name::PARTIAL)) && is_named_alike(a) && is_named_alike(b) {
            levels[at] = levels[at].filter(|level| *level == name::SURNAME).map(|_| name::DIFFERENT);
        }
    }
}

/// Whether the name of one is what the other calls a relative: written in the wrong column, where one was born with the
/// other.
fn is_relatives_name(kinds: &[Kind], (a, b): (&[Option<&Value>], &[Option<&Value>]), pair: &Pair) -> bool {
    let calls = |record: &[Option<&Value>], name: &Name| {
        let is_one = |value: &Value| matches!(value, Value::NameZh(relative) if relative.compare(name) == name::SAME);
        relatives(kinds, Kind::NameZh).filter_map(|at| record[at]).any(is_one)
    };
    pair.name >= Some(name::ONE_DIFFERS)
        && pair.names_are_whole()
        && pair.names.is_some_and(|(one, other)| calls(a, other) || calls(b, one))
}

/// The columns by which two records may be kept apart, called alike or found together; see [`judge`] and [`alike`].
pub fn told(kinds: &[Kind]) -> Vec<usize> {
    let places = Places::of(kinds);
    let is_named = places.number.or(places.name).is_some();
    if !is_named && places.phone.and(places.address).is_none() {
        return Vec::new();
    }
    let all = [places.number, places.name, places.birth, places.sex, places.phone, places.address];
    all.into_iter().flatten().collect()
}

/// Whether a record tells who it is about by itself: by a whole name of its own, or a number that is right in itself.
pub fn is_named(kinds: &[Kind], record: &[Option<&Value>]) -> bool {
    let places = Places::of(kinds);
    let name = matches!(places.name.and_then(|place| record[place]), Some(Value::NameZh(name)) if name.is_whole());
    name || places.number.is_some_and(|place| owner::own(record[place]).is_some())
}

/// How far two records are called alike, where they are found, and when born.
pub fn alike(kinds: &[Kind], (a, b): (&[Option<&Value>], &[Option<&Value>]), levels: &[Option<u8>]) -> Agreed {
    let places = Places::of(kinds);
    let pair = Pair::of(&places, (a, b), levels);
    let has_number = pair.number == Some(citizen::SAME);
    let is_one = has_number || pair.number_agrees() && pair.has_end();
    let called = match (places.name, pair.name) {
        (None, _) => Called::Otherwise,
        (_, Some(..=name::SOUND | name::SWAPPED)) if pair.names_are_whole() => {
            if is_one || pair.given_is_one() {
                Called::Same
            } else {
                Called::One
            }
        }
        _ if is_one => Called::Numbered,
        // Of a given name that is hidden nobody knows what it is like.
        (_, Some(name::PARTIAL)) => Called::Otherwise,
        (_, Some(..=name::OTHER_SURNAME)) => Called::Alike,
        // One has no name of its own yet.
        (Some(place), None) if a[place].is_some() && b[place].is_some() => Called::Unnamed,
        _ => Called::Otherwise,
    };
    // One building is, in a village, a group of its houses.
    let nearly_numbered = matches!(pair.number, Some(..=citizen::TWO_TYPOS));
    let found = match () {
        () if nearly_numbered || pair.together() || pair.address == Some(address::BUILDING) => Found::Together,
        () if pair.phone == Some(phone::DIFFERENT) && pair.address >= Some(address::COMMUNITY) => Found::Apart,
        () => Found::Somewhere,
    };
    let born = match pair.birth {
        _ if nearly_numbered => Born::Same,
        Some(birth::SAME) => Born::Same,
        Some(birth::SWAPPED | birth::LUNAR) => Born::Alike,
        Some(birth::COARSE) | None => Born::Unknown,
        Some(_) => Born::Otherwise,
    };
    Agreed { called, found, born, is_numbered: has_number }
}

fn set(levels: &mut [Option<u8>], place: Option<usize>, level: Option<u8>) {
    if let Some(place) = place {
        levels[place] = level;
    }
}

/// Keys over several columns that single columns cannot give: surname by its sound with the day of birth, for names that
/// are masked, cut or have another given character.
pub fn keys(kinds: &[Kind], record: &[Option<&Value>], keys: &mut Keys) {
    let places = Places::of(kinds);
    let (Some(name), Some(birth)) = (places.name, places.birth) else { return };
    let (Some(Value::NameZh(name)), Some(Value::BirthDate(birth))) = (record[name], record[birth]) else { return };
    let family: Option<&Glyph> = name.surname().first().filter(|glyph| !glyph.is_mask());
    let Some(sound) = family.and_then(|glyph| glyph.readings.first()) else { return };
    let day = birth.digits();
    if day % 100 != 0 {
        keys.add(0, combine(u64::from(sound.folded().code()), stable_hash(&day.to_le_bytes())));
    }
}
