//! Which columns tell one thing from another by themselves: seen from their values, where the kind does not say so.
//!
//! Owns that judgement for a birth date kept in three columns, and for the text that names a thing. Never weighs a pair.

use std::collections::BTreeSet;

use super::evidence::{Kind, Value};
use super::table::Table;

/// Share of a column's values that must be days, months or years.
const NEARLY_ALL: f64 = 0.95;
/// A text names things when at least this share of its values are different.
const DIFFERENT: f64 = 0.2;
/// Texts with at least this share of the different values of the most different one may name things too.
const COMPARABLE: f64 = 0.6;

/// For each column, whether it tells the members of a household apart, or things that have much in common.
pub fn telling(table: &Table) -> Vec<bool> {
    let kinds = table.kinds();
    let relatives = of_relatives(kinds);
    let mut telling: Vec<bool> =
        kinds.iter().zip(&relatives).map(|(kind, of_relative)| kind.identifies() && !of_relative).collect();
    let found = match persons(table) {
        true if telling.contains(&true) => whole_name(table),
        true => [birth(table), whole_name(table)].concat(),
        false => titles(table),
    };
    found.into_iter().for_each(|at| telling[at] = true);
    telling
}

/// For each column, whether it tells of a relative: a person has one name, number and birth date, and those stand first.
pub fn of_relatives(kinds: &[Kind]) -> Vec<bool> {
    let is_own = |kind: Kind| matches!(kind, Kind::NameZh | Kind::CitizenId | Kind::BirthDate);
    (0..kinds.len()).map(|at| is_own(kinds[at]) && kinds[..at].contains(&kinds[at])).collect()
}

/// Whether the records are of persons: one name beside a text that differs more is an author's.
pub fn persons(table: &Table) -> bool {
    let kinds = table.kinds();
    if kinds.iter().any(|kind| kind.identifies() || matches!(kind, Kind::NameZh | Kind::Sex)) {
        return true;
    }
    match columns(kinds, Kind::NameLatin).as_slice() {
        [] => false,
        [name] => {
            let name = different(table, *name);
            columns(kinds, Kind::Text).into_iter().all(|text| different(table, text) < name)
        }
        _ => true,
    }
}

/// Whether the records are of residents, with numbers or names that have their own ways of going wrong.
pub fn residents(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| matches!(kind, Kind::CitizenId | Kind::NameZh))
}

/// Whether relatives that share a home can be told from one person: something tells them apart, and a home is known.
pub fn has_households(table: &Table) -> bool {
    let kinds = table.kinds();
    let home = |kind: &Kind| {
        matches!(kind, Kind::AddressLatin | Kind::AddressZh | Kind::Phone | Kind::Code | Kind::Text)
            || matches!(kind, Kind::NameZh | Kind::CitizenId)
    };
    let names = kinds.iter().filter(|kind| **kind == Kind::NameLatin).count();
    let telling = telling(table);
    let homes = kinds
        .iter()
        .zip(&telling)
        .filter(|(kind, telling)| home(kind) && !(**telling && matches!(kind, Kind::Code | Kind::Text)));
    (telling.contains(&true) || kinds.contains(&Kind::NameZh) || names > 1) && homes.count() > 0
}

/// The one column of names, where it holds all parts of them: relatives share but one.
fn whole_name(table: &Table) -> Vec<usize> {
    let names = columns(table.kinds(), Kind::NameLatin);
    let is_whole = |column: usize| {
        let (whole, all) = such(&table.counted(column), |value| value.parts().is_some());
        2 * whole > all
    };
    match names.as_slice() {
        [name] if !table.kinds().contains(&Kind::NameZh) && is_whole(*name) => names,
        _ => Vec::new(),
    }
}

/// The columns of one kind.
fn columns(kinds: &[Kind], wanted: Kind) -> Vec<usize> {
    (0..kinds.len()).filter(|at| kinds[*at] == wanted).collect()
}

/// How many records have a value that is such, and how many have any.
fn such(counted: &[(&Value, u32)], is_such: impl Fn(&Value) -> bool) -> (u32, u32) {
    let some = counted.iter().filter(|(value, _)| is_such(value)).map(|(_, count)| count).sum();
    (some, counted.iter().map(|(_, count)| count).sum())
}

