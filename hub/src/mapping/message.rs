//! The sentences for every code a record can be refused or an attribute dropped with, in both languages.
//!
//! Owns the texts. Never holds a value of a record: what was sent stands beside the sentence, not in it.

use crate::reason::Reason;

/// The code, the Chinese sentence and the English one.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("key-missing", "缺少主键，无法识别该记录。", "The key is missing; the record cannot be told from others."),
    (
        "key-unreadable",
        "主键被表格软件改成了科学计数法，末几位已丢失。",
        "A spreadsheet turned the key into a power of ten; its last digits are lost.",
    ),
    ("value-missing", "此项必填，现为空。", "This is required and is empty."),
    ("not-scalar", "此项应为单个值。", "This should be a single value."),
    ("not-a-list", "此项应为重复的子记录。", "This should be a list of groups."),
    (
        "id-unreadable",
        "证件号码无法识别（可能被表格软件改成了科学计数法，或不是号码）。",
        "The ID number cannot be read (a spreadsheet may have rounded it, or it is no number).",
    ),
    (
        "id-check-digit",
        "证件号码的校验位或其中的出生日期有误，已按原样保留，但不作为身份依据。",
        "The check digit of the ID number or the date in it is wrong; it is kept as sent and identifies nobody.",
    ),
    ("name-masked", "姓名被遮盖，请报送完整姓名。", "The name is masked; send it in full."),
    ("name-empty", "姓名中没有可用的文字。", "The name holds no letter."),
    (
        "name-damaged",
        "姓名中有字符在转换中丢失或为自造字，已按原样保留。",
        "A character of the name was lost or is a private one; it is kept as sent.",
    ),
    ("date-invalid", "日期无法识别，或该日期不存在。", "The date cannot be read or never was."),
    (
        "date-out-of-range",
        "日期早于1850年或晚于数据日期。",
        "The date is before 1850 or after the day the data tell of.",
    ),
    ("time-invalid", "时间的格式不符。", "The time is not in the declared format."),
    ("phone-invalid", "电话号码无法识别。", "The telephone number cannot be read."),
    ("digits-invalid", "应为规定位数的数字。", "This should be digits, as many as declared."),
    ("number-invalid", "应为数值。", "This should be a number."),
    ("integer-invalid", "应为整数。", "This should be a whole number."),
    ("bool-invalid", "应为是或否。", "This should be yes or no."),
    ("code-unknown", "不在代码表中，既不是代码也不是名称。", "This is neither a code nor a label of the code table."),
    ("code-ambiguous", "该名称对应多个代码，请报送代码。", "Several codes have this label; send the code."),
    ("code-no-standard", "该本地代码没有对应的标准代码。", "The standard has no code for this local one."),
    (
        "expression-failed",
        "该行的值无法用于映射中的表达式。",
        "The expression of the mapping cannot be computed with this row.",
    ),
    ("missing", "缺少该列。", "The column is missing."),
    ("type", "值的类型不符。", "The value is of the wrong type."),
    ("too-long", "超出规定长度。", "This is longer than allowed."),
    ("too-short", "少于规定长度。", "This is shorter than allowed."),
    ("pattern", "格式不符。", "This does not have the declared form."),
    ("not-allowed", "不是允许的值。", "This is none of the allowed values."),
    ("too-many", "重复的子记录过多。", "There are too many groups."),
    ("out-of-range", "数值超出范围。", "The number is out of range."),
    ("schema", "不符合该数据的规定格式。", "This breaks the schema of the feed."),
];

/// The sentences of a code, Chinese then English.
pub fn sentences(code: &str) -> (&'static str, &'static str) {
    SENTENCES
        .iter()
        .find(|(known, ..)| *known == code)
        .map_or(("记录有误。", "The record is wrong."), |(_, zh, en)| (zh, en))
}

/// A reason with the sentences of its code.
pub fn reason(code: &str, pointer: impl Into<String>, value: Option<&str>) -> Reason {
    let (zh, en) = sentences(code);
    let reason = Reason::new(code, pointer, zh, en);
    match value {
        Some(value) if !value.is_empty() => reason.with_value(value),
        _ => reason,
    }
}

/// Whether the catalogue knows a code; test files may expect no other.
pub fn is_known(code: &str) -> bool {
    SENTENCES.iter().any(|(known, ..)| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_both_sentences_once() {
        for (index, (code, zh, en)) in SENTENCES.iter().enumerate() {
            assert!(zh.ends_with('。') && en.ends_with('.'), "{code}");
            assert!(SENTENCES[index + 1..].iter().all(|(other, ..)| other != code), "{code} stands twice");
        }
    }

    #[test]
    fn the_value_stands_beside_the_sentence() {
        let reason = reason("code-unknown", "/AAC004", Some("X"));
        assert_eq!((reason.value.as_deref(), reason.en.contains('X')), (Some("X"), false));
    }
}
