//! Distance in typing errors, bounded: callers ask whether it is none, one, two or more.
//!
//! Owns the shortcuts that spare most calls the matrix; the matrix itself is `strsim`.

/// How many insertions, deletions, substitutions or transpositions of neighbours apart two texts are: 0, 1, 2, or 3 for
/// anything above.
pub fn edits(a: &str, b: &str) -> u8 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    match (a.len(), b.len()) {
        (0, 0) => 0,
        (0, 1) | (1, 0) | (1, 1) => 1,
        (2, 2) if a[0] == b[1] && a[1] == b[0] => 1,
        (x, y) if x.max(y) <= 2 => 2,
        // An edit puts in or takes out one letter, or exchanges one for another.
        _ if (alphabet(a) ^ alphabet(b)).count_ones() > 4 => 3,
        _ => u8::try_from(strsim::generic_damerau_levenshtein(a, b).min(3)).unwrap_or(3),
    }
}

/// Which of the 36 letters and digits a text contains, as bits: a quick sign that two texts have little in common.
pub fn alphabet(text: &[u8]) -> u64 {
    text.iter().fold(0, |bits, byte| {
        bits | match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'0'..=b'9' => 1 << (26 + byte - b'0'),
            b' ' => 0,
            other => 1 << (36 + other % 16),
        }
    })
}

/// Whether two texts of these alphabets can be similar at all: half of the richer one's letters are shared.
pub fn may_be_similar(a: u64, b: u64) -> bool {
    2 * (a & b).count_ones() >= a.count_ones().max(b.count_ones())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_typing_error_is_one_edit() {
        for (a, b) in [("smith", "smih"), ("smith", "smiht"), ("smith", "smyth"), ("smith", "smithh"), ("a", "")] {
            assert_eq!(edits(a, b), 1, "{a} {b}");
        }
        assert_eq!((edits("smith", "smith"), edits("smith", "smytt"), edits("green", "mason")), (0, 2, 3));
    }

    proptest! {
        #[test]
        fn the_distance_is_symmetric_and_bounded(a in "[ab1 ]{0,9}", b in "[ab1 ]{0,9}") {
            prop_assert_eq!(edits(&a, &b), edits(&b, &a));
            prop_assert_eq!(usize::from(edits(&a, &b)), strsim::damerau_levenshtein(&a, &b).min(3));
        }
    }
}
