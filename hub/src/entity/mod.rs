//! Kinds of entity as their schema files declare them: `schemas/entities/<kind>.json`, JSON Schema 2020-12 with
//! `x-` annotations that say how each attribute identifies, merges and must be guarded.
//!
//! Owns reading and checking that file. Never merges, resolves or reads a contribution. A setting that nothing would
//! obey (an unknown annotation, a rule without its fields) is refused when the file is read.

mod annotation;
#[cfg(test)]
pub(crate) mod sample;

use std::collections::BTreeMap;

use serde_json::Value;

pub use annotation::{Element, KeyRole, Merge, Rule, Sensitivity};

use crate::error::{Error, Kind, Result};
use crate::feed::spec::{Blank, Text};
use crate::id;

/// Version of the merge code. Raise it with any change that makes another golden document of the same contributions.
pub const MERGE_VERSION: u32 = 1;

/// The kind of entity that a person is.
pub const RESIDENT: &str = "resident";
/// The kind of entity that people who live together are.
pub const HOUSEHOLD: &str = "household";

/// A kind of entity: its attributes and how each behaves.
#[derive(Debug, Clone)]
pub struct EntitySchema {
    kind: String,
    version: String,
    title: Text,
    /// By name.
    attributes: Vec<Attribute>,
    /// Places of those that say something about identity.
    keyed: Vec<usize>,
    units: Vec<Unit>,
    json: Value,
}

/// Attributes that are decided together.
#[derive(Debug, Clone)]
struct Unit {
    merge: Merge,
    attributes: Vec<Attribute>,
}

/// One attribute of a kind of entity.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name in contributions and documents.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// How its claims become one value; `None` where the document derives it and no feed may map it.
    pub merge: Option<Merge>,
    /// What it says about identity.
    pub key: Option<KeyRole>,
    /// The kind of entity that a value names by number and name.
    pub reference: Option<String>,
    /// Standard and element it carries.
    pub element: Option<Element>,
    /// How carefully it is to be shown.
    pub sensitivity: Sensitivity,
    /// What a blank says unless the feed says otherwise.
    pub blank: Blank,
}

impl Attribute {
    /// Whether the hub makes it itself, so that no feed may map it.
    pub fn is_derived(&self) -> bool {
        self.merge.is_none()
    }
}

impl EntitySchema {
    /// Reads the schema of `kind`; an error names the file's attribute and fault.
    pub fn parse(kind: &str, json: &Value) -> Result<Self> {
        let at = |place: &str, fault: String| {
            Error::new(Kind::Config, format!("schemas/entities/{kind}.json: {place}: {fault}"))
        };
        let properties = json.get("properties").and_then(Value::as_object);
        let properties = properties.ok_or_else(|| at("properties", "is missing".to_owned()))?;
        let mut attributes = BTreeMap::new();
        for (name, property) in properties {
            let attribute = annotation::attribute(name, property).map_err(|fault| at(name, fault))?;
            attributes.insert(name.clone(), attribute);
        }
        check_groups(&attributes).map_err(|(name, fault)| at(&name, fault))?;
        check_roles(&attributes).map_err(|(name, fault)| at(&name, fault))?;
        let title = annotation::title(json).map_err(|fault| at("title", fault))?;
        let digest = openssl::sha::sha256(format!("{MERGE_VERSION}\u{1f}{kind}\u{1f}{json}").as_bytes());
        let version = id::hex(&digest[..16]);
        let attributes: Vec<Attribute> = attributes.into_values().collect();
        let keyed = (0..attributes.len()).filter(|place| attributes[*place].key.is_some()).collect();
        let units = units(&attributes);
        Ok(Self { kind: kind.to_owned(), version, title, attributes, keyed, units, json: json.clone() })
    }

    /// The kind: `resident`, `household`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Version of the merge rules: a digest of the file and of [`MERGE_VERSION`]. Another version may make other documents.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What people call this kind.
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// All attributes by name.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        let place = self.attributes.binary_search_by(|attribute| attribute.name.as_str().cmp(name)).ok()?;
        self.attributes.get(place)
    }

    /// The file as read: a JSON Schema of the attributes as feeds map them.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The attributes that say something about identity, by name.
    pub fn keyed(&self) -> impl Iterator<Item = &Attribute> {
        self.keyed.iter().filter_map(|place| self.attributes.get(*place))
    }

    /// The attribute that plays `role`.
    pub fn playing(&self, role: &KeyRole) -> Option<&Attribute> {
        self.keyed().find(|attribute| attribute.key.as_ref() == Some(role))
    }

    /// The attributes that are decided together, each alone or a group, with how their claims become values.
    pub fn units(&self) -> impl Iterator<Item = (&Merge, &[Attribute])> {
        self.units.iter().map(|unit| (&unit.merge, unit.attributes.as_slice()))
    }
}

