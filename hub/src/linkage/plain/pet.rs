//! Pet names: Bill is a William, Betty an Elizabeth.
//!
//! Owns the list of given names with what their bearers are called. A word may belong to several names: a Ted is an Edward or
//! a Theodore.

use std::sync::LazyLock;

use fnv::FnvHashMap;
use smallvec::SmallVec;

const LIST: &str = include_str!("data/pet_names.txt");

/// The given names a word may stand for, by their lines in the list, ascending.
pub type Names = SmallVec<[u16; 4]>;

static NAMES: LazyLock<FnvHashMap<&'static str, Names>> = LazyLock::new(|| {
    let mut names: FnvHashMap<&str, Names> = FnvHashMap::default();
    for (line, words) in (0_u16..).zip(LIST.lines().filter(|line| !line.starts_with('#'))) {
        for word in words.split(' ') {
            names.entry(word).or_default().push(line);
        }
    }
    names
});

/// The given names a folded word may stand for; none for most words.
pub fn names(word: &str) -> &'static [u16] {
    NAMES.get(word).map_or(&[], SmallVec::as_slice)
}

/// Whether two ascending lists of names have one in common.
pub fn share(a: &[u16], b: &[u16]) -> bool {
    a.iter().any(|name| b.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_stands_twice_in_a_line_and_each_line_has_two() {
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let words: std::collections::BTreeSet<&str> = line.split(' ').collect();
            assert_eq!(words.len(), line.split(' ').count(), "{line}");
            assert!(words.len() > 1, "{line}");
        }
    }

    #[test]
    fn a_pet_name_may_be_of_several_names() {
        let is = |a, b| share(names(a), names(b));
        assert!(is("ted", "edward") && is("theodore", "ted") && is("bill", "will"));
        assert!(!is("edward", "theodore") && !is("bill", "robert") && !is("smith", "smyth"));
    }
}
