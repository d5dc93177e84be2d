//! The bulk paths: all that one transaction of the writer stores, each table in one statement. COPY in its binary form on
//! PostgreSQL, prepared statements on SQLite.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use super::conn::Conn;
use super::contribution::Row;
use super::entity::{Entity, Version};
use super::past_link::PastLink;
use super::schema::{contribution, contribution_alias, entity, entity_version, past_link};
use crate::error::Result;

/// How many ids one statement names: SQLite takes at most 32,766 values.
const IDS: usize = 8_000;

/// What a transaction of the writer stores.
#[derive(Debug, Default)]
pub struct Writes {
    /// Contributions that stand from now on, whole.
    pub contributions: Vec<Row>,
    /// The ids of those among them that stood before.
    pub replaced: Vec<Vec<u8>>,
    /// Contributions that are only moved to another place.
    pub moved: Vec<Moved>,
    /// Contributions whose stored aliases are forgotten.
    pub alias_owners: Vec<Vec<u8>>,
    /// Aliases they carry from now on.
    pub aliases: Vec<Carried>,
    /// Places that contributions have left.
    pub left: Vec<PastLink>,
    /// Versions appended.
    pub versions: Vec<Version>,
    /// Entities that are new.
    pub entities: Vec<Entity>,
    /// Entities that were there and stand at another version from now on.
    pub advanced: Vec<Entity>,
}

/// An alias and who carries it.
#[derive(Debug, Insertable)]
#[diesel(table_name = contribution_alias, treat_none_as_default_value = false)]
pub struct Carried {
    /// Token of the department's number.
    pub alias: Vec<u8>,
    /// The contribution.
    pub contribution: Vec<u8>,
}

/// Where a contribution belongs now.
#[derive(Debug)]
pub struct Moved {
    /// The contribution.
    pub id: Vec<u8>,
    /// `key`, `alias`, or why it has no entity.
    pub link: String,
    /// The entity it belongs to.
    pub entity: Option<Vec<u8>>,
    /// Since when, microseconds since 1970.
    pub linked_at: i64,
}

impl Writes {
    /// Appends a version and lets its entity stand at it.
    pub fn append(&mut self, entity: Entity, version: Version) {
        let list = if entity.version == 1 { &mut self.entities } else { &mut self.advanced };
        list.push(entity);
        self.versions.push(version);
    }
}

/// Stores all of it.
pub fn write(conn: &mut Conn, writes: &Writes) -> Result<()> {
    for ids in writes.alias_owners.chunks(IDS) {
        diesel::delete(contribution_alias::table.filter(contribution_alias::contribution.eq_any(ids))).execute(conn)?;
    }
    for ids in writes.replaced.chunks(IDS) {
        diesel::delete(contribution::table.filter(contribution::id.eq_any(ids))).execute(conn)?;
    }
    contributions(conn, &writes.contributions)?;
    aliases(conn, &writes.aliases)?;
    move_all(conn, &writes.moved)?;
    left(conn, &writes.left)?;
    versions(conn, &writes.versions)?;
    advance(conn, &writes.advanced)?;
    entities(conn, &writes.entities)
}

/// Gives entities that are there another version.
fn advance(conn: &mut Conn, entities: &[Entity]) -> Result<()> {
    match conn {
        _ if entities.is_empty() => {}
        Conn::Pg(c) => {
            let ids: Vec<&[u8]> = entities.iter().map(|entity| entity.id.as_slice()).collect();
            let states: Vec<&str> = entities.iter().map(|entity| entity.state.as_str()).collect();
            let numbers = |number: fn(&Entity) -> i64| entities.iter().map(number).collect::<Vec<_>>();
            let communities: Vec<Option<&str>> = entities.iter().map(|entity| entity.community.as_deref()).collect();
            diesel::sql_query(
                "UPDATE entity SET state = n.state, version = n.version, seq = n.seq, community = n.community, \
                 changed_at = n.changed_at \
                 FROM unnest($1, $2, $3, $4, $5, $6) AS n (id, state, version, seq, changed_at, community) \
                 WHERE entity.id = n.id",
            )
            .bind::<Array<Binary>, _>(ids)
            .bind::<Array<Text>, _>(states)
            .bind::<Array<BigInt>, _>(numbers(|entity| entity.version))
            .bind::<Array<BigInt>, _>(numbers(|entity| entity.seq))
            .bind::<Array<BigInt>, _>(numbers(|entity| entity.changed_at))
            .bind::<Array<Nullable<Text>>, _>(communities)
            .execute(c)?;
        }
        Conn::Sqlite(c) => {
            for Entity { id, state, version, seq, community, changed_at, .. } in entities {
                let columns = (
                    entity::state.eq(state),
                    entity::version.eq(version),
                    entity::seq.eq(seq),
                    entity::community.eq(community),
                    entity::changed_at.eq(changed_at),
                );
                diesel::update(entity::table.find(id)).set(columns).execute(c)?;
            }
        }
    }
    Ok(())
}

