//! The compiled mapping of a feed: from the columns of a row to the attributes of its parts.
//!
//! Owns the state of a run over one row; `compile` makes attributes, `evaluate` asks one, `steps` works on a cell. A pure
//! function of the row and of the day the data tell of. Never panics on any JSON, and never lets a bad value pass unsaid:
//! it is a rejection or an issue.

pub mod compile;
pub mod date;
mod evaluate;
pub mod expression;
pub mod message;
pub mod number;
mod steps;
#[cfg(test)]
mod tests;
pub mod text;
pub mod transform;

use std::borrow::Cow;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::feed::spec::OnError;
use crate::reason::Reason;
use expression::Expression;
use steps::Steps;

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

/// Columns that become one text.
struct Joined {
    columns: Vec<String>,
    join: String,
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
    /// Issues that the attribute that is read now has as well.
    again: Vec<usize>,
}

/// Where columns are read: the row, or an item of one of its groups.
#[derive(Clone, Copy)]
struct Scope<'a> {
    columns: &'a Map<String, Value>,
    item: Option<(&'a str, usize)>,
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
        Self { schema, told_on, rejections: Vec::new(), issues: Vec::new(), again: Vec::new() }
    }

    /// Maps the attributes of the part of this name.
    pub fn part(
        &mut self,
        part: &str,
        attributes: &[(String, Attribute)],
        row: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, attribute) in attributes {
            let noted = self.noted();
            self.add(&mut object, (name, attribute), Scope { columns: row, item: None });
            if self.noted() != noted || !self.again.is_empty() {
                self.told_of(noted, &format!("{part}/{name}"), attribute.is_plain());
            }
        }
        object
    }

    /// An object, and whether it has all its required fields.
    fn object(&mut self, fields: &[(String, Attribute)], scope: Scope) -> (Map<String, Value>, bool) {
        let mut object = Map::new();
        let mut complete = true;
        for (name, attribute) in fields {
            complete &= self.add(&mut object, (name, attribute), scope);
        }
        (object, complete)
    }

    /// Adds a field to an object, and says whether it is there if it has to be.
    fn add(&mut self, object: &mut Map<String, Value>, (name, attribute): (&str, &Attribute), scope: Scope) -> bool {
        match attribute.evaluate(self, scope) {
            Said::Value(value) => drop(object.insert(name.to_owned(), value)),
            Said::Blank if attribute.on_blank == OnBlank::Null => drop(object.insert(name.to_owned(), Value::Null)),
            Said::Blank | Said::Nothing | Said::Bad => return !attribute.required,
        }
        true
    }

    /// What was noted since then is of this attribute. So is what another one has noted before, where the column is this
    /// one's own and not a field's: of a marriage, the woman's name is read as that of the man's spouse first.
    fn told_of(&mut self, (rejections, issues): (usize, usize), attribute: &str, is_plain: bool) {
        let again = std::mem::take(&mut self.again);
        for index in again.into_iter().filter(|_| is_plain) {
            if let Some(known) = self.issues.get_mut(index) {
                known.attribute = Some(attribute.to_owned());
            }
        }
        for reason in self.rejections[rejections..].iter_mut().chain(&mut self.issues[issues..]) {
            reason.attribute = Some(attribute.to_owned());
        }
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
        match list.iter().position(|known| known.code == reason.code && known.pointer == reason.pointer) {
            None => list.push(reason),
            Some(known) if on_error == OnError::Drop => self.again.push(known),
            Some(_) => {}
        }
    }

    /// How many reasons were noted.
    fn noted(&self) -> (usize, usize) {
        (self.rejections.len(), self.issues.len())
    }

    /// Takes back what was noted since then.
    fn forget(&mut self, (rejections, issues): (usize, usize)) -> (Vec<Reason>, Vec<Reason>) {
        (self.rejections.split_off(rejections), self.issues.split_off(issues))
    }

    /// Notes again what was taken back.
    fn remember(&mut self, (mut rejections, mut issues): (Vec<Reason>, Vec<Reason>)) {
        self.rejections.append(&mut rejections);
        self.issues.append(&mut issues);
    }

    /// The schema's reason for a pointer or for what stands above it.
    fn refused(&self, pointer: &str) -> Option<&'a Reason> {
        self.schema.iter().find(|reason| {
            pointer.strip_prefix(&reason.pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                && !reason.pointer.is_empty()
        })
    }
}
