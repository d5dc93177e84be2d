//! What Chinese registers say about a person, as evidence: document numbers, names, birth dates, sex, phones, addresses.
//!
//! Owns the reading and comparing of single values and, in `joint`, what several of them say together. Never decides
//! whether two records are one person.

pub mod address;
mod address_text;
pub mod birth;
mod birth_text;
pub mod citizen;
mod exchanged;
pub mod glyph;
pub mod joint;
pub mod label;
pub mod lunar;
pub mod name;
mod name_compare;
mod name_text;
mod newborn;
pub mod numeral;
pub mod owner;
mod pair;
mod parts;
pub mod phone;
pub mod reading;
pub mod sex;
mod surnames;
#[cfg(test)]
mod tests;
mod transcribed;
pub mod typo;
