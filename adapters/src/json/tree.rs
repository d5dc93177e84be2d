//! Reads one row of JSON into a tree that loses nothing.
//!
//! Owns repeated keys, which serde_json's own value drops silently, and numbers: whole numbers of up to 18 digits stay
//! numbers, all others become strings of the text as sent, so that no identifier is ever rounded.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Longest whole number that stays a number: its digits are exact in 64 bits.
const EXACT_DIGITS: usize = 18;

/// A value with its keys in the order sent, repeated ones too.
pub(crate) enum Node {
    /// null, true, false, a number or a string.
    Scalar(Value),
    /// An array.
    Array(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
}

/// Parses one row.
pub(crate) fn parse(text: &[u8]) -> serde_json::Result<Node> {
    serde_json::from_slice(&exact_numbers(text))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

/// The text with every number that 64 bits do not hold exactly put in quotes.
fn exact_numbers(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut index = 0;
    while index < text.len() {
        match text[index] {
            b'"' => index = end_of_string(text, index),
            b'-' | b'0'..=b'9' => {
                let length = text[index..].iter().position(|byte| !is_number_byte(*byte)).unwrap_or(text.len() - index);
                let number = &text[index..index + length];
                if is_number(number) && !is_exact(number) {
                    out.extend_from_slice(&text[copied..index]);
                    out.push(b'"');
                    out.extend_from_slice(number);
                    out.push(b'"');
                    copied = index + length;
                }
                index += length;
            }
            _ => index += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[copied..]);
    Cow::Owned(out)
}

fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut index = start + 1;
    while index < text.len() {
        match text[index] {
            b'\\' => index += 2,
            b'"' => return index + 1,
            _ => index += 1,
        }
    }
    text.len()
}

fn is_number_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

fn is_exact(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    digits.iter().all(u8::is_ascii_digit) && digits.len() <= EXACT_DIGITS && number != b"-0"
}

/// The grammar of RFC 8259: what is no number stays without quotes and is refused by the parser.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        String::from_utf8(exact_numbers(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn numbers_that_could_be_rounded_keep_their_text() {
        assert_eq!(
            shown(r#"{"a":1.30108E+17,"b":-1,"c":"1.5","d":[1.5]}"#),
            r#"{"a":"1.30108E+17","b":-1,"c":"1.5","d":["1.5"]}"#
        );
        assert_eq!(shown(r#"{"a":130108199001010019}"#), r#"{"a":130108199001010019}"#);
        assert_eq!(shown(r#"[1301081990010100190,-0]"#), r#"["1301081990010100190","-0"]"#);
    }

    #[test]
    fn what_is_no_number_stays_wrong() {
        for text in ["[01]", "[1.]", "[1.2.3]", "[1e]", "[-]", "[--1]", "[1-2]"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
