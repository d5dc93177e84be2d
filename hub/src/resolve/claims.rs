//! What identity one contribution asserts, by the schema's `x-key`. Never looks at a second contribution.

use serde_json::Value;

use super::name::narrow;
use super::{NO_KEY, PersonKey};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, KeyRole};
use crate::error::Result;
use crate::keyring::{Keyring, Token};

/// The identity a contribution asserts, taken from its attributes by the schema's `x-key` annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The person key, where type and number make a good one.
    pub key: Option<Token>,
    /// Why there is no person key: `no-key` (none sent, or a kind of document that is no key) or `key-invalid` (wrong
    /// form or check digit). `None` where there is one.
    pub keyless: Option<&'static str>,
    /// The department's own numbers for the person, in the order of the schema's attributes.
    pub aliases: Vec<Token>,
    /// The household: issuing station and number.
    pub household: Option<Token>,
}

/// Reads the claims of `contribution`.
pub fn claims(schema: &EntitySchema, keyring: &Keyring, contribution: &Contribution) -> Result<Claims> {
    let read = person_key(schema, contribution);
    let keyless = read.as_ref().err().copied();
    let key = read.ok().map(|key| key.token(keyring)).transpose()?;
    let mut aliases = Vec::new();
    for attribute in schema.keyed() {
        let Some(KeyRole::Alias(kind)) = &attribute.key else { continue };
        if let Some(number) = text(contribution, &attribute.name) {
            aliases.push(alias_token(keyring, contribution.department(), kind, &number)?);
        }
    }
    let household =
        household_of(schema, contribution).map(|(station, number)| household_token(keyring, &station, &number));
    Ok(Claims { key, keyless, aliases, household: household.transpose()? })
}

/// The token of a department's own number: its scope is (department, kind of number).
pub fn alias_token(keyring: &Keyring, department: &str, kind: &str, number: &str) -> Result<Token> {
    keyring.token("alias", &[department, kind, &narrow(number)])
}

/// The token of a household: issuing station and number.
pub fn household_token(keyring: &Keyring, station: &str, number: &str) -> Result<Token> {
    keyring.token("household", &[&narrow(station), &narrow(number)])
}

/// The person key in plain text, or why there is none.
pub(super) fn person_key(schema: &EntitySchema, contribution: &Contribution) -> Result<PersonKey, &'static str> {
    let value = |role| schema.playing(&role).and_then(|attribute| text(contribution, &attribute.name));
    let number = value(KeyRole::PersonNumber).ok_or(NO_KEY)?;
    PersonKey::read(value(KeyRole::PersonType).as_deref(), value(KeyRole::PersonIssuer).as_deref(), &number)
}

/// Station and number of the household, in the form that is compared.
pub(crate) fn household_of(schema: &EntitySchema, contribution: &Contribution) -> Option<(String, String)> {
    let value = |role| schema.playing(&role).and_then(|attribute| text(contribution, &attribute.name));
    Some((value(KeyRole::HouseholdStation)?, value(KeyRole::HouseholdNumber)?))
}

/// A scalar attribute as text in half width; `None` where it is absent, erased or blank.
pub(crate) fn text(contribution: &Contribution, attribute: &str) -> Option<String> {
    let text = match contribution.attributes.get(attribute)? {
        Value::String(text) => narrow(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
