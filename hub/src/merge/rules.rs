//! One winner among the claims on an attribute, or on a group of attributes that must come from one source.
//!
//! A claim of `null` competes like any value; where it wins the attribute is known to be empty. The last tie-break is
//! the contribution's id, so there is never a draw.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};

use serde_json::Value;

use super::{Claim, Decision, Linked, reference};
use crate::contribution::Contribution;
use crate::entity::{Attribute, KeyRole, Merge, Rule};
use crate::error::Result;
use crate::keyring::Keyring;

/// The claims on `attribute`. Number and type of the person's document count only from contributions linked by key: a
/// number that was no key, on a record that an alias resolved, is not known to be this person's.
pub(super) fn claims<'a>(keyring: &Keyring, attribute: &Attribute, linked: &[Linked<'a>]) -> Result<Vec<Claim<'a>>> {
    let only_by_key = matches!(attribute.key, Some(KeyRole::PersonNumber | KeyRole::PersonType));
    let mut claims = Vec::new();
    for (from, _) in linked.iter().filter(|(_, by_key)| *by_key || !only_by_key) {
        let Some(sent) = from.attributes.get(&attribute.name) else { continue };
        let value = match attribute.reference {
            Some(_) => reference::shown(keyring, sent)?.map(Cow::Owned),
            None => Some(Cow::Borrowed(sent)),
        };
        let changed_at = from.changed_at(&attribute.name);
        claims.extend(value.map(|value| Claim { from, value, changed_at, wins: false }));
    }
    Ok(claims)
}

/// Ranks `claims` by `merge`, best first, without naming a winner.
pub(super) fn rank(merge: &Merge, claims: &mut [Claim]) {
    claims.sort_by(|a, b| compare(merge, a, b));
}

/// Decides one attribute.
pub(super) fn decide<'a>(merge: &Merge, attribute: &Attribute, mut claims: Vec<Claim<'a>>) -> Decision<'a> {
    rank(merge, &mut claims);
    if let Some(best) = claims.first_mut() {
        best.wins = true;
    }
    Decision { attribute: attribute.name.clone(), list: false, claims }
}

/// Decides the attributes of a group: the source whose best-ranked word on any of them is best wins all of them; what
/// that source does not say stays unsaid.
pub(super) fn decide_group<'a>(
    keyring: &Keyring,
    merge: &Merge,
    attributes: &[Attribute],
    linked: &[Linked<'a>],
) -> Result<Vec<Decision<'a>>> {
    let mut decisions = Vec::new();
    for attribute in attributes {
        let claims = claims(keyring, attribute, linked)?;
        decisions.push(Decision { attribute: attribute.name.clone(), list: false, claims });
    }
    let mut all: Vec<Claim> = decisions.iter().flat_map(|decision| decision.claims.iter().cloned()).collect();
    rank(merge, &mut all);
    let winner = all.first().map(|claim| claim.from.id);
    for decision in &mut decisions {
        rank(merge, &mut decision.claims);
        decision.claims.iter_mut().for_each(|claim| claim.wins = Some(claim.from.id) == winner);
        decision.claims.sort_by_key(|claim| !claim.wins);
    }
    Ok(decisions)
}

fn compare(merge: &Merge, a: &Claim, b: &Claim) -> Ordering {
    let authority = || authority(merge, a.from).cmp(&authority(merge, b.from));
    let newest = || Reverse(a.changed_at).cmp(&Reverse(b.changed_at));
    let by_rule = match merge.rule {
        Rule::Authority => authority().then_with(newest),
        Rule::First => newest().reverse().then_with(authority),
        Rule::Max => magnitude(&b.value, &a.value).then_with(authority),
        Rule::Latest | Rule::Keyed(_) | Rule::MarriageFold => newest().then_with(authority),
    };
    by_rule.then_with(|| a.from.feed.cmp(&b.from.feed)).then_with(|| a.from.id.cmp(&b.from.id))
}

/// The department's place in the list; those not listed come after.
fn authority(merge: &Merge, contribution: &Contribution) -> usize {
    let department = contribution.department();
    merge.authority.iter().position(|listed| listed == department).unwrap_or(merge.authority.len())
}

/// Numbers by value, `false` below `true`, text by its letters (so ISO dates by time), `null` below all.
fn magnitude(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap_or(f64::MIN).total_cmp(&b.as_f64().unwrap_or(f64::MIN))
        }
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => a.to_string().cmp(&b.to_string()),
    }
}