/// Share of a column's values that are different.
fn different(table: &Table, column: usize) -> f64 {
    let counted = table.counted(column);
    let (all, _) = such(&counted, |_| true);
    counted.len() as f64 / f64::from(all.max(1))
}

/// The columns of a year, a month and a day, where there is one of each.
fn birth(table: &Table) -> Vec<usize> {
    let mut parts: [Vec<usize>; 3] = Default::default();
    for (at, kind) in table.kinds().iter().enumerate() {
        if matches!(kind, Kind::Number | Kind::Code)
            && let Some(part) = calendar(table, at)
        {
            parts[part].push(at);
        }
    }
    if parts.iter().all(|columns| columns.len() == 1) { parts.concat() } else { Vec::new() }
}

/// 0, 1 or 2: years, months or days.
fn calendar(table: &Table, column: usize) -> Option<usize> {
    let counted = table.counted(column);
    let within = |low: i64, high: i64| {
        let fits = |value: &Value| value.whole().is_some_and(|whole| (low..=high).contains(&whole));
        let (some, all) = such(&counted, fits);
        all > 0 && f64::from(some) >= NEARLY_ALL * f64::from(all)
    };
    let different = counted.iter().filter_map(|(value, _)| value.whole()).collect::<BTreeSet<_>>().len();
    match () {
        () if within(1800, 2100) && different > 2 => Some(0),
        () if within(1, 12) && different > 6 => Some(1),
        () if within(1, 31) && different > 12 => Some(2),
        () => None,
    }
}

/// The texts that are nearly all different: one of them names the thing, which one is learned.
fn titles(table: &Table) -> Vec<usize> {
    let texts: Vec<(usize, f64)> =
        columns(table.kinds(), Kind::Text).into_iter().map(|at| (at, different(table, at))).collect();
    let most = texts.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    (texts.into_iter().filter(|(_, share)| most >= DIFFERENT && *share >= COMPARABLE * most))
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kinds: &[Kind], rows: impl Iterator<Item = Vec<String>>) -> Table {
        let mut table = Table::new(kinds);
        rows.for_each(|row| {
            let cells: Vec<_> = kinds.iter().zip(&row).map(|(kind, cell)| kind.prepare(cell)).collect();
            table.push(0, cells);
        });
        table
    }

    #[test]
    fn year_month_and_day_tell_persons_apart_and_other_numbers_do_not() {
        let kinds = [Kind::NameLatin, Kind::Number, Kind::Code, Kind::Number, Kind::Number];
        let row = |at: u32| {
            let cells = [1900 + at % 90, 1 + at % 12, 1 + at % 31, at % 500];
            std::iter::once(format!("name{at}")).chain(cells.map(|cell| cell.to_string())).collect()
        };
        let dated = table(&kinds, (0..1000).map(row));
        assert_eq!(telling(&dated), [false, true, true, true, false]);
        assert!(!has_households(&dated));
    }

    #[test]
    fn whole_names_beside_places_are_persons_and_titles_beside_authors_are_not() {
        let kinds = [Kind::NameLatin, Kind::Text, Kind::Code];
        let row = |name: String, text: String, at: u32| vec![name, text, (at % 40).to_string()];
        let voters =
            table(&kinds, (0..200).map(|at| row(format!("anna{at} clay{}", at / 2), format!("t{}", at % 9), at)));
        assert!(persons(&voters) && has_households(&voters));
        assert_eq!(telling(&voters), [true, false, false]);
        let papers = table(&kinds, (0..200).map(|at| row(format!("b clay{}", at / 2), format!("on {at}"), at)));
        assert!(!persons(&papers));
        assert_eq!(telling(&papers), [false, true, false]);
        let surnames = table(&kinds, (0..200).map(|at| row(format!("clay{at}"), format!("t{}", at % 9), at)));
        assert_eq!(telling(&surnames), [false, false, false]);
    }

    #[test]
    fn of_things_the_text_that_differs_most_tells() {
        let kinds = [Kind::Text, Kind::Text, Kind::Number];
        let things =
            table(&kinds, (0..50).map(|at| vec![format!("maker {}", at % 4), format!("title {at}"), at.to_string()]));
        assert_eq!(telling(&things), [false, true, false]);
        assert!(has_households(&things));
    }
}