/// The units of attributes in the order of their names or groups.
fn units(attributes: &[Attribute]) -> Vec<Unit> {
    let mut units: BTreeMap<&str, Unit> = BTreeMap::new();
    for attribute in attributes {
        let Some(merge) = &attribute.merge else { continue };
        let name = merge.group.as_deref().unwrap_or(&attribute.name);
        let unit = units.entry(name).or_insert_with(|| Unit { merge: merge.clone(), attributes: Vec::new() });
        unit.attributes.push(attribute.clone());
    }
    units.into_values().collect()
}

type Fault = (String, String);

/// Fields that come from one source together must follow one rule.
fn check_groups(attributes: &BTreeMap<String, Attribute>) -> std::result::Result<(), Fault> {
    let mut groups: BTreeMap<&str, &Merge> = BTreeMap::new();
    for attribute in attributes.values() {
        let Some(merge) = &attribute.merge else { continue };
        let Some(group) = merge.group.as_deref() else { continue };
        if !matches!(merge.rule, Rule::Authority | Rule::Latest | Rule::First) {
            return Err((attribute.name.clone(), "`group` needs the rule authority, latest or first".to_owned()));
        }
        if *groups.entry(group).or_insert(merge) != merge {
            return Err((attribute.name.clone(), format!("the attributes of group `{group}` must have one x-merge")));
        }
    }
    Ok(())
}

/// Each role is played once; aliases may be many, but each kind of number once.
fn check_roles(attributes: &BTreeMap<String, Attribute>) -> std::result::Result<(), Fault> {
    let mut seen: Vec<&KeyRole> = Vec::new();
    for attribute in attributes.values() {
        let Some(role) = &attribute.key else { continue };
        if seen.contains(&role) {
            return Err((attribute.name.clone(), "another attribute has the same x-key".to_owned()));
        }
        seen.push(role);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(property: &Value) -> Result<EntitySchema> {
        EntitySchema::parse(
            "resident",
            &json!({"title": "居民", "x-title-en": "resident", "properties": {"a": property}}),
        )
    }

    fn fault(annotations: &Value) -> String {
        let mut property =
            json!({"title": "甲", "x-title-en": "a", "x-sensitivity": "general", "x-merge": {"latest": true}});
        for (name, value) in annotations.as_object().into_iter().flatten() {
            property[name] = value.clone();
        }
        with(&property).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_projects_schemas_are_read() {
        assert_eq!(sample::resident().kind(), "resident");
        assert_eq!(sample::household().kind(), "household");
        assert_eq!(sample::resident().playing(&KeyRole::PersonNumber).map(|a| a.name.as_str()), Some("id_no"));
    }

    #[test]
    fn a_setting_that_nothing_obeys_is_refused() {
        assert_eq!(fault(&json!({})), "");
        assert!(fault(&json!({"x-colour": "red"})).contains("x-colour"));
        assert!(fault(&json!({"x-merge": {"newest": true}})).contains("newest"));
        assert!(fault(&json!({"x-merge": {"latest": true, "first": true}})).contains("exactly one"));
        assert!(fault(&json!({"x-merge": {"latest": false}})).contains("exactly one"));
        assert!(fault(&json!({"x-merge": {"keyed": []}})).contains("keyed"));
        assert!(fault(&json!({"x-merge": {"authority": []}})).contains("authority"));
        assert!(fault(&json!({"x-merge": {"max": true, "group": "g"}})).contains("group"));
        assert!(fault(&json!({"x-key": {"person": "shoe-size"}})).contains("x-key"));
        assert!(fault(&json!({"x-sensitivity": "secret"})).contains("x-sensitivity"));
        assert!(fault(&json!({"x-derived": "marriage"})).contains("x-derived"));
    }

    #[test]
    fn attributes_of_one_group_share_one_rule() {
        let property =
            |rule: Value| json!({"title": "甲", "x-title-en": "a", "x-sensitivity": "general", "x-merge": rule});
        let schema = json!({"title": "居民", "x-title-en": "resident", "properties": {
            "a": property(json!({"latest": true, "group": "g"})),
            "b": property(json!({"authority": ["health"], "group": "g"})),
        }});
        let error = EntitySchema::parse("resident", &schema).expect_err("two rules in one group");
        assert_eq!(
            error.to_string(),
            "schemas/entities/resident.json: b: the attributes of group `g` must have one x-merge"
        );
    }

    #[test]
    fn any_change_of_the_file_is_another_version() {
        let one = json!({"title": "甲", "x-title-en": "a", "x-sensitivity": "general", "x-merge": {"latest": true}});
        let mut other = one.clone();
        other["x-merge"] = json!({"first": true});
        let version = |property: &Value| with(property).expect("a schema").version().to_owned();
        assert_eq!(version(&one), version(&one.clone()));
        assert_ne!(version(&one), version(&other));
    }
}
