//! Delimited text: commas, quotes where a field needs them, CR LF.

/// Appends a line.
pub(in crate::city) fn line<'a>(text: &mut String, fields: impl Iterator<Item = &'a str>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut text = String::new();
        super::line(&mut text, ["a", "b,c", "d\"e", "f\ng"].into_iter());
        assert_eq!(text, "a,\"b,c\",\"d\"\"e\",\"f\ng\"\r\n");
    }
}
