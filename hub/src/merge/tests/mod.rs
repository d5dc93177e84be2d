//! Golden documents, rule by rule and as properties.

mod household;
mod marriage;
mod properties;
mod rules;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Told, provenance, resident};
use crate::contribution::Contribution;
use crate::entity::sample;

pub(super) const INSURED: &str = "social-security/insured-persons";
pub(super) const UNEMPLOYED: &str = "social-security/unemployment-insurance";
pub(super) const HEALTH: &str = "health/resident-health-records";
pub(super) const POLICE: &str = "public-security/registered-residents";
pub(super) const FAMILY: &str = "family-planning/population";
pub(super) const MARRIAGE: &str = "civil-affairs/marriage-registrations";

/// The document of contributions that are all linked by key.
pub(super) fn golden(contributions: &[Contribution]) -> Map<String, Value> {
    let linked: Vec<_> = contributions.iter().map(|contribution| (contribution, true)).collect();
    resident(sample::resident(), sample::keyring(), &linked).expect("a document")
}

/// The provenance of contributions that are all linked by key.
pub(super) fn told(contributions: &[Contribution]) -> Map<String, Value> {
    let linked: Vec<_> = contributions.iter().map(|contribution| (contribution, true)).collect();
    read(&provenance(sample::resident(), sample::keyring(), &linked, &|_, _| None).expect("a provenance"))
}

/// A provenance as it is read.
pub(super) fn read(provenance: &BTreeMap<String, Vec<Told>>) -> Map<String, Value> {
    serde_json::to_value(provenance).expect("JSON").as_object().cloned().expect("an object")
}

/// The token of a citizen number as documents show it.
pub(super) fn key(number: &str) -> String {
    let token = crate::resolve::citizen_token(sample::keyring(), number).expect("a token");
    token.expect("a good number").to_string()
}
