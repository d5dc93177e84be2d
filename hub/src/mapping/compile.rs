//! From the declaration of an attribute to its compiled form, with a sentence and a place for whatever is wrong with it.
//!
//! Owns the rules of the mapping format. Reads no row.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::Expression;
use super::steps::{Split, Steps};
use super::transform::Transform;
use super::{Attribute, Joined, OnBlank, Source};
use crate::code::{CodeTable, Lookup, Wanted};
use crate::feed::spec::{AttributeSpec, Blank, OnError, PartSpec};

/// Something wrong with a mapping: the path of keys from the top of the file, and a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Keys and array indices from the top.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
}

/// The columns a mapping reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    /// Columns of the row.
    pub columns: BTreeSet<String>,
    /// Columns of the items of its groups.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// A compiled part.
pub struct Part {
    /// Name of the part.
    pub name: String,
    /// Kind of entity.
    pub entity: String,
    /// Its attributes.
    pub attributes: Vec<(String, Attribute)>,
}

/// Compiles attributes and gathers what they use and what is wrong with them.
pub struct Compiler<'a> {
    tables: &'a BTreeMap<String, CodeTable>,
    /// The columns read so far.
    pub used: Used,
    /// Each place where a column is read: path in the file, group, column.
    pub places: Vec<(Vec<String>, Option<String>, String)>,
    /// What the code tables answer, for the fingerprint.
    pub lookups: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    path: Vec<String>,
    group: Option<String>,
}

impl<'a> Compiler<'a> {
    /// A compiler over these code tables.
    pub fn new(tables: &'a BTreeMap<String, CodeTable>) -> Self {
        Self {
            tables,
            used: Used::default(),
            places: Vec::new(),
            lookups: Vec::new(),
            problems: Vec::new(),
            path: Vec::new(),
            group: None,
        }
    }

