//! The special cases, each a small play: who appears in which feed on which day in which way, and what must come of it.
//!
//! What must come of it is written beside the play by hand and never computed from it; the tests replay the files.

use super::feed::Feed::{self, Health, Insured, Marriage, Population, Registered, Unemployment};
use super::wrong::Operation::{Annulment, Divorce, Marriage as Wedding, Reissue};
use super::wrong::Take::{self, Absent as NO, Cancelled, Event, Good as OK, Wrong as W};
use super::wrong::Wrong::*;

/// One special case.
#[derive(Debug)]
pub(super) struct Play {
    /// What it is about.
    pub title: &'static str,
    /// How many people play; they live together.
    pub people: u8,
    /// What is sent.
    pub parts: &'static [Part],
    /// What the hub must come to after day 1, day 2 and any later day.
    pub known: [Known; 3],
}

/// What one feed says about one of the people: on day 1, day 2 and later days.
#[derive(Debug)]
pub(super) struct Part {
    pub who: u8,
    pub feed: Feed,
    pub takes: [Take; 3],
}

/// Residents, households and unresolved contributions a play comes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known(pub u64, pub u64, pub u64);

impl Part {
    /// How the row is sent on a day.
    pub fn take(&self, day: u32) -> Take {
        self.takes[act(day)]
    }
}

/// The place of a day in the arrays above.
pub(super) fn act(day: u32) -> usize {
    (day.max(1) as usize - 1).min(2)
}

const fn play(title: &'static str, people: u8, parts: &'static [Part], known: [Known; 3]) -> Play {
    Play { title, people, parts, known }
}

const fn part(who: u8, feed: Feed, takes: [Take; 3]) -> Part {
    Part { who, feed, takes }
}

const fn always(residents: u64, households: u64, unresolved: u64) -> [Known; 3] {
    [Known(residents, households, unresolved); 3]
}

const STEADY: [Take; 3] = [OK, OK, OK];
const WED: [Take; 3] = [Event(Wedding), NO, NO];

