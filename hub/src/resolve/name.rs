//! Names as they are compared: spaces, middle dots and full-width forms do not tell people apart. Never for show.

/// The form of a name under which equal people are equal: no spaces, no middle dots, half width, upper case.
///
/// The dot between the parts of a transliterated name is typed in half a dozen ways or left out, and U+E863 is what
/// some GBK decoders make of 䶮.
pub fn same_form(name: &str) -> String {
    name.chars()
        .map(narrow_char)
        .filter(|letter| !is_filler(*letter))
        .flat_map(char::to_uppercase)
        .map(repaired)
        .collect()
}

/// Text in half width, without spaces around it.
pub(crate) fn narrow(text: &str) -> String {
    text.chars().map(narrow_char).collect::<String>().trim().to_owned()
}

fn narrow_char(letter: char) -> char {
    match letter {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

fn is_filler(letter: char) -> bool {
    let dot = matches!(
        letter,
        '·' | '•' | '・' | '.' | '‧' | '∙' | '⋅' | '\u{ff65}' | '\u{0387}' | '\u{2024}' | '\u{22ef}' | '。'
    );
    dot || letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{feff}')
}

fn repaired(letter: char) -> char {
    if letter == '\u{e863}' { '䶮' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_dots_and_width_do_not_tell_names_apart() {
        for written in
            ["阿依努尔·买买提", "阿依努尔•买买提", "阿依努尔．买买提", " 阿依努尔 买买提", "阿依努尔　・买买提"]
        {
            assert_eq!(same_form(written), "阿依努尔买买提");
        }
        assert_eq!(same_form("Ｌｉ　ｍｉｎｇ"), "LIMING");
        assert_eq!(same_form("马\u{e863}"), same_form("马䶮"));
        assert_ne!(same_form("张三"), same_form("张三丰"));
    }
}
