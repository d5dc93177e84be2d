//! Lists keyed by fields: the union over the keys, each item whole from one source.
//!
//! An item that a contribution drops vanishes with it unless another still says it; an empty list or `null` says that
//! this source has none, and takes nothing from others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Claim, Decision, Linked, rules};
use crate::entity::{Attribute, Merge};

/// Decides a list attribute: per key the latest source's item; winners in the order of their keys.
pub(super) fn decide<'a>(
    merge: &Merge,
    fields: &[String],
    attribute: &Attribute,
    linked: &[Linked<'a>],
) -> Decision<'a> {
    let mut by_key: BTreeMap<Vec<String>, Vec<Claim>> = BTreeMap::new();
    for (from, _) in linked {
        let changed_at = from.changed_at(&attribute.name);
        for (key, item) in own_items(fields, from.attributes.get(&attribute.name)) {
            by_key.entry(key).or_default().push(Claim { from, value: Cow::Borrowed(item), changed_at, wins: false });
        }
    }
    let mut claims = Vec::new();
    for mut rivals in by_key.into_values() {
        rules::rank(merge, &mut rivals);
        if let Some(best) = rivals.first_mut() {
            best.wins = true;
        }
        claims.extend(rivals);
    }
    claims.sort_by_key(|claim| !claim.wins);
    Decision { attribute: attribute.name.clone(), list: true, claims }
}

/// A contribution's items by key; where it says one key twice its last word counts.
fn own_items<'v>(fields: &[String], list: Option<&'v Value>) -> BTreeMap<Vec<String>, &'v Value> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| (fields.iter().map(|field| key_field(item, field)).collect(), item)).collect()
}

/// A missing field and a `null` one are the same key.
fn key_field(item: &Value, field: &str) -> String {
    match item.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}
