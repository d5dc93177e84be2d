//! What several columns of Chinese registers say together: whose number it is, who may not be joined, which cells were
//! exchanged.
//!
//! Owns the rules that need more than one column: a number implies birth and sex, so they are not counted twice; two
//! different valid numbers, twins, and parent and child are never one person by machine. Never weighs: it lowers what the
//! weights may decide. Only the first column of each kind takes part.

use super::address::rung as address;
use super::birth::{BirthDate, rung as birth};
use super::citizen::{Class, Document, rung as citizen};
use super::exchanged;
use super::glyph::Glyph;
use super::name::{Form, Name, rung as name};
use super::phone::rung as phone;
use crate::linkage::cluster::{Called, Found};
use crate::linkage::evidence::{Evidence, Ground, Keys, Kind, Value, Verdict, combine, stable_hash};

use chrono::Datelike;

/// Years between birth dates from which on one may be the other's parent, and is not the other.
const GENERATION: u32 = 13;

/// Where the first column of each kind stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places {
    pub number: Option<usize>,
    pub name: Option<usize>,
    pub birth: Option<usize>,
    pub sex: Option<usize>,
    phone: Option<usize>,
    address: Option<usize>,
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
    let implied = BirthDate::implied(implied.year().unsigned_abs() * 10_000 + implied.month() * 100 + implied.day());
    match places.birth.map(|place| &record[place]) {
        Some(Some(Value::BirthDate(written))) if is_of_other(implied.compare(written), other_sex) => {
            if let Some(Value::CitizenId(document)) = &mut record[number] {
                document.mark_borrowed();
            }
            return;
        }
        Some(None) if document.class() == Class::Valid => {
            // A boy with a woman's number, and no birth date to say that it is his.
            if other_sex {
                if let Some(Value::CitizenId(document)) = &mut record[number] {
                    document.mark_borrowed();
                }
                return;
            }
            fill(record, places.birth, Value::BirthDate(implied));
        }
        _ => {}
    }
    if let Some(sex) = document.sex() {
        fill(record, places.sex, Value::Sex(sex));
    }
}

/// Whether a number is somebody else's by the birth date and the sex it tells.
fn is_of_other(births: u8, other_sex: bool) -> bool {
    births > birth::SAME_YEAR || births > birth::COARSE && other_sex
}

fn fill(record: &mut [Option<Value>], place: Option<usize>, value: Value) {
    if let Some(empty) = place.map(|place| &mut record[place]).filter(|cell| cell.is_none()) {
        *empty = Some(value);
    }
}

/// A pair's columns as far as the rules need them; a rung is `None` when one side has no value.
struct Pair<'a> {
    number: Option<u8>,
    name: Option<u8>,
    birth: Option<u8>,
    sex: Option<u8>,
    phone: Option<u8>,
    address: Option<u8>,
    names: Option<(&'a Name, &'a Name)>,
    births: Option<(&'a BirthDate, &'a BirthDate)>,
    numbers: Option<(&'a Document, &'a Document)>,
}

/// Looks at a pair as a whole: sets levels to `None` that say what another level has said already, and tells whether
/// the weights may decide.
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
    if pair.name == Some(name::UNNAMED) {
        set(levels, places.name, None);
    }
    verdict
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

/// How far two records are called alike, and where they are found.
pub fn alike(kinds: &[Kind], (a, b): (&[Option<&Value>], &[Option<&Value>]), levels: &[Option<u8>]) -> (Called, Found) {
    let places = Places::of(kinds);
    let pair = Pair::of(&places, (a, b), levels);
    let called = match (places.name, pair.name) {
        (None, _) => Called::Otherwise,
        (_, Some(..=name::SOUND | name::SWAPPED)) if pair.names_are_whole() => Called::One,
        _ if pair.number == Some(citizen::SAME) || pair.number_agrees() && pair.has_end() => Called::Numbered,
        (_, Some(..=name::OTHER_SURNAME)) => Called::Alike,
        // One has no name of its own yet.
        (Some(place), None) if a[place].is_some() && b[place].is_some() => Called::Numbered,
        _ => Called::Otherwise,
    };
    let found = match () {
        () if matches!(pair.number, Some(..=citizen::TWO_TYPOS)) || pair.together() => Found::Together,
        // In a village, a group of its houses.
        () if pair.address == Some(address::BUILDING) => Found::Together,
        () if pair.phone == Some(phone::DIFFERENT) && pair.address >= Some(address::COMMUNITY) => Found::Apart,
        () => Found::Somewhere,
    };
    (called, found)
}

fn set(levels: &mut [Option<u8>], place: Option<usize>, level: Option<u8>) {
    if let Some(place) = place {
        levels[place] = level;
    }
}

