//! Who joins under one person key: a function of the set of live contributions that assert it.
//!
//! A key alone joins nobody: numbers are mistyped, borrowed from a parent, or typed as a placeholder. Never merges.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::person_key;
use super::name::same_form;
use super::{CITIZEN, KEY_DISAGREES, PLACEHOLDER_KEY, claims};
use crate::contribution::Contribution;
use crate::entity::EntitySchema;
use crate::identity::CitizenNumber;

/// Most names among one feed's anchors before the number is held to be a placeholder.
const MOST_NAMES: usize = 3;

/// What agreement says of one contribution under the key it asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is about the person of the key, and teaches aliases.
    Joined,
    /// It stays unresolved and teaches nothing; the reason is `key-disagrees` or `placeholder-key`.
    Waiting(&'static str),
}

/// How a contribution's birth date stands to the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Birth {
    /// Equal: an anchor.
    Agrees,
    /// Sent, and another.
    Contradicts,
    /// Not sent, or the number holds none.
    Silent,
}

struct Witness<'a> {
    feed: &'a str,
    name: Option<String>,
    birth: Birth,
}

/// The standing of each of `contributions`, all live and all asserting one person key; same order as given, and for
/// each the same whatever the order.
///
/// - More than three names among one feed's anchors: a placeholder, none joins.
/// - With anchors: they join, and another joins when its name is an anchor's (its birth date being one would make it
///   an anchor itself).
/// - Without anchors: all join if their names agree, else none. A birth date that contradicts the number is never
///   enough on its own: if all that came contradict it (a child alone under its parent's number), none joins.
///
/// A contribution that sends no name neither agrees nor disagrees by name.
pub fn agreement(schema: &EntitySchema, contributions: &[&Contribution]) -> Vec<Standing> {
    let witnesses: Vec<Witness> = contributions.iter().map(|contribution| witness(schema, contribution)).collect();
    if is_placeholder(&witnesses) {
        return vec![Standing::Waiting(PLACEHOLDER_KEY); witnesses.len()];
    }
    let anchored = witnesses.iter().any(|witness| witness.birth == Birth::Agrees);
    let anchor_names = names(witnesses.iter().filter(|witness| witness.birth == Birth::Agrees));
    let one_name = names(&witnesses).len() <= 1 && witnesses.iter().any(|witness| witness.birth != Birth::Contradicts);
    let joins = |witness: &Witness| match witness.birth {
        Birth::Agrees => true,
        _ if anchored => witness.name.as_ref().is_some_and(|name| anchor_names.contains(name)),
        _ => one_name,
    };
    witnesses.iter().map(|one| if joins(one) { Standing::Joined } else { Standing::Waiting(KEY_DISAGREES) }).collect()
}

fn witness<'a>(schema: &EntitySchema, contribution: &'a Contribution) -> Witness<'a> {
    let number = person_key(schema, contribution).ok().filter(|key| key.kind == CITIZEN);
    let number = number.and_then(|key| CitizenNumber::parse(&key.number).ok());
    let birth = match (number, claims::text(contribution, "birth_date")) {
        (Some(number), Some(sent)) if number.birth_date().to_string() == sent => Birth::Agrees,
        (Some(_), Some(_)) => Birth::Contradicts,
        _ => Birth::Silent,
    };
    let name = claims::text(contribution, "name").map(|name| same_form(&name)).filter(|name| !name.is_empty());
    Witness { feed: &contribution.feed, name, birth }
}

fn names<'a, 'w: 'a>(witnesses: impl IntoIterator<Item = &'a Witness<'w>>) -> BTreeSet<&'a String> {
    witnesses.into_iter().filter_map(|witness| witness.name.as_ref()).collect()
}

fn is_placeholder(witnesses: &[Witness]) -> bool {
    let mut by_feed: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for anchor in witnesses.iter().filter(|witness| witness.birth == Birth::Agrees) {
        by_feed.entry(anchor.feed).or_default().extend(&anchor.name);
    }
    by_feed.values().any(|names| names.len() > MOST_NAMES)
}
