//! From the files of a feed to the compiled feed, with a finding for whatever is wrong with them.
//!
//! Owns what a mapping may refer to: columns the schema and the format declare, attributes the entity has.

use std::collections::{BTreeMap, BTreeSet};

use adapters::Format;
use openssl::sha::sha256;
use serde_json::Value;

use super::Feed;
use super::check::Finding;
use super::files::{self, Files};
use super::schema::RowSchema;
use super::spec::{AsOfSpec, FeedSpec, Mode};
use crate::code::CodeTable;
use crate::cron::{self, Side};
use crate::id;
use crate::mapping::compile::{Compiler, Problem};
use crate::mapping::transform::TRANSFORMS_VERSION;

/// What feeds are compiled against.
pub struct World<'a> {
    /// All files.
    pub files: &'a Files,
    /// The code tables by name.
    pub tables: &'a BTreeMap<String, CodeTable>,
    /// The entity schemas by kind.
    pub entities: &'a BTreeMap<String, Value>,
}

/// Compiles the feed of a mapping file; what is wrong is added to the findings, and then there is no feed.
pub fn feed(world: &World, path: &str, findings: &mut Vec<Finding>) -> Option<Feed> {
    let before = findings.len();
    let text = match world.files.text(path) {
        Ok(text) => text,
        Err(message) => {
            findings.push(Finding::new(path, 1, message));
            return None;
        }
    };
    let spec: FeedSpec = match toml::from_str(text) {
        Ok(spec) => spec,
        Err(error) => {
            let line = error.span().map_or(1, |span| files::line_at(text, span.start));
            findings.push(Finding::new(path, line, error.message().lines().collect::<Vec<_>>().join("; ")));
            return None;
        }
    };
    let schema_path = schema_path(&spec, path);
    let (schema_json, schema) = row_schema(world, &schema_path, findings)?;
    let mut compiler = Compiler::new(world.tables);
    let parts = spec.parts.iter().enumerate().map(|(index, part)| compiler.part(index, part)).collect();
    let ends_when = own_columns(&mut compiler, &spec);
    let mut problems = std::mem::take(&mut compiler.problems);
    problems.extend(declaration(&spec, path));
    problems.extend(columns(&spec, &schema, &compiler, &schema_path));
    problems.extend(attributes(&spec, world.entities));
    for problem in problems {
        findings.push(Finding::new(path, files::toml_line(text, &problem.path), problem.message));
    }
    if findings.len() > before {
        return None;
    }
    let fingerprint = fingerprint(&spec, &schema_json, &compiler.lookups);
    // What must be there is read by the schema, though no attribute is made of it.
    let mut used = compiler.used;
    let unread = schema.required().iter().filter(|column| !used.groups.contains_key(*column)).cloned();
    used.columns.extend(unread.collect::<Vec<_>>());
    Some(Feed { spec, fingerprint, used, schema, parts, ends_when })
}

/// The declared schema, or the one in the same place as the mapping.
fn schema_path(spec: &FeedSpec, mapping: &str) -> String {
    let place = mapping.trim_start_matches("mappings/").trim_end_matches(".toml");
    spec.schema.as_ref().map_or_else(|| format!("schemas/feeds/{place}.json"), |named| format!("schemas/feeds/{named}"))
}

fn row_schema(world: &World, path: &str, findings: &mut Vec<Finding>) -> Option<(Value, RowSchema)> {
    let text = match world.files.text(path) {
        Ok(text) => text,
        Err(message) => {
            findings.push(Finding::new(path, 1, message));
            return None;
        }
    };
    let schema: Value = match serde_json::from_str(text) {
        Ok(schema) => schema,
        Err(error) => {
            findings.push(Finding::new(path, error.line().max(1), format!("this is not JSON: {error}")));
            return None;
        }
    };
    match RowSchema::compile(&schema) {
        Ok(compiled) => Some((schema, compiled)),
        Err((key, message)) => {
            findings.push(Finding::new(path, files::json_line(text, key.as_deref()), message));
            None
        }
    }
}

