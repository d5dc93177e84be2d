//! All claims on every attribute with their winners, losers too. Decides nothing: it shows what the document rests on.

use serde_json::{Map, Value, json};

use super::{Claim, Decision, Linked, decide};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, KeyRole};
use crate::error::Result;
use crate::keyring::Keyring;
use crate::reason::Reason;

/// Key under which stand the issues that name no attribute of the schema (their pointers name columns of the source).
pub const ISSUES: &str = "issues";

/// Per attribute a list of `{contribution, feed, as_of, changed_at, value, wins, issue?}`, winner first.
///
/// For lists each item is a claim of its own, the winners in the order of the document. Times are microseconds since
/// 1970. An attribute dropped as bad appears as a claim without `value`; issues that cannot be told apart by attribute
/// stand under [`ISSUES`].
pub fn provenance(schema: &EntitySchema, keyring: &Keyring, linked: &[Linked]) -> Result<Map<String, Value>> {
    let decisions = decide(schema, keyring, linked)?;
    let mut shown: Map<String, Value> = Map::new();
    for (attribute, decision) in &decisions {
        shown.insert(attribute.clone(), Value::Array(rows(schema, decision)));
    }
    let mut sources: Vec<&Contribution> = linked.iter().map(|(contribution, _)| *contribution).collect();
    sources.sort_by(|a, b| a.feed.cmp(&b.feed).then_with(|| a.id.cmp(&b.id)));
    for source in sources {
        for issue in &source.issues {
            let attribute = attribute_of(schema, issue);
            let told = attribute.and_then(|name| decisions.get(name));
            if told.is_some_and(|decision| decision.claims.iter().any(|claim| claim.from.id == source.id)) {
                continue;
            }
            let rows = shown.entry(attribute.unwrap_or(ISSUES)).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(rows) = rows {
                rows.push(dropped(source, issue));
            }
        }
    }
    Ok(shown)
}

fn rows(schema: &EntitySchema, decision: &Decision) -> Vec<Value> {
    decision.claims.iter().map(|claim| row(schema, &decision.attribute, claim)).collect()
}

fn row(schema: &EntitySchema, attribute: &str, claim: &Claim) -> Value {
    let mut row = json!({
        "contribution": claim.from.id,
        "feed": claim.from.feed,
        "as_of": claim.from.as_of.instant,
        "changed_at": claim.changed_at,
        "value": claim.value,
        "wins": claim.wins,
    });
    let issue = claim.from.issues.iter().find(|issue| attribute_of(schema, issue) == Some(attribute));
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

/// The attribute an issue is about, where it can be told: a wrong check digit is always the person's number's.
fn attribute_of<'s>(schema: &'s EntitySchema, issue: &Reason) -> Option<&'s str> {
    let attribute = match issue.code.as_str() {
        "id-check-digit" => schema.playing(&KeyRole::PersonNumber),
        _ => schema.attribute(issue.column()),
    };
    attribute.map(|attribute| attribute.name.as_str())
}
