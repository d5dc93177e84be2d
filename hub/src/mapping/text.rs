//! Text as departments type it: full-width characters, spaces, and people's names.
//!
//! Owns normal forms. Never drops a rare character.

use std::borrow::Cow;

/// Cuts spaces around and folds full-width letters, digits, signs and spaces to half-width.
pub fn fold(text: &str) -> Cow<'_, str> {
    match half_width(text.trim()) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Folds full-width letters, digits, signs and spaces to half-width.
pub fn half_width(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| half(c) != c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(half).collect())
}

fn half(c: char) -> char {
    match c {
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// Characters were replaced by asterisks or the like.
    Masked,
    /// Nothing is left of it, or it has no letter.
    Empty,
}

/// A name in its normal form, and whether a character of it was lost on the way (`?`, a private-use code).
pub fn name(text: &str) -> Result<(Cow<'_, str>, bool), NameFault> {
    let trimmed = text.trim();
    // The usual case: Han characters alone, nothing to do.
    if !trimmed.is_empty() && trimmed.chars().all(is_han) {
        return Ok((Cow::Borrowed(trimmed), false));
    }
    let folded = fold(trimmed);
    if folded.contains(['*', '×', '○', '●', '█']) {
        return Err(NameFault::Masked);
    }
    if !folded.chars().any(|c| c.is_alphabetic() || is_private(c)) {
        return Err(NameFault::Empty);
    }
    let damaged = folded.chars().any(|c| matches!(c, '?' | '\u{fffd}') || is_private(c));
    Ok((Cow::Owned(join_han(&folded)), damaged))
}

/// Between Han characters spaces go and any dot becomes `·`; elsewhere runs of spaces become one.
fn join_han(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !c.is_whitespace() && !is_dot(c) {
            joined.push(c);
            continue;
        }
        let mut dotted = is_dot(c);
        let mut gap = String::from(c);
        while let Some(next) = rest.next_if(|next| next.is_whitespace() || is_dot(*next)) {
            dotted |= is_dot(next);
            gap.push(next);
        }
        let between =
            joined.chars().next_back().is_some_and(stands_as_han) && rest.peek().copied().is_some_and(stands_as_han);
        match (between, dotted) {
            (true, true) => joined.push('·'),
            (true, false) => {}
            (false, true) => joined.push_str(&squeezed(&gap)),
            (false, false) => joined.push(' '),
        }
    }
    joined
}

/// Without spaces and line breaks, but for one space between two letters or digits that are not Han.
pub fn squeeze(text: &str) -> String {
    let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if latin(squeezed.chars().next_back()) && latin(word.chars().next()) {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

/// Runs of spaces as one.
fn squeezed(gap: &str) -> String {
    let mut squeezed = String::new();
    for c in gap.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !squeezed.ends_with(' ') {
            squeezed.push(c);
        }
    }
    squeezed
}

fn is_dot(c: char) -> bool {
    matches!(c, '·' | '•' | '．' | '・' | '.' | '‧' | '∙' | '･')
}

/// Private-use codes and question marks stand where a Han character was.
fn stands_as_han(c: char) -> bool {
    is_han(c) || is_private(c) || c == '?'
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        name(text).map(|(name, _)| name.into_owned()).unwrap()
    }

    #[test]
    fn every_middle_dot_becomes_one() {
        for dot in ["·", "•", "．", "・", ".", " · "] {
            assert_eq!(normal(&format!("艾合买提{dot}买买提")), "艾合买提·买买提", "{dot}");
        }
    }

    #[test]
    fn spaces_between_han_characters_go() {
        assert_eq!(normal("　张 　三 "), "张三");
        assert_eq!(normal("John  A. Smith"), "John A. Smith");
    }

    #[test]
    fn rare_characters_stay() {
        for kept in ["䶮娜", "𠮷田", "㙍小明"] {
            assert_eq!(name(kept), Ok((Cow::Borrowed(kept), false)));
        }
    }

    #[test]
    fn a_lost_character_is_noticed_and_kept() {
        assert_eq!(name("张?"), Ok((Cow::Owned("张?".to_owned()), true)));
        assert_eq!(name("王\u{e863}"), Ok((Cow::Owned("王\u{e863}".to_owned()), true)));
    }

    #[test]
    fn masked_and_empty_names_are_faults() {
        assert_eq!(name("张*"), Err(NameFault::Masked));
        assert_eq!(name("李＊＊"), Err(NameFault::Masked));
        assert_eq!(name(" 　"), Err(NameFault::Empty));
        assert_eq!(name("123"), Err(NameFault::Empty));
    }

    #[test]
    fn full_width_characters_are_folded() {
        assert_eq!(fold("　ＡＢ１２－ "), "AB12-");
        assert!(matches!(half_width("abc中文"), Cow::Borrowed(_)));
    }
}
