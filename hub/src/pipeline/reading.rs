//! What a record says of whom it is about, as a model reads it: the values that are compared and the tokens under which it is
//! found.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::matching::{Matcher, Values, cells};

/// A record as it is compared.
#[derive(Debug)]
pub struct Reading {
    /// Its values, by column.
    pub values: Values,
    /// The tokens under which it is found.
    pub tokens: Vec<Token>,
}

impl Reading {
    /// Reads a contribution's attributes.
    pub fn of(keyring: &Keyring, matcher: &Matcher, attributes: &Map<String, Value>) -> Result<Self> {
        Self::of_cells(keyring, matcher, &cells(attributes))
    }

    /// Reads the cells of a record, by column.
    pub fn of_cells(keyring: &Keyring, matcher: &Matcher, cells: &[String]) -> Result<Self> {
        let values = matcher.read(cells);
        let tokens = matcher.keys(keyring, &values)?;
        Ok(Self { values, tokens })
    }
}
