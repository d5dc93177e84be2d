//! Evidence that belongs to no one country: Latin names and addresses, codes, words, numbers.
//!
//! Owns how such values are read and how two of them agree. Never counts or weighs anything.

pub mod address;
pub mod code;
pub mod edit;
pub mod letters;
pub mod name;
pub mod number;
pub mod pet;
pub mod text;
pub mod writing;
