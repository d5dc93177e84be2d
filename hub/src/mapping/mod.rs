//! The compiled mapping of a feed: from the columns of a row to the attributes of its parts.
//!
//! Owns evaluating; compiling is `compile`, single cells are `transform`. A pure function of the row and of the day the
//! data tell of. Never panics on any JSON, and never lets a bad value pass unsaid: it is a rejection or an issue.

pub mod compile;
pub mod date;
pub mod expression;
pub mod message;
pub mod number;
#[cfg(test)]
mod tests;
pub mod text;
pub mod transform;

use std::borrow::Cow;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::code::{Found, Lookup};
use crate::feed::spec::OnError;
use crate::reason::Reason;
use expression::Expression;
use transform::{Cell, Transform};

/// What one attribute or field is made from.
pub struct Attribute {
    source: Source,
    when: Option<Expression>,
    required: bool,
    on_error: OnError,
    on_blank: OnBlank,
}

enum Source {
    Column { column: String, steps: Steps },
    Joined { joined: Joined, steps: Steps },
    Constant(Value),
    Object(Vec<(String, Attribute)>),
    Group { group: String, fields: Vec<(String, Attribute)> },
    OneItem(Vec<(String, Attribute)>),
    FirstOf(Vec<Attribute>),
    Computed { expression: Expression, steps: Steps },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnBlank {
    Nothing,
    Null,
    Issue,
}

/// What is done with a cell: it is split, where it holds several values; each goes through transforms and a code table.
#[derive(Default)]
struct Steps {
    split: Option<Split>,
    transforms: Vec<Transform>,
    codes: Option<Lookup>,
}

/// Columns that become one text.
struct Joined {
    columns: Vec<String>,
    join: String,
}

struct Split {
    separators: Vec<char>,
    item: Option<String>,
}

/// What an attribute says about the entity.
enum Said {
    Value(Value),
    Blank,
    /// It does not apply to this row.
    Nothing,
    /// It was bad; the reason has been noted.
    Bad,
}

/// The state of mapping one row: what was found wrong so far.
pub struct Run<'a> {
    /// What the schema found wrong; a column in it is not read.
    pub schema: &'a [Reason],
    /// The day the data tell of.
    pub told_on: Option<NaiveDate>,
    /// Why the record is rejected.
    pub rejections: Vec<Reason>,
    /// Attributes dropped or kept with a doubt.
    pub issues: Vec<Reason>,
}

/// Where columns are read: the row, or an item of one of its groups.
#[derive(Clone, Copy)]
struct Scope<'a> {
    columns: &'a Map<String, Value>,
    item: Option<(&'a str, usize)>,
}

/// The cell a value comes from, for the reason if it is bad.
#[derive(Clone, Copy)]
struct Site<'a> {
    scope: Scope<'a>,
    column: &'a str,
    sent: &'a str,
}

impl Site<'_> {
    fn reason(&self, code: &str) -> Reason {
        message::reason(code, self.scope.pointer(self.column), Some(self.sent))
    }
}

