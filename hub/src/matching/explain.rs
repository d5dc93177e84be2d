//! A comparison in words: what each column says, how much that weighs, and what it comes to.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::COLUMNS;
use super::{Candidate, Matcher};
use crate::linkage::evidence::Ground;

/// What one column says of two records.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Said {
    /// Its name.
    pub column: &'static str,
    /// How the two agree.
    pub agreement: &'static str,
    /// The same in Chinese.
    pub agreement_zh: &'static str,
    /// How much that speaks for one person, in bits; against, where it is negative. What is rarer than usual weighs more
    /// than this says.
    pub bits: f64,
}

/// A comparison in words.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explained {
    /// What the columns say that say anything, what weighs most first.
    pub columns: Vec<Said>,
    /// All of it in a sentence.
    pub sentence: String,
    /// The same in Chinese.
    pub sentence_zh: String,
}

impl Matcher {
    /// Explains how a record compares with a person.
    pub fn explained(&self, candidate: &Candidate) -> Explained {
        let mut columns = Vec::new();
        let (mut parts, mut parts_zh) = (Vec::new(), Vec::new());
        for (at, (name, kind)) in COLUMNS.iter().enumerate() {
            let Some(level) = candidate.levels.get(at).copied().flatten().map(usize::from) else { continue };
            let Some(rung) = kind.ladder().get(level) else { continue };
            let learned = self.model.columns.get(at).and_then(|column| column.rungs.get(level));
            let bits = learned.map_or(0.0, |rung| (rung.same / rung.random).log2());
            let bits = (bits * 10.0).round() / 10.0;
            columns.push(Said { column: name, agreement: rung.en, agreement_zh: rung.zh, bits });
            parts.push(format!("{} ({bits:+.1})", rung.en));
            parts_zh.push(format!("{}（{bits:+.1}）", rung.zh));
        }
        columns.sort_by(|one, other| other.bits.abs().total_cmp(&one.bits.abs()));
        let percent = candidate.probability * 100.0;
        let (ground, ground_zh) = candidate.ground.map_or(("", ""), in_words);
        Explained {
            columns,
            sentence: format!("{}; one person with {percent:.1} %{ground}.", parts.join(", ")),
            sentence_zh: format!("{}；为同一人的可能性 {percent:.1}%{ground_zh}。", parts_zh.join("，")),
        }
    }
}

fn in_words(ground: Ground) -> (&'static str, &'static str) {
    match ground {
        Ground::TwoNumbers => ("; two different valid numbers", "；两个不同的有效证件号码"),
        Ground::NearNumbers => ("; two valid numbers one slip apart", "；两个有效证件号码仅差一处"),
        Ground::Twins => ("; perhaps twins", "；可能是双胞胎"),
        Ground::ParentAndChild => ("; perhaps parent and child", "；可能是父母与子女"),
        Ground::Household => ("; perhaps of one household", "；可能是同一家庭的不同成员"),
        Ground::BorrowedNumber => ("; the number may be somebody else's", "；证件号码可能属于他人"),
    }
}
