//! Cells that stand in each other's column: name and address, number and phone, number and birth date.
//!
//! Owns how that is seen, also where one of the two is empty; it reads the cells again, each as what it is. Never moves a cell that can be what its
//! column says.

use smallvec::SmallVec;

use super::citizen::{Class, Document};
use crate::linkage::evidence::{Evidence, Kind, Value};

/// Reads exchanged cells again.
pub fn read_again(kinds: &[Kind], cells: &[&str], record: &mut [Option<Value>]) {
    // Most cells are where they belong, and need not be held against the others.
    let strays = kinds.iter().zip(cells).map(|(kind, cell)| !fits(*kind, cell)).collect::<SmallVec<[bool; 16]>>();
    let first = |kind| kinds.iter().position(|one| *one == kind).filter(|place| strays.get(*place) == Some(&true));
    let (number, name) = (first(Kind::CitizenId), first(Kind::NameZh));
    for (one, other) in [
        (name, first(Kind::AddressZh)),
        (name, number),
        (name, first(Kind::Phone)),
        (name, first(Kind::BirthDate)),
        (name, first(Kind::Sex)),
        (number, first(Kind::Phone)),
        (number, first(Kind::BirthDate)),
        (first(Kind::Phone), first(Kind::BirthDate)),
    ] {
        let (Some(one), Some(other)) = (one, other) else { continue };
        let (there, here) = (fits(kinds[one], cells[other]), fits(kinds[other], cells[one]));
        let is_blank = |cell: &str| kinds[one].prepare(cell).is_none() && kinds[other].prepare(cell).is_none();
        // A short word beside an empty name may be a place.
        let alone = there && is_blank(cells[one]) && (kinds[one] != Kind::NameZh || cells[other].chars().count() < 4);
        if there && here || alone || here && is_blank(cells[other]) {
            record[one] = kinds[one].prepare(cells[other]);
            record[other] = kinds[other].prepare(cells[one]);
        }
    }
}

/// Whether a cell certainly is what the kind says: stricter than reading it, so that odd cells stay where they are.
fn fits(kind: Kind, cell: &str) -> bool {
    let cell = cell.trim();
    let count = cell.chars().filter(|c| !c.is_whitespace()).count();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    match kind {
        // A note behind the name is no part of it.
        Kind::NameZh if cell.ends_with([')', '）', ']']) && cell.find(['(', '（', '[']).is_some_and(|at| at > 0) => {
            cell.split(['(', '（', '[']).next().is_some_and(|name| fits(kind, name))
        }
        Kind::NameZh => {
            (2..=4).contains(&count)
                && !fits(Kind::Sex, cell)
                && digits == 0
                && cell.chars().all(|c| c >= '\u{3400}' || c == '*' || c.is_whitespace())
                && cell.starts_with(|c| c >= '\u{3400}')
                && !cell.ends_with(['省', '市', '区', '县', '村', '路', '街'])
        }
        Kind::AddressZh if is_door(cell) => true,
        Kind::AddressZh => {
            let parts = ['省', '市', '区', '县', '路', '街', '村', '号', '栋', '室', '镇'];
            count > 5 && cell.contains(|c| c >= '\u{3400}') && (cell.contains(parts) || digits > 1)
        }
        Kind::CitizenId => Document::prepare(cell).is_some_and(|document| document.class() == Class::Valid),
        Kind::Phone => digits == 11 && count == 11 && cell.starts_with('1'),
        Kind::BirthDate => {
            (6..=11).contains(&count)
                && (cell.starts_with("19") || cell.starts_with("20"))
                && (digits == 8 || count > digits)
                && !fits(Kind::Phone, cell)
        }
        Kind::Sex => matches!(cell, "男" | "女" | "男性" | "女性" | "1" | "2" | "M" | "F"),
        _ => false,
    }
}

/// Building, unit and room with nothing else, and no date.
fn is_door(cell: &str) -> bool {
    let numbers = cell.split(['-', '－']);
    let is_number = |number: &str| (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&numbers.clone().count())
        && numbers.clone().all(is_number)
        && numbers.clone().next().is_some_and(|first| first.len() < 4)
        && numbers.last().is_some_and(|room| room.len() >= 3)
}
