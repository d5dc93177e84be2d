//! What every source says of a resident, winners and losers, as far as the scope shows the attribute and the people in it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::people::{People, keys_in};
use super::scope::Scope;
use crate::contribution::Contribution;
use crate::error::Result;
use crate::hub::Hub;
use crate::merge::{self, ISSUES, Linked};
use crate::reason::Reason;
use crate::store::{Conn, contribution};
use crate::time;

/// What only who sees all is told: it names a source record.
const SOURCE: &str = "contribution";

/// The claims on each attribute of a resident that the scope shows, winner first. The caller has made sure that the
/// scope shows the resident. Times become RFC 3339.
pub fn claims(conn: &mut Conn, hub: &Hub, scope: &Scope, id: &[u8]) -> Result<Map<String, Value>> {
    let (keyring, schema) = (&hub.keyring, &hub.resident);
    let mut contributions: Vec<(Contribution, bool)> = Vec::new();
    for row in contribution::live_of_entities(conn, &[id.to_vec()])? {
        contributions.push((row.contribution()?, row.link == "key"));
    }
    let linked: Vec<Linked> = contributions.iter().map(|(contribution, by_key)| (contribution, *by_key)).collect();
    let mapped = |source: &Contribution, issue: &Reason| {
        hub.feed(&source.feed).ok()?.attribute_of(&source.part, issue).map(str::to_owned)
    };
    let mut shown = merge::provenance(schema, keyring, &linked, &mapped)?;
    // Issues of no attribute name columns of a source, which nobody agreed on.
    shown.retain(|name, _| scope.shows_field(schema.kind(), name) && (*scope == Scope::All || name != ISSUES));
    let mut keys = BTreeSet::new();
    shown.values().for_each(|claims| keys_in(claims, &mut keys));
    let people = People::look_up(conn, keyring, scope, &keys, None)?;
    for (attribute, claims) in &mut shown {
        for claim in claims.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            told(&people, scope, attribute, claim);
        }
    }
    Ok(shown)
}

fn told(people: &People, scope: &Scope, attribute: &str, claim: &mut Map<String, Value>) {
    if *scope != Scope::All {
        claim.remove(SOURCE);
    }
    for name in ["as_of", "changed_at"] {
        if let Some(moment) = claim.get(name).and_then(Value::as_i64) {
            claim.insert(name.to_owned(), Value::String(time::text(moment)));
        }
    }
    if let Some(value) = claim.remove("value")
        && let Some(value) = people.shown(scope, attribute, value, i64::MAX)
    {
        claim.insert("value".to_owned(), value);
    }
}
