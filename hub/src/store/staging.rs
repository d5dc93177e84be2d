//! The staging list of an inspected delivery, in pages: which row has which key, and what inspect thinks of it. Disposable: it
//! can be made again from the landed bytes.
//!
//! A page is one row of the table, so that staging a register costs a database next to nothing. What needs the list as a
//! set of keys is in [`sets`]. Nothing here holds more than a page or what it is asked for.

mod page;
pub mod sets;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::conn::Conn;
use super::schema::staging;
use crate::error::Result;
use crate::keyring::Token;
use page::Page;
pub use page::{Mark, Staged};

/// Pages read at once.
const PAGES: i64 = 16;

/// How many rows of a delivery are marked how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Totals {
    /// Rows marked [`Mark::Changed`].
    #[diesel(sql_type = BigInt)]
    pub changed: i64,
    /// Rows marked [`Mark::Unchanged`].
    #[diesel(sql_type = BigInt)]
    pub unchanged: i64,
    /// Rows marked [`Mark::Stale`].
    #[diesel(sql_type = BigInt)]
    pub stale: i64,
    /// Rows marked [`Mark::Rejected`].
    #[diesel(sql_type = BigInt)]
    pub rejected: i64,
    /// Rows without a readable key, however they are marked.
    #[diesel(sql_type = BigInt)]
    pub keyless: i64,
    /// Keys under which something live was stored when they were inspected.
    #[diesel(sql_type = BigInt)]
    pub present: i64,
    /// Rows marked [`Mark::Changed`] under whose keys nothing live was stored.
    #[diesel(sql_type = BigInt)]
    pub fresh: i64,
}

impl Totals {
    /// All rows.
    pub fn rows(&self) -> i64 {
        self.changed + self.unchanged + self.stale + self.rejected
    }
}

/// Which pages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those with a row marked [`Mark::Changed`].
    Changed,
    /// Those with a row marked [`Mark::Rejected`] or without a key.
    Bad,
}

/// Appends rows that follow each other to the list.
pub fn put(conn: &mut Conn, delivery: &str, rows: &[Staged]) -> Result<()> {
    if let Some(page) = Page::of(delivery, rows) {
        diesel::insert_into(staging::table).values(&page).execute(conn)?;
    }
    Ok(())
}

/// Forgets a delivery's list.
pub fn clear(conn: &mut Conn, delivery: &str) -> Result<()> {
    diesel::delete(staging::table.filter(staging::delivery.eq(delivery))).execute(conn)?;
    Ok(())
}

/// Forgets the page that begins with a position.
pub fn clear_page(conn: &mut Conn, delivery: &str, first: i64) -> Result<()> {
    diesel::delete(staging::table.find((delivery, first))).execute(conn)?;
    Ok(())
}

/// Forgets the lists whose names begin with `prefix` and come before `before`: what a hub left that died in between.
pub fn forget(conn: &mut Conn, prefix: &str, before: &str) -> Result<()> {
    let found = staging::table.filter(staging::delivery.ge(prefix)).filter(staging::delivery.lt(before));
    diesel::delete(found).execute(conn)?;
    Ok(())
}

/// How many rows are marked how.
pub fn totals(conn: &mut Conn, delivery: &str) -> Result<Totals> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}");
    let sums = ["changed", "unchanged", "stale", "rejected", "keyless", "present", "fresh"].map(sum).join(", ");
    Ok(diesel::sql_query(format!("SELECT {sums} FROM staging WHERE delivery = $1"))
        .bind::<Text, _>(delivery)
        .get_result(conn)?)
}