    /// Compiles the part at this index of the file.
    pub fn part(&mut self, index: usize, spec: &PartSpec) -> Part {
        self.path = vec!["part".to_owned(), index.to_string(), "attributes".to_owned()];
        let attributes = spec
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let on_error = if matches!(name.as_str(), "name" | "id_no") { OnError::Reject } else { OnError::Drop };
                (name.clone(), self.below(name, |this| this.attribute(attribute, on_error, true)))
            })
            .collect();
        Part { name: spec.name.clone(), entity: spec.entity.clone(), attributes }
    }

    /// Goes back to the top of the file.
    pub fn top(&mut self) {
        self.path.clear();
        self.group = None;
    }

    /// Compiles an expression of the row at a path.
    pub fn expression(&mut self, key: &str, source: &str) -> Option<Expression> {
        match Expression::compile(source) {
            Ok(expression) => {
                for column in expression.columns() {
                    self.read(key, column);
                }
                Some(expression)
            }
            Err(message) => {
                self.problem(key, message);
                None
            }
        }
    }

    /// Notes that a column is read at a key of the present path.
    pub fn read(&mut self, key: &str, column: &str) {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.places.push((path, self.group.clone(), column.to_owned()));
        match &self.group {
            Some(group) => self.used.groups.entry(group.clone()).or_default().insert(column.to_owned()),
            None => self.used.columns.insert(column.to_owned()),
        };
    }

    fn problem(&mut self, key: &str, message: impl Into<String>) {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.problems.push(Problem { path, message: message.into() });
    }

    fn below<T>(&mut self, key: &str, make: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let made = make(self);
        self.path.pop();
        made
    }

    fn attribute(&mut self, spec: &AttributeSpec, inherited: OnError, top: bool) -> Attribute {
        let on_error = spec.on_error.unwrap_or(inherited);
        let on_blank = match spec.blank {
            None | Some(Blank::Nothing) => OnBlank::Nothing,
            Some(Blank::Erases) => OnBlank::Null,
            Some(Blank::Issue) => OnBlank::Issue,
        };
        if on_blank == OnBlank::Null && !top {
            self.problem("blank", "only an attribute itself can be erased, not a field of it");
        }
        let when = spec.when.as_deref().and_then(|source| self.expression("when", source));
        let source = self.source(spec, inherited_below(spec, on_error));
        Attribute { source, when, required: spec.required, on_error, on_blank }
    }

    fn source(&mut self, spec: &AttributeSpec, on_error: OnError) -> Source {
        self.one_source(spec);
        if let Some(column) = &spec.from {
            self.read("from", column);
            return Source::Column { column: column.clone(), steps: self.steps(spec) };
        }
        if !spec.from_all.is_empty() {
            for column in &spec.from_all {
                self.read("from_all", column);
            }
            let joined = Joined { columns: spec.from_all.clone(), join: spec.join.clone() };
            return Source::Joined { joined, steps: self.steps(spec) };
        }
        if let Some(source) = &spec.cel {
            let steps = self.steps(spec);
            return match self.expression("cel", source) {
                Some(expression) => Source::Computed { expression, steps },
                None => Source::Constant(serde_json::Value::Null),
            };
        }
        if !spec.first_of.is_empty() {
            return Source::FirstOf(self.below("first_of", |this| {
                let each = |(index, way): (usize, &AttributeSpec)| {
                    this.below(&index.to_string(), |this| this.attribute(way, on_error, false))
                };
                spec.first_of.iter().enumerate().map(each).collect()
            }));
        }
        if !spec.fields.is_empty() {
            return self.fields(spec, on_error);
        }
        Source::Constant(spec.constant.clone().unwrap_or_default())
    }

    fn fields(&mut self, spec: &AttributeSpec, on_error: OnError) -> Source {
        if let Some(group) = &spec.group {
            if self.group.is_some() {
                self.problem("group", "a group cannot stand in a group");
            }
            self.used.groups.entry(group.clone()).or_default();
        }
        let outer = self.group.clone();
        self.group = spec.group.clone().or(outer.clone());
        let fields = self.below("fields", |this| {
            let each = |(name, field): (&String, &AttributeSpec)| {
                (name.clone(), this.below(name, |this| this.attribute(field, on_error, false)))
            };
            spec.fields.iter().map(each).collect()
        });
        self.group = outer;
        match &spec.group {
            Some(group) => Source::Group { group: group.clone(), fields },
            None if spec.as_list => Source::OneItem(fields),
            None => Source::Object(fields),
        }
    }

    /// Exactly one thing says where the value comes from, and what goes with it only stands beside it.
    fn one_source(&mut self, spec: &AttributeSpec) {
        let sources = [
            spec.from.is_some(),
            !spec.from_all.is_empty(),
            spec.constant.is_some(),
            !spec.fields.is_empty(),
            !spec.first_of.is_empty(),
            spec.cel.is_some(),
        ];
        if sources.iter().filter(|given| **given).count() != 1 {
            let message = "say once where it comes from: `from`, `from_all`, `const`, `fields`, `first_of` or `cel`";
            self.problems.push(Problem { path: self.path.clone(), message: message.to_owned() });
        }
        let text = spec.from.is_some() || !spec.from_all.is_empty() || spec.cel.is_some();
        let list = spec.group.is_some() || spec.as_list;
        let stray = [
            ("with", !spec.with.is_empty() && !text),
            ("codes", spec.codes.is_some() && !text),
            ("group", spec.group.is_some() && spec.fields.is_empty()),
            ("as_list", spec.as_list && spec.fields.is_empty()),
            ("as_list", spec.as_list && spec.group.is_some()),
            ("join", !spec.join.is_empty() && spec.from_all.is_empty()),
            ("item", spec.item.is_some() && (list || !spec.with.iter().any(|step| step.starts_with("split")))),
            ("scheme", spec.scheme.is_some() && spec.codes.is_none()),
            ("variants", !spec.variants.is_empty() && spec.codes.is_none()),
            ("give", spec.give.is_some() && spec.codes.is_none()),
            ("accept", spec.accept.is_some() && spec.codes.is_none()),
        ];
        for (key, _) in stray.into_iter().filter(|(_, stray)| *stray) {
            self.problem(key, format!("`{key}` has nothing to act on here"));
        }
    }

    fn steps(&mut self, spec: &AttributeSpec) -> Steps {
        let mut steps = Steps::default();
        for (index, source) in spec.with.iter().enumerate() {
            let last = index + 1 == spec.with.len();
            match Transform::parse(source) {
                Ok(Transform::Split(separators)) if steps.split.is_none() => {
                    steps.split = Some(Split { separators, item: spec.item.clone() });
                }
                Ok(Transform::Split(_)) => self.problem("with", "a cell can be split once"),
                Ok(transform) => {
                    if transform.is_last() && !(last && spec.codes.is_none()) {
                        self.problem("with", format!("nothing can follow `{source}`"));
                    }
                    steps.transforms.push(transform);
                }
                Err(message) => self.problem("with", message),
            }
        }
        steps.codes = spec.codes.as_deref().and_then(|table| self.lookup(spec, table));
        steps
    }

    fn lookup(&mut self, spec: &AttributeSpec, table: &str) -> Option<Lookup> {
        let wanted = Wanted {
            scheme: spec.scheme.as_deref(),
            variants: &spec.variants,
            give: spec.give.as_deref(),
            accept: spec.accept.as_deref(),
        };
        match Lookup::compile(self.tables, table, wanted) {
            Ok(lookup) => {
                self.lookups.push(lookup.describe());
                Some(lookup)
            }
            Err(message) => {
                self.problem("codes", message);
                None
            }
        }
    }
}

/// Fields of an object or list are dropped one by one, unless the mapping says otherwise of the whole.
fn inherited_below(spec: &AttributeSpec, on_error: OnError) -> OnError {
    if spec.fields.is_empty() { on_error } else { spec.on_error.unwrap_or(OnError::Drop) }
}
