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

/// What begins the link of a record that is placed by likeness; what it is without that follows.
const LIKE: &str = "like/";
/// Why a record is about nobody by keys, department's numbers and decisions, and the same once likeness has placed it.
const LOOSE: [(&str, &str); 5] = [
    (NO_KEY, "like/no-key"),
    (KEY_INVALID, "like/key-invalid"),
    (KEY_DISAGREES, "like/key-disagrees"),
    (PLACEHOLDER_KEY, "like/placeholder-key"),
    (PARTED, "like/parted"),
];

/// Whether only likeness can say whom a record with this link is about.
pub fn is_loose(link: &str) -> bool {
    link.starts_with(LIKE) || LOOSE.iter().any(|(reason, _)| *reason == link)
}

/// The link of a loose record once likeness has placed it, and once it does so no more.
pub fn placed(link: &str, by_likeness: bool) -> &'static str {
    let found = LOOSE.iter().find(|(reason, like)| *reason == link || *like == link);
    found.map_or(NO_KEY, |(reason, like)| if by_likeness { like } else { reason })
}
