//! From an embedded store to PostgreSQL: every table, row by row, compared by count and digest before it counts.
//!
//! Owns that the source is sealed before the first row is read and that the target is whole or empty. Knows the tables
//! from the source itself, so that a new one is never forgotten.

mod cell;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text};
use serde::Serialize;

use super::conn::{Conn, Purpose};
use super::schema::{foundation as foundation_table, writer};
use super::{Db, foundation};
use crate::error::{Error, Kind, Result};
use crate::id;
use cell::{Cell, Cells, Digest};

/// Rows of one statement, and bytes after which one is not filled further.
const ROWS: usize = 2_000;
const BYTES: usize = 4 << 20;

/// One table of the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// Rows, the same on both sides.
    pub rows: u64,
    /// Digest of all rows in any order, the same on both sides.
    pub digest: String,
}

/// What a copy came to.
#[derive(Debug, Serialize)]
pub struct Transferred {
    /// The epoch of the target.
    pub epoch: String,
    /// Its tables.
    pub tables: Vec<Table>,
}

struct Column {
    name: String,
    kind: Type,
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Big,
    Small,
    Bytes,
    Bool,
}

/// Counts rows as they are read, then as they are compared.
pub type Progress<'a> = &'a dyn Fn(u64);

/// How many rows a copy of the store would read.
pub fn rows(from: &Db) -> Result<u64> {
    let mut source = source(from)?;
    let tables = foundation::tables(&mut source)?;
    tables.iter().try_fold(0, |sum, table| Ok(sum + count(&mut source, table)?))
}

/// Copies a store that nobody writes to into one that holds nothing, and seals it. If anything fails the source is open as
/// before and the target empty.
pub fn transfer(from: &Db, to: &Db, now: i64, progress: Progress) -> Result<Transferred> {
    let mut source = source(from)?;
    let Conn::Pg(mut target) = to.connect(Purpose::Maintaining)? else {
        return Err(
            Error::new(Kind::Invalid, "--to is a postgres:// URL").coded("copy-target", "--to 应为 postgres:// 地址。")
        );
    };
    sealed(&mut source, &to.described(), now)?;
    let copied = in_one_transaction(&mut source, &mut target, progress);
    if copied.is_err() {
        from.unseal()?;
    } else {
        target.batch_execute("ANALYZE")?;
    }
    copied
}

impl Db {
    /// Opens a sealed embedded store again.
    pub fn unseal(&self) -> Result<()> {
        Ok(source(self)?.immediate_transaction(foundation::unseal)?)
    }
}

fn source(from: &Db) -> Result<SqliteConnection> {
    match from.connect(Purpose::Maintaining)? {
        Conn::Sqlite(conn) => Ok(conn),
        Conn::Pg(_) => {
            Err(Error::new(Kind::Invalid, "--from is a sqlite:// URL")
                .coded("copy-source", "--from 应为 sqlite:// 地址。"))
        }
    }
}

fn sealed(source: &mut SqliteConnection, to: &str, now: i64) -> Result<()> {
    source.immediate_transaction(|conn| {
        let found = foundation_table::table.select(foundation::Foundation::as_select()).first(conn)?;
        foundation::open_only(&found)?;
        Ok(foundation::seal(conn, to, now)?)
    })
}

#[expect(clippy::disallowed_methods, reason = "the target is filled whole or not at all")]
fn in_one_transaction(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    progress: Progress,
) -> Result<Transferred> {
    target.transaction(|target| {
        let names = foundation::tables(source)?;
        target.batch_execute("DELETE FROM foundation")?;
        for table in &names {
            empty(target, table)?;
        }
        let mut tables = Vec::new();
        for table in names {
            let columns = columns(source, &table)?;
            let (rows, digest) = copied(source, target, (&table, &columns), progress)?;
            let (arrived, there) = compared(target, (&table, &columns), progress)?;
            if (rows, &digest) != (arrived, &there) {
                return Err(Error::new(
                    Kind::Internal,
                    format!("table {table}: {rows} rows were read and {arrived} arrived, or their digests differ"),
                ));
            }
            tables.push(Table { table, rows, digest });
        }
        let epoch = id::random()?;
        let generation = writer::generation + 1;
        diesel::update(writer::table)
            .set((
                writer::epoch.eq(&epoch),
                writer::holder.eq(""),
                writer::generation.eq(generation),
                writer::lease_until.eq(0_i64),
            ))
            .execute(target)?;
        diesel::update(foundation_table::table)
            .set((foundation_table::sealed.eq(None::<String>), foundation_table::sealed_at.eq(None::<i64>)))
            .execute(target)?;
        Ok(Transferred { epoch, tables })
    })
}

