//! Compares two names of any form, character by character.
//!
//! Owns what counts as the same, alike, shorter or swapped. Never weighs: that is the engine's.

use smallvec::SmallVec;

use super::glyph::{Glyph, Nearness};
use super::name::{Form, Name, rung};
use super::parts;

/// The rung of [`mod@rung`] that two names stand on; symmetric.
pub fn rung(one: &Name, other: &Name) -> u8 {
    if one == other && one.form != Form::Open && !one.glyphs.iter().any(Glyph::is_mask) {
        return rung::SAME;
    }
    let as_written = as_written(one, other);
    if one.heard != 0 && one.heard == other.heard { as_written.min(rung::ALIKE) } else { as_written }
}

fn as_written(one: &Name, other: &Name) -> u8 {
    match (one.form, other.form) {
        (Form::Unnamed(a), Form::Unnamed(b)) => {
            let sexes = a.is_male.is_none() || b.is_male.is_none() || a.is_male == b.is_male;
            let places = a.place == b.place || a.place == 0 || b.place == 0;
            let parents = glyphs(one, other);
            if sexes && places && parents <= rung::SHORTER { parents } else { rung::DIFFERENT }
        }
        (Form::Unnamed(_), _) => unnamed(one, other),
        (_, Form::Unnamed(_)) => unnamed(other, one),
        (Form::Pet, Form::Pet) => rung::DIFFERENT,
        (Form::Pet, _) => pet(one, other),
        (_, Form::Pet) => pet(other, one),
        (Form::Open, _) | (_, Form::Open) => open(one, other),
        (Form::Letters, Form::Letters) => letters(&one.spell(), &other.spell()),
        (Form::Letters, Form::Transcribed(_) | Form::Han) | (Form::Transcribed(_) | Form::Han, Form::Letters) => {
            letters(&one.spell(), &other.spell()).max(rung::SOUND)
        }
        _ if is_written_out(one, other) => rung::ALIKE,
        (Form::Transcribed(_), _) | (_, Form::Transcribed(_)) => transcribed(one, other),
        _ => han(one, other),
    }
}

/// Names in characters, of which one may be a pet form or stand for a name that was not given yet.
fn han(one: &Name, other: &Name) -> u8 {
    let as_written = glyphs(one, other);
    match (one.is_doubled(), other.is_doubled()) {
        (true, false) if pet(one, other) == rung::SHORTER => as_written.min(rung::SHORTER),
        (false, true) if pet(other, one) == rung::SHORTER => as_written.min(rung::SHORTER),
        _ if is_called(one, other) || is_called(other, one) => as_written.min(rung::SHORTER),
        _ if as_written > rung::ALIKE && one.given().len() == other.given().len() && are_children(one, other) => {
            rung::ALIKE
        }
        _ if as_written == rung::SURNAME && one.is_stopgap() != other.is_stopgap() => rung::UNNAMED,
        _ if as_written >= rung::SURNAME && one.is_bare_stopgap() != other.is_bare_stopgap() => rung::UNNAMED,
        _ => as_written,
    }
}

/// Whether both may be what a child of one parent is called, 张丽女 and 张丽婴.
fn are_children(one: &Name, other: &Name) -> bool {
    one.as_child().zip(other.as_child()).is_some_and(|(one, other)| rung(&one, &other) <= rung::ALIKE)
}

/// Whether the first is what a child of the second name is called, its last character twice behind the surname; the first
/// may be that of its brothers, too.
fn is_called(one: &Name, other: &Name) -> bool {
    let is_last = |called: &Glyph| other.given().last().is_some_and(|last| last.nearness(called) == Nearness::Same);
    one.doubled().is_some_and(is_last)
        && other.form == Form::Han
        && other.given().len() == 2
        && other.doubled().is_none()
        && one.shares_surname(other)
}

/// A child without a name and what is a name, or the same in fewer characters.
fn unnamed(child: &Name, other: &Name) -> u8 {
    let called = other.as_child().map(|other| rung(child, &other));
    match called {
        Some(called @ ..=rung::ALIKE) => called,
        // The parent is not the child.
        _ if glyphs(child, other) <= rung::ALIKE => rung::DIFFERENT,
        _ => rung::UNNAMED,
    }
}

/// Names of which one is known in part: the known part must agree.
fn open(one: &Name, other: &Name) -> u8 {
    let known = one.glyphs.len().min(other.glyphs.len());
    let agree = one.glyphs.iter().zip(&other.glyphs).all(|(a, b)| a.nearness(b) <= Nearness::Alike);
    match known {
        0 => rung::DIFFERENT,
        _ if !agree => rung::DIFFERENT,
        1 => rung::PARTIAL,
        _ => rung::MASKED,
    }
}

