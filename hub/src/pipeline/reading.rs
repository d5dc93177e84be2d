//! What a record says of whom it is about, as a model reads it: the values that are compared and the tags under which it is
//! found.

use crate::contribution::Contribution;
use crate::error::Result;
use crate::keyring::{Keyring, Tag};
use crate::matching::{Matcher, Values, cells};

/// A record as it is compared.
#[derive(Debug)]
pub struct Reading {
    /// Its values, by column.
    pub values: Values,
    /// The tags under which it is found.
    pub tags: Vec<Tag>,
}

impl Reading {
    /// Reads a contribution.
    pub fn of(keyring: &Keyring, matcher: &Matcher, said: &Contribution) -> Result<Self> {
        Self::of_cells(keyring, matcher, &cells(said))
    }

    /// Reads the cells of a record, by column.
    pub fn of_cells(keyring: &Keyring, matcher: &Matcher, cells: &[String]) -> Result<Self> {
        let values = matcher.read(cells);
        let tags = matcher.tags(keyring, &values)?;
        Ok(Self { values, tags })
    }
}