/// What the feed itself reads: its key, its end condition, the source's own time.
fn own_columns(compiler: &mut Compiler, spec: &FeedSpec) -> Option<crate::mapping::expression::Expression> {
    compiler.top();
    for column in &spec.key.columns {
        compiler.read("key", column);
    }
    if let Some(updated_at) = &spec.updated_at {
        compiler.read("updated_at", &updated_at.column);
    }
    spec.ends_when.as_deref().and_then(|source| compiler.expression("ends_when", source))
}

fn problem(path: &[&str], message: impl Into<String>) -> Problem {
    Problem { path: path.iter().map(|step| (*step).to_owned()).collect(), message: message.into() }
}

/// What is wrong with the declaration in itself.
fn declaration(spec: &FeedSpec, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if path != format!("mappings/{}.toml", spec.feed) {
        problems.push(problem(&["feed"], format!("`{}` does not agree with the file's place", spec.feed)));
    }
    if spec.title.zh.trim().is_empty() || spec.title.en.trim().is_empty() {
        problems.push(problem(&["title"], "a feed has a title in both languages"));
    }
    if spec.key.columns.is_empty() {
        problems.push(problem(&["key"], "a source key has a column"));
    }
    if spec.mode == Mode::Snapshot && spec.ends_when.is_some() {
        problems
            .push(problem(&["ends_when"], "in a snapshot what is absent has ended: `ends_when` is for delta feeds"));
    }
    if spec.mode == Mode::Delta && matches!(spec.as_of, AsOfSpec::Column { .. }) {
        problems.push(problem(&["as_of"], "the data date of rows can be the as-of of a snapshot only"));
    }
    if let Some(schedule) = &spec.schedule {
        // As the hub asks when it looks what is late.
        if let Err(error) = cron::tick(&schedule.cron, 0, Side::After) {
            problems.push(problem(&["schedule", "cron"], error.context));
        }
        if schedule.missing_after_minutes < schedule.late_after_minutes {
            problems.push(problem(&["schedule", "missing_after_minutes"], "a delivery is late before it is missing"));
        }
    }
    for (key, percent) in
        [("rejected_percent", spec.limits.rejected_percent), ("shrink_percent", spec.limits.shrink_percent)]
    {
        if !(0.0..=100.0).contains(&percent) {
            problems.push(problem(&["limits", key], "percent are between 0 and 100"));
        }
    }
    if let AsOfSpec::FileName { pattern, .. } = &spec.as_of {
        match regex::Regex::new(pattern) {
            Ok(regex) if regex.capture_names().flatten().any(|name| name == "date") => {}
            Ok(_) => problems.push(problem(&["as_of", "pattern"], "the pattern needs the named group `date`")),
            Err(error) => problems.push(problem(&["as_of", "pattern"], format!("not a regular expression: {error}"))),
        }
    }
    let mut names = BTreeSet::new();
    for (index, part) in spec.parts.iter().enumerate() {
        if !names.insert(&part.name) {
            problems.push(problem(&["part", &index.to_string(), "name"], "parts have names of their own"));
        }
    }
    if spec.parts.is_empty() {
        problems.push(problem(&["part"], "a feed has a part"));
    }
    problems
}