/// A pet name: its character is one of the given name, or it is the surname.
fn pet(one: &Name, other: &Name) -> u8 {
    let Some(called) = one.glyphs.first() else { return rung::DIFFERENT };
    let near = |glyphs: &[Glyph]| glyphs.iter().any(|glyph| glyph.nearness(called) == Nearness::Same);
    match () {
        () if near(other.given()) => rung::SHORTER,
        () if near(other.surname()) => rung::PARTIAL,
        () => rung::DIFFERENT,
    }
}

fn letters(one: &str, other: &str) -> u8 {
    match super::typo::slips(one.as_bytes(), other.as_bytes()) {
        Some(0) => rung::SAME,
        Some(_) => rung::ALIKE,
        // The words in another order.
        None if one.len() == other.len() && one.repeat(2).contains(other) => rung::SWAPPED,
        None if one.starts_with(other) || other.starts_with(one) => rung::SHORTER,
        None => rung::DIFFERENT,
    }
}

/// Whether one is the other with a rare character written as its parts.
fn is_written_out(one: &Name, other: &Name) -> bool {
    let (long, short) = if one.glyphs.len() >= other.glyphs.len() { (one, other) } else { (other, one) };
    let longer = long.glyphs.len() - short.glyphs.len();
    if !(1..=3).contains(&longer) || long.glyphs.first() != short.glyphs.first() {
        return false;
    }
    let characters = |name: &Name| name.glyphs.iter().map(|glyph| glyph.character).collect::<SmallVec<[char; 8]>>();
    parts::are_written_out(&characters(long), &characters(short))
}

/// How the glyphs of two runs of one length differ.
#[derive(Default)]
struct Tally {
    masked: usize,
    alike: usize,
    nearly: usize,
    apart: usize,
}

fn tally(one: &[Glyph], other: &[Glyph]) -> Tally {
    let mut tally = Tally::default();
    for (a, b) in one.iter().zip(other) {
        match a.nearness(b) {
            Nearness::Same => {}
            Nearness::Masked => tally.masked += 1,
            Nearness::Alike => tally.alike += 1,
            Nearness::Nearly => tally.nearly += 1,
            Nearness::Apart => tally.apart += 1,
        }
    }
    tally
}

fn is_same(one: &[Glyph], other: &[Glyph]) -> bool {
    let tally = tally(one, other);
    one.len() == other.len() && tally.masked + tally.alike + tally.nearly + tally.apart == 0
}

fn sounds_same(one: &[Glyph], other: &[Glyph]) -> bool {
    let tally = tally(one, other);
    one.len() == other.len() && tally.masked + tally.nearly + tally.apart == 0
}

/// Names with the surname first.
fn glyphs(one: &Name, other: &Name) -> u8 {
    let (long, short) = if one.glyphs.len() >= other.glyphs.len() { (one, other) } else { (other, one) };
    let count = long.glyphs.len();
    if count == short.glyphs.len() {
        let tally = tally(&long.glyphs, &short.glyphs);
        let written = long.glyphs.iter().chain(&short.glyphs).any(|glyph| glyph.character == '\0');
        match tally {
            Tally { alike: 0, nearly: 0, apart: 0, masked: 0 } => return rung::SAME,
            Tally { apart: 0, masked: 1.., alike, nearly } if alike + nearly <= 1 => return masked(long, short),
            Tally { apart: 0, alike: 1, nearly: 0, masked: 0 } if !written => return rung::ALIKE,
            Tally { apart: 0, masked: 0, .. } => return rung::SOUND,
            _ => {}
        }
        if is_reordered(&long.glyphs, &short.glyphs) {
            return rung::SWAPPED;
        }
        let surname = usize::from(long.surname.max(short.surname));
        let (family, given) = long.glyphs.split_at(surname.min(count));
        let (other_family, other_given) = short.glyphs.split_at(surname.min(count));
        let agree = sounds_same(family, other_family) && !family.is_empty();
        if !agree && sounds_same(given, other_given) && !given.is_empty() {
            return rung::OTHER_SURNAME;
        }
        if agree && tally.apart == 1 && tally.nearly + tally.masked == 0 && given.len() > 1 {
            return rung::ONE_DIFFERS;
        }
        return if agree { rung::SURNAME } else { rung::DIFFERENT };
    }
    of_other_length(long, short)
}

/// A name with one mask for every two: both bytes of a lost character may have left a sign, and two stars hide any name.
fn half_masked(name: &Name) -> Option<Name> {
    // Most names have no masks, and cost nothing here.
    name.glyphs.iter().filter(|glyph| glyph.is_mask()).nth(1)?;
    let mut masks = 0;
    let is_kept = |glyph: &&Glyph| {
        masks += usize::from(glyph.is_mask());
        !glyph.is_mask() || masks % 2 == 1
    };
    let glyphs = name.glyphs.iter().filter(is_kept).copied().collect();
    Some(Name { glyphs, ..name.clone() })
}

