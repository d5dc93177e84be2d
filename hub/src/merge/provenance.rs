//! All claims on every attribute with their winners, losers too. Decides nothing: it shows what the document rests on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Claim, Linked, decide};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, KeyRole};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::reason::Reason;

/// Key under which stand the issues of which no attribute can be told (their pointers name columns of the source).
pub const ISSUES: &str = "issues";

/// Which attribute an issue of a contribution is about, as the mapping of its feed tells; `None` where it does not.
pub type Mapped<'a> = &'a dyn Fn(&Contribution, &Reason) -> Option<String>;

/// One claim on an attribute, as it is told. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told<'a> {
    /// When the delivery that wrote it was told.
    pub as_of: i64,
    /// When the value last changed at its source; none where the attribute was dropped as bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<i64>,
    /// The source record.
    pub contribution: Token,
    /// Its feed.
    pub feed: &'a str,
    /// What is wrong with what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue<'a>>,
    /// The value; none where the attribute was dropped as bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Cow<'a, Value>>,
    /// Whether the document shows it.
    pub wins: bool,
}

/// An issue without the value as sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Issue<'a> {
    code: &'a str,
    en: &'a str,
    pointer: &'a str,
    zh: &'a str,
}

/// Per attribute what is told of it, winner first.
///
/// For lists each item is a claim of its own, the winners in the order of the document. An attribute dropped as bad
/// appears as a claim without `value`; issues that cannot be told apart by attribute stand under [`ISSUES`].
pub fn provenance<'a>(
    schema: &EntitySchema,
    keyring: &Keyring,
    linked: &[Linked<'a>],
    mapped: Mapped,
) -> Result<BTreeMap<String, Vec<Told<'a>>>> {
    let decisions = decide(schema, keyring, linked)?;
    let about = |source: &Contribution, issue: &Reason| {
        mapped(source, issue).filter(|name| schema.attribute(name).is_some()).or_else(|| named(schema, issue))
    };
    let mut issues: Vec<(Option<String>, &'a Contribution, &'a Reason)> = Vec::new();
    let mut sources: Vec<&'a Contribution> = linked.iter().map(|(contribution, _)| *contribution).collect();
    sources.sort_by(|a, b| a.feed.cmp(&b.feed).then_with(|| a.id.cmp(&b.id)));
    for source in sources {
        issues.extend(source.issues.iter().map(|issue| (about(source, issue), source, issue)));
    }
    issues.retain(|(attribute, source, _)| {
        let told = attribute.as_ref().and_then(|name| decisions.get(name));
        !told.is_some_and(|decision| decision.claims.iter().any(|claim| claim.from.id == source.id))
    });
    let mut shown: BTreeMap<String, Vec<Told<'a>>> = BTreeMap::new();
    for (name, decision) in decisions {
        let rows = decision.claims.into_iter().map(|claim| row(&about, &name, claim)).collect();
        shown.insert(name, rows);
    }
    for (attribute, source, issue) in issues {
        shown.entry(attribute.unwrap_or_else(|| ISSUES.to_owned())).or_default().push(dropped(source, issue));
    }
    Ok(shown)
}

fn row<'a>(about: Mapped, attribute: &str, claim: Claim<'a>) -> Told<'a> {
    let issue = claim.from.issues.iter().find(|issue| about(claim.from, issue).as_deref() == Some(attribute));
    Told {
        as_of: claim.from.as_of.instant,
        changed_at: Some(claim.changed_at),
        contribution: claim.from.id,
        feed: &claim.from.feed,
        issue: issue.map(told),
        value: Some(claim.value),
        wins: claim.wins,
    }
}

/// An attribute that the source sent and that could not be used.
fn dropped<'a>(source: &'a Contribution, issue: &'a Reason) -> Told<'a> {
    Told {
        as_of: source.as_of.instant,
        changed_at: None,
        contribution: source.id,
        feed: &source.feed,
        issue: Some(told(issue)),
        value: None,
        wins: false,
    }
}

fn told(issue: &Reason) -> Issue<'_> {
    Issue { code: &issue.code, en: &issue.en, pointer: &issue.pointer, zh: &issue.zh }
}

/// The attribute an issue names by itself: a wrong check digit is the person's number's, unless the mapping knows better.
fn named(schema: &EntitySchema, issue: &Reason) -> Option<String> {
    let attribute = match issue.code.as_str() {
        "id-check-digit" => schema.playing(&KeyRole::PersonNumber),
        _ => schema.attribute(&issue.column()),
    };
    attribute.map(|attribute| attribute.name.clone())
}
