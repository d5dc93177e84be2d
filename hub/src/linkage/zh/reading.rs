//! How a character sounds: toneless pinyin of every reading, packed into two bytes, and what dialects make of it.
//!
//! Readings come from the crate `pinyin` (its data are Unicode's and those of mozillazg/pinyin-data, MIT). Owns the
//! packing and the dialect classes; never decides whether two names are one.

use std::num::NonZeroU16;
use std::sync::LazyLock;

use pinyin::ToPinyinMulti;

/// Initials, the longer ones first so that a syllable finds its own.
const INITIALS: [&str; 23] = [
    "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s", "y",
    "w",
];

const FINALS: [&str; 36] = [
    "a", "o", "e", "i", "u", "ü", "ai", "ei", "ui", "ao", "ou", "iu", "ie", "üe", "er", "an", "en", "in", "un", "ang",
    "eng", "ing", "ong", "ia", "iao", "ian", "iang", "iong", "ua", "uo", "uai", "uan", "uang", "ue", "ê", "io",
];

/// What each packed syllable is in the ears of a dialect, by its code.
static FOLDED: LazyLock<Vec<Syllable>> =
    LazyLock::new(|| (0..(INITIALS.len() as u16 + 1) << 6).map(|code| Syllable::unpack(code).fold()).collect());

/// A toneless syllable: initial and final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Syllable(NonZeroU16);

impl Syllable {
    /// Packs a toneless syllable of Hanyu Pinyin (`lü` or `lv`); nothing when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace('v', "ü");
        let initial = INITIALS.iter().position(|initial| text.starts_with(initial) && text.len() > initial.len());
        let rest = initial.map_or(text.as_str(), |place| &text[INITIALS[place].len()..]);
        let last = FINALS.iter().position(|last| *last == rest)?;
        Some(Self::pack(initial.map_or(0, |place| place + 1), last))
    }

    /// The class of syllables that speakers of southern and north-eastern dialects, and clerks who type what they
    /// hear, take for one another: flat and curled tongue, n and l, front and back nasals.
    pub fn folded(self) -> Self {
        FOLDED.get(usize::from(self.code())).copied().unwrap_or(self)
    }

    /// Its letters.
    pub fn letters(self) -> impl Iterator<Item = char> {
        let (initial, last) = (usize::from(self.code() >> 6), usize::from(self.code() & 63));
        let initial = initial.checked_sub(1).and_then(|place| INITIALS.get(place)).copied().unwrap_or_default();
        initial.chars().chain(FINALS.get(last).copied().unwrap_or_default().chars())
    }

    /// The packed value, for hashing.
    pub fn code(self) -> u16 {
        self.0.get() - 1
    }

    fn fold(self) -> Self {
        let (initial, last) = (usize::from(self.code() >> 6), usize::from(self.code() & 63));
        let initial = match initial.checked_sub(1).and_then(|place| INITIALS.get(place)).copied() {
            Some("zh") => place(&INITIALS, "z") + 1,
            Some("ch") => place(&INITIALS, "c") + 1,
            Some("sh") => place(&INITIALS, "s") + 1,
            Some("n") => place(&INITIALS, "l") + 1,
            _ => initial,
        };
        let last = match FINALS.get(last).copied() {
            Some("ang") => place(&FINALS, "an"),
            Some("eng") => place(&FINALS, "en"),
            Some("ing") => place(&FINALS, "in"),
            Some("iang") => place(&FINALS, "ian"),
            Some("uang") => place(&FINALS, "uan"),
            Some("ue") => place(&FINALS, "üe"),
            _ => last,
        };
        Self::pack(initial, last)
    }

    fn pack(initial: usize, last: usize) -> Self {
        Self::unpack(((initial as u16) << 6) | last as u16)
    }

    fn unpack(code: u16) -> Self {
        Self(NonZeroU16::MIN.saturating_add(code))
    }
}

/// The block of characters that nearly all names are written in, first and last.
pub(super) const COMMON: [char; 2] = ['\u{4e00}', '\u{9fff}'];

/// Their readings.
static READ: LazyLock<Vec<Readings>> = LazyLock::new(|| (COMMON[0]..=COMMON[1]).map(Readings::looked_up).collect());

fn place(list: &[&str], item: &str) -> usize {
    list.iter().position(|one| *one == item).unwrap_or(0)
}

/// At most four readings of a character, the usual one first, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readings([Option<Syllable>; 4]);

impl Readings {
    /// No reading at all.
    pub const NONE: Self = Self([None; 4]);

    /// The readings of a character; none for what is no Han character.
    pub fn of(character: char) -> Self {
        match u32::from(character).checked_sub(u32::from(COMMON[0])).and_then(|place| READ.get(place as usize)) {
            Some(known) => *known,
            None => Self::looked_up(character),
        }
    }

