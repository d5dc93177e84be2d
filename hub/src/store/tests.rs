//! What is written of the store's tables elsewhere, compared with the tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use super::{Conn, Db};
use crate::config::DatabaseConfig;

const SCHEMA: &str = include_str!("schema.rs");
const DOCUMENT: &str = include_str!("../../docs/architecture.md");

/// The columns of a table, each with its type in the words of the migrations.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    required: i64,
}

/// The tables as `schema.rs` tells diesel.
fn declared() -> Tables {
    let mut tables = Tables::new();
    let mut table = "";
    for line in SCHEMA.lines() {
        if let Some((column, kind)) = line.trim().strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            let of = tables.get_mut(table).expect("a table before its columns");
            of.insert(column.to_owned(), in_sql(kind));
        } else if let Some((name, _)) = line.strip_prefix("    ").and_then(|line| line.split_once(" (")) {
            table = name;
            tables.insert(name.to_owned(), BTreeMap::new());
        }
    }
    tables
}

fn in_sql(kind: &str) -> String {
    let optional = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
    let plain = match optional.unwrap_or(kind) {
        "Text" => "TEXT",
        "BigInt" => "BIGINT",
        "Integer" => "INTEGER",
        "Binary" => "BYTEA",
        "Bool" => "BOOLEAN",
        other => other,
    };
    if optional.is_some() { plain.to_owned() } else { format!("{plain} NOT NULL") }
}

/// The tables as the migrations make them.
fn migrated() -> Tables {
    let folder = tempfile::TempDir::new().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("hub.db").display());
    let db = Db::open(&DatabaseConfig { url, ..DatabaseConfig::default() }, "test").expect("a store");
    db.prepare().expect("the migrations");
    let columns: Vec<Column> = db
        .read(|conn| {
            let Conn::Sqlite(conn) = conn else { unreachable!("a SQLite store was opened") };
            Ok(sql_query(
                "SELECT m.name AS \"table\", c.name AS \"column\", c.type AS kind, c.\"notnull\" AS required \
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'",
            )
            .load(conn)?)
        })
        .expect("the columns");
    let mut tables = Tables::new();
    for Column { table, column, kind, required } in columns {
        let kind = if required == 0 { kind } else { format!("{kind} NOT NULL") };
        tables.entry(table).or_default().insert(column, kind);
    }
    tables
}

#[test]
fn the_schema_is_what_the_migrations_make() {
    assert_eq!(declared(), migrated());
}

/// The names in backquotes of a cell.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_plaintext_column_is_listed_in_the_document() {
    let (_, list) = DOCUMENT.split_once("| table | plaintext columns |").expect("the list");
    let rows = list.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            (names(cells[1]).into_iter().next().expect("a table"), names(cells[2]))
        })
        .collect();
    let mut stored = BTreeMap::new();
    for (table, columns) in migrated() {
        let texts = columns.into_iter().filter(|(name, kind)| name != "id" && kind.starts_with("TEXT"));
        let texts: BTreeSet<String> = texts.map(|(name, _)| name).collect();
        if !texts.is_empty() {
            stored.insert(table, texts);
        }
    }
    assert_eq!(listed, stored);
}
