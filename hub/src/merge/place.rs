//! Communities: which division code is one, and which community a resident belongs to. Knows no division table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Claim, Decision};

/// The derived attribute.
pub(super) const COMMUNITY: &str = "community";

/// The community in an address: its division, if that has 12 digits and goes below the street.
pub(super) fn community_of(address: &Value) -> Option<&str> {
    let division = address.get("division")?.as_str()?;
    let whole = division.len() == 12 && division.bytes().all(|byte| byte.is_ascii_digit());
    (whole && !division.ends_with("000")).then_some(division)
}

/// The community of the merged current address, else of the merged registered one, as said by that address's source.
pub(super) fn community<'a>(decisions: &BTreeMap<String, Decision<'a>>) -> Option<Decision<'a>> {
    let claims: Vec<Claim> = ["current_address", "registered_address"]
        .iter()
        .filter_map(|address| decisions.get(*address)?.claims.iter().find(|claim| claim.wins))
        .filter_map(|claim| {
            let value = Cow::Owned(Value::String(community_of(&claim.value)?.to_owned()));
            Some(Claim { value, ..claim.clone() })
        })
        .enumerate()
        .map(|(rank, claim)| Claim { wins: rank == 0, ..claim })
        .collect();
    (!claims.is_empty()).then(|| Decision { attribute: COMMUNITY.to_owned(), list: false, claims })
}