/// All plays, the order is the order of their rows in the files.
pub(super) const PLAYS: &[Play] = &[
    play("registered, then without a name", 1, &[part(0, Registered, [OK, W(MissingName), OK])], always(1, 1, 0)),
    play("new and without a name", 1, &[part(0, Registered, [NO, W(MissingName), NO])], always(0, 0, 0)),
    play(
        "born on 1900-02-30",
        1,
        &[part(0, Registered, [OK, W(BadDate), OK]), part(0, Population, STEADY)],
        always(1, 1, 0),
    ),
    play("an unknown ethnic group", 1, &[part(0, Registered, [OK, W(UnknownCode), OK])], always(1, 1, 0)),
    play("an unknown residents committee", 1, &[part(0, Registered, [OK, W(UnknownCommittee), OK])], always(1, 1, 0)),
    play("registered twice in one file", 1, &[part(0, Registered, [OK, W(Twice), OK])], always(1, 1, 0)),
    play("a name without end", 1, &[part(0, Registered, [OK, W(OverlongName), OK])], always(1, 1, 0)),
    play(
        "registered again under a correct number",
        1,
        &[part(0, Registered, [W(EarlierNumber), OK, OK]), part(0, Population, STEADY)],
        [Known(2, 1, 0), Known(1, 1, 0), Known(1, 1, 0)],
    ),
    play(
        "registered under a wrong check digit",
        1,
        &[part(0, Registered, [NO, W(CheckDigit), W(CheckDigit)])],
        [Known(0, 0, 0), Known(0, 1, 1), Known(0, 1, 1)],
    ),
    play("a number shown as a float", 1, &[part(0, Population, [OK, W(NumberAsFloat), OK])], always(1, 0, 0)),
    play("new with a name without end", 1, &[part(0, Population, [NO, W(OverlongName), NO])], always(0, 0, 0)),
    play(
        "a child under its parent's number",
        2,
        &[part(0, Registered, STEADY), part(1, Population, [NO, W(ParentsNumber), W(ParentsNumber)])],
        [Known(1, 1, 0), Known(1, 1, 1), Known(1, 1, 1)],
    ),
    play("six names under one placeholder", 6, SIX_UNDER_ONE, [Known(1, 1, 0), Known(1, 1, 6), Known(1, 1, 6)]),
    play(
        "the number lost for a day",
        1,
        &[part(0, Registered, STEADY), part(0, Population, [OK, W(NoNumber), OK])],
        [Known(1, 1, 0), Known(1, 1, 1), Known(1, 1, 0)],
    ),
    play(
        "insured under a number that is corrected",
        1,
        &[part(0, Registered, STEADY), part(0, Insured, [W(EarlierNumber), OK, OK])],
        [Known(2, 1, 0), Known(1, 1, 0), Known(1, 1, 0)],
    ),
    play(
        "known by the person number alone",
        1,
        &[part(0, Insured, STEADY), part(0, Unemployment, [W(NoNumber); 3])],
        always(1, 0, 0),
    ),
    play(
        "known by the person number a day late",
        1,
        &[part(0, Insured, [NO, OK, OK]), part(0, Unemployment, [W(NoNumber); 3])],
        [Known(0, 0, 1), Known(1, 0, 0), Known(1, 0, 0)],
    ),
    play("known by nothing", 1, &[part(0, Unemployment, [W(NoNumber); 3])], always(0, 0, 1)),
    play(
        "a wrong check digit, known by the person number",
        1,
        &[part(0, Insured, [W(CheckDigit); 3]), part(0, Unemployment, STEADY)],
        always(1, 0, 0),
    ),
    play(
        "insured, the number spoilt for a day",
        1,
        &[part(0, Insured, [OK, W(CheckDigit), OK])],
        [Known(1, 0, 0), Known(0, 0, 1), Known(1, 0, 0)],
    ),
    play(
        "one person number under two numbers",
        1,
        &[part(0, Insured, STEADY), part(0, Unemployment, [NO, W(EarlierNumber), W(EarlierNumber)])],
        [Known(1, 0, 0), Known(2, 0, 0), Known(2, 0, 0)],
    ),
    play(
        "unemployment with a number as a float",
        1,
        &[part(0, Insured, STEADY), part(0, Unemployment, [OK, W(NumberAsFloat), OK])],
        always(1, 0, 0),
    ),
    play("new with a number as a float", 1, &[part(0, Unemployment, [NO, W(NumberAsFloat), NO])], always(0, 0, 0)),
    play(
        "unemployment without a name",
        1,
        &[part(0, Registered, STEADY), part(0, Unemployment, [OK, W(MissingName), OK])],
        always(1, 1, 0),
    ),
    play(
        "another's number, no birth date",
        2,
        &[part(0, Registered, STEADY), part(1, Unemployment, [NO, W(ParentsNumber), W(ParentsNumber)])],
        [Known(1, 1, 0), Known(1, 1, 1), Known(1, 1, 1)],
    ),
    play(
        "two names under one number, no birth date",
        2,
        &[part(0, Unemployment, [NO, OK, OK]), part(1, Unemployment, [NO, W(ParentsNumber), W(ParentsNumber)])],
        [Known(0, 0, 0), Known(0, 0, 2), Known(0, 0, 2)],
    ),
    play("an unknown insurance", 1, &[part(0, Insured, [OK, W(UnknownInsurance), OK])], always(1, 0, 0)),
    play("insured, born on 1900-02-30", 1, &[part(0, Insured, [OK, W(BadDate), OK])], always(1, 0, 0)),
    play("insured without a name", 1, &[part(0, Insured, [OK, W(MissingName), OK])], always(1, 0, 0)),
    play(
        "insured under another name",
        1,
        &[part(0, Registered, STEADY), part(0, Insured, [OK, W(Renamed), OK])],
        always(1, 1, 0),
    ),
    // Passports of many states bear like numbers: the health record names no state, so it cannot be resolved.
    play(
        "a foreigner",
        1,
        &[part(0, Insured, [W(Passport); 3]), part(0, Health, [W(Passport), NO, NO])],
        always(1, 0, 1),
    ),
    play("a health record without its number", 1, &[part(0, Health, [OK, W(MissingKey), NO])], always(1, 0, 0)),
    play("a health record without a name", 1, &[part(0, Health, [OK, W(MissingName), NO])], always(1, 0, 0)),
    play("a health record of 1900-02-30", 1, &[part(0, Health, [OK, W(BadDate), NO])], always(1, 0, 0)),
    play("a health record twice in one file", 1, &[part(0, Health, [OK, W(Twice), NO])], always(1, 0, 0)),
    play(
        "a health record cancelled",
        1,
        &[part(0, Health, [OK, Cancelled, NO])],
        [Known(1, 0, 0), Known(0, 0, 0), Known(0, 0, 0)],
    ),
    play(
        "newly wed",
        2,
        &[part(0, Registered, STEADY), part(1, Registered, STEADY), part(0, Marriage, [NO, Event(Wedding), NO])],
        always(2, 1, 0),
    ),
    play("divorced", 2, &[part(0, Marriage, WED), part(0, Marriage, [NO, Event(Divorce), NO])], always(2, 0, 0)),
    play("annulled", 2, &[part(0, Marriage, WED), part(0, Marriage, [NO, Event(Annulment), NO])], always(2, 0, 0)),
    play("issued again", 2, &[part(0, Marriage, WED), part(0, Marriage, [NO, Event(Reissue), NO])], always(2, 0, 0)),
    play(
        "wed without the wife's name",
        2,
        &[part(0, Registered, STEADY), part(1, Registered, STEADY), part(0, Marriage, [NO, W(MissingName), NO])],
        always(2, 1, 0),
    ),
    play(
        "wed with a column too few",
        2,
        &[part(0, Marriage, WED), part(0, Marriage, [NO, W(ColumnCount), NO])],
        always(2, 0, 0),
    ),
    play("wed without a certificate", 2, &[part(0, Marriage, [NO, W(MissingKey), NO])], always(0, 0, 0)),
    play(
        "wed without the wife's number",
        2,
        &[part(0, Registered, STEADY), part(0, Marriage, [NO, W(NoNumber), NO])],
        [Known(1, 1, 0), Known(1, 1, 1), Known(1, 1, 1)],
    ),
    play(
        "arrived",
        1,
        &[part(0, Registered, [NO, OK, OK]), part(0, Population, [NO, OK, OK]), part(0, Insured, [NO, OK, OK])],
        [Known(0, 0, 0), Known(1, 1, 0), Known(1, 1, 0)],
    ),
    play(
        "left",
        1,
        &[
            part(0, Registered, [OK, NO, NO]),
            part(0, Population, [OK, NO, NO]),
            part(0, Insured, [OK, NO, NO]),
            part(0, Health, [OK, Cancelled, NO]),
        ],
        [Known(1, 1, 0), Known(0, 0, 0), Known(0, 0, 0)],
    ),
    play(
        "left, the marriage stays on record",
        2,
        &[part(0, Registered, [OK, NO, NO]), part(1, Registered, [OK, NO, NO]), part(0, Marriage, WED)],
        [Known(2, 1, 0), Known(2, 0, 0), Known(2, 0, 0)],
    ),
];

const SIX_UNDER_ONE: &[Part] = &[
    part(0, Registered, STEADY),
    part(0, Population, [NO, W(Placeholder), W(Placeholder)]),
    part(1, Population, [NO, W(Placeholder), W(Placeholder)]),
    part(2, Population, [NO, W(Placeholder), W(Placeholder)]),
    part(3, Population, [NO, W(Placeholder), W(Placeholder)]),
    part(4, Population, [NO, W(Placeholder), W(Placeholder)]),
    part(5, Population, [NO, W(Placeholder), W(Placeholder)]),
];
