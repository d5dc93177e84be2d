//! A feed as its TOML file declares it. Owns the shape of the file, nothing of what it does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `mappings/<department>/<feed>.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSpec {
    /// `department/feed`; must agree with the file's place.
    pub feed: String,
    /// What people call it.
    pub title: Text,
    /// Where names, codes and formats of this feed come from, and which of them are ours.
    #[serde(default)]
    pub about: String,
    /// What a delivery holds.
    pub mode: Mode,
    /// File format and its options.
    pub format: adapters::Format,
    /// Limits of the decoder where the defaults do not fit.
    #[serde(default)]
    pub decode_limits: adapters::Limits,
    /// JSON Schema of a record's columns, below `schemas/feeds/`; `<department>/<feed>.json` without it.
    #[serde(default)]
    pub schema: Option<String>,
    /// How a record is known again in the next delivery.
    pub key: KeySpec,
    /// Which state of the world a delivery tells.
    pub as_of: AsOfSpec,
    /// Where the sender says how many rows there are; without it the format must prove its own end.
    #[serde(default)]
    pub total: Option<TotalSpec>,
    /// A column with the source's own time of last change of the row.
    #[serde(default)]
    pub updated_at: Option<ColumnTime>,
    /// CEL expression over the row (variable `row`); true says the row ends its contribution (delta feeds).
    #[serde(default)]
    pub ends_when: Option<String>,
    /// When a delivery is expected (Asia/Shanghai).
    #[serde(default)]
    pub schedule: Option<ScheduleSpec>,
    /// When a delivery is held.
    #[serde(default)]
    pub limits: LimitSpec,
    /// Columns that may not arrive: a file with one is refused whole and its bytes erased.
    #[serde(default)]
    pub forbidden: Vec<String>,
    /// Columns that arrive and are outside the hub's purpose: never kept, never hashed.
    #[serde(default)]
    pub out_of_purpose: Vec<String>,
    /// Parts of a record, each a contribution of its own.
    #[serde(rename = "part")]
    pub parts: Vec<PartSpec>,
}

/// A text for people in both languages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// What a delivery holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All records; what is absent has ended.
    Snapshot,
    /// Only what changed.
    Delta,
}

/// How a record is known again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// The columns that make the source key, trimmed, joined by U+001F.
    pub columns: Vec<String>,
    /// The source has no key: the columns are hashed and an occurrence number is added.
    #[serde(default)]
    pub weak_key: bool,
}

/// Where the as-of is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AsOfSpec {
    /// The request header `Hub-As-Of` (RFC 3339 or a date), and `Hub-Sequence` (a whole number) where the sender counts.
    Header,
    /// The file's name: a regular expression with the named group `date`, and `sequence` where the sender counts; it holds over
    /// `Hub-Sequence`.
    FileName {
        /// The expression.
        pattern: String,
        /// chrono format of the date.
        format: String,
    },
    /// A value of the envelope.
    Envelope {
        /// Its name there.
        name: String,
        /// chrono format of the date or date and time.
        format: String,
        /// Name of the envelope value with the sender's sequence.
        #[serde(default)]
        sequence: Option<String>,
    },
    /// A column that has one value in a whole delivery.
    Column {
        /// The column.
        column: String,
        /// chrono format of the date.
        format: String,
    },
}

/// Where the control total is read. The header `Hub-Total` and a line `total=N` in an `.ok` file always count.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalSpec {
    /// Name of the envelope value.
    pub envelope: String,
}

/// A column that holds a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnTime {
    /// The column.
    pub column: String,
    /// chrono format; a date means midnight in Asia/Shanghai.
    pub format: String,
}

/// When a delivery is expected (Asia/Shanghai).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Cron expression with seconds: when the department sends.
    pub cron: String,
    /// Minutes after that until the delivery is late.
    pub late_after_minutes: u32,
    /// Minutes after that until the delivery is missing.
    pub missing_after_minutes: u32,
}

/// When a delivery is held, having changed nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSpec {
    /// Most rejected rows in percent of the received.
    pub rejected_percent: f64,
    /// Most records that a snapshot may lose in percent of the stored.
    pub shrink_percent: f64,
}

impl Default for LimitSpec {
    fn default() -> Self {
        Self { rejected_percent: 5.0, shrink_percent: 5.0 }
    }
}

/// One part of a record: what it says about one entity.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSpec {
    /// Name of the part, unique in the feed: `person`, `man`, `woman`.
    pub name: String,
    /// The entity, a file of `schemas/entities/`.
    pub entity: String,
    /// What each attribute of the entity is made from.
    pub attributes: BTreeMap<String, AttributeSpec>,
}

/// What one attribute is made from: a column, several, a constant, an object of fields, a list from a repeated group,
/// or the first of several ways that says something.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeSpec {
    /// The column.
    pub from: Option<String>,
    /// Several columns, joined; blank ones are left out.
    pub from_all: Vec<String>,
    /// What stands between the columns of `from_all`.
    pub join: String,
    /// The constant.
    #[serde(rename = "const")]
    pub constant: Option<serde_json::Value>,
    /// An object: its fields.
    pub fields: BTreeMap<String, AttributeSpec>,
    /// A list: the repeated group whose items `fields` are mapped from.
    pub group: Option<String>,
    /// A one-item list from the row's own columns (a marriage row is one marriage event).
    pub as_list: bool,
    /// Ways to make the attribute; the first one that applies and says something counts.
    pub first_of: Vec<AttributeSpec>,
    /// CEL condition over the row (variable `row`; in a group its item); where it is false nothing is said.
    pub when: Option<String>,
    /// Transforms in order; see `hub/docs/adding-a-feed.md`.
    pub with: Vec<String>,
    /// With the transform `split`: each value becomes an object with this one field.
    pub item: Option<String>,
    /// Code table (below `schemas/codes/`) whose labels and codes are accepted.
    pub codes: Option<String>,
    /// The rows of the code table with this scheme (or table, or level) only.
    pub scheme: Option<String>,
    /// Schemes of `code-variants` accepted besides; they win over the table.
    pub variants: Vec<String>,
    /// Column of the code table that is given instead of `code`.
    pub give: Option<String>,
    /// Regular expression for whole values that are accepted as codes though the table does not list them.
    pub accept: Option<String>,
    /// Whether a blank is a bad value; an object or item without a required field is dropped whole.
    pub required: bool,
    /// What a bad value does; `reject` for `name` and `id_no` of a part, `drop` elsewhere.
    pub on_error: Option<OnError>,
    /// What a blank says.
    pub blank: Option<Blank>,
    /// CEL expression over the row (variable `row`) instead of `from`.
    pub cel: Option<String>,
}

/// What a bad value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The record is rejected.
    Reject,
    /// The attribute is dropped and an issue is recorded.
    Drop,
}

/// What a blank value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blank {
    /// Nothing: other claims stand.
    Nothing,
    /// The attribute is known to be empty.
    Erases,
    /// Nothing, and an issue `value-missing` is recorded.
    Issue,
}
