//! The `x-` annotations of one attribute: their words, and what is wrong with them. Never looks at a value.

use serde::Deserialize;
use serde_json::Value;

use super::Attribute;
use crate::feed::spec::{Blank, Text};

const ANNOTATIONS: [&str; 8] =
    ["x-title-en", "x-merge", "x-derived", "x-key", "x-reference", "x-element", "x-sensitivity", "x-blank"];

/// What the document makes itself, by the word after `x-derived`.
const DERIVED: [&str; 3] = ["marriage", "community", "members"];

/// How the claims on an attribute become one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The rule.
    pub rule: Rule,
    /// Departments in order: what decides under [`Rule::Authority`], what breaks ties under the others. A department
    /// that is not listed comes after all that are.
    pub authority: Vec<String>,
    /// Attributes of the same group come from one source together.
    pub group: Option<String>,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The first department of the list that says anything; within it the latest.
    Authority,
    /// What changed last at its source.
    Latest,
    /// What was said first.
    First,
    /// The largest value.
    Max,
    /// A list: the union over these fields of its items, each item whole from the source that changed last.
    Keyed(Vec<String>),
    /// Marriage events: folded to `marriages` and to a claim on `marital`.
    MarriageFold,
}

/// What an attribute says about identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRole {
    /// Kind of the person's document; absent means a citizen's identity card.
    PersonType,
    /// Who issued it, where the kind alone does not say so.
    PersonIssuer,
    /// Its number.
    PersonNumber,
    /// A department's own number of this kind for a person.
    Alias(String),
    /// The station that issued the household's number.
    HouseholdStation,
    /// The household's number at that station.
    HouseholdNumber,
}

/// A data element of a standard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// The standard.
    pub standard: String,
    /// The element there.
    pub element: String,
    /// How sure that is: `from memory` where nobody has checked the standard's text.
    #[serde(default)]
    pub status: Option<String>,
}

/// How carefully a value is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Says little about a person.
    General,
    /// Personal information.
    Personal,
    /// Sensitive personal information: document numbers, health, finance.
    Sensitive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeSpec {
    #[serde(default)]
    authority: Option<Vec<String>>,
    #[serde(default)]
    latest: bool,
    #[serde(default)]
    first: bool,
    #[serde(default)]
    max: bool,
    #[serde(default)]
    keyed: Option<Vec<String>>,
    #[serde(default)]
    fold: Option<String>,
    #[serde(default)]
    group: Option<String>,
}

/// Reads one property; the error is a sentence about it.
pub(super) fn attribute(name: &str, property: &Value) -> Result<Attribute, String> {
    let fields = property.as_object().ok_or("must be an object")?;
    if let Some(unknown) = fields.keys().find(|key| key.starts_with("x-") && !ANNOTATIONS.contains(&key.as_str())) {
        return Err(format!("`{unknown}` is no annotation of ours"));
    }
    let sensitivity = read(property, "x-sensitivity")?.ok_or("`x-sensitivity` is missing")?;
    Ok(Attribute {
        name: name.to_owned(),
        title: title(property)?,
        merge: merge(property)?,
        key: key(property)?,
        reference: read(property, "x-reference")?,
        element: read(property, "x-element")?,
        sensitivity,
        blank: read(property, "x-blank")?.unwrap_or(Blank::Nothing),
    })
}

/// The titles of the schema or of a property.
pub(super) fn title(holder: &Value) -> Result<Text, String> {
    let text = |name: &str| holder.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let zh = text("title").ok_or("`title` is missing")?;
    let en = text("x-title-en").ok_or("`x-title-en` is missing")?;
    Ok(Text { zh, en })
}

fn read<T: serde::de::DeserializeOwned>(property: &Value, name: &str) -> Result<Option<T>, String> {
    let value = property.get(name).cloned();
    value.map(|value| serde_json::from_value(value).map_err(|error| format!("`{name}`: {error}"))).transpose()
}

fn merge(property: &Value) -> Result<Option<Merge>, String> {
    let derived: Option<String> = read(property, "x-derived")?;
    let spec: Option<MergeSpec> = read(property, "x-merge")?;
    match (derived, spec) {
        (Some(word), None) if DERIVED.contains(&word.as_str()) => Ok(None),
        (Some(_), None) => Err(format!("`x-derived` is one of {}", DERIVED.join(", "))),
        (None, Some(spec)) => rule(spec).map(Some),
        _ => Err("needs either `x-merge` or `x-derived`".to_owned()),
    }
}

fn rule(spec: MergeSpec) -> Result<Merge, String> {
    let authority = spec.authority.unwrap_or_default();
    let mut rules = Vec::new();
    rules.extend(spec.latest.then_some(Rule::Latest));
    rules.extend(spec.first.then_some(Rule::First));
    rules.extend(spec.max.then_some(Rule::Max));
    rules.extend(spec.fold.as_deref().filter(|fold| *fold == "marriage").map(|_| Rule::MarriageFold));
    match spec.keyed {
        Some(fields) if fields.is_empty() => return Err("`keyed` needs a field".to_owned()),
        Some(fields) => rules.push(Rule::Keyed(fields)),
        None => {}
    }
    if rules.is_empty() && !authority.is_empty() {
        rules.push(Rule::Authority);
    }
    let one: Result<[Rule; 1], _> = rules.try_into();
    let [rule] = one.map_err(|_| {
        "`x-merge` needs exactly one of authority (a list of departments), latest, first, max, keyed, fold (marriage)"
    })?;
    Ok(Merge { rule, authority, group: spec.group })
}

fn key(property: &Value) -> Result<Option<KeyRole>, String> {
    let Some(key) = property.get("x-key") else { return Ok(None) };
    let mut words = key.as_object().into_iter().flatten();
    let role = match (words.next(), words.next()) {
        (Some((about, Value::String(word))), None) => match (about.as_str(), word.as_str()) {
            ("person", "type") => Some(KeyRole::PersonType),
            ("person", "issuer") => Some(KeyRole::PersonIssuer),
            ("person", "number") => Some(KeyRole::PersonNumber),
            ("alias", kind) if !kind.is_empty() => Some(KeyRole::Alias(kind.to_owned())),
            ("household", "station") => Some(KeyRole::HouseholdStation),
            ("household", "number") => Some(KeyRole::HouseholdNumber),
            _ => None,
        },
        _ => None,
    };
    let roles = "`x-key` is {person: type|issuer|number}, {alias: <kind of number>} or {household: station|number}";
    role.map(Some).ok_or_else(|| roles.to_owned())
}
