//! All claims on every attribute with their winners, losers too. Decides nothing: it shows what the document rests on.

use serde_json::{Map, Value, json};

use super::{Claim, Decision, Linked, decide};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, KeyRole};
use crate::error::Result;
use crate::keyring::Keyring;
use crate::reason::Reason;

/// Key under which stand the issues of which no attribute can be told (their pointers name columns of the source).
pub const ISSUES: &str = "issues";

/// Which attribute an issue of a contribution is about, as the mapping of its feed tells; `None` where it does not.
pub type Mapped<'a> = &'a dyn Fn(&Contribution, &Reason) -> Option<String>;

/// Per attribute a list of `{contribution, feed, as_of, changed_at, value, wins, issue?}`, winner first.
///
/// For lists each item is a claim of its own, the winners in the order of the document. Times are microseconds since
/// 1970. An attribute dropped as bad appears as a claim without `value`; issues that cannot be told apart by attribute
/// stand under [`ISSUES`].
pub fn provenance(
    schema: &EntitySchema,
    keyring: &Keyring,
    linked: &[Linked],
    mapped: Mapped,
) -> Result<Map<String, Value>> {
    let decisions = decide(schema, keyring, linked)?;
    let about = |source: &Contribution, issue: &Reason| {
        mapped(source, issue).filter(|name| schema.attribute(name).is_some()).or_else(|| named(schema, issue))
    };
    let mut shown: Map<String, Value> = Map::new();
    for (attribute, decision) in &decisions {
        shown.insert((*attribute).to_owned(), Value::Array(rows(&about, decision)));
    }
    let mut sources: Vec<&Contribution> = linked.iter().map(|(contribution, _)| *contribution).collect();
    sources.sort_by(|a, b| a.feed.cmp(&b.feed).then_with(|| a.id.cmp(&b.id)));
    for source in sources {
        for issue in &source.issues {
            let attribute = about(source, issue);
            let told = attribute.as_ref().and_then(|name| decisions.get(name.as_str()));
            if told.is_some_and(|decision| decision.claims.iter().any(|claim| claim.from.id == source.id)) {
                continue;
            }
            let rows =
                shown.entry(attribute.unwrap_or_else(|| ISSUES.to_owned())).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(rows) = rows {
                rows.push(dropped(source, issue));
            }
        }
    }
    Ok(shown)
}

fn rows(about: Mapped, decision: &Decision) -> Vec<Value> {
    decision.claims.iter().map(|claim| row(about, decision.attribute, claim)).collect()
}

fn row(about: Mapped, attribute: &str, claim: &Claim) -> Value {
    let mut row = json!({
        "contribution": claim.from.id,
        "feed": claim.from.feed,
        "as_of": claim.from.as_of.instant,
        "changed_at": claim.changed_at,
        "value": claim.value,
        "wins": claim.wins,
    });
    let issue = claim.from.issues.iter().find(|issue| about(claim.from, issue).as_deref() == Some(attribute));
    if let Some(issue) = issue {
        row["issue"] = told(issue);
    }
    row
}

/// An attribute that the source sent and that could not be used.
fn dropped(source: &Contribution, issue: &Reason) -> Value {
    json!({
        "contribution": source.id,
        "feed": source.feed,
        "as_of": source.as_of.instant,
        "wins": false,
        "issue": told(issue),
    })
}

/// An issue without the value as sent.
fn told(issue: &Reason) -> Value {
    json!({"code": issue.code, "pointer": issue.pointer, "zh": issue.zh, "en": issue.en})
}

/// The attribute an issue names by itself: a wrong check digit is the person's number's, unless the mapping knows better.
fn named(schema: &EntitySchema, issue: &Reason) -> Option<String> {
    let attribute = match issue.code.as_str() {
        "id-check-digit" => schema.playing(&KeyRole::PersonNumber),
        _ => schema.attribute(&issue.column()),
    };
    attribute.map(|attribute| attribute.name.clone())
}