fn empty(target: &mut PgConnection, table: &str) -> Result<()> {
    #[derive(QueryableByName)]
    struct There {
        #[diesel(sql_type = Bool)]
        there: bool,
    }
    let found: There =
        diesel::sql_query(format!("SELECT EXISTS (SELECT 1 FROM \"{table}\") AS there")).get_result(target)?;
    if found.there {
        return Err(Error::new(Kind::Conflict, format!("the target is not empty: table {table} holds rows"))
            .coded("target-not-empty", "目标数据库不是空库。"));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(source: &mut SqliteConnection, table: &str) -> Result<u64> {
    let found: Counted = diesel::sql_query(format!("SELECT COUNT(*) AS count FROM \"{table}\"")).get_result(source)?;
    Ok(found.count.unsigned_abs())
}

fn columns(source: &mut SqliteConnection, table: &str) -> Result<Vec<Column>> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        kind: String,
    }
    let found: Vec<Named> = diesel::sql_query("SELECT name, type AS kind FROM pragma_table_info($1) ORDER BY cid")
        .bind::<Text, _>(table)
        .load(source)?;
    found
        .into_iter()
        .map(|Named { name, kind }| {
            let kind = match kind.as_str() {
                "TEXT" => Type::Text,
                "BIGINT" => Type::Big,
                "INTEGER" => Type::Small,
                "BYTEA" => Type::Bytes,
                "BOOLEAN" => Type::Bool,
                other => return Err(Error::new(Kind::Internal, format!("column {table}.{name} of type {other}"))),
            };
            Ok(Column { name, kind })
        })
        .collect()
}

fn listed(columns: &[Column]) -> String {
    columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

fn copied(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    (table, columns): (&str, &[Column]),
    progress: Progress,
) -> Result<(u64, String)> {
    let query = diesel::sql_query(format!("SELECT {} FROM \"{table}\"", listed(columns)));
    let (mut digest, mut rows, mut batch, mut bytes) = (Digest::default(), 0, Vec::new(), 0);
    for row in query.load_iter::<Cells, DefaultLoadingMode>(source)? {
        let Cells(row) = row?;
        digest.add(&row);
        rows += 1;
        bytes += row.iter().map(Cell::size).sum::<usize>();
        batch.push(row);
        if batch.len() == ROWS || bytes > BYTES {
            progress(batch.len() as u64);
            insert(target, (table, columns), std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }
    progress(batch.len() as u64);
    insert(target, (table, columns), batch)?;
    Ok((rows, digest.text()))
}

/// One statement for many rows: each column is one array.
fn insert(target: &mut PgConnection, (table, columns): (&str, &[Column]), rows: Vec<Vec<Cell>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut by_column: Vec<Vec<Cell>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, cell) in by_column.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    let arrays: Vec<String> =
        (1..).zip(columns).map(|(place, column)| format!("${place}::{}[]", column.kind.name())).collect();
    let sql = format!("INSERT INTO \"{table}\" ({}) SELECT * FROM unnest({})", listed(columns), arrays.join(", "));
    let mut query = diesel::sql_query(sql).into_boxed::<Pg>();
    for (column, cells) in columns.iter().zip(by_column) {
        let cells = cells.into_iter();
        query = match column.kind {
            Type::Text => query.bind::<Array<Nullable<Text>>, _>(cells.map(Cell::text).collect::<Result<Vec<_>>>()?),
            Type::Bytes => {
                query.bind::<Array<Nullable<Binary>>, _>(cells.map(Cell::bytes).collect::<Result<Vec<_>>>()?)
            }
            Type::Big => query.bind::<Array<Nullable<BigInt>>, _>(cells.map(Cell::number).collect::<Result<Vec<_>>>()?),
            Type::Small => {
                query.bind::<Array<Nullable<Integer>>, _>(cells.map(Cell::small).collect::<Result<Vec<_>>>()?)
            }
            Type::Bool => query.bind::<Array<Nullable<Bool>>, _>(cells.map(Cell::truth).collect::<Result<Vec<_>>>()?),
        };
    }
    query.execute(target)?;
    Ok(())
}

/// Reads back what arrived, a few rows at a time.
fn compared(
    target: &mut PgConnection,
    (table, columns): (&str, &[Column]),
    progress: Progress,
) -> Result<(u64, String)> {
    target
        .batch_execute(&format!("DECLARE copied NO SCROLL CURSOR FOR SELECT {} FROM \"{table}\"", listed(columns)))?;
    let (mut digest, mut rows) = (Digest::default(), 0);
    loop {
        let page: Vec<Cells> = diesel::sql_query(format!("FETCH {ROWS} FROM copied")).load(target)?;
        if page.is_empty() {
            break;
        }
        rows += page.len() as u64;
        progress(page.len() as u64);
        page.iter().for_each(|Cells(row)| digest.add(row));
    }
    target.batch_execute("CLOSE copied")?;
    Ok((rows, digest.text()))
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Big => "bigint",
            Self::Small => "integer",
            Self::Bytes => "bytea",
            Self::Bool => "boolean",
        }
    }
}
