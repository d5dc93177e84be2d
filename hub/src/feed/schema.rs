//! The JSON Schema of a feed's rows, compiled column by column so that what it finds wrong has a place in the row.
//!
//! Owns turning the validator's errors into reasons. `required` and `properties` of the top are judged per column;
//! anything else at the top is judged over the row as a whole, which is slower. Never changes a value.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use crate::mapping::{message, pointer, scalar};
use crate::reason::Reason;

/// Keywords of the top that say nothing about a row.
const ANNOTATIONS: &[&str] =
    &["$schema", "$id", "$defs", "$comment", "title", "description", "type", "properties", "required", "examples"];

/// A compiled schema of rows.
pub struct RowSchema {
    required: Vec<String>,
    columns: BTreeMap<String, Validator>,
    whole: Option<Validator>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl RowSchema {
    /// Compiles a schema; the error names the key it is about, where one is, and is a sentence.
    pub fn compile(schema: &Value) -> Result<Self, (Option<String>, String)> {
        let top = schema.as_object().ok_or((None, "a schema is a JSON object".to_owned()))?;
        let properties = top.get("properties").and_then(Value::as_object);
        let properties =
            properties.ok_or((None, "the schema of rows needs `properties`, one for each column".to_owned()))?;
        let definitions = top.get("$defs");
        let mut columns = BTreeMap::new();
        let mut groups = BTreeMap::new();
        for (name, property) in properties {
            let compiled = validator(&with_definitions(property, definitions));
            columns.insert(name.clone(), compiled.map_err(|message| (Some(name.clone()), message))?);
            if let Some(items) = property.pointer("/items/properties").and_then(Value::as_object) {
                groups.insert(name.clone(), items.keys().cloned().collect());
            }
        }
        let required = match top.get("required") {
            None => Vec::new(),
            Some(names) => serde_json::from_value(names.clone())
                .map_err(|_| (Some("required".to_owned()), "`required` is a list of columns".to_owned()))?,
        };
        let beyond = top.keys().any(|key| !ANNOTATIONS.contains(&key.as_str()) && !key.starts_with("x-"));
        let whole = if beyond { Some(whole(top).map_err(|message| (None, message))?) } else { None };
        Ok(Self { required, columns, whole, groups })
    }

    /// Whether the schema knows a column of the row.
    pub fn has_column(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// Whether the schema knows a column of a group.
    pub fn has_group_column(&self, group: &str, column: &str) -> bool {
        self.groups.get(group).is_some_and(|columns| columns.contains(column))
    }

    /// The columns a row must have.
    pub fn required(&self) -> &[String] {
        &self.required
    }

    /// What is wrong with a row: at most one reason for each pointer.
    pub fn check(&self, row: &Map<String, Value>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for column in self.required.iter().filter(|column| !row.contains_key(*column)) {
            reasons.push(message::reason("missing", pointer(column), None));
        }
        for (column, value) in row {
            let Some(validator) = self.columns.get(column) else { continue };
            if !validator.is_valid(value) {
                let own = pointer(column);
                validator.iter_errors(value).for_each(|error| add(&mut reasons, &own, &error));
            }
        }
        if let Some(whole) = &self.whole {
            let row = Value::Object(row.clone());
            whole.iter_errors(&row).for_each(|error| add(&mut reasons, "", &error));
        }
        reasons
    }
}

fn with_definitions(property: &Value, definitions: Option<&Value>) -> Value {
    let mut property = property.clone();
    if let (Some(object), Some(definitions)) = (property.as_object_mut(), definitions) {
        object.insert("$defs".to_owned(), definitions.clone());
    }
    property
}

/// The top without what is judged per column.
fn whole(top: &Map<String, Value>) -> Result<Validator, String> {
    let mut rest = top.clone();
    rest.remove("properties");
    rest.remove("required");
    validator(&Value::Object(rest))
}

fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::new(schema).map_err(|error| format!("not a JSON Schema: {error}"))
}

fn add(reasons: &mut Vec<Reason>, above: &str, error: &ValidationError) {
    let mut place = format!("{above}{}", error.instance_path().as_str());
    let code = match error.kind() {
        ValidationErrorKind::Required { property } => {
            place.push_str(&pointer(property.as_str().unwrap_or_default()));
            "missing"
        }
        ValidationErrorKind::Type { .. } => "type",
        ValidationErrorKind::MaxLength { .. } => "too-long",
        ValidationErrorKind::MinLength { .. } => "too-short",
        ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Format { .. } => "pattern",
        ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => "not-allowed",
        ValidationErrorKind::MaxItems { .. } => "too-many",
        ValidationErrorKind::Minimum { .. }
        | ValidationErrorKind::Maximum { .. }
        | ValidationErrorKind::ExclusiveMinimum { .. }
        | ValidationErrorKind::ExclusiveMaximum { .. } => "out-of-range",
        _ => "schema",
    };
    if !reasons.iter().any(|known| known.pointer == place) {
        reasons.push(message::reason(code, place, scalar(error.instance()).as_deref()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(schema: &Value, row: &Value) -> Vec<String> {
        let reasons = RowSchema::compile(schema).unwrap().check(row.as_object().unwrap());
        reasons.into_iter().map(|reason| format!("{} {}", reason.code, reason.pointer)).collect()
    }

    #[test]
    fn every_fault_has_its_place() {
        let schema = json!({
            "$defs": {"short": {"type": "string", "maxLength": 2}},
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": {"$ref": "#/$defs/short"},
                "b/c": {"enum": ["x"]},
                "G": {"type": "array", "items": {"type": "object", "required": ["n"], "properties": {"n": {"pattern": "^[0-9]+$"}}}},
            },
        });
        assert_eq!(found(&schema, &json!({"a": "xx", "other": 1})), Vec::<String>::new());
        assert_eq!(found(&schema, &json!({"b/c": "y"})), ["missing /a", "not-allowed /b~1c"]);
        assert_eq!(found(&schema, &json!({"a": "xxx"})), ["too-long /a"]);
        let row = json!({"a": 1, "G": [{"n": "1"}, {"n": "x"}, {}]});
        assert_eq!(found(&schema, &row), ["pattern /G/1/n", "missing /G/2/n", "type /a"]);
    }

    #[test]
    fn rules_over_several_columns_are_judged_too() {
        let schema = json!({"properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}});
        assert_eq!(found(&schema, &json!({"a": 1})).len(), 1);
        assert_eq!(found(&schema, &json!({"a": 1, "b": 2})).len(), 0);
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for schema in [json!([]), json!({}), json!({"properties": {"a": {"type": "text"}}})] {
            assert!(RowSchema::compile(&schema).is_err(), "{schema}");
        }
    }
}
