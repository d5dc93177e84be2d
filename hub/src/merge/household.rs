//! Household documents: folded from the live contributions of all who name the household, resolved or not.
//!
//! A member appears by the key its record asserts and the name as asserted. Never reads a resident's golden document:
//! a household is what its station's records say of it.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::place::{COMMUNITY, community_of};
use super::reference::Named;
use crate::contribution::Contribution;
use crate::entity::EntitySchema;
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::resolve::{claims, household_of, same_form, text};

/// GB/T 4761: head of household, and "self", which is what some feeds call the head.
const HEAD: &str = "02";
const SELF: &str = "01";
const RELATION: &str = "household_relation";

struct Member<'a> {
    from: &'a Contribution,
    named: Named,
    relation: Option<String>,
}

/// The golden document of a household from its members' live contributions; an empty map if there is none.
///
/// Address and community are the head's (registered first, then current), or where the head's record has none, or no
/// head is known, those of the first contribution by id that has. Only attributes of the household's schema are shown.
pub fn household(
    schema: &EntitySchema,
    keyring: &Keyring,
    resident_schema: &EntitySchema,
    members: &[&Contribution],
) -> Result<Map<String, Value>> {
    let mut all = Vec::new();
    for from in members {
        let key = claims(resident_schema, keyring, from)?.key;
        let name = from.attributes.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
        let named = Named { key, name: name.map(str::to_owned) };
        all.push(Member { from, named, relation: text(from, RELATION) });
    }
    let mut members = each_once(all);
    members.sort_by(compare);
    let head = head(&members);
    let mut document = Map::new();
    let place =
        members.iter().min_by_key(|member| member.from.id).and_then(|first| household_of(resident_schema, first.from));
    if let Some((station, number)) = place {
        document.insert("station".to_owned(), Value::String(station));
        document.insert("number".to_owned(), Value::String(number));
    }
    let addresses = addresses(&members, head);
    document.extend(addresses.first().map(|address| ("address".to_owned(), (*address).clone())));
    let community = addresses.iter().find_map(|address| community_of(address));
    document.extend(community.map(|code| (COMMUNITY.to_owned(), Value::String(code.to_owned()))));
    document.extend(head.and_then(|head| head.named.shown()).map(|head| ("head".to_owned(), head)));
    let shown: Vec<Value> = members.iter().filter_map(shown).collect();
    document
        .extend(Some(shown).filter(|shown| !shown.is_empty()).map(|shown| ("members".to_owned(), Value::Array(shown))));
    Ok(document.into_iter().filter(|(name, _)| schema.attribute(name).is_some()).collect())
}

/// A person whom two records put into the household, by the same key and name, is one member: as the record says whose
/// word on the relation is newest.
fn each_once(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by_key(|member| (Reverse(member.from.changed_at(RELATION)), member.from.feed.clone(), member.from.id));
    let mut known: BTreeSet<(Option<Token>, String)> = BTreeSet::new();
    members.retain(|member| {
        let name = member.named.name.as_deref().map(same_form).unwrap_or_default();
        member.named.key.is_none() || known.insert((member.named.key, name))
    });
    members
}

/// By relation with the head first, then key, then name; the contribution's id last, so that there is one order.
fn compare(a: &Member, b: &Member) -> Ordering {
    let rank = |member: &Member| match member.relation.as_deref() {
        Some(HEAD) => (0, String::new()),
        Some(SELF) => (1, String::new()),
        Some(other) => (2, other.to_owned()),
        None => (3, String::new()),
    };
    let key = |member: &Member| (member.named.key.is_none(), member.named.key);
    let by_relation = rank(a).cmp(&rank(b)).then_with(|| key(a).cmp(&key(b)));
    by_relation.then_with(|| a.named.name.cmp(&b.named.name)).then_with(|| a.from.id.cmp(&b.from.id))
}

/// The head, of members in order.
fn head<'m, 'a>(members: &'m [Member<'a>]) -> Option<&'m Member<'a>> {
    members.first().filter(|first| matches!(first.relation.as_deref(), Some(HEAD | SELF)))
}

/// The members' addresses: the head's, then by contribution id.
fn addresses<'a>(members: &[Member<'a>], head: Option<&Member<'a>>) -> Vec<&'a Value> {
    let mut order: Vec<&'a Contribution> = members.iter().map(|member| member.from).collect();
    order.sort_by_key(|from| (Some(from.id) != head.map(|head| head.from.id), from.id));
    let address = |from: &'a Contribution| {
        let said =
            |name: &str| from.attributes.get(name).filter(|address| address.as_object().is_some_and(|a| !a.is_empty()));
        said("registered_address").or_else(|| said("current_address"))
    };
    order.into_iter().filter_map(address).collect()
}

fn shown(member: &Member) -> Option<Value> {
    let mut shown = member.named.shown()?;
    if let (Some(fields), Some(relation)) = (shown.as_object_mut(), &member.relation) {
        fields.insert("relation".to_owned(), Value::String(relation.clone()));
    }
    Some(shown)
}
