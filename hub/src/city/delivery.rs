//! One file of one department: what stands on it, what it holds, and what the hub should count.

use std::cell::RefCell;
use std::io::{self, Write};

use chrono::NaiveDate;

use super::City;
use super::dice::Topic;
use super::feed::{self, Entry, Feed, Row, health, insured, marriage, population, registered, unemployment};
use super::household::CAST;
use super::wrong::{Fate, Take, Wrong};

/// Rows in a hundred thousand that a wrong file mixes up.
const MIXED_UP: u64 = 2_000;

/// Why a delivery is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// As every day.
    Regular,
    /// The same bytes with the same as-of once more: the hub must answer with the first delivery.
    Repeated,
    /// A wrong file that passes all limits.
    Wrong,
    /// The right file again, newer: it must undo the wrong one.
    Undoing,
}

/// One file of one department.
#[derive(Debug, Clone)]
pub struct CityDelivery {
    /// `department/feed`.
    pub feed: &'static str,
    /// Day it is sent, counted from 1.
    pub day: u32,
    /// Why it is sent.
    pub occasion: Occasion,
    /// Its name; where the as-of is read from the name, it stands in it.
    pub file_name: String,
    /// Its as-of, RFC 3339 with +08:00.
    pub as_of: String,
    /// The date of its as-of.
    pub as_of_date: NaiveDate,
    /// The sender's sequence within the as-of.
    pub sequence: i64,
    /// Rows it holds.
    pub total: u64,
    /// Media type.
    pub content_type: &'static str,
    /// What the hub should count: rows, rejected, stale (by the file itself) and issues.
    pub expected: Fate,
    which: Feed,
    city: City,
}

impl City {
    /// The deliveries of a day (counted from 1) in the order they are sent.
    pub fn deliveries(&self, day: u32) -> Vec<CityDelivery> {
        let fates = self.fates(day);
        let one = |feed, occasion, hour, sequence| self.delivery(&fates, day, feed, (occasion, hour, sequence));
        if day == 2 {
            return vec![
                one(Feed::Registered, Occasion::Regular, 0, 0),
                one(Feed::Registered, Occasion::Repeated, 0, 0),
                one(Feed::Population, Occasion::Regular, 0, 0),
                one(Feed::Insured, Occasion::Wrong, 0, 1),
                one(Feed::Insured, Occasion::Undoing, 0, 2),
                one(Feed::Unemployment, Occasion::Regular, 2, 0),
                one(Feed::Unemployment, Occasion::Wrong, 8, 0),
                one(Feed::Unemployment, Occasion::Undoing, 9, 0),
                one(Feed::Marriage, Occasion::Regular, 20, 0),
                one(Feed::Health, Occasion::Regular, 6, 1),
            ];
        }
        vec![
            one(Feed::Registered, Occasion::Regular, 0, 0),
            one(Feed::Population, Occasion::Regular, 0, 0),
            one(Feed::Insured, Occasion::Regular, 0, 1),
            one(Feed::Unemployment, Occasion::Regular, 2, 0),
            one(Feed::Marriage, Occasion::Regular, 20, 0),
            one(Feed::Health, Occasion::Regular, 6, 1),
        ]
    }

    /// What the hub should count for each feed on a day, in one walk through the city.
    fn fates(&self, day: u32) -> [Fate; 6] {
        let fates = RefCell::new([Fate::default(); 6]);
        let count = |feed: Feed, take: Take| fates.borrow_mut()[feed as usize].add(take.fate(feed));
        let walked = self.visit(
            day,
            |household| {
                Feed::ALL.into_iter().try_for_each(|feed| {
                    feed::entries(feed, self, household, day, &mut |entry| {
                        count(feed, entry.take);
                        Ok(())
                    })
                })
            },
            |performance| {
                performance.play.parts.iter().for_each(|part| count(part.feed, part.take(day)));
                Ok(())
            },
        );
        // Counting does not write, so there is nothing to fail.
        debug_assert!(walked.is_ok());
        fates.into_inner()
    }

