//! Flat JSON objects of strings; empty cells are left out.

use super::super::feed::Cells;

/// Appends an object.
pub(in crate::city) fn object(text: &mut String, names: &[&str], cells: &Cells) {
    let mut mark = '{';
    for (name, value) in names.iter().zip(cells.iter()).filter(|(_, value)| !value.is_empty()) {
        text.push(mark);
        mark = ',';
        string(text, name);
        text.push(':');
        string(text, value);
    }
    if mark == '{' {
        text.push('{');
    }
    text.push('}');
}

fn string(text: &mut String, value: &str) {
    text.push('"');
    if value.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..b' ')) {
        escape(text, value);
    } else {
        text.push_str(value);
    }
    text.push('"');
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // No cell holds other control characters; a space would do for one.
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings_are_escaped() {
        let mut text = String::new();
        super::string(&mut text, "a\"b\\c\nd");
        assert_eq!(text, r#""a\"b\\c\nd""#);
    }
}
