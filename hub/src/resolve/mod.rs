//! Whom a record is about, by strong keys: a function of the set of live contributions, never of arrival or of a
//! golden record.
//!
//! Three steps, each of one file: what a contribution asserts ([`claims()`]), who joins under one person key
//! ([`agreement()`]), and what a department's own number means ([`alias()`]); [`link`] puts them together for one
//! contribution, and [`Decided`] holds what people have decided against them. Nothing here reads a store, merges a value or
//! guesses by likeness.

mod agreement;
mod alias;
mod claims;
mod decided;
mod name;
mod person;
#[cfg(test)]
mod tests;

pub use agreement::{Standing, agreement};
pub use alias::{AliasMeaning, Link, alias, link};
pub use claims::{Claims, alias_token, claims, household_token};
pub use decided::Decided;
pub use name::same_form;
pub use person::{CITIZEN, PersonKey, citizen_token, person_token};

pub(crate) use claims::{household_of, text};

/// A name or birth date that disagrees with what is known under the key.
pub const KEY_DISAGREES: &str = "key-disagrees";
/// The key is used for many people by one feed.
pub const PLACEHOLDER_KEY: &str = "placeholder-key";
/// The record's own numbers mean different people.
pub const KEY_CONFLICT: &str = "key-conflict";
/// The department's number is tied to two people, so it means nobody until one of them is corrected.
pub const ALIAS_SUSPENDED: &str = "alias-suspended";
/// Neither a person key nor a department's number whose owner is known.
pub const NO_KEY: &str = "no-key";
/// The number cannot be a key: its form, birth date or check digit is wrong, and no alias resolves the record.
pub const KEY_INVALID: &str = "key-invalid";
/// Somebody has decided that the record is not about the person whose number it carries.
pub const PARTED: &str = "parted";

/// What places a record that no key, no department's number and no decision places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// Nothing: it waits.
    Waits,
    /// It is like somebody who is known otherwise.
    Like,
    /// It is like other records that nothing else places; together they are a resident.
    Group,
}

/// Why a record is about nobody by keys, department's numbers and decisions; and what its link is once it is placed by
/// likeness to a person, and in a group.
const LOOSE: [[&str; 3]; 5] = [
    [NO_KEY, "like/no-key", "group/no-key"],
    [KEY_INVALID, "like/key-invalid", "group/key-invalid"],
    [KEY_DISAGREES, "like/key-disagrees", "group/key-disagrees"],
    [PLACEHOLDER_KEY, "like/placeholder-key", "group/placeholder-key"],
    [PARTED, "like/parted", "group/parted"],
];

fn loose(link: &str) -> Option<(&'static [&'static str; 3], Placing)> {
    let placings = [Placing::Waits, Placing::Like, Placing::Group];
    LOOSE.iter().find_map(|texts| {
        let found = texts.iter().zip(placings).find(|(text, _)| **text == link);
        found.map(|(_, placing)| (texts, placing))
    })
}

/// Whether only likeness can say whom a record with this link is about.
pub fn is_loose(link: &str) -> bool {
    loose(link).is_some()
}

/// By what a record with this link is placed, if only likeness can place it.
pub fn placing(link: &str) -> Option<Placing> {
    loose(link).map(|(_, placing)| placing)
}

/// The link of a loose record once it is placed otherwise.
pub fn placed(link: &str, placing: Placing) -> &'static str {
    let texts = loose(link).map_or(&LOOSE[0], |(texts, _)| texts);
    match placing {
        Placing::Waits => texts[0],
        Placing::Like => texts[1],
        Placing::Group => texts[2],
    }
}
