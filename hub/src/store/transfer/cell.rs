//! One value of a row as either database gives it, and a digest of rows that does not depend on their order.

use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgValue};
use diesel::row::{Field, NamedRow, Row};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use openssl::sha::Sha256;

use crate::error::{Error, Kind, Result};
use crate::id;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number, or a truth as 0 or 1.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row, value by value.
#[derive(Debug)]
pub struct Cells(pub Vec<Cell>);

impl Cell {
    /// Bytes it takes, about.
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// As text.
    pub fn text(self) -> Result<Option<String>> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            other => Err(other.misplaced("text")),
        }
    }

    /// As bytes.
    pub fn bytes(self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Null => Ok(None),
            Self::Bytes(bytes) => Ok(Some(bytes)),
            other => Err(other.misplaced("bytes")),
        }
    }

    /// As a number.
    pub fn number(self) -> Result<Option<i64>> {
        match self {
            Self::Null => Ok(None),
            Self::Number(number) => Ok(Some(number)),
            other => Err(other.misplaced("a number")),
        }
    }

    /// As a small number.
    pub fn small(self) -> Result<Option<i32>> {
        let number = self.number()?;
        number
            .map(|number| i32::try_from(number).map_err(|_| Self::Number(number).misplaced("a small number")))
            .transpose()
    }

    /// As a truth.
    pub fn truth(self) -> Result<Option<bool>> {
        Ok(self.number()?.map(|number| number != 0))
    }

    fn misplaced(&self, wanted: &str) -> Error {
        let is = match self {
            Self::Null => "nothing",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        };
        Error::new(Kind::Internal, format!("a column of {wanted} holds {is}"))
    }

    fn of_sqlite(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(match value.value_type() {
            None => Self::Null,
            Some(SqliteType::Text) => Self::Text(<String as FromSql<Text, Sqlite>>::from_sql(value)?),
            Some(SqliteType::Binary) => Self::Bytes(<Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?),
            Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                Self::Number(<i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?)
            }
            Some(_) => return Err("the hub stores no such value".into()),
        })
    }

    fn of_postgres(value: &PgValue<'_>) -> deserialize::Result<Self> {
        let bytes = value.as_bytes();
        Ok(match value.get_oid().get() {
            BOOL => Self::Number(i64::from(bytes.first() == Some(&1))),
            INT8 => Self::Number(i64::from_be_bytes(bytes.try_into()?)),
            INT4 => Self::Number(i32::from_be_bytes(bytes.try_into()?).into()),
            BYTEA => Self::Bytes(bytes.to_vec()),
            TEXT => Self::Text(String::from_utf8(bytes.to_vec())?),
            other => return Err(format!("the hub stores no value of type {other}").into()),
        })
    }
}

/// Numbers of PostgreSQL's types, fixed for ever.
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;

impl QueryableByName<Sqlite> for Cells {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let cell = |at: usize| {
            let field = Row::get(row, at).ok_or("a row ends early")?;
            field.value().map_or(Ok(Cell::Null), Cell::of_sqlite)
        };
        Ok(Self((0..row.field_count()).map(cell).collect::<deserialize::Result<_>>()?))
    }
}

impl QueryableByName<Pg> for Cells {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let cell = |at: usize| {
            let field = Row::get(row, at).ok_or("a row ends early")?;
            field.value().map_or(Ok(Cell::Null), |value| Cell::of_postgres(&value))
        };
        Ok(Self((0..row.field_count()).map(cell).collect::<deserialize::Result<_>>()?))
    }
}

/// A digest of many rows in any order: the sum of the digests of each.
#[derive(Debug, Default)]
pub struct Digest([u128; 2]);

impl Digest {
    /// Adds a row.
    pub fn add(&mut self, row: &[Cell]) {
        let mut sha = Sha256::new();
        for cell in row {
            let (kind, bytes): (u8, &[u8]) = match cell {
                Cell::Null => (0, &[]),
                Cell::Number(number) => (1, &number.to_be_bytes()),
                Cell::Text(text) => (2, text.as_bytes()),
                Cell::Bytes(bytes) => (3, bytes),
            };
            sha.update(&[kind]);
            sha.update(&(bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        }
        let digest = sha.finish();
        let half = |at: usize| digest[at..at + 16].iter().fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        self.0 = [self.0[0].wrapping_add(half(0)), self.0[1].wrapping_add(half(16))];
    }

    /// As hexadecimal digits.
    pub fn text(&self) -> String {
        id::hex(&self.0.map(u128::to_be_bytes).concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Cell]]) -> String {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest.text()
    }

    #[test]
    fn a_digest_knows_rows_and_not_their_order() {
        let (one, two) = ([Cell::Number(1), Cell::Null], [Cell::Number(2), Cell::Text("二".to_owned())]);
        assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
        assert_ne!(digest(&[&one, &two]), digest(&[&one]));
        assert_ne!(digest(&[&one, &one]), digest(&[&one]), "a row that came twice");
    }

    #[test]
    fn a_digest_knows_where_a_value_ends_and_what_it_is() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_ne!(digest(&[&[text("ab"), text("c")]]), digest(&[&[text("a"), text("bc")]]));
        assert_ne!(digest(&[&[text("1")]]), digest(&[&[Cell::Bytes(b"1".to_vec())]]));
        assert_ne!(digest(&[&[Cell::Null]]), digest(&[&[text("")]]));
    }
}
