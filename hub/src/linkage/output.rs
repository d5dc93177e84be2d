//! `pairs.csv` and `clusters.csv`.
//!
//! Owns their form: the same records give the same bytes. Never decides anything.

use std::io::Write;

use super::batch::{Decision, Linked};
use super::block::parts;
use super::file::Records;

/// Ids that occur in both files. They are written as `1:id` and `2:id`, so that each names one record.
pub fn ids_in_both(records: &Records) -> bool {
    let split = (0..records.table.len()).find(|record| records.table.file(*record as u32) == 1);
    let Some((first, second)) = split.and_then(|split| records.ids.split_at_checked(split)) else { return false };
    // Both are sorted.
    let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
    while let (Some(a), Some(b)) = (first.peek(), second.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => first.next(),
            std::cmp::Ordering::Greater => second.next(),
        };
    }
    false
}

/// `left_id,right_id,probability,decision`, sorted; with two files the left one is of the first.
pub fn pairs(out: impl Write, records: &Records, linked: &Linked) -> csv::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["left_id", "right_id", "probability", "decision"])?;
    for decided in &linked.decided {
        let (left, right) = parts(decided.pair);
        let id = |record: u32| records.ids.get(record as usize).map_or("", |id| &**id);
        let decision = match decided.decision {
            Decision::Auto => "auto",
            Decision::Review => "review",
        };
        out.write_record([id(left), id(right), &format!("{:.6}", decided.probability), decision])?;
    }
    Ok(out.flush()?)
}

/// `id,cluster`: every record of all files, in canonical order; clusters are numbered from 1 by their first record.
pub fn clusters(out: impl Write, records: &Records, linked: &Linked) -> csv::Result<()> {
    let marked = ids_in_both(records);
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["id", "cluster"])?;
    let mut numbers = vec![0_u32; records.ids.len()];
    let mut next = 0;
    for (record, id) in (0_u32..).zip(&records.ids) {
        let first = linked.groups.of(record);
        let Some(number) = numbers.get_mut(first as usize) else { continue };
        if *number == 0 {
            next += 1;
            *number = next;
        }
        let file = records.table.file(record) + 1;
        let name = if marked { format!("{file}:{id}") } else { id.to_string() };
        out.write_record([&name, &number.to_string()])?;
    }
    Ok(out.flush()?)
}
