//! How often what goes wrong in a linkage set, of 100,000 records.
//!
//! Owns the rates; three mixes are named so that one stays unseen while another is tuned on.

/// Rates of noise, of 100,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// People a register knows.
    pub coverage: u64,
    /// People a register has twice.
    pub duplicates: u64,
    /// Number absent.
    pub number_missing: u64,
    /// Number wrong, masked, old or somebody else's: all kinds together.
    pub number_wrong: u64,
    /// A parent's number on a child.
    pub number_of_parent: u64,
    /// Name noise of all kinds together.
    pub name: u64,
    /// Date written in an unusual form.
    pub date_form: u64,
    /// Date wrong, vague or lunar.
    pub date_wrong: u64,
    /// Any other cell absent, each.
    pub missing: u64,
    /// Sex wrong.
    pub sex_wrong: u64,
    /// Another phone than before.
    pub phone_changed: u64,
    /// Phone mistyped, masked, a placeholder.
    pub phone_wrong: u64,
    /// Another home than before.
    pub moved: u64,
    /// Address cut short, mistyped, in part.
    pub address_wrong: u64,
    /// Two cells exchanged.
    pub exchanged: u64,
    /// Another name of the person: a former one, a pet name, a married one.
    pub renamed: u64,
    /// Characters lost on the way, in name and address each.
    pub characters_lost: u64,
    /// Cells one column further right.
    pub slipped: u64,
    /// Births that are twins.
    pub twins: u64,
    /// People who have name and birthday of a stranger.
    pub namesakes: u64,
    /// How steep name frequencies are: throws that favour the front of the list.
    pub skew: u8,
}

impl Mix {
    /// What city registers are like.
    pub const USUAL: Self = Self {
        coverage: 75_000,
        duplicates: 1_500,
        number_missing: 15_000,
        number_wrong: 18_000,
        number_of_parent: 25_000,
        name: 16_000,
        date_form: 35_000,
        date_wrong: 7_000,
        missing: 4_000,
        sex_wrong: 1_000,
        phone_changed: 12_000,
        phone_wrong: 6_000,
        moved: 10_000,
        address_wrong: 10_000,
        exchanged: 500,
        renamed: 0,
        characters_lost: 0,
        slipped: 0,
        twins: 2_000,
        namesakes: 150,
        skew: 2,
    };

    /// Registers kept by hand for decades.
    pub const HEAVY: Self = Self {
        number_missing: 25_000,
        number_wrong: 30_000,
        number_of_parent: 45_000,
        name: 30_000,
        date_wrong: 14_000,
        missing: 9_000,
        sex_wrong: 2_500,
        phone_changed: 25_000,
        phone_wrong: 12_000,
        moved: 18_000,
        address_wrong: 20_000,
        exchanged: 1_000,
        twins: 4_000,
        ..Self::USUAL
    };

    /// Another city's: fewer people in each register, other families, other slips.
    pub const OTHER: Self = Self {
        coverage: 60_000,
        duplicates: 3_000,
        number_missing: 10_000,
        number_wrong: 26_000,
        name: 22_000,
        date_form: 60_000,
        date_wrong: 5_000,
        missing: 7_000,
        phone_changed: 20_000,
        moved: 7_000,
        renamed: 3_000,
        characters_lost: 500,
        slipped: 300,
        twins: 3_000,
        namesakes: 300,
        skew: 3,
        ..Self::USUAL
    };

    /// A mix by its name: `usual`, `heavy`, `other`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "usual" => Some(Self::USUAL),
            "heavy" => Some(Self::HEAVY),
            "other" => Some(Self::OTHER),
            _ => None,
        }
    }
}
