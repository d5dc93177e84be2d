//! Golden documents: pure functions of a set of contributions and the merge rules of the schemas, and of nothing else.
//!
//! One decision is made per attribute (`decide`); the document shows its winners and provenance shows all of it, so
//! the two cannot differ. Any order of the input gives the same document. Knows no store, no clock, no entity id:
//! other people appear as key token and the name as asserted.

mod household;
mod list;
mod marriage;
mod place;
mod provenance;
mod reference;
mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use household::household;
pub use provenance::{ISSUES, Issue, Told, provenance};

use crate::contribution::Contribution;
use crate::entity::{EntitySchema, Rule};
use crate::error::Result;
use crate::keyring::Keyring;

/// A contribution joined to a person, and whether by its key (`true`) or by an alias.
pub type Linked<'a> = (&'a Contribution, bool);

/// One claim on one attribute: what one contribution says of it.
#[derive(Debug, Clone)]
struct Claim<'a> {
    from: &'a Contribution,
    value: Cow<'a, Value>,
    changed_at: i64,
    wins: bool,
}

/// All claims on one attribute, winners first.
#[derive(Debug)]
struct Decision<'a> {
    attribute: String,
    /// Whether the winners are the items of a list; else the one winner is the value.
    list: bool,
    claims: Vec<Claim<'a>>,
}

impl Decision<'_> {
    /// What the document shows: nothing where nobody won, or where the winner says that it is empty.
    fn value(&self) -> Option<Value> {
        let mut winners = self.claims.iter().filter(|claim| claim.wins).map(|claim| &claim.value);
        if self.list {
            return Some(winners.cloned().map(Cow::into_owned).collect::<Vec<_>>())
                .filter(|items| !items.is_empty())
                .map(Value::Array);
        }
        winners.next().filter(|value| !value.is_null()).cloned().map(Cow::into_owned)
    }
}

/// The golden document of a resident; `linked` are its joined contributions, in any order.
pub fn resident(schema: &EntitySchema, keyring: &Keyring, linked: &[Linked]) -> Result<Map<String, Value>> {
    let decisions = decide(schema, keyring, linked)?;
    Ok(decisions.into_iter().filter_map(|(name, decision)| Some((name, decision.value()?))).collect())
}

/// Decides every attribute of the schema that somebody speaks of.
fn decide<'a>(
    schema: &EntitySchema,
    keyring: &Keyring,
    linked: &[Linked<'a>],
) -> Result<BTreeMap<String, Decision<'a>>> {
    let mut decisions = Vec::new();
    let fold = marriage::fold(schema, keyring, linked)?;
    for (merge, attributes) in schema.units() {
        match (&merge.rule, attributes.as_slice()) {
            (Rule::MarriageFold, _) => decisions.push(fold.decision()),
            (Rule::Keyed(fields), [attribute]) => decisions.push(list::decide(merge, fields, attribute, linked)),
            (_, [attribute]) if attribute.name == marriage::MARITAL => {
                decisions.push(fold.marital(merge, rules::claims(keyring, attribute, linked)?));
            }
            (_, [attribute]) => {
                let claims = rules::claims(keyring, attribute, linked)?;
                if !claims.is_empty() {
                    decisions.push(rules::decide(merge, attribute, claims));
                }
            }
            _ => decisions.extend(rules::decide_group(keyring, merge, attributes, linked)?),
        }
    }
    let spoken = decisions.into_iter().filter(|decision| !decision.claims.is_empty());
    let mut decisions: BTreeMap<String, Decision> =
        spoken.map(|decision| (decision.attribute.clone(), decision)).collect();
    if schema.attribute(place::COMMUNITY).is_some()
        && let Some(community) = place::community(&decisions)
    {
        decisions.insert(community.attribute.clone(), community);
    }
    Ok(decisions)
}
