//! Evaluating: what an attribute says of the entity, in the columns of one row.

use serde_json::Value;

use super::expression::Expression;
use super::steps::{Site, Steps, filled};
use super::{Attribute, Joined, OnBlank, Run, Said, Scope, Source, message, scalar};
use crate::feed::spec::OnError;

impl Attribute {
    pub(super) fn evaluate(&self, run: &mut Run, scope: Scope) -> Said {
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

    /// Whether its columns are its own, and not those of fields.
    pub(super) fn is_plain(&self) -> bool {
        !matches!(self.source, Source::Object(_) | Source::OneItem(_) | Source::Group { .. })
    }

    /// Whether it is made of this column or group of the row.
    pub fn reads(&self, column: &str) -> bool {
        self.columns().contains(&column)
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
        steps.run(run, Site { scope, column, sent: &text }, self.on_error)
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
        steps.run(run, Site { scope, column, sent: &whole }, self.on_error)
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
                steps.run(run, Site { scope, column, sent: &text }, self.on_error)
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
