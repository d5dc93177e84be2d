//! CEL expressions over a row: conditions and values beyond what transforms can say.
//!
//! The variable `row` holds the row's columns as trimmed strings; a column that is not there is the empty string, so an
//! expression over strings cannot fail for a missing one. Columns are named literally (`row.status`, `row["状态"]`), so
//! that the columns a mapping uses are known before any row comes. Never reads a clock, a file or another row.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators};
use cel::{Context, Env, Program};
use serde_json::{Map, Value};

/// A compiled expression.
pub struct Expression {
    program: Program,
    columns: BTreeSet<String>,
    /// The same as the program where it is made of comparisons with strings alone: no allocation per row.
    test: Option<Test>,
}

/// Comparisons of columns with strings, the usual condition.
enum Test {
    In { column: String, values: Vec<String> },
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

/// The expression could not be computed with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

impl Expression {
    /// Compiles an expression; the error is a sentence for the mapping's author.
    pub fn compile(source: &str) -> Result<Self, String> {
        let program = Program::compile(source).map_err(|error| {
            let message = error.to_string();
            format!("the expression `{source}` is not CEL: {}", message.lines().next().unwrap_or_default())
        })?;
        let mut columns = BTreeSet::new();
        collect(program.expression(), &mut columns)?;
        let test = Test::of(program.expression());
        Ok(Self { program, columns, test })
    }

    /// The columns it reads.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Whether it holds for a row.
    pub fn holds(&self, row: &Map<String, Value>) -> Result<bool, Failed> {
        if let Some(test) = &self.test {
            return Ok(test.holds(row));
        }
        match self.execute(row)? {
            cel::Value::Bool(truth) => Ok(truth),
            _ => Err(Failed),
        }
    }

    /// Its value for a row as JSON; `null` where it says nothing.
    pub fn value(&self, row: &Map<String, Value>) -> Result<Value, Failed> {
        match self.execute(row)? {
            cel::Value::String(text) => Ok(Value::String(text.as_str().to_owned())),
            cel::Value::Int(number) => Ok(Value::from(number)),
            cel::Value::UInt(number) => Ok(Value::from(number)),
            cel::Value::Float(number) => serde_json::Number::from_f64(number).map(Value::Number).ok_or(Failed),
            cel::Value::Bool(truth) => Ok(Value::Bool(truth)),
            cel::Value::Null => Ok(Value::Null),
            _ => Err(Failed),
        }
    }