fn contributions(conn: &mut Conn, rows: &Vec<Row>) -> Result<()> {
    fill(
        conn,
        rows,
        |c, rows| diesel::copy_from(contribution::table).from_insertable(rows).execute(c),
        |c, row| diesel::insert_into(contribution::table).values(row).execute(c),
    )
}

fn aliases(conn: &mut Conn, rows: &Vec<Carried>) -> Result<()> {
    fill(
        conn,
        rows,
        |c, rows| diesel::copy_from(contribution_alias::table).from_insertable(rows).execute(c),
        |c, row| diesel::insert_into(contribution_alias::table).values(row).execute(c),
    )
}

fn left(conn: &mut Conn, rows: &Vec<PastLink>) -> Result<()> {
    fill(
        conn,
        rows,
        |c, rows| diesel::copy_from(past_link::table).from_insertable(rows).execute(c),
        |c, row| diesel::insert_into(past_link::table).values(row).execute(c),
    )
}

fn versions(conn: &mut Conn, rows: &Vec<Version>) -> Result<()> {
    fill(
        conn,
        rows,
        |c, rows| diesel::copy_from(entity_version::table).from_insertable(rows).execute(c),
        |c, row| diesel::insert_into(entity_version::table).values(row).execute(c),
    )
}

fn entities(conn: &mut Conn, rows: &Vec<Entity>) -> Result<()> {
    fill(
        conn,
        rows,
        |c, rows| diesel::copy_from(entity::table).from_insertable(rows).execute(c),
        |c, row| diesel::insert_into(entity::table).values(row).execute(c),
    )
}

/// Fills a table: by one COPY, or by one prepared statement that SQLite runs for each row.
fn fill<T>(
    conn: &mut Conn,
    rows: &Vec<T>,
    copy: impl Fn(&mut PgConnection, &Vec<T>) -> QueryResult<usize>,
    insert: impl Fn(&mut SqliteConnection, &T) -> QueryResult<usize>,
) -> Result<()> {
    match conn {
        Conn::Pg(_) if rows.is_empty() => {}
        Conn::Pg(c) => drop(copy(c, rows)?),
        Conn::Sqlite(c) => {
            for row in rows {
                insert(c, row)?;
            }
        }
    }
    Ok(())
}

fn move_all(conn: &mut Conn, moved: &[Moved]) -> Result<()> {
    match conn {
        _ if moved.is_empty() => {}
        Conn::Pg(c) => {
            let ids: Vec<&[u8]> = moved.iter().map(|moved| moved.id.as_slice()).collect();
            let links: Vec<&str> = moved.iter().map(|moved| moved.link.as_str()).collect();
            let entities: Vec<Option<&[u8]>> = moved.iter().map(|moved| moved.entity.as_deref()).collect();
            diesel::sql_query(
                "UPDATE contribution SET link = n.link, entity = n.entity, linked_at = n.linked_at \
                 FROM unnest($1, $2, $3, $4) AS n (id, link, entity, linked_at) WHERE contribution.id = n.id",
            )
            .bind::<Array<Binary>, _>(ids)
            .bind::<Array<Text>, _>(links)
            .bind::<Array<Nullable<Binary>>, _>(entities)
            .bind::<Array<BigInt>, _>(moved.iter().map(|moved| moved.linked_at).collect::<Vec<_>>())
            .execute(c)?;
        }
        Conn::Sqlite(c) => {
            for Moved { id, link, entity, linked_at } in moved {
                diesel::update(contribution::table.find(id))
                    .set((
                        contribution::link.eq(link),
                        contribution::entity.eq(entity),
                        contribution::linked_at.eq(linked_at),
                    ))
                    .execute(c)?;
            }
        }
    }
    Ok(())
}
