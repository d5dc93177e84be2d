//! One character of a name: what it is when written in today's form, how it sounds, and what it may be mistaken for.
//!
//! Owns the tables of characters in `data/`. Never looks at more than one character at a time.

use std::sync::LazyLock;

use super::reading::{COMMON, Readings, Syllable};

static VARIANTS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut pairs = Vec::new();
    for line in rows(include_str!("data/variants.txt")) {
        let mut characters = line.chars();
        if let Some(today) = characters.next() {
            pairs.extend(characters.map(|other| (other, today)));
        }
    }
    pairs.sort_unstable();
    pairs
});

/// Pairs of characters that look alike, both ways round, sorted.
static LOOKALIKES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut pairs = Vec::new();
    for line in rows(include_str!("data/lookalikes.txt")) {
        for one in line.chars() {
            pairs.extend(line.chars().filter(|other| *other != one).map(|other| (one, other)));
        }
    }
    for line in rows(include_str!("data/shapes.txt")) {
        let mut others = line.chars();
        if let Some(first) = others.next() {
            pairs.extend(others.flat_map(|other| [(first, other), (other, first)]));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
});

/// Where the pairs of each common character begin among [`LOOKALIKES`], and of the one behind the last.
static BEGINNINGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let begins = |character: char| LOOKALIKES.partition_point(|(one, _)| *one < character) as u32;
    (COMMON[0]..=COMMON[1])
        .map(begins)
        .chain([LOOKALIKES.partition_point(|(one, _)| *one <= COMMON[1]) as u32])
        .collect()
});

/// The lines of a table that are no remarks.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// The character as it is written today: traditional, regional and second-scheme forms become one.
pub fn today(character: char) -> char {
    match VARIANTS.binary_search_by_key(&character, |(other, _)| *other) {
        Ok(place) => VARIANTS[place].1,
        Err(_) => character,
    }
}

/// Whether a clerk may take one character for the other by its looks.
pub fn look_alike(one: char, other: char) -> bool {
    // Asked of every pair of names that do not agree, so most characters are answered by their place alone.
    let place = u32::from(one).checked_sub(u32::from(COMMON[0])).map(|place| place as usize);
    match place.and_then(|place| Some((*BEGINNINGS.get(place)?, *BEGINNINGS.get(place + 1)?))) {
        Some((from, to)) => LOOKALIKES[from as usize..to as usize].iter().any(|(_, look)| *look == other),
        None => LOOKALIKES.binary_search(&(one, other)).is_ok(),
    }
}

/// The ASCII form of full-width letters, digits and signs, and of the wide space.
pub fn narrow(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// How near two characters of a name are, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// The same character in today's form.
    Same,
    /// One of them is masked.
    Masked,
    /// One sound, or one look.
    Alike,
    /// One sound in some dialect.
    Nearly,
    /// Nothing in common.
    Apart,
}

/// A character with its readings. Masks have the character `*`; syllables that were written in pinyin have `\0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// In today's form.
    pub character: char,
    /// How it sounds.
    pub readings: Readings,
}

impl Glyph {
    /// Stands for a character that was masked.
    pub const MASK: Self = Self { character: '*', readings: Readings::NONE };

    /// The glyph of a character in any form.
    pub fn new(character: char) -> Self {
        let character = today(character);
        Self { character, readings: Readings::of(character) }
    }

    /// A syllable that was written in pinyin.
    pub fn spoken(syllable: Syllable) -> Self {
        Self { character: '\0', readings: Readings::written(syllable) }
    }

    /// Whether the character was masked.
    pub fn is_mask(&self) -> bool {
        self.character == '*'
    }

    /// How near another one is; symmetric.
    pub fn nearness(&self, other: &Self) -> Nearness {
        if self.is_mask() || other.is_mask() {
            return Nearness::Masked;
        }
        if self.character == other.character && self.character != '\0' {
            return Nearness::Same;
        }
        if self.readings.meet(&other.readings) || look_alike(self.character, other.character) {
            return Nearness::Alike;
        }
        if self.readings.nearly_meet(&other.readings) { Nearness::Nearly } else { Nearness::Apart }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_and_regional_forms_are_one_character() {
        for (one, other) in [('張', '张'), ('劉', '刘'), ('萧', '肖'), ('峯', '峰'), ('傅', '付')] {
            assert_eq!(today(one), today(other));
        }
    }

    #[test]
    fn every_form_leads_to_a_form_of_today() {
        for (other, today_form) in VARIANTS.iter() {
            assert_eq!(today(*today_form), *today_form, "{other}");
        }
    }

    #[test]
    fn what_has_one_shape_looks_alike_and_what_twins_are_called_does_not() {
        for (one, other) in [('杨', '扬'), ('霞', '露'), ('春', '舂'), ('铭', '铬'), ('射', '谢')] {
            assert!(look_alike(one, other), "{one} {other}");
        }
        for (one, other) in [('欣', '怡'), ('琪', '琳'), ('佳', '梦'), ('龙', '凤'), ('宇', '浩')] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn looks_are_symmetric() {
        for (one, other) in LOOKALIKES.iter() {
            assert!(look_alike(*other, *one), "{one} {other}");
        }
    }
}
