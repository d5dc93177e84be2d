//! Elements with text, escaped.

use super::super::feed::Cells;

/// Appends a start tag.
pub(in crate::city) fn open(text: &mut String, name: &str) {
    text.push('<');
    text.push_str(name);
    text.push('>');
}

/// Appends an end tag.
pub(in crate::city) fn close(text: &mut String, name: &str) {
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

/// Appends an element; an empty one in short.
pub(in crate::city) fn element(text: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        text.push('<');
        text.push_str(name);
        text.push_str("/>");
        return;
    }
    open(text, name);
    escape(text, value);
    close(text, name);
}

/// Appends one element per cell.
pub(in crate::city) fn elements(text: &mut String, names: &[&str], cells: &Cells) {
    elements_from(text, 0, names, cells);
}

/// Appends one element per cell from the given one on.
pub(in crate::city) fn elements_from(text: &mut String, first: usize, names: &[&str], cells: &Cells) {
    for (name, value) in names.iter().zip(cells.iter()).skip(first) {
        element(text, name, value);
    }
}

/// Appends text with the three characters escaped that may not stand in it.
pub(in crate::city) fn escape(text: &mut String, value: &str) {
    if !value.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'>')) {
        return text.push_str(value);
    }
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_escaped() {
        let mut text = String::new();
        super::element(&mut text, "a", "1 < 2 & 3");
        super::element(&mut text, "b", "");
        assert_eq!(text, "<a>1 &lt; 2 &amp; 3</a><b/>");
    }
}
