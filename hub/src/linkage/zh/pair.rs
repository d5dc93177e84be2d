//! What two records of Chinese registers say of each other, and who of them may not be one person by machine.
//!
//! Owns these rules: two different valid numbers, twins, and parent and child are never one person; a number may be
//! somebody else's. Never weighs.

use super::address::rung as address;
use super::birth::{BirthDate, rung as birth};
use super::citizen::{Document, rung as citizen};
use super::glyph::{Glyph, Nearness};
use super::joint::Places;
use super::name::{Form, Name, SIBLINGS, rung as name};
use super::phone::rung as phone;
use crate::linkage::evidence::{Ground, Value, Verdict};

/// Years between birth dates from which on one may be the other's parent, and is not the other.
const GENERATION: u32 = 13;

/// A pair's columns as far as the rules need them; a rung is `None` when one side has no value.
pub(super) struct Pair<'a> {
    pub number: Option<u8>,
    pub name: Option<u8>,
    pub birth: Option<u8>,
    pub sex: Option<u8>,
    pub phone: Option<u8>,
    pub address: Option<u8>,
    pub names: Option<(&'a Name, &'a Name)>,
    pub births: Option<(&'a BirthDate, &'a BirthDate)>,
    pub numbers: Option<(&'a Document, &'a Document)>,
}

impl<'a> Pair<'a> {
    /// What two records hold in these columns, and how far they agree there.
    pub fn of(places: &Places, (a, b): (&[Option<&'a Value>], &[Option<&'a Value>]), levels: &[Option<u8>]) -> Self {
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
    /// Whether the weights may decide.
    pub fn verdict(&self) -> Verdict {
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
            // Boy and girl born together, one with the number of the other.
            Some(citizen::SAME) if self.name == Some(name::ONE_DIFFERS) && other_sex => {
                Verdict::Review(Ground::BorrowedNumber)
            }
            Some(citizen::SAME) if other_name || self.may_have_mothers_number() => {
                Verdict::Review(Ground::BorrowedNumber)
            }
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
            let is_other_child = names == name::UNNAMED && self.sex == Some(1);
            let other = names >= name::SURNAME && self.names_are_whole() || is_other_child;
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
            name::SURNAME | name::DIFFERENT if self.names_contradict() && self.names_are_of_one_length() => {
                Verdict::Review(Ground::Twins)
            }
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
            // Two without a name who are called after one mother, or one with the name of a relative in place of its own.
            name::SAME if births == birth::DIFFERENT && self.are_children() => Verdict::Veto(Ground::Household),
            name::SAME if births >= birth::SAME_YEAR && other_sex && self.are_written() => {
                Verdict::Review(Ground::Household)
            }
            name::SAME => Verdict::Free,
            _ if births == birth::DIFFERENT || other_sex => Verdict::Veto(Ground::Household),
            name::ONE_DIFFERS.. if self.names_are_whole() => Verdict::Veto(Ground::Household),
            name::UNNAMED => Verdict::Veto(Ground::Household),
            _ => Verdict::Free,
        }
    }

    fn by_name_alone(&self) -> Verdict {
        // Who has no name and was born on another day may be anybody of the family.
        if self.name.is_none() && self.birth == Some(birth::DIFFERENT) && self.are_written() && !self.number_agrees() {
            return Verdict::Review(Ground::Household);
        }
        // So may a child without a name, as long as nobody says when it was born.
        if self.name == Some(name::UNNAMED) && !self.number_agrees() {
            return Verdict::Review(Ground::Household);
        }
        let other = self.name.is_some_and(|rung| rung >= name::SURNAME) && self.names_are_whole();
        match other {
            true if self.number_agrees() => Verdict::Review(Ground::Household),
            true => Verdict::Veto(Ground::Household),
            false => Verdict::Free,
        }
    }

    /// Whether phone or home agree.
    pub fn together(&self) -> bool {
        self.phone.is_some_and(|rung| rung <= phone::TYPO)
            || self.address.is_some_and(|rung| rung <= address::NEAR_DOOR)
    }

    /// Whether cells of both records, and not the numbers, say the same birth date.
    fn is_written_birth(&self) -> bool {
        self.are_written() && self.birth.is_some_and(|rung| rung <= birth::COARSE)
    }

    /// Whether the numbers are one but for slips or a mask.
    pub fn number_agrees(&self) -> bool {
        matches!(self.number, Some(citizen::TYPO | citizen::MASKED | citizen::TWO_TYPOS))
    }