    fn delivery(&self, fates: &[Fate; 6], day: u32, which: Feed, (occasion, hour, sequence): When) -> CityDelivery {
        let date = self.date(day);
        let digits = date.format("%Y%m%d");
        let (file_name, content_type) = match which {
            Feed::Registered => (format!("czrk_{digits}.txt"), "text/plain; charset=GBK"),
            Feed::Population => (format!("qyrk_{digits}.xml"), "application/xml"),
            Feed::Insured => (format!("cbry_{digits}_{sequence}.xml"), "application/xml; charset=GB2312"),
            Feed::Unemployment => (
                format!("sybx_{digits}T{hour:02}.xlsx"),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            Feed::Marriage => (format!("hydj_{digits}.xml"), "application/xml"),
            Feed::Health if day == 1 => (format!("jkda_{digits}T{hour:02}.json"), "application/json"),
            Feed::Health => (format!("jkda_{digits}T{hour:02}.ndjson"), "application/x-ndjson"),
        };
        let expected = fates[which as usize];
        CityDelivery {
            feed: which.name(),
            day,
            occasion,
            file_name,
            as_of: format!("{date}T{hour:02}:00:00+08:00"),
            as_of_date: date,
            sequence,
            total: expected.rows,
            content_type,
            expected,
            which,
            city: self.clone(),
        }
    }
}

/// Occasion, hour and sequence.
type When = (Occasion, u32, i64);

impl CityDelivery {
    /// Writes the file and answers how many rows it holds; memory stays flat.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<u64> {
        match self.which {
            Feed::Registered => registered::write(self, out),
            Feed::Population => population::write(self, out),
            Feed::Insured => insured::write(self, out),
            Feed::Unemployment => unemployment::write(self, out),
            Feed::Marriage => marriage::write(self, out),
            Feed::Health => health::write(self, out),
        }
    }

    /// The headers a push of this file needs beside `Content-Type`: as-of, total or file name, where its feed does not
    /// read them in the file.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self.which {
            Feed::Registered => vec![("Hub-File-Name", self.file_name.clone())],
            Feed::Unemployment => vec![("Hub-As-Of", self.as_of.clone())],
            Feed::Health => vec![
                ("Hub-As-Of", self.as_of.clone()),
                ("Hub-Sequence", self.sequence.to_string()),
                ("Hub-Total", self.total.to_string()),
            ],
            Feed::Population | Feed::Insured | Feed::Marriage => Vec::new(),
        }
    }

    /// Visits the rows in order.
    pub(super) fn each_row(&self, visit: &mut dyn FnMut(&Row) -> io::Result<()>) -> io::Result<()> {
        let mut row = Row::default();
        let mut last_name = String::new();
        self.city.entries(self.which, self.day, &mut |entry| {
            self.which.fill(&mut row, &self.city, entry);
            match entry.take {
                Take::Wrong(Wrong::Twice) => self.earlier_row(&row, entry, visit)?,
                Take::Wrong(wrong) => wrong.spoil(self.which.shape(), &mut row, entry.household, entry.person),
                _ if self.occasion == Occasion::Wrong => self.mix_up(&mut row, entry, &mut last_name),
                _ => {}
            }
            visit(&row)
        })
    }

    /// The row that comes before the right one under the same key: it has another ethnic group.
    fn earlier_row(
        &self,
        row: &Row,
        entry: &Entry<'_>,
        visit: &mut dyn FnMut(&Row) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut earlier = row.clone();
        let other = if entry.person.ethnic.0 == "03" { "01" } else { "03" };
        earlier.cells.set(self.which.shape().code, other);
        visit(&earlier)
    }

    /// What is wrong in a wrong file: homes of other people, or the name of the row before.
    fn mix_up(&self, row: &mut Row, entry: &Entry<'_>, last_name: &mut String) {
        let mixed = entry.person.index < CAST
            && entry.person.dice.on(Topic::WrongFile).at(u64::from(self.day)).chance(MIXED_UP);
        if self.which == Feed::Insured && mixed {
            insured::misplace(row, &self.city, entry);
        }
        if self.which == Feed::Unemployment {
            let shape = self.which.shape();
            let name = row.cells.get(shape.name).to_owned();
            if mixed && !last_name.is_empty() {
                row.cells.set(shape.name, last_name);
            }
            *last_name = name;
        }
    }
}
