//! How many slips of the keyboard lie between two short strings: a wrong, missing, doubled or swapped character.
//!
//! Owns the distance. Never says what a distance means: that depends on the kind.

/// How many slips lie between two strings of at most some twenty characters, if at most two do.
pub fn slips(one: &[u8], other: &[u8]) -> Option<u8> {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[..one.len() - end], &other[..other.len() - end]);
    match (one.len(), other.len()) {
        (0, 0) => Some(0),
        (1, 1) | (0, 1) | (1, 0) => Some(1),
        (2, 2) if one[0] == other[1] && one[1] == other[0] => Some(1),
        (2, 2) | (0, 2) | (2, 0) | (1, 2) | (2, 1) => Some(2),
        // The ends differ: both slips are there, and what lies between agrees.
        (a, b) if a == b => ends_slip(one, other).then_some(2),
        (a, b) if a.abs_diff(b) == 1 => {
            let (long, short) = if a > b { (one, other) } else { (other, one) };
            let inner = long.len() - 2;
            let left = long[1..=inner] == short[..inner] && inner > 0;
            let right = long[1..=inner] == short[short.len() - inner..];
            // One end is missing and the other wrong; a swap at one end and a missing sign at the other is not looked for.
            (left || right).then_some(2)
        }
        _ => None,
    }
}

fn ends_slip(one: &[u8], other: &[u8]) -> bool {
    let size = one.len();
    let swapped_first = one[0] == other[1] && one[1] == other[0];
    let swapped_last = one[size - 1] == other[size - 2] && one[size - 2] == other[size - 1];
    let from = if swapped_first { 2 } else { 1 };
    let to = if swapped_last { size - 2 } else { size - 1 };
    if from > to {
        return swapped_first || swapped_last;
    }
    // A sign lost at one end and one too many at the other shifts what is between.
    let shifted = one[1..] == other[..size - 1] || one[..size - 1] == other[1..];
    one[from..to] == other[from..to] || shifted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_wrong_missing_doubled_or_swapped_character_is_one_slip() {
        for other in ["13010219900101", "1301021990010123", "130102199001102", "130102199001013"] {
            assert_eq!(slips(b"130102199001012", other.as_bytes()), Some(1), "{other}");
        }
    }

    #[test]
    fn two_wrong_characters_far_apart_are_two_slips() {
        assert_eq!(slips(b"230102199001013", b"130102199001012"), Some(2));
        assert_eq!(slips(b"310102199001021", b"130102199001012"), Some(2));
        assert_eq!(slips(b"330402199001013", b"130102199001012"), None);
    }

    proptest! {
        #[test]
        fn the_distance_is_symmetric(one in "[0-3]{0,8}", other in "[0-3]{0,8}") {
            prop_assert_eq!(slips(one.as_bytes(), other.as_bytes()), slips(other.as_bytes(), one.as_bytes()));
        }

        #[test]
        fn a_string_is_no_slip_from_itself(one in "[0-9]{0,20}") {
            prop_assert_eq!(slips(one.as_bytes(), one.as_bytes()), Some(0));
        }
    }
}
