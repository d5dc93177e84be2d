//! What every source says of residents, winners and losers, as far as the scope shows the attribute and the people in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::people::{People, keys_in, may_change};
use super::scope::Scope;
use crate::contribution::Contribution;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::keyring::Token;
use crate::merge::{self, ISSUES, Issue, Linked, Told};
use crate::pipeline::links::is_by_key;
use crate::reason::Reason;
use crate::store::{Conn, contribution};
use crate::time;

/// The claims on a resident's attributes as they leave: the text of a JSON object.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Claims(Box<RawValue>);

/// A claim as it leaves; times are RFC 3339.
#[derive(Serialize)]
struct Claim<'a> {
    as_of: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<&'a str>,
    /// Only who sees all is told: it names a source record.
    #[serde(skip_serializing_if = "Option::is_none")]
    contribution: Option<Token>,
    feed: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: &'a Option<Issue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    wins: bool,
}

type Provenance<'a> = BTreeMap<String, Vec<Told<'a>>>;

/// The claims on each attribute of these residents that the scope shows, winner first, by entity. The caller has made
/// sure that the scope shows the residents.
pub fn claims(conn: &mut Conn, hub: &Hub, scope: &Scope, ids: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Claims>> {
    let mut sources: HashMap<Vec<u8>, Vec<(Contribution, bool)>> =
        ids.iter().map(|id| (id.clone(), Vec::new())).collect();
    for row in contribution::live_of_entities(conn, ids)? {
        let source = (row.contribution()?, is_by_key(&row.link));
        sources.entry(row.entity.unwrap_or_default()).or_default().push(source);
    }
    let mut shown: Vec<(&Vec<u8>, Provenance)> = Vec::with_capacity(sources.len());
    let mut keys = BTreeSet::new();
    for (id, sources) in &sources {
        let provenance = agreed(hub, scope, sources)?;
        let values = provenance.values().flatten().filter_map(|claim| claim.value.as_deref());
        values.for_each(|value| keys_in(value, &mut keys));
        shown.push((id, provenance));
    }
    let people = People::look_up(conn, &hub.keyring, scope, &keys, None)?;
    let told = shown.into_iter().map(|(id, provenance)| Ok((id.clone(), told(&people, scope, provenance)?)));
    told.collect()
}

/// All claims of these contributions, as far as the scope shows the attribute.
fn agreed<'a>(hub: &'a Hub, scope: &Scope, sources: &'a [(Contribution, bool)]) -> Result<Provenance<'a>> {
    let linked: Vec<Linked<'a>> = sources.iter().map(|(contribution, by_key)| (contribution, *by_key)).collect();
    let mapped = |source: &Contribution, issue: &Reason| {
        hub.feed(&source.feed).ok()?.attribute_of(&source.part, issue).map(str::to_owned)
    };
    let mut shown = merge::provenance(&hub.resident, &hub.keyring, &linked, &mapped)?;
    // Issues of no attribute name columns of a source, which nobody agreed on.
    shown.retain(|name, _| scope.shows_field(hub.resident.kind(), name) && (*scope == Scope::All || name != ISSUES));
    Ok(shown)
}

fn told(people: &People, scope: &Scope, mut provenance: Provenance<'_>) -> Result<Claims> {
    let mut moments = Moments::default();
    for (attribute, claims) in &mut provenance {
        for claim in claims {
            moments.name(claim.as_of);
            claim.changed_at.iter().for_each(|moment| moments.name(*moment));
            claim.value = claim.value.take().and_then(|value| match may_change(attribute, &value) {
                true => people.shown(scope, attribute, value.into_owned(), i64::MAX).map(Cow::Owned),
                false => Some(value),
            });
        }
    }
    let shown: BTreeMap<&str, Vec<Claim<'_>>> = provenance
        .iter()
        .map(|(attribute, claims)| {
            (attribute.as_str(), claims.iter().map(|claim| moments.claim(scope, claim)).collect())
        })
        .collect();
    let text = to_raw_value(&shown).map_err(|error| Error::new(Kind::Internal, "writing claims").because(error))?;
    Ok(Claims(text))
}

/// Moments in words: the same few stand at all the claims of a source.
#[derive(Default)]
struct Moments(Vec<(i64, String)>);

impl Moments {
    fn name(&mut self, moment: i64) {
        if !self.0.iter().any(|(known, _)| *known == moment) {
            self.0.push((moment, time::text(moment)));
        }
    }

    fn text(&self, moment: i64) -> &str {
        self.0.iter().find(|(known, _)| *known == moment).map_or("", |(_, text)| text)
    }

    fn claim<'a>(&'a self, scope: &Scope, claim: &'a Told<'a>) -> Claim<'a> {
        Claim {
            as_of: self.text(claim.as_of),
            changed_at: claim.changed_at.map(|moment| self.text(moment)),
            contribution: (*scope == Scope::All).then_some(claim.contribution),
            feed: claim.feed,
            issue: &claim.issue,
            value: claim.value.as_deref(),
            wins: claim.wins,
        }
    }
}