/// Every column that is read is in the schema and in the format, and is neither forbidden nor out of purpose.
fn columns(spec: &FeedSpec, schema: &RowSchema, compiler: &Compiler, schema_path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let declared = declared_columns(&spec.format);
    let barred = |column: &str| spec.forbidden.iter().chain(&spec.out_of_purpose).any(|name| name == column);
    for (path, group, column) in &compiler.places {
        let mut wrong = |message: String| problems.push(Problem { path: path.clone(), message });
        match group {
            None if !schema.has_column(column) => wrong(format!("`{column}` is not a column of {schema_path}")),
            Some(group) if !schema.has_group_column(group, column) => {
                wrong(format!("`{column}` is not a column of `{group}` in {schema_path}"));
            }
            _ => {}
        }
        if barred(column) {
            wrong(format!("`{column}` is forbidden or out of purpose and cannot be used"));
        }
        if group.is_none() && declared.as_ref().is_some_and(|declared| !declared.contains(column.as_str())) {
            wrong(format!("the format declares no column `{column}`"));
        }
        if let AsOfSpec::Column { column: as_of, .. } = &spec.as_of
            && as_of == column
        {
            wrong(format!("`{column}` is the as-of and cannot be used besides: it would make every row a changed one"));
        }
    }
    for column in schema.required().iter().filter(|column| barred(column)) {
        problems.push(problem(
            &["schema"],
            format!("{schema_path} requires `{column}`, which is forbidden or out of purpose"),
        ));
    }
    for group in compiler.used.groups.keys().filter(|group| !declares_group(&spec.format, group)) {
        problems.push(problem(&["format", "groups"], format!("the format declares no group `{group}`")));
    }
    problems
}

/// The columns a format names, where it names all of them.
fn declared_columns(format: &Format) -> Option<BTreeSet<&str>> {
    let (positions, headings): (&[String], &[String]) = match format {
        Format::Xml(options) => (&options.positions, &[]),
        Format::Text(options) => (&options.positions, &options.headings),
        Format::Xlsx(options) => (&options.positions, &options.headings),
        Format::Json(_) => (&[], &[]),
    };
    let names = if positions.is_empty() { headings } else { positions };
    (!names.is_empty()).then(|| names.iter().map(String::as_str).collect())
}

fn declares_group(format: &Format, group: &str) -> bool {
    let groups: &[String] = match format {
        Format::Xml(options) => &options.groups,
        Format::Json(options) => &options.groups,
        Format::Text(_) | Format::Xlsx(_) => &[],
    };
    groups.iter().any(|declared| declared == group)
}

/// Every attribute is one the entity has, as far as its schema is here.
fn attributes(spec: &FeedSpec, entities: &BTreeMap<String, Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, part) in spec.parts.iter().enumerate() {
        let index = index.to_string();
        let Some(entity) = entities.get(&part.entity) else {
            if !entities.is_empty() {
                problems.push(problem(&["part", &index, "entity"], format!("there is no entity `{}`", part.entity)));
            }
            continue;
        };
        let Some(properties) = entity.get("properties").and_then(Value::as_object) else { continue };
        for (name, attribute) in &part.attributes {
            let place = ["part", &index, "attributes", name];
            let Some(property) = properties.get(name) else {
                problems.push(problem(&place, format!("the entity `{}` has no attribute `{name}`", part.entity)));
                continue;
            };
            let fields =
                property.get("properties").or(property.pointer("/items/properties")).and_then(Value::as_object);
            for field in attribute.fields.keys().chain(&attribute.item) {
                if fields.is_some_and(|fields| !fields.contains_key(field)) {
                    let message = format!("the attribute `{name}` of `{}` has no field `{field}`", part.entity);
                    problems.push(problem(&[&place[..], &["fields", field]].concat(), message));
                }
            }
        }
    }
    problems
}

/// Over what bears on a contribution, and nothing else: a new title or schedule makes no record a changed one.
fn fingerprint(spec: &FeedSpec, schema: &Value, lookups: &[String]) -> String {
    let parts: Vec<Value> = spec.parts.iter().filter_map(|part| serde_json::to_value(part).ok()).collect();
    let rules = serde_json::json!({
        "transforms": TRANSFORMS_VERSION,
        "feed": spec.feed,
        "key": serde_json::to_value(&spec.key).unwrap_or_default(),
        "updated_at": serde_json::to_value(&spec.updated_at).unwrap_or_default(),
        "ends_when": spec.ends_when,
        "parts": parts,
        "schema": schema,
        "codes": lookups,
    });
    id::hex(&sha256(rules.to_string().as_bytes())[..16])
}
