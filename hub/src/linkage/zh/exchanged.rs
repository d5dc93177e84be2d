//! Cells that stand in the column of another kind: name and address exchanged, a row that slipped by a column.
//!
//! Owns how that is seen, also where one of the columns is empty; it reads the cells again, each as what it is. Never moves
//! a cell that can be what its column says.

use smallvec::SmallVec;

use super::citizen::{Class, Document};
use crate::linkage::evidence::{Evidence, Kind, Value};

/// The columns that are looked at.
const KINDS: [Kind; 6] = [Kind::CitizenId, Kind::NameZh, Kind::Sex, Kind::BirthDate, Kind::Phone, Kind::AddressZh];

/// From one column to another.
type Move = (usize, usize);
type Moves = SmallVec<[Move; 6]>;

/// Reads cells again that stand in each other's columns, or slipped along a row.
pub fn read_again(kinds: &[Kind], cells: &[&str], record: &mut [Option<Value>]) {
    let first = |kind: &Kind| kinds.iter().position(|one| one == kind).filter(|place| *place < cells.len());
    // Most cells are where they belong, and need not be held against the others.
    let stray = |kind: &Kind| first(kind).filter(|place| !stays(*kind, cells[*place]));
    let strays: SmallVec<[usize; 6]> = KINDS.iter().filter_map(stray).collect();
    let is_place = |(from, to): Move| fits(kinds[to], cells[from]) && kinds[to].prepare(cells[from]).is_some();
    let mut moves = certain(&strays, is_place);
    // None is written over: what stood there has gone elsewhere, or says nothing.
    let may = |(from, to): Move, moves: &Moves| {
        let is_blank = [from, to].iter().all(|column| kinds[*column].prepare(cells[to]).is_none());
        // A short word beside an empty name may be a place.
        is_blank && (kinds[to] != Kind::NameZh || cells[from].chars().count() < 4)
            || moves.iter().any(|one| one.0 == to)
    };
    loop {
        let left: Moves = moves.iter().copied().filter(|one| may(*one, &moves)).collect();
        if left.len() == moves.len() {
            break;
        }
        moves = left;
    }
    moves.iter().for_each(|(from, _)| record[*from] = None);
    moves.iter().for_each(|(from, to)| record[*to] = kinds[*to].prepare(cells[*from]));
}

/// Moves of which each cell has one place and each place one cell.
fn certain(strays: &[usize], is_place: impl Fn(Move) -> bool) -> Moves {
    let all = strays.iter().flat_map(|from| strays.iter().map(|to| (*from, *to)));
    let moves: Moves = all.filter(|(from, to)| from != to && is_place((*from, *to))).collect();
    let once = |one: &Move| moves.iter().filter(|(from, to)| *from == one.0 || *to == one.1).count() == 1;
    moves.iter().copied().filter(once).collect()
}

/// Whether a cell is where it belongs; a phone may have hyphens, as a door has, and a remark.
fn stays(kind: Kind, cell: &str) -> bool {
    let digits = || cell.chars().filter(char::is_ascii_digit);
    fits(kind, cell) || kind == Kind::Phone && digits().count() == 11 && digits().next() == Some('1')
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
    let is_number = |number: &str| (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: SmallVec<[&str; 4]> = cell.split(['-', '－']).collect();
    match numbers.as_slice() {
        [building, .., room] => {
            numbers.len() <= 3 && numbers.iter().all(|one| is_number(one)) && building.len() < 4 && room.len() >= 3
        }
        _ => false,
    }
}