/// Shows the rows of some pages in the order of positions, from the first page that ends after `after` on, until `take`
/// has seen enough and answers `false`.
pub fn each(
    conn: &mut Conn,
    delivery: &str,
    from: (Which, i64),
    take: &mut dyn FnMut(Staged) -> Result<bool>,
) -> Result<()> {
    each_page(conn, delivery, from, &mut |_, page| {
        for row in page.rows()? {
            if !take(row)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

fn each_page(
    conn: &mut Conn,
    delivery: &str,
    (which, mut after): (Which, i64),
    take: &mut dyn FnMut(&mut Conn, &Page) -> Result<bool>,
) -> Result<()> {
    loop {
        let pages = pages(conn, delivery, which, after)?;
        let Some(last) = pages.last() else { return Ok(()) };
        after = last.last;
        for page in &pages {
            if !take(conn, page)? {
                return Ok(());
            }
        }
    }
}

fn pages(conn: &mut Conn, delivery: &str, which: Which, after: i64) -> Result<Vec<Page>> {
    let mut found = staging::table
        .filter(staging::delivery.eq(delivery))
        .filter(staging::last.gt(after))
        .order(staging::first)
        .limit(PAGES)
        .into_boxed();
    found = match which {
        Which::All => found,
        Which::Changed => found.filter(staging::changed.gt(0)),
        Which::Bad => found.filter(staging::rejected.gt(0).or(staging::keyless.gt(0))),
    };
    Ok(found.select(Page::as_select()).load(conn)?)
}

/// The positions of rows marked [`Mark::Changed`] after `after`, in order.
pub fn changed_after(conn: &mut Conn, delivery: &str, after: i64, limit: usize) -> Result<Vec<i64>> {
    let mut positions = Vec::new();
    each(conn, delivery, (Which::Changed, after), &mut |row| {
        positions.extend((row.mark == Mark::Changed && row.position > after).then_some(row.position));
        Ok(positions.len() < limit)
    })?;
    Ok(positions)
}

/// The hashes of the rows without a readable key.
pub fn keyless(conn: &mut Conn, delivery: &str) -> Result<Vec<Vec<u8>>> {
    let mut hashes = std::collections::BTreeSet::new();
    each(conn, delivery, (Which::Bad, 0), &mut |row| {
        hashes.extend(row.hash.filter(|_| row.key.is_none()));
        Ok(true)
    })?;
    Ok(hashes.into_iter().map(Token::to_vec).collect())
}

/// How the rows of a delivery are marked, in the order of positions.
pub fn marks(conn: &mut Conn, delivery: &str) -> Result<Vec<(i64, Mark)>> {
    let mut marks = Vec::new();
    each(conn, delivery, (Which::All, 0), &mut |row| {
        marks.push((row.position, row.mark));
        Ok(true)
    })?;
    Ok(marks)
}

/// Marks the rows at these positions, which are in order, and lets them speak for no key any more.
pub fn mark_at(conn: &mut Conn, delivery: &str, positions: &[i64], mark: Mark) -> Result<()> {
    let Some(first) = positions.first() else { return Ok(()) };
    rewrite(conn, delivery, (Which::All, first - 1), &|row| {
        let wanted = positions.binary_search(&row.position).is_ok();
        wanted.then_some(Staged { mark, present: false, ..row.clone() })
    })
}

/// Says which key the rows of these bytes have, once a clerk has read or corrected it.
pub fn set_key(conn: &mut Conn, delivery: &str, hash: Token, key: Token) -> Result<()> {
    rewrite(conn, delivery, (Which::Bad, 0), &|row| {
        // Whatever was stored under the key it had, it speaks for another now.
        (row.hash == Some(hash)).then_some(Staged { key: Some(key), present: false, ..row.clone() })
    })
}

/// Puts other rows in the place of those for which `other` has one.
fn rewrite(
    conn: &mut Conn,
    delivery: &str,
    from: (Which, i64),
    other: &dyn Fn(&Staged) -> Option<Staged>,
) -> Result<()> {
    each_page(conn, delivery, from, &mut |conn, page| {
        let mut rows = page.rows()?;
        let mut touched = false;
        for row in &mut rows {
            if let Some(other) = other(row) {
                *row = other;
                touched = true;
            }
        }
        if touched {
            clear_page(conn, delivery, page.first)?;
            put(conn, delivery, &rows)?;
        }
        Ok(true)
    })
}

/// The rows with this key in the lists of these deliveries, each with its delivery.
pub fn of_key(conn: &mut Conn, deliveries: &[String], key: Token) -> Result<Vec<(String, Staged)>> {
    let mut found = Vec::new();
    for delivery in deliveries {
        each(conn, delivery, (Which::All, 0), &mut |row| {
            found.extend((row.key == Some(key)).then(|| (delivery.clone(), row)));
            Ok(true)
        })?;
    }
    Ok(found)
}

/// How many pages there are in all lists.
pub fn count_all(conn: &mut Conn) -> Result<i64> {
    Ok(staging::table.count().get_result(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseConfig;
    use crate::store::Db;

    fn token(number: u8) -> Token {
        Token([number; 16])
    }

    fn row(position: i64, key: Option<u8>, mark: Mark) -> Staged {
        let hash = (mark == Mark::Rejected || key.is_none()).then(|| token(200));
        Staged { position, key: key.map(token), hash, mark, present: position % 2 == 0 }
    }

    fn listed(conn: &mut Conn) -> Vec<Staged> {
        let mut rows = Vec::new();
        each(conn, "d", (Which::All, 0), &mut |row| {
            rows.push(row);
            Ok(true)
        })
        .unwrap();
        rows
    }

    #[test]
    fn a_list_comes_back_row_by_row_however_it_is_cut_into_pages() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("hub.db").display());
        let db = Db::open(&DatabaseConfig { url, ..DatabaseConfig::default() }, "test").unwrap();
        db.prepare().unwrap();
        let marks = [Mark::Changed, Mark::Unchanged, Mark::Stale, Mark::Rejected];
        let rows: Vec<Staged> = (1..=50)
            .map(|position| {
                let key = u8::try_from(position % 11).ok().filter(|key| *key > 0);
                row(position, key, marks[usize::try_from(position % 4).unwrap()])
            })
            .collect();
        db.write(|conn| {
            for page in rows.chunks(3) {
                put(conn, "d", page)?;
            }
            Ok(())
        })
        .unwrap();
        db.read(|conn| {
            assert_eq!(listed(conn), rows);
            let totals = totals(conn, "d")?;
            assert_eq!((totals.rows(), totals.keyless), (50, 4));
            let changed: Vec<i64> =
                rows.iter().filter(|row| row.mark == Mark::Changed).map(|row| row.position).collect();
            assert_eq!(
                changed_after(conn, "d", 9, 3)?,
                changed.iter().copied().filter(|at| *at > 9).take(3).collect::<Vec<_>>()
            );
            Ok(())
        })
        .unwrap();
        db.write(|conn| {
            let earlier = sets::earlier_of_same_key(conn, "d", Mark::Stale)?;
            assert_eq!(earlier.len(), 36, "ten keys and four rows without one are left");
            set_key(conn, "d", token(200), token(77))?;
            let after = listed(conn);
            assert!(earlier.iter().all(|at| after[usize::try_from(at - 1).unwrap()].mark == Mark::Stale));
            let rejected = || after.iter().filter(|row| row.mark == Mark::Rejected);
            assert!(rejected().all(|row| row.key == Some(token(77)) && !row.present));
            assert_eq!(keyless(conn, "d")?, Vec::<Vec<u8>>::new());
            Ok(())
        })
        .unwrap();
    }
}