/// The rung of masked names that agree: whether a given character is seen on both.
fn masked(one: &Name, other: &Name) -> u8 {
    let given = one.glyphs.iter().zip(&other.glyphs).skip(usize::from(one.surname.max(other.surname)));
    let seen = given.into_iter().any(|(a, b)| !a.is_mask() && !b.is_mask());
    if seen { rung::MASKED } else { rung::PARTIAL }
}

fn of_other_length(long: &Name, short: &Name) -> u8 {
    if let Some(half) = half_masked(long).filter(|half| half.glyphs.len() == short.glyphs.len()) {
        return glyphs(&half, short);
    }
    let agree = long.shares_surname(short);
    if short.glyphs.len() > 1
        && is_part(&long.glyphs, &short.glyphs, Nearness::Same)
        && (agree || is_same(long.given(), &short.glyphs))
    {
        return rung::SHORTER;
    }
    if agree && short.glyphs.len() > 1 && is_part(&long.glyphs, &short.glyphs, Nearness::Alike) {
        return rung::ONE_DIFFERS;
    }
    if short.given().len() > 1 && is_same(long.given(), short.given()) {
        return rung::OTHER_SURNAME;
    }
    if agree { rung::SURNAME } else { rung::DIFFERENT }
}

/// Whether the short run is the long one with one or two glyphs left out.
fn is_part(long: &[Glyph], short: &[Glyph], most: Nearness) -> bool {
    let mut rest = long.iter();
    let near = |one: &Glyph, other: &Glyph| !one.is_mask() && !other.is_mask() && one.nearness(other) <= most;
    long.len() - short.len() <= 2 && short.iter().all(|glyph| rest.any(|one| near(one, glyph)))
}

/// The same glyphs, two neighbours swapped or the surname at the end.
fn is_reordered(one: &[Glyph], other: &[Glyph]) -> bool {
    let count = one.len();
    if count < 2 {
        return false;
    }
    // Syllables have no characters to be the same.
    let spelled = one.iter().chain(other).any(|glyph| glyph.character == '\0');
    let same = |one: &[Glyph], other: &[Glyph]| is_same(one, other) || spelled && sounds_same(one, other);
    let turned =
        |from: &[Glyph], to: &[Glyph]| same(&from[1..], &to[..count - 1]) && same(&from[..1], &to[count - 1..]);
    let swapped = (0..count - 1).any(|at| {
        is_same(&one[..at], &other[..at])
            && sounds_same(&one[at..=at], &other[at + 1..at + 2])
            && sounds_same(&one[at + 1..at + 2], &other[at..=at])
            && is_same(&one[at + 2..], &other[at + 2..])
    });
    swapped || turned(one, other) || turned(other, one)
}

/// Names that transcribe sounds: long, cut short by narrow columns, with and without the dot.
fn transcribed(one: &Name, other: &Name) -> u8 {
    let (long, short) = if one.glyphs.len() >= other.glyphs.len() { (one, other) } else { (other, one) };
    let (long_run, short_run) = (&long.glyphs, &short.glyphs);
    if long_run.len() == short_run.len() {
        let tally = tally(long_run, short_run);
        match tally.apart {
            0 if tally.masked > 0 => return rung::MASKED,
            0 if tally.alike + tally.nearly == 0 => return rung::SAME,
            0 if tally.alike + tally.nearly == 1 => return rung::ALIKE,
            0 => return rung::SOUND,
            1 if long_run.len() >= 6 => return rung::ALIKE,
            _ => {}
        }
    } else if short_run.len() >= 3 && sounds_same(&long_run[..short_run.len()], short_run) {
        return rung::SHORTER;
    } else if long_run.len() - short_run.len() == 1
        && short_run.len() >= 5
        && is_part(long_run, short_run, Nearness::Alike)
    {
        return rung::ALIKE;
    }
    let ((first, second), (other_first, other_second)) = (parts(long), parts(short));
    if sounds_same(first, other_second) && sounds_same(second, other_first) && !first.is_empty() {
        return rung::SWAPPED;
    }
    if sounds_same(first, other_first) && first.len() >= 2 {
        return rung::OTHER_SURNAME;
    }
    if sounds_same(second, other_second) && second.len() >= 2 { rung::SURNAME } else { rung::DIFFERENT }
}

fn parts(name: &Name) -> (&[Glyph], &[Glyph]) {
    match name.form {
        Form::Transcribed(second) if second > 0 => name.glyphs.split_at(usize::from(second).min(name.glyphs.len())),
        _ => (&name.glyphs, &[]),
    }
}
