//! Slips of the keyboard and the eye on any text: a digit, a sound, a look, a character too few.
//!
//! Owns single slips. How often they happen is the mix's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use encoding_rs::GBK;
use pinyin::ToPinyin;

use super::super::dice::Dice;
use super::words::{LOOKS, TRADITIONAL};

/// The 3,755 everyday characters of GB 2312 by how they are read: what an input method offers for a sound.
static SOUNDS: LazyLock<BTreeMap<&'static str, Vec<char>>> = LazyLock::new(|| {
    let mut sounds: BTreeMap<&'static str, Vec<char>> = BTreeMap::new();
    for character in ('\u{4e00}'..='\u{9fa5}').filter(is_everyday) {
        if let Some(pinyin) = character.to_pinyin() {
            sounds.entry(pinyin.plain()).or_default().push(character);
        }
    }
    sounds
});

fn is_everyday(character: &char) -> bool {
    let text = character.to_string();
    let (bytes, _, lost) = GBK.encode(&text);
    !lost && bytes.len() == 2 && (0xb0..=0xd7).contains(&bytes[0]) && bytes[1] >= 0xa1
}

/// Another character of the same sound, where there is one.
pub(super) fn sound_of(character: char, dice: Dice) -> Option<char> {
    let others = SOUNDS.get(character.to_pinyin()?.plain())?;
    let others: Vec<char> = others.iter().copied().filter(|other| *other != character).collect();
    (!others.is_empty()).then(|| dice.pick(&others))
}

/// One character, of those that may be changed, becomes another of the same sound.
pub(super) fn sound(text: &str, dice: Dice, may: impl Fn(char) -> bool) -> String {
    let places: Vec<usize> =
        text.chars().enumerate().filter(|(_, c)| may(*c) && c.to_pinyin().is_some()).map(|(at, _)| at).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let place = dice.pick(&places);
    text.chars().enumerate().map(|(at, c)| if at == place { sound_of(c, dice.at(1)).unwrap_or(c) } else { c }).collect()
}

/// One character becomes one that looks like it; nothing when none has such a one.
pub(super) fn look(text: &str) -> Option<String> {
    paired(LOOKS, text, true)
}

/// All characters in their traditional form; nothing when none has another.
pub(super) fn traditional(text: &str) -> Option<String> {
    paired(TRADITIONAL, text, false)
}

fn paired(table: &str, text: &str, once: bool) -> Option<String> {
    let mut changed = false;
    let text = text
        .chars()
        .map(|c| {
            let other = table.split(' ').find_map(|pair| {
                let (first, second) = (pair.chars().next()?, pair.chars().nth(1)?);
                if first == c { Some(second) } else { (second == c && once).then_some(first) }
            });
            match other {
                Some(other) if other != c && !(once && changed) => {
                    changed = true;
                    other
                }
                _ => c,
            }
        })
        .collect();
    changed.then_some(text)
}

/// One digit becomes another.
pub(super) fn digit(text: &str, dice: Dice) -> String {
    let places: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let place = dice.pick(&places);
    text.char_indices()
        .map(|(at, c)| match c.to_digit(10) {
            Some(digit) if at == place => {
                char::from_digit((digit + 1 + dice.at(1).below(9) as u32) % 10, 10).unwrap_or(c)
            }
            _ => c,
        })
        .collect()
}

/// Two neighbours change places.
pub(super) fn swap(text: &str, dice: Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (1..characters.len()).filter(|&at| characters[at] != characters[at - 1]).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let place = dice.pick(&places);
    characters.swap(place, place - 1);
    characters.into_iter().collect()
}

/// One character is lost.
pub(super) fn lose(text: &str, dice: Dice) -> String {
    let gone = dice.below(text.chars().count().max(1) as u64) as usize;
    text.chars().enumerate().filter(|(at, _)| *at != gone).map(|(_, c)| c).collect()
}

/// What is between the first `front` and the last `back` characters becomes stars.
pub(super) fn mask(text: &str, front: usize, back: usize) -> String {
    let count = text.chars().count();
    text.chars().enumerate().map(|(at, c)| if at >= front && at + back < count { '*' } else { c }).collect()
}
