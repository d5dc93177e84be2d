//! What is wrong with a record, as data: a code, a pointer to the column, and a sentence in both languages.

use serde::{Deserialize, Serialize};

/// One thing wrong with a record (it is rejected) or with one attribute of it (the attribute is dropped: an issue).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// Stable code: `id-check-digit`, `code-unknown`, `key-missing`, `duplicate-key`, `column-count` ...
    pub code: String,
    /// JSON pointer into the record's columns: `/AAC003`, `/INSURED/1/AAE140`; empty for the whole record.
    pub pointer: String,
    /// The attribute that was read, as `part/attribute`; none where it is of the row or of its key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attribute: Option<String>,
    /// The value as sent, cut at 200 characters; personal data: shown only to those who may see the row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// Chinese sentence, without the value.
    pub zh: String,
    /// English sentence, without the value.
    pub en: String,
}

impl Reason {
    /// A reason at a pointer.
    pub fn new(code: &str, pointer: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let (zh, en) = (zh.into(), en.into());
        Self { code: code.to_owned(), pointer: pointer.into(), attribute: None, value: None, zh, en }
    }

    /// Adds the value as sent.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(value.chars().take(200).collect());
        self
    }

    /// Whether it is of this attribute of this part.
    pub fn is_of(&self, part: &str, attribute: &str) -> bool {
        self.attribute.as_deref().and_then(|known| known.split_once('/')) == Some((part, attribute))
    }

    /// The column the pointer names: its first segment.
    pub fn column(&self) -> String {
        let segment = self.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        segment.replace("~1", "/").replace("~0", "~")
    }
}
