//! What the evidence must make of what departments write, as tables: two cells and the rung they stand on.

mod address;
mod birth;
mod citizen;
mod joint;
mod laws;
mod name;
mod owner;
mod phone;

use crate::linkage::evidence::Evidence;

/// The name of the rung two cells stand on, asked both ways round; `-` when one of them is no value.
fn rung<E: Evidence + std::fmt::Debug>(one: &str, other: &str) -> &'static str {
    let (Some(a), Some(b)) = (E::prepare(one), E::prepare(other)) else { return "-" };
    assert_eq!(a.compare(&b), b.compare(&a), "{one} {other}");
    E::LADDER[usize::from(a.compare(&b))].name
}

/// Checks a table of cells and rungs.
fn check<E: Evidence + std::fmt::Debug>(rows: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(one, other, expected)| rung::<E>(one, other) != *expected)
        .map(|(one, other, expected)| {
            format!(
                "{one} | {other}: {} instead of {expected}; {:?} | {:?}",
                rung::<E>(one, other),
                E::prepare(one),
                E::prepare(other)
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