/// The text of a JSON scalar; `None` for null, arrays and objects.
pub fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(plain(number))),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number that a spreadsheet holds as a float is written as what it is.
fn plain(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// The pointer of a column, escaped as RFC 6901 wants.
pub fn pointer(column: &str) -> String {
    format!("/{}", column.replace('~', "~0").replace('/', "~1"))
}

impl<'a> Scope<'a> {
    fn pointer(&self, column: &str) -> String {
        match self.item {
            Some((group, index)) => format!("{}/{index}{}", pointer(group), pointer(column)),
            None => pointer(column),
        }
    }
}

impl<'a> Run<'a> {
    /// A run over a row of which the schema found these things wrong.
    pub fn new(schema: &'a [Reason], told_on: Option<NaiveDate>) -> Self {
        Self { schema, told_on, rejections: Vec::new(), issues: Vec::new() }
    }

    /// Maps the attributes of one part.
    pub fn part(&mut self, attributes: &[(String, Attribute)], row: &Map<String, Value>) -> Map<String, Value> {
        self.object(attributes, Scope { columns: row, item: None }).0
    }

    /// An object, and whether it has all its required fields.
    fn object(&mut self, fields: &[(String, Attribute)], scope: Scope) -> (Map<String, Value>, bool) {
        let mut object = Map::new();
        let mut complete = true;
        for (name, attribute) in fields {
            match attribute.evaluate(self, scope) {
                Said::Value(value) => drop(object.insert(name.clone(), value)),
                Said::Blank if attribute.on_blank == OnBlank::Null => drop(object.insert(name.clone(), Value::Null)),
                Said::Blank | Said::Nothing | Said::Bad => complete &= !attribute.required,
            }
        }
        (object, complete)
    }

    /// An object that is nothing without its required fields.
    fn whole(&mut self, fields: &[(String, Attribute)], scope: Scope) -> Option<Value> {
        let (object, complete) = self.object(fields, scope);
        (complete && !object.is_empty()).then_some(Value::Object(object))
    }

    fn note(&mut self, on_error: OnError, reason: Reason) {
        let list = match on_error {
            OnError::Reject => &mut self.rejections,
            OnError::Drop => &mut self.issues,
        };
        if !list.iter().any(|known| known.code == reason.code && known.pointer == reason.pointer) {
            list.push(reason);
        }
    }

    /// The schema's reason for a pointer or for what stands above it.
    fn refused(&self, pointer: &str) -> Option<&'a Reason> {
        self.schema.iter().find(|reason| {
            pointer.strip_prefix(&reason.pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                && !reason.pointer.is_empty()
        })
    }
}

impl Attribute {
    fn evaluate(&self, run: &mut Run, scope: Scope) -> Said {
        match self.when.as_ref().map(|when| when.holds(scope.columns)) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => return Said::Nothing,
            Some(Err(_)) => return self.bad(run, "expression-failed", self.place(scope)),
        }
        let said = match &self.source {
            Source::Column { column, steps } => self.column(run, scope, column, steps),
            Source::Joined { joined, steps } => self.joined(run, scope, joined, steps),
            Source::Constant(value) => Said::Value(value.clone()),
            Source::Object(fields) => run.whole(fields, scope).map_or(Said::Blank, Said::Value),
            Source::OneItem(fields) => {
                run.whole(fields, scope).map_or(Said::Blank, |item| Said::Value(Value::Array(vec![item])))
            }
            Source::Group { group, fields } => self.group(run, scope, group, fields),
            Source::FirstOf(ways) => first_of(ways, run, scope),
            Source::Computed { expression, steps } => self.computed(run, scope, expression, steps),
        };
        match said {
            Said::Blank if self.required => self.bad(run, "value-missing", self.place(scope)),
            Said::Blank if self.on_blank == OnBlank::Issue => {
                run.note(OnError::Drop, message::reason("value-missing", self.place(scope), None));
                Said::Blank
            }
            said => said,
        }
    }

    fn bad(&self, run: &mut Run, code: &str, pointer: String) -> Said {
        run.note(self.on_error, message::reason(code, pointer, None));
        Said::Bad
    }

    /// The pointer of the first column it reads.
    fn place(&self, scope: Scope) -> String {
        self.columns().first().map(|column| scope.pointer(column)).unwrap_or_default()
    }

    fn columns(&self) -> Vec<&str> {
        match &self.source {
            Source::Column { column, .. } => vec![column],
            Source::Joined { joined, .. } => joined.columns.iter().map(String::as_str).collect(),
            Source::Constant(_) => Vec::new(),
            Source::Object(fields) | Source::OneItem(fields) => {
                fields.iter().flat_map(|(_, field)| field.columns()).collect()
            }
            Source::Group { group, .. } => vec![group],
            Source::FirstOf(ways) => ways.iter().flat_map(Attribute::columns).collect(),
            Source::Computed { expression, .. } => expression.columns().collect(),
        }
    }

    /// The schema refused the column: its reason stands for this attribute.
    fn refused(&self, run: &mut Run, scope: Scope, column: &str) -> bool {
        if run.schema.is_empty() {
            return false;
        }
        let Some(reason) = run.refused(&scope.pointer(column)) else { return false };
        run.note(self.on_error, reason.clone());
        true
    }

    fn column(&self, run: &mut Run, scope: Scope, column: &str, steps: &Steps) -> Said {
        if self.refused(run, scope, column) {
            return Said::Bad;
        }
        let text = match scope.columns.get(column) {
            None | Some(Value::Null) => return Said::Blank,
            Some(value) => match scalar(value) {
                Some(text) => text,
                None => return self.bad(run, "not-scalar", scope.pointer(column)),
            },
        };
        self.run_steps(run, Site { scope, column, sent: &text }, steps)
    }

    fn joined(&self, run: &mut Run, scope: Scope, joined: &Joined, steps: &Steps) -> Said {
        let mut whole = String::new();
        for column in &joined.columns {
            if self.refused(run, scope, column) {
                return Said::Bad;
            }
            let Some(text) = scope.columns.get(column).and_then(scalar) else { continue };
            let text = text.trim();
            if !text.is_empty() {
                whole.push_str(if whole.is_empty() { "" } else { &joined.join });
                whole.push_str(text);
            }
        }
        let column = joined.columns.first().map(String::as_str).unwrap_or_default();
        self.run_steps(run, Site { scope, column, sent: &whole }, steps)
    }

    fn computed(&self, run: &mut Run, scope: Scope, expression: &Expression, steps: &Steps) -> Said {
        for column in expression.columns() {
            if self.refused(run, scope, column) {
                return Said::Bad;
            }
        }
        match expression.value(scope.columns) {
            Err(_) => self.bad(run, "expression-failed", self.place(scope)),
            Ok(Value::Null) => Said::Blank,
            Ok(Value::String(text)) => {
                let column = expression.columns().next().unwrap_or_default();
                self.run_steps(run, Site { scope, column, sent: &text }, steps)
            }
            Ok(value) => Said::Value(value),
        }
    }

    fn group(&self, run: &mut Run, scope: Scope, group: &str, fields: &[(String, Attribute)]) -> Said {
        // A reason for the group itself; those for columns of its items stand for these alone.
        let own = scope.pointer(group);
        if let Some(reason) = run.schema.iter().find(|reason| reason.pointer == own) {
            run.note(self.on_error, reason.clone());
            return Said::Bad;
        }
        let items = match scope.columns.get(group) {
            None | Some(Value::Null) => return Said::Blank,
            Some(Value::Array(items)) => items,
            Some(_) => return self.bad(run, "not-a-list", own),
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::Object(columns) = item else {
                run.note(self.on_error, message::reason("not-a-list", format!("{own}/{index}"), None));
                continue;
            };
            list.extend(run.whole(fields, Scope { columns, item: Some((group, index)) }));
        }
        filled(list)
    }

    fn run_steps(&self, run: &mut Run, site: Site, steps: &Steps) -> Said {
        let Some(split) = &steps.split else { return self.one(run, site, site.sent, steps) };
        let separated = |c: char| c.is_whitespace() || split.separators.contains(&c);
        let mut list: Vec<Value> = Vec::new();
        let mut bad = false;
        for piece in site.sent.split(separated).filter(|piece| !piece.is_empty()) {
            match self.one(run, site, piece, steps) {
                Said::Value(value) => {
                    let value = match &split.item {
                        Some(field) => Value::Object(Map::from_iter([(field.clone(), value)])),
                        None => value,
                    };
                    if !list.contains(&value) {
                        list.push(value);
                    }
                }
                Said::Bad => bad = true,
                Said::Blank | Said::Nothing => {}
            }
        }
        if list.is_empty() && bad { Said::Bad } else { filled(list) }
    }

    /// One value, the whole cell or a piece of it, through the transforms and the code table.
    fn one(&self, run: &mut Run, site: Site, piece: &str, steps: &Steps) -> Said {
        if piece.trim().is_empty() {
            return Said::Blank;
        }
        let mut text = Cow::Borrowed(piece);
        for transform in &steps.transforms {
            text = match transform.apply(text, run.told_on) {
                Ok(Cell::Text(text)) => text,
                Ok(Cell::Noted(text, code)) => {
                    run.note(OnError::Drop, site.reason(code));
                    text
                }
                Ok(Cell::Json(value)) => return Said::Value(value),
                Ok(Cell::None) => return Said::Blank,
                Err(code) => return self.worthless(run, site, code),
            };
        }
        let Some(codes) = &steps.codes else { return Said::Value(Value::String(text.into_owned())) };
        match codes.find(&text) {
            Found::Code(code) => Said::Value(Value::String(code.into_owned())),
            Found::NoStandard => self.worthless(run, site, "code-no-standard"),
            Found::Ambiguous => self.worthless(run, site, "code-ambiguous"),
            Found::Unknown => self.worthless(run, site, "code-unknown"),
        }
    }

    fn worthless(&self, run: &mut Run, site: Site, code: &str) -> Said {
        run.note(self.on_error, site.reason(code));
        Said::Bad
    }
}

/// An empty list says nothing.
fn filled(list: Vec<Value>) -> Said {
    if list.is_empty() { Said::Blank } else { Said::Value(Value::Array(list)) }
}

fn first_of(ways: &[Attribute], run: &mut Run, scope: Scope) -> Said {
    for way in ways {
        match way.evaluate(run, scope) {
            Said::Blank | Said::Nothing => {}
            said => return said,
        }
    }
    Said::Blank
}