impl<'a> Pair<'a> {
    fn of(places: &Places, (a, b): (&[Option<&'a Value>], &[Option<&'a Value>]), levels: &[Option<u8>]) -> Self {
        let level = |place: Option<usize>| place.and_then(|place| levels[place]);
        Self {
            number: level(places.number),
            name: level(places.name),
            birth: level(places.birth),
            sex: level(places.sex),
            phone: level(places.phone),
            address: level(places.address),
            names: places.name.and_then(|place| match (a[place], b[place]) {
                (Some(Value::NameZh(one)), Some(Value::NameZh(other))) => Some((one, other)),
                _ => None,
            }),
            births: places.birth.and_then(|place| match (a[place], b[place]) {
                (Some(Value::BirthDate(one)), Some(Value::BirthDate(other))) => Some((one, other)),
                _ => None,
            }),
            numbers: places.number.and_then(|place| match (a[place], b[place]) {
                (Some(Value::CitizenId(one)), Some(Value::CitizenId(other))) => Some((one, other)),
                _ => None,
            }),
        }
    }
}

impl Pair<'_> {
    fn verdict(&self) -> Verdict {
        let by_number = self.by_number();
        if by_number != Verdict::Free || self.number == Some(citizen::SAME) {
            return by_number;
        }
        self.by_family()
    }

    fn by_number(&self) -> Verdict {
        let other_name = match self.name {
            Some(name::SURNAME | name::DIFFERENT) => self.names_contradict(),
            Some(name::UNNAMED) => self.names_are_whole(),
            _ => false,
        };
        let other_sex = self.sex == Some(1);
        let other_birth = self.birth.is_some_and(|rung| rung >= birth::SAME_YEAR);
        match self.number {
            Some(citizen::CONFLICT) => Verdict::Veto(Ground::TwoNumbers),
            Some(citizen::NEAR) if self.name.is_none_or(|rung| rung <= name::SWAPPED) => {
                Verdict::Review(Ground::NearNumbers)
            }
            Some(citizen::NEAR) => Verdict::Veto(Ground::TwoNumbers),
            // The cells of the birth date agree, and so with the number: a name changed, or a nickname.
            Some(citizen::SAME) if other_name && self.is_written_birth() && !other_sex => Verdict::Free,
            Some(citizen::SAME) if other_name && (other_sex || other_birth) => Verdict::Veto(Ground::BorrowedNumber),
            Some(citizen::SAME) if other_name => Verdict::Review(Ground::BorrowedNumber),
            Some(citizen::SAME_BORROWED) if other_name || self.is_parent() => Verdict::Veto(Ground::BorrowedNumber),
            _ => Verdict::Free,
        }
    }

    /// What excludes one person although home, phone and surname may agree.
    fn by_family(&self) -> Verdict {
        if self.is_parent() {
            return Verdict::Veto(Ground::ParentAndChild);
        }
        if self.is_other_child() {
            return Verdict::Veto(Ground::Twins);
        }
        if self.may_be_mother() || self.is_namesake() {
            return Verdict::Review(Ground::ParentAndChild);
        }
        let (Some(names), Some(births)) = (self.name, self.birth) else { return self.by_name_alone() };
        if self.number_agrees() {
            if self.has_end() && self.is_written_birth() && self.sex != Some(1) {
                return Verdict::Free;
            }
            let other = names >= name::SURNAME && self.names_are_whole();
            return if other { Verdict::Review(Ground::Twins) } else { Verdict::Free };
        }
        if births > birth::COARSE { self.of_other_birth(names, births) } else { self.of_one_birth(names) }
    }

    /// Names of two born on one day: twins are often given names with one character in common.
    fn of_one_birth(&self, names: u8) -> Verdict {
        let other_sex = self.sex == Some(1);
        match names {
            name::SAME => Verdict::Free,
            // A newborn that has got its name; twins of one sex are the exception.
            name::UNNAMED if self.birth == Some(birth::SAME) && !other_sex && !self.has_place() => Verdict::Free,
            name::UNNAMED => Verdict::Review(Ground::Twins),
            name::SURNAME | name::DIFFERENT if self.names_are_whole() => Verdict::Veto(Ground::Twins),
            name::ONE_DIFFERS if other_sex => Verdict::Veto(Ground::Twins),
            name::ONE_DIFFERS => Verdict::Review(Ground::Twins),
            // One sound and another sex is a slip more often than twins: the weights tell.
            _ => Verdict::Free,
        }
    }

    /// Names of two whose birth dates do not agree: one slip in the name is believed, not two columns that differ.
    fn of_other_birth(&self, names: u8, births: u8) -> Verdict {
        let other_sex = self.sex == Some(1);
        match names {
            name::SAME => Verdict::Free,
            _ if births == birth::DIFFERENT || other_sex => Verdict::Veto(Ground::Household),
            name::ONE_DIFFERS.. if self.names_are_whole() => Verdict::Veto(Ground::Household),
            name::UNNAMED => Verdict::Veto(Ground::Household),
            _ => Verdict::Free,
        }
    }

    fn by_name_alone(&self) -> Verdict {
        let other = self.name.is_some_and(|rung| rung >= name::SURNAME) && self.names_are_whole();
        match other {
            true if self.number_agrees() => Verdict::Review(Ground::Household),
            true => Verdict::Veto(Ground::Household),
            false => Verdict::Free,
        }
    }

    /// Whether phone or home agree.
    fn together(&self) -> bool {
        self.phone.is_some_and(|rung| rung <= phone::TYPO)
            || self.address.is_some_and(|rung| rung <= address::NEAR_DOOR)
    }

    /// Whether cells of both records, and not the numbers, say the same birth date.
    fn is_written_birth(&self) -> bool {
        let written = self.births.is_some_and(|(one, other)| one.is_written() && other.is_written());
        written && self.birth.is_some_and(|rung| rung <= birth::COARSE)
    }

    /// Whether the numbers are one but for slips or a mask.
    fn number_agrees(&self) -> bool {
        matches!(self.number, Some(citizen::TYPO | citizen::MASKED | citizen::TWO_TYPOS))
    }

    /// Whether a number that is not of the birth date beside it is the person's own: who has it has one whole name, which
    /// nobody has who lent it. The date is then the wrong one, that of the day of writing or of a relative. Where the number
    /// is of the other date, a slip in the name is allowed.
    fn is_own_number(&self) -> bool {
        let of_one = self.numbers.is_some_and(|(one, other)| one.is_borrowed() != other.is_borrowed());
        let is_named = match self.name {
            Some(name::SAME) => true,
            Some(name::ALIKE | name::SOUND | name::SWAPPED) => of_one,
            _ => false,
        };
        self.number == Some(citizen::SAME_BORROWED) && is_named && self.names_are_whole() && self.sex != Some(1)
    }

    /// Whether the ends of the numbers, where those of twins differ, agree.
    fn has_end(&self) -> bool {
        self.numbers.is_some_and(|(one, other)| one.ends_like(other))
    }

    fn names_are_whole(&self) -> bool {
        self.name != Some(name::UNNAMED) && self.names.is_some_and(|(one, other)| one.is_whole() && other.is_whole())
    }

    /// Whether what is seen of both names is enough for two names, given that they do not agree.
    fn names_contradict(&self) -> bool {
        let is_seen = |name: &Name| match self.name {
            Some(name::DIFFERENT) => name.surname().iter().any(|glyph| !glyph.is_mask()),
            _ => name.given().iter().any(|glyph| !glyph.is_mask()),
        };
        let is_masked = |name: &Name| name.form() == Form::Han && name.glyphs.len() > 1 && is_seen(name);
        self.names.is_some_and(|(one, other)| {
            let is_told = |name: &Name| name.is_whole() || is_masked(name);
            is_told(one) && is_told(other)
        })
    }

    /// A child called by its mother's name and 子, 女 or 婴, and its later name: born on one day at one home or phone, and
    /// of other surnames, which twins are not.
    fn is_newborn(&self) -> bool {
        self.name == Some(name::DIFFERENT)
            && self.birth == Some(birth::SAME)
            && self.is_written_birth()
            && self.sex == Some(0)
            && self.together()
            && self.names_are_whole()
            && self.names.is_some_and(|(one, other)| one.as_child().is_some() != other.as_child().is_some())
    }

    /// Whether one is a child without a name of which it is told which of the twins it is.
    fn has_place(&self) -> bool {
        self.names.is_some_and(|(one, other)| one.place().or(other.place()).is_some())
    }

    /// Whether both are children without a name, and not the same of the twins.
    fn is_other_child(&self) -> bool {
        self.names.is_some_and(|(one, other)| one.place().zip(other.place()).is_some_and(|(one, other)| one != other))
    }

    /// A generation apart by what both wrote, and of one name, phone and home: a child named after its parent.
    fn is_namesake(&self) -> bool {
        self.is_generation_apart()
            && self.births.is_some_and(|(one, other)| one.is_written() && other.is_written())
            && !self.number_agrees()
            && self.together()
    }

    /// Whether one may be called as a child of whom the other names, and nothing else says that they are one.
    fn may_be_mother(&self) -> bool {
        let called = |child: &Name, mother: &Name| {
            child.as_child().is_some_and(|child| child.surname() == mother.surname() && child.given() == mother.given())
        };
        self.name == Some(name::SHORTER)
            && self.birth.is_none_or(|rung| rung > birth::COARSE)
            && !self.number_agrees()
            && self.names.is_some_and(|(one, other)| called(one, other) || called(other, one))
    }

    /// A generation apart and not of one name, or a child named after the other.
    fn is_parent(&self) -> bool {
        let unnamed = self.names.is_some_and(|(one, other)| one.is_unnamed() != other.is_unnamed());
        if unnamed && self.name == Some(name::DIFFERENT) {
            return true;
        }
        self.is_generation_apart() && self.name.is_none_or(|rung| rung > name::SWAPPED)
    }

    fn is_generation_apart(&self) -> bool {
        let years = self.births.and_then(|(one, other)| Some(one.year()?.abs_diff(other.year()?)));
        let apart = self.birth == Some(birth::DIFFERENT) || self.birth == Some(birth::SAME_DAY);
        apart && years.is_some_and(|years| years >= GENERATION)
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
