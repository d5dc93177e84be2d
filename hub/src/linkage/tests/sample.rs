//! Invented persons, some of them twice with typing errors.

/// One line of a register.
#[derive(Debug, Clone)]
pub struct Line {
    /// `PERSON-COPY`.
    pub id: String,
    /// Given name.
    pub given: String,
    /// Surname.
    pub surname: String,
    /// Date of birth.
    pub born: String,
    /// Street and number.
    pub street: String,
    /// A number of the person.
    pub code: String,
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn word(number: u64) -> String {
    const HEADS: [&str; 12] = ["b", "d", "fr", "g", "kl", "l", "m", "n", "p", "r", "st", "v"];
    const HEARTS: [&str; 6] = ["a", "e", "i", "o", "u", "ai"];
    const TAILS: [&str; 8] = ["nder", "rs", "ll", "mton", "cker", "ng", "son", "ley"];
    let at = |step: u64, many: u64| ((number / step) % many) as usize;
    format!("{}{}{}{}", HEADS[at(1, 12)], HEARTS[at(12, 6)], HEADS[at(72, 12)], TAILS[at(864, 8)])
}

fn mistyped(text: &str, state: &mut u64) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = (next(state) % letters.len().saturating_sub(1).max(1) as u64) as usize;
    match next(state) % 3 {
        0 if letters.len() > 1 => letters.swap(at, at + 1),
        1 => letters.insert(at, 'e'),
        _ => letters[at] = 'x',
    }
    letters.into_iter().collect()
}

/// This many persons, half of them twice.
pub fn lines(persons: u64, seed: u64) -> Vec<Line> {
    let mut state = seed;
    let mut lines = Vec::new();
    for person in 0..persons {
        let mut dice = |most: u64| next(&mut state) % most;
        let line = Line {
            id: format!("p{person}-0"),
            given: word(dice(300)),
            surname: word(dice(2_000) + 500),
            born: format!("{}-{:02}-{:02}", 1930 + dice(80), 1 + dice(12), 1 + dice(28)),
            street: format!("{} {} street", 1 + dice(200), word(dice(900))),
            code: format!("{:07}", dice(10_000_000)),
        };
        lines.push(line.clone());
        if next(&mut state).is_multiple_of(2) {
            let mut copy = Line { id: format!("p{person}-1"), ..line };
            for cell in [&mut copy.given, &mut copy.surname, &mut copy.street, &mut copy.code] {
                match next(&mut state) % 10 {
                    0 => *cell = mistyped(cell, &mut state),
                    1 => cell.clear(),
                    _ => {}
                }
            }
            lines.push(copy);
        }
    }
    lines
}

/// The same lines in another order.
pub fn shuffled(lines: &[Line], seed: u64) -> Vec<Line> {
    let mut state = seed ^ 0x5eed;
    let mut keyed: Vec<(u64, &Line)> = lines.iter().map(|line| (next(&mut state), line)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, line)| line.clone()).collect()
}

/// As a file.
pub fn csv(lines: &[Line]) -> String {
    let row = |line: &Line| {
        format!("{},{},{},{},{},{}\n", line.id, line.given, line.surname, line.born, line.street, line.code)
    };
    std::iter::once("id,given,surname,born,street,code\n".to_owned()).chain(lines.iter().map(row)).collect()
}