    /// Whether a number that is not of the birth date beside it is the person's own: who has it has one whole name, which
    /// nobody has who lent it. The date is then the wrong one, that of the day of writing or of a relative. Where the number
    /// is of the other date, a slip in the name is allowed.
    pub fn is_own_number(&self) -> bool {
        let of_one = self.numbers.is_some_and(|(one, other)| one.is_borrowed() != other.is_borrowed());
        let is_named = match self.name {
            Some(name::SAME) => true,
            // A child may be called almost as the parent whose number it has.
            Some(name::ALIKE | name::SOUND | name::SWAPPED) => of_one && !self.is_generation_apart(),
            _ => false,
        };
        self.number == Some(citizen::SAME_BORROWED) && is_named && self.names_are_whole() && self.sex != Some(1)
    }

    /// Whether the ends of the numbers, where those of twins differ, agree.
    pub fn has_end(&self) -> bool {
        self.numbers.is_some_and(|(one, other)| one.ends_like(other))
    }

    /// Whether the given names are one, character for character: twins and siblings have the surname in common.
    pub fn given_is_one(&self) -> bool {
        self.names.is_some_and(|(one, other)| {
            let (given, other) = (one.given(), other.given());
            !given.is_empty()
                && given.len() == other.len()
                && given.iter().zip(other).all(|(one, other)| one.character == other.character && one.character != '\0')
        })
    }

    pub fn names_are_whole(&self) -> bool {
        self.name != Some(name::UNNAMED) && self.names.is_some_and(|(one, other)| one.is_whole() && other.is_whole())
    }

    /// Whether what is seen of both names is enough for two names, given that they do not agree.
    fn names_contradict(&self) -> bool {
        let is_seen = |name: &Name| {
            let part = if self.name == Some(name::DIFFERENT) { name.surname() } else { name.given() };
            name.form() == Form::Han && name.glyphs.len() > 1 && part.iter().any(|glyph| !glyph.is_mask())
        };
        let is_told = |name: &Name| name.is_whole() || is_seen(name);
        self.names.is_some_and(|(one, other)| is_told(one) && is_told(other))
    }

    fn names_are_of_one_length(&self) -> bool {
        self.names.is_some_and(|(one, other)| one.glyphs.len() == other.glyphs.len())
    }

    /// A child called by its mother's name and 子, 女 or 婴, and its later name: born on one day at one home or phone, and
    /// of other surnames, which twins are not.
    pub fn is_newborn(&self) -> bool {
        self.name == Some(name::DIFFERENT)
            && self.is_of_one_day()
            && self.sex == Some(0)
            && (self.together() || self.number == Some(citizen::SAME))
            && self.names_are_whole()
            && self.names.is_some_and(|(one, other)| one.as_child().is_some() != other.as_child().is_some())
    }

    /// Whether one is a child without a name of which it is told which of the twins it is.
    fn has_place(&self) -> bool {
        self.names.is_some_and(|(one, other)| one.place().or(other.place()).is_some_and(|place| place <= SIBLINGS))
    }

    /// Whether both are children without a name, and not the same of the twins.
    fn is_other_child(&self) -> bool {
        self.names.is_some_and(|(one, other)| one.place().zip(other.place()).is_some_and(|(one, other)| one != other))
    }

    /// A generation apart by what both wrote, and of one name, phone and home: a child named after its parent.
    fn is_namesake(&self) -> bool {
        self.is_generation_apart() && self.are_written() && !self.number_agrees() && self.together()
    }

    /// Whether cells of both records say that both were born on one day, and nothing says that they are of two sexes.
    pub fn is_of_one_day(&self) -> bool {
        self.birth == Some(birth::SAME) && self.are_written() && self.sex != Some(1)
    }

    /// Whether one may be called as a child of whom the other names, and nothing else says that they are one.
    fn may_be_mother(&self) -> bool {
        self.name == Some(name::SHORTER) && !self.is_written_birth() && !self.number_agrees() && self.is_called_after()
    }

    /// As [`Self::may_be_mother`], where the number is one: that of the mother may stand on the child's record.
    fn may_have_mothers_number(&self) -> bool {
        !self.is_written_birth() && self.is_called_after()
    }

    /// Whether the name of one is that of the other and 子, 女 or 婴.
    fn is_called_after(&self) -> bool {
        let is_like = |one: &[Glyph], other: &[Glyph]| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.nearness(other) <= Nearness::Alike)
        };
        let called = |child: &Name, mother: &Name| {
            let child = if child.is_unnamed() { Some(child.clone()) } else { child.as_child() };
            child.is_some_and(|child| {
                is_like(child.surname(), mother.surname()) && is_like(child.given(), mother.given())
            })
        };
        self.names.is_some_and(|(one, other)| called(one, other) || called(other, one))
    }

    /// Whether both are, or may be, children without a name.
    fn are_children(&self) -> bool {
        let is_child = |name: &Name| name.is_unnamed() || name.as_child().is_some();
        self.names.is_some_and(|(one, other)| is_child(one) && is_child(other))
    }

    /// Whether cells of both records, and not the numbers, say when they were born.
    fn are_written(&self) -> bool {
        self.births.is_some_and(|(one, other)| one.is_written() && other.is_written())
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