    fn execute(&self, row: &Map<String, Value>) -> Result<cel::Value, Failed> {
        static ENV: OnceLock<Arc<Env>> = OnceLock::new();
        let env = Arc::clone(ENV.get_or_init(|| Arc::new(Env::stdlib())));
        let values: HashMap<String, cel::Value> =
            self.columns.iter().map(|column| (column.clone(), to_cel(row.get(column)))).collect();
        let mut context = Context::with_env(env);
        context.add_variable_from_value("row", values);
        self.program.execute(&context).map_err(|_| Failed)
    }
}

fn to_cel(value: Option<&Value>) -> cel::Value {
    match value {
        Some(Value::Array(items)) => cel::Value::List(Arc::new(items.iter().map(|item| to_cel(Some(item))).collect())),
        Some(Value::Object(item)) => {
            let map: HashMap<String, cel::Value> =
                item.iter().map(|(name, value)| (name.clone(), to_cel(Some(value)))).collect();
            map.into()
        }
        other => text_of(other).into(),
    }
}

fn text_of(value: Option<&Value>) -> String {
    value.and_then(super::scalar).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Gathers the columns of `row` and refuses any other use of it.
fn collect(expr: &IdedExpr, columns: &mut BTreeSet<String>) -> Result<(), String> {
    if let Some(column) = column_of(expr) {
        columns.insert(column.to_owned());
        return Ok(());
    }
    match &expr.expr {
        Expr::Ident(name) if name == "row" => {
            Err("columns are named literally: row.NAME or row[\"NAME\"]; the row as a whole cannot be used".to_owned())
        }
        Expr::Select(select) if select.test => {
            Err("a missing column is the empty string: compare with \"\"".to_owned())
        }
        Expr::Select(select) => collect(&select.operand, columns),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).try_for_each(|e| collect(e, columns)),
        Expr::List(list) => list.elements.iter().try_for_each(|e| collect(e, columns)),
        Expr::Map(map) => map.entries.iter().try_for_each(|entry| collect_entry(entry, columns)),
        Expr::Struct(made) => made.entries.iter().try_for_each(|entry| collect_entry(entry, columns)),
        Expr::Comprehension(over) => {
            [&over.iter_range, &over.accu_init, &over.loop_cond, &over.loop_step, &over.result]
                .into_iter()
                .try_for_each(|e| collect(e, columns))
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Ok(()),
    }
}

fn collect_entry(entry: &IdedEntryExpr, columns: &mut BTreeSet<String>) -> Result<(), String> {
    match &entry.expr {
        EntryExpr::StructField(field) => collect(&field.value, columns),
        EntryExpr::MapEntry(entry) => collect(&entry.key, columns).and_then(|()| collect(&entry.value, columns)),
    }
}

/// The column that `row.NAME` or `row["NAME"]` names.
fn column_of(expr: &IdedExpr) -> Option<&str> {
    let is_row = |expr: &IdedExpr| matches!(&expr.expr, Expr::Ident(name) if name == "row");
    match &expr.expr {
        Expr::Select(select) if !select.test && is_row(&select.operand) => Some(&select.field),
        Expr::Call(call) if call.func_name == operators::INDEX => match operands(call).as_slice() {
            [row, name] if is_row(row) => literal(name),
            _ => None,
        },
        _ => None,
    }
}

fn operands(call: &CallExpr) -> Vec<&IdedExpr> {
    call.target.as_deref().into_iter().chain(&call.args).collect()
}

fn literal(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

impl Test {
    fn of(expr: &IdedExpr) -> Option<Self> {
        let Expr::Call(call) = &expr.expr else { return None };
        let operands = operands(call);
        match (call.func_name.as_str(), operands.as_slice()) {
            (operators::EQUALS, [left, right]) => Self::equals(left, right),
            (operators::NOT_EQUALS, [left, right]) => Some(Self::Not(Box::new(Self::equals(left, right)?))),
            (operators::IN, [column, list]) => {
                let Expr::List(list) = &list.expr else { return None };
                let values =
                    list.elements.iter().map(|value| literal(value).map(str::to_owned)).collect::<Option<_>>()?;
                Some(Self::In { column: column_of(column)?.to_owned(), values })
            }
            (operators::LOGICAL_NOT, [inner]) => Some(Self::Not(Box::new(Self::of(inner)?))),
            (operators::LOGICAL_AND, [left, right]) => {
                Some(Self::And(Box::new(Self::of(left)?), Box::new(Self::of(right)?)))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Some(Self::Or(Box::new(Self::of(left)?), Box::new(Self::of(right)?)))
            }
            _ => None,
        }
    }

    fn equals(left: &IdedExpr, right: &IdedExpr) -> Option<Self> {
        let (column, value) = match (column_of(left), literal(right)) {
            (Some(column), Some(value)) => (column, value),
            _ => (column_of(right)?, literal(left)?),
        };
        Some(Self::In { column: column.to_owned(), values: vec![value.to_owned()] })
    }

    fn holds(&self, row: &Map<String, Value>) -> bool {
        match self {
            Self::In { column, values } => {
                let text = row.get(column).and_then(super::scalar);
                let text = text.as_deref().unwrap_or_default().trim();
                values.iter().any(|value| value == text)
            }
            Self::Not(inner) => !inner.holds(row),
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Map<String, Value> {
        let Value::Object(row) = json!({"status": " 1 ", "kind": 9, "状态": "正常", "none": null, "G": [{"a": "x"}]})
        else {
            unreachable!("an object was written")
        };
        row
    }

    fn holds(source: &str) -> bool {
        let expression = Expression::compile(source).unwrap();
        let by_cel = expression.execute(&row()).map(|value| value == cel::Value::Bool(true));
        assert_eq!(expression.holds(&row()), by_cel, "{source}");
        by_cel.unwrap()
    }

    #[test]
    fn comparisons_hold_as_cel_says() {
        assert!(holds("row.status == '1'"));
        assert!(holds("'1' == row.status"));
        assert!(holds("row[\"状态\"] != '死亡' && row.kind in ['09', '9']"));
        assert!(holds("!(row.status == '2') || row.none == 'x'"));
        assert!(holds("row.absent == '' && row.none == ''"));
        assert!(!holds("row.status in []"));
    }

    #[test]
    fn beyond_comparisons_cel_itself_answers() {
        assert!(holds("row.status.size() == 1 && row.G.exists(g, g.a == 'x')"));
        let value = Expression::compile("row.status + row.kind").unwrap();
        assert_eq!(value.value(&row()), Ok(json!("19")));
        assert_eq!(value.columns().collect::<Vec<_>>(), ["kind", "status"]);
        assert_eq!(Expression::compile("row.status + 1").unwrap().value(&row()), Err(Failed));
        assert_eq!(Expression::compile("row.status").unwrap().holds(&row()), Err(Failed));
    }

    #[test]
    fn the_columns_must_be_named() {
        for source in ["row == 1", "row[row.status] == 'x'", "has(row.status)", "row.status == ", "size(row) > 1"] {
            assert!(Expression::compile(source).is_err(), "{source}");
        }
    }
}
