//! Rare characters that were written as their parts: 骁 as 马尧.
//!
//! Owns the table in `data/parts.txt`. Never looks at anything but characters.

use std::sync::LazyLock;

use super::glyph::{rows, today};

/// A rare character and one of the ways to write it out.
struct Way {
    whole: char,
    parts: Vec<char>,
}

static WAYS: LazyLock<Vec<Way>> = LazyLock::new(|| {
    let mut ways = Vec::new();
    for line in rows(include_str!("data/parts.txt")) {
        let mut words = line.split(' ');
        let Some(whole) = words.next().and_then(|word| word.chars().next()).map(today) else { continue };
        ways.extend(words.map(|word| Way { whole, parts: word.chars().map(today).collect() }));
    }
    // The longer ones first: three of a kind are not two and one.
    ways.sort_by_key(|way| (std::cmp::Reverse(way.parts.len()), way.whole));
    ways
});

/// The rare character that these parts make, left, right, above and below not told or told: 羽中, 左马右尧.
pub fn whole(parts: &str) -> Option<char> {
    let parts: Vec<char> = parts.chars().map(today).filter(|part| !matches!(part, '左' | '右' | '上' | '下')).collect();
    WAYS.iter().find(|way| way.parts == parts).map(|way| way.whole)
}

/// Puts the rare character where it was written as three or more parts, which no other name holds in a row.
pub fn condense(characters: &mut Vec<char>) {
    for way in WAYS.iter().take_while(|way| way.parts.len() > 2) {
        let parts = way.parts.len();
        let at = characters.windows(parts).skip(1).position(|window| window == way.parts);
        if let Some(at) = at.map(|at| at + 1) {
            characters.splice(at..at + parts, [way.whole]);
        }
    }
}

/// Whether the longer name is the shorter one with one given character written as its parts.
pub fn are_written_out(long: &[char], short: &[char]) -> bool {
    let same = long.iter().zip(short).take_while(|(one, other)| one == other).count();
    (1..=same.min(short.len().saturating_sub(1))).any(|at| {
        let rest = long[at..].strip_suffix(&short[at + 1..]);
        rest.is_some_and(|rest| WAYS.iter().any(|way| way.whole == short[at] && way.parts == rest))
    })
}
