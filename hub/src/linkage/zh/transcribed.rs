//! Names that stand for the sounds of another language, whose parts clerks write in several ways: 多吉 and 多杰.
//!
//! Owns the table of parts. Never looks at names of two or three characters that are no such part: those are Chinese.

use std::sync::LazyLock;

use fnv::FnvHashMap;
use smallvec::SmallVec;

use super::glyph::{Glyph, rows};
use super::name::Form;
use crate::linkage::evidence::{combine, stable_hash};

type Part = SmallVec<[char; 5]>;

/// The first writing of each part, by all of them.
static PARTS: LazyLock<FnvHashMap<Part, Part>> = LazyLock::new(|| {
    let mut parts = FnvHashMap::default();
    for line in rows(include_str!("data/transcribed.txt")) {
        let mut writings = line.split(' ').map(|writing| writing.chars().collect::<Part>());
        if let Some(first) = writings.next() {
            parts.extend(writings.map(|other| (other, first.clone())));
            parts.insert(first.clone(), first);
        }
    }
    parts
});

/// Characters of the shortest and the longest part.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=5;
/// From so many characters on, a name may have any parts; a shorter one is one part, or none.
const LONG: usize = 4;

/// A hash that is the same for all writings of a name by sounds; 0 for names that are none, as far as is known.
pub(super) fn heard(glyphs: &[Glyph], form: Form) -> u64 {
    let is_told = |glyph: &Glyph| !glyph.is_mask() && glyph.character != '\0';
    if !matches!(form, Form::Han | Form::Transcribed(_)) || glyphs.len() < 2 || !glyphs.iter().all(is_told) {
        return 0;
    }
    let characters: Part = glyphs.iter().map(|glyph| glyph.character).collect();
    let is_long = characters.len() >= LONG || matches!(form, Form::Transcribed(_));
    if !is_long {
        return PARTS.get(&characters).map_or(0, |first| first.iter().fold(1, hear));
    }
    let (mut at, mut hash) = (0, 1);
    while at < characters.len() {
        let part = LENGTHS.rev().find_map(|length| {
            let part = characters.get(at..at + length)?;
            Some((length, PARTS.get(&Part::from_slice(part))?))
        });
        match part {
            Some((length, first)) => {
                hash = first.iter().fold(hash, hear);
                at += length;
            }
            None => {
                hash = hear(hash, &characters[at]);
                at += 1;
            }
        }
    }
    hash
}

fn hear(hash: u64, character: &char) -> u64 {
    let sound = Glyph::new(*character).readings.first();
    let sound = sound.map_or(u32::from(*character), |syllable| u32::from(syllable.folded().code()));
    combine(hash, stable_hash(&sound.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::name::{Name, rung};
    use super::*;
    use crate::linkage::evidence::Evidence;

    #[test]
    fn a_part_is_written_in_one_way_only() {
        for (writing, first) in PARTS.iter() {
            assert_eq!(PARTS.get(first), Some(first), "{writing:?}");
            assert!(LENGTHS.contains(&writing.len()), "{writing:?}");
        }
        let writings = rows(include_str!("data/transcribed.txt")).flat_map(|line| line.split(' '));
        assert_eq!(writings.count(), PARTS.len(), "a writing stands in one line");
    }

    #[test]
    fn names_by_sounds_are_one_name_in_all_their_writings() {
        let rung = |one: &str, other: &str| {
            let (one, other) = (Name::prepare(one).unwrap(), Name::prepare(other).unwrap());
            assert_eq!(one.compare(&other), other.compare(&one));
            one.compare(&other)
        };
        assert_eq!(rung("晋美拉姆", "晋美拉毛"), rung::ALIKE);
        assert_eq!(rung("多吉", "多杰"), rung::ALIKE);
        assert_eq!(rung("买买提·阿卜杜拉", "麦麦提阿布都拉"), rung::ALIKE);
        assert_eq!(rung("格桑卓玛", "格尔桑卓玛"), rung::ALIKE);
        assert!(rung("格桑卓玛", "格桑央金") > rung::ALIKE);
        assert!(rung("王友珍", "王玉珍") > rung::ALIKE, "a Chinese name");
    }
}