    fn looked_up(character: char) -> Self {
        let mut readings = Self::default();
        for pinyin in character.to_pinyin_multi().into_iter().flatten() {
            if let Some(syllable) = Syllable::parse(pinyin.plain()) {
                readings.add(syllable);
            }
        }
        readings
    }

    /// The reading written down in pinyin.
    pub fn written(syllable: Syllable) -> Self {
        Self([Some(syllable), None, None, None])
    }

    fn add(&mut self, syllable: Syllable) {
        if self.iter().any(|known| known == syllable) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|free| free.is_none()) {
            *free = Some(syllable);
        }
    }

    /// The readings, the usual one first.
    pub fn iter(&self) -> impl Iterator<Item = Syllable> + '_ {
        self.0.iter().flatten().copied()
    }

    /// The usual reading.
    pub fn first(&self) -> Option<Syllable> {
        self.0[0]
    }

    /// Whether the usual reading of one is a reading of the other: by two rare ones nobody takes them for one another.
    pub fn meet(&self, other: &Self) -> bool {
        self.is_read(other, |syllable| syllable) || other.is_read(self, |syllable| syllable)
    }

    /// As [`Self::meet`], by what dialects make of the readings.
    pub fn nearly_meet(&self, other: &Self) -> bool {
        self.is_read(other, Syllable::folded) || other.is_read(self, Syllable::folded)
    }

    /// Whether the other may be read as this one usually is, as far as `heard`.
    fn is_read(&self, other: &Self, heard: impl Fn(Syllable) -> Syllable) -> bool {
        self.first().map(&heard).is_some_and(|usual| other.iter().any(|reading| heard(reading) == usual))
    }
}

/// Reads a name written in pinyin (`Zhang Wei`, `ZHANGWEI`, `Z hang Wei`) as syllables; nothing when it cannot be cut into
/// syllables. The longest are tried first, and blanks believed while each word is syllables.
pub fn spelled(text: &str) -> Option<Vec<Syllable>> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let mut syllables = Vec::new();
    if !words.clone().all(|word| cut(word, &mut syllables)) {
        syllables.clear();
        let whole: String = words.collect();
        cut(&whole, &mut syllables);
    }
    (!syllables.is_empty()).then_some(syllables)
}

fn cut(word: &str, syllables: &mut Vec<Syllable>) -> bool {
    if word.is_empty() {
        return true;
    }
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8()).take(6).collect::<Vec<_>>();
    for end in ends.into_iter().rev() {
        // No syllable begins with these: jianguo is no jiang and uo.
        let Some(syllable) = Syllable::parse(&word[..end]).filter(|_| !word.starts_with(['i', 'u', 'ü', 'v'])) else {
            continue;
        };
        syllables.push(syllable);
        if cut(&word[end..], syllables) {
            return true;
        }
        syllables.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_one_sound_meet_and_others_do_not() {
        assert!(Readings::of('伟').meet(&Readings::of('玮')));
        assert!(!Readings::of('伟').meet(&Readings::of('明')));
    }

    #[test]
    fn a_common_character_is_read_as_it_is_looked_up() {
        for character in ['一', '乐', '伟', '\u{9fff}', '\u{3400}', 'ü', 'A', '\u{2ffff}'] {
            assert_eq!(Readings::of(character), Readings::looked_up(character), "{character}");
        }
        assert!(Readings::of('一').first().is_some() && Readings::of('A').first().is_none());
    }

    #[test]
    fn a_character_with_several_readings_meets_each_of_them() {
        let happy = Readings::of('乐');
        assert!(happy.meet(&Readings::of('月')));
        assert!(!Readings::of('可').meet(&Readings::of('浩')), "gē and gé");
        assert_eq!(happy.iter().count(), 2);
    }

    #[test]
    fn dialects_take_flat_for_curled_and_front_for_back() {
        assert!(Readings::of('林').nearly_meet(&Readings::of('宁')));
        assert!(Readings::of('胜').nearly_meet(&Readings::of('森')));
        assert!(!Readings::of('林').meet(&Readings::of('宁')));
    }

    #[test]
    fn a_name_in_pinyin_is_cut_into_syllables() {
        assert_eq!(spelled("ZHANG WEI").map(|cut| cut.len()), Some(2));
        assert_eq!(spelled("zhangxiaoming").map(|cut| cut.len()), Some(3));
        assert_eq!(spelled("z hang xiao ming"), spelled("zhangxiaoming"));
        assert_eq!(spelled("jianguo"), spelled("jian guo"));
        assert_eq!(spelled("Smith"), None);
    }
}
