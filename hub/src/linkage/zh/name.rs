//! Chinese names as evidence: what a cell holds as a name, and how two of them agree.
//!
//! Owns the ladder, the keys and the tokens; `name_text` reads, `name_compare` compares. Never looks at another column:
//! that a newborn's name is its mother's is `joint`'s business.

use smallvec::SmallVec;

use super::glyph::{Glyph, Nearness};
use super::reading::Syllable;
use super::{name_compare, name_text};
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// What a cell holds as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Surname and given name, some characters perhaps masked.
    Han,
    /// Only what the glyphs hold is known, the rest is not even counted: 李某, 李女士.
    Open,
    /// One character of the given name, or the surname, behind 小, 老 or 阿.
    Pet,
    /// A name of two parts, the given name first, in characters that stand for sounds; the second part starts there
    /// (0: not told).
    Transcribed(u8),
    /// Letters that are no pinyin.
    Letters,
    /// A child without a name of its own; the glyphs are the parent's.
    Unnamed(Child),
}

/// How a child without a name is told from its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// 之子 or 之女; nothing when not told.
    pub is_male: Option<bool>,
    /// 1 for 大, 甲 or 1, and so on; above [`SIBLINGS`] for 二 and those who follow; 0 when not told.
    pub place: u8,
}

/// Places above this are among all children of a mother, and not among twins.
pub const SIBLINGS: u8 = 10;

/// A name as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub(super) glyphs: SmallVec<[Glyph; 3]>,
    /// So many glyphs at the front are the surname.
    pub(super) surname: u8,
    pub(super) form: Form,
    /// The same for all writings of a name by sounds, see `transcribed`; 0 for others.
    pub(super) heard: u64,
}

/// The rungs of [`Name`], by their place on its ladder.
pub mod rung {
    /// The same characters in today's form.
    pub const SAME: u8 = 0;
    /// One character is another of the same sound or look.
    pub const ALIKE: u8 = 1;
    /// The whole sounds alike.
    pub const SOUND: u8 = 2;
    /// What is not masked agrees, a given character among it.
    pub const MASKED: u8 = 3;
    /// One is the other with a character or a part left out.
    pub const SHORTER: u8 = 4;
    /// The same characters in another order.
    pub const SWAPPED: u8 = 5;
    /// Only the surname is known of one, and agrees.
    pub const PARTIAL: u8 = 6;
    /// The given name agrees, the surname does not.
    pub const OTHER_SURNAME: u8 = 7;
    /// One character of the given name differs.
    pub const ONE_DIFFERS: u8 = 8;
    /// One has no name yet.
    pub const UNNAMED: u8 = 9;
    /// Only the surname (or the father's name) agrees.
    pub const SURNAME: u8 = 10;
    /// Nothing agrees.
    pub const DIFFERENT: u8 = 11;
}

/// What children are called at home, each twice.
const MILK_NAMES: [char; 26] = [
    '宝', '贝', '毛', '豆', '果', '乐', '壮', '妞', '丫', '牛', '虎', '团', '圆', '糖', '蛋', '朵', '球', '多', '嘟',
    '点', '妮', '囡', '天', '乖', '童', '米',
];

/// Places of the tokens that names on each rung share: the whole, its sound, the surname.
pub(in crate::linkage) const SHARED: [usize; 12] = [0, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3];

impl Name {
    /// What the cell held.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether the name is the parent's of a child without one.
    pub fn is_unnamed(&self) -> bool {
        matches!(self.form, Form::Unnamed(_))
    }

    /// The letters of its usual sound, or those it is written in.
    pub(super) fn spell(&self) -> String {
        let mut letters = String::new();
        for glyph in &self.glyphs {
            match glyph.readings.first() {
                Some(syllable) => letters.extend(syllable.letters().flat_map(char::to_uppercase)),
                None => letters.push(glyph.character),
            }
        }
        letters
    }

    /// Whether all of surname and given name is known.
    pub fn is_whole(&self) -> bool {
        matches!(self.form, Form::Han | Form::Transcribed(_))
            && !self.glyphs.iter().any(Glyph::is_mask)
            && self.glyphs.len() > 1
    }

    /// What it is if its last character says that it is the child of whom the others name: 张丽女. It may be a name, too.
    pub(super) fn as_child(&self) -> Option<Self> {
        let (last, parent) = self.glyphs.split_last()?;
        let is_male = match last.character {
            '子' | '男' => Some(true),
            '女' => Some(false),
            '婴' => None,
            _ => return None,
        };
        if self.form != Form::Han || !self.is_whole() {
            return None;
        }
        (parent.len() > usize::from(self.surname)).then(|| Self {
            glyphs: parent.iter().copied().collect(),
            surname: self.surname,
            form: Form::Unnamed(Child { is_male, place: 0 }),
            heard: 0,
        })
    }

    /// Whether it is one character twice and may be a pet form without the surname: 然然.
    pub(super) fn is_doubled(&self) -> bool {
        matches!(self.glyphs.as_slice(), [one, other] if one.nearness(other) == Nearness::Same)
    }

    /// The given character, if it stands there twice behind a surname, as children are called: 王怡怡 for 王欣怡.
    pub(super) fn doubled(&self) -> Option<&Glyph> {
        match (self.form, self.surname(), self.given()) {
            (Form::Han, [_, ..], [one, other]) if one.nearness(other) == Nearness::Same => Some(one),
            _ => None,
        }
    }

    /// Whether the given name is what children are called at home whatever their name is: 刘宝宝, 刘毛毛, 刘二宝. It may
    /// be a name, too.
    pub(super) fn is_stopgap(&self) -> bool {
        match (self.form, self.given()) {
            (Form::Han, [one, other]) if one.character == other.character => MILK_NAMES.contains(&one.character),
            (Form::Han, [one, other]) => {
                matches!(one.character, '大' | '二' | '三' | '小') && matches!(other.character, '宝' | '毛' | '妞')
            }
            _ => false,
        }
    }

    /// Whether it is nothing but what children are called at home: 毛毛. It may be a whole name, too.
    pub(super) fn is_bare_stopgap(&self) -> bool {
        matches!((self.form, self.glyphs.as_slice()), (Form::Han, [one, other])
            if one.character == other.character && MILK_NAMES.contains(&one.character))
    }

    /// Which of several children a child without a name is, if it is told.
    pub(super) fn place(&self) -> Option<u8> {
        match self.form {
            Form::Unnamed(child) => Some(child.place).filter(|place| *place > 0),
            _ => None,
        }
    }

    /// The surname's glyphs; none for names that have no surname.
    pub fn surname(&self) -> &[Glyph] {
        &self.glyphs[..usize::from(self.surname)]
    }

    /// The glyphs after the surname.
    pub fn given(&self) -> &[Glyph] {
        &self.glyphs[usize::from(self.surname)..]
    }

    /// Whether both have a surname and it is the same or sounds alike.
    pub fn shares_surname(&self, other: &Self) -> bool {
        let (one, other) = (self.surname(), other.surname());
        !one.is_empty()
            && one.len() == other.len()
            && one.iter().zip(other).all(|(a, b)| a.nearness(b) <= Nearness::Alike && !a.is_mask())
    }

    /// A hash of all that is known of it.
    pub(super) fn whole(&self) -> u64 {
        let extra = match self.form {
            Form::Unnamed(child) => {
                2 + u64::from(child.place) * 4 + child.is_male.map_or(0, |male| 1 + u64::from(male))
            }
            Form::Open => 1,
            Form::Pet => 1 << 16,
            _ => 0,
        };
        let hash = self.glyphs.iter().fold(extra, |hash, glyph| combine(hash, glyph_hash(glyph)));
        combine(hash, 1)
    }

    /// The class of names that sound like this one by its usual readings, whatever the order of the given characters.
    fn sound(&self) -> u64 {
        class(&self.glyphs, usize::from(self.surname), &mut |glyph| glyph.readings.first())
    }

    fn surname_token(&self) -> Option<u64> {
        let surname = self.surname();
        (!surname.is_empty() && !surname.iter().any(Glyph::is_mask))
            .then(|| combine(surname.iter().fold(0, |hash, glyph| combine(hash, glyph_hash(glyph))), 2))
    }

    /// Surname and given name, of a name in Chinese characters that is known whole.
    pub fn parts(&self) -> Option<[u64; 2]> {
        let surname = self.surname_token().filter(|_| self.form == Form::Han && self.is_whole())?;
        let given = self.given();
        (!given.is_empty())
            .then(|| [surname, combine(given.iter().fold(0, |hash, glyph| combine(hash, glyph_hash(glyph))), 3)])
    }

    fn sound_keys(&self, keys: &mut Keys) {
        if self.glyphs.iter().any(Glyph::is_mask) || matches!(self.form, Form::Open | Form::Pet) {
            return;
        }
        // One key for each way to read it; a name with more than two doubtful characters is not worth more.
        let doubtful: SmallVec<[usize; 2]> =
            (0..self.glyphs.len()).filter(|&at| self.glyphs[at].readings.iter().nth(1).is_some()).take(2).collect();
        let ways = |which: usize| doubtful.get(which).map_or(1, |&at| self.glyphs[at].readings.iter().count());
        for first in 0..ways(0) {
            for second in 0..ways(1) {
                let mut at = 0;
                let key = class(&self.glyphs, usize::from(self.surname), &mut |glyph| {
                    let way = match doubtful.iter().position(|&one| one == at) {
                        Some(0) => first,
                        Some(_) => second,
                        None => 0,
                    };
                    at += 1;
                    glyph.readings.iter().nth(way)
                });
                keys.add(1, key);
            }
        }
    }

    /// Keys that survive a masked, missing or wrong character, or another surname.
    fn partial_keys(&self, keys: &mut Keys) {
        let sound = |glyph: &Glyph| {
            u64::from(glyph.readings.first().map_or(u32::from(glyph.character), |s| u32::from(s.folded().code())))
        };
        if let (Form::Transcribed(_), [first, second, third, ..]) = (self.form, self.glyphs.as_slice()) {
            let start = [first, second, third].into_iter().fold(5, |hash, glyph| combine(hash, sound(glyph)));
            keys.add(2, start);
            return;
        }
        let surname = self.surname();
        let known = |glyph: &Glyph| !glyph.is_mask();
        if let (Some(family), Some(last)) = (surname.first(), self.given().last()) {
            let family_sound = sound(family);
            for glyph in [self.given().first(), Some(last)].into_iter().flatten().filter(|glyph| known(glyph)) {
                if known(family) {
                    keys.add(2, combine(family_sound, sound(glyph)));
                }
            }
            if self.given().len() > 1 && self.given().iter().all(known) {
                keys.add(2, self.given().iter().fold(7, |hash, glyph| combine(hash, sound(glyph))));
            }
        }
    }
}

fn glyph_hash(glyph: &Glyph) -> u64 {
    match glyph.character {
        '\0' => u64::from(glyph.readings.first().map_or(0, Syllable::code)) | 1 << 32,
        character => u64::from(u32::from(character)),
    }
}

/// A hash of the folded readings; the given ones in any order.
fn class(glyphs: &[Glyph], surname: usize, reading: &mut dyn FnMut(&Glyph) -> Option<Syllable>) -> u64 {
    let (mut family, mut given) = (3, 0_u64);
    for (at, glyph) in glyphs.iter().enumerate() {
        let sound = reading(glyph).map_or(u32::from(glyph.character), |syllable| u32::from(syllable.folded().code()));
        let sound = stable_hash(&sound.to_le_bytes());
        if at < surname {
            family = combine(family, sound);
        } else {
            given = given.wrapping_add(sound);
        }
    }
    combine(family, given)
}

impl Evidence for Name {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "姓名相同", en: "same name", m: 0.83, u: 2e-4 },
        Rung {
            name: "alike", zh: "姓名一字同音或形近", en: "one character sounds or looks alike", m: 0.05, u: 5e-4
        },
        Rung { name: "sound", zh: "姓名读音相近", en: "the names sound alike", m: 0.01, u: 3e-4 },
        Rung {
            name: "masked", zh: "姓名可见部分相同", en: "visible part of the name agrees", m: 0.03, u: 3e-3
        },
        Rung { name: "shorter", zh: "姓名缺字", en: "one name is shorter", m: 0.02, u: 5e-3 },
        Rung { name: "swapped", zh: "姓名字序颠倒", en: "characters in another order", m: 0.01, u: 1e-4 },
        Rung {
            name: "partial", zh: "仅知姓氏且相同", en: "only the surname is known, and agrees", m: 0.01, u: 0.01
        },
        Rung {
            name: "other_surname", zh: "名同姓不同", en: "given name agrees, surname differs", m: 0.01, u: 2e-3
        },
        Rung { name: "one_differs", zh: "名字一字不同", en: "one given character differs", m: 0.01, u: 5e-3 },
        Rung { name: "unnamed", zh: "一方尚无姓名", en: "one has no name yet", m: 0.01, u: 0.01 },
        Rung { name: "surname", zh: "仅姓氏相同", en: "only the surname agrees", m: 0.005, u: 0.05 },
        Rung { name: "different", zh: "姓名不同", en: "different names", m: 0.005, u: 0.92 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        name_text::read(text)
    }

    fn compare(&self, other: &Self) -> u8 {
        name_compare::rung(self, other)
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(0, self.whole());
        if self.is_unnamed() {
            return;
        }
        if self.heard != 0 {
            keys.add(1, self.heard);
        }
        self.sound_keys(keys);
        self.partial_keys(keys);
    }

    fn tokens(&self, tokens: &mut Tokens) {
        let parts = match self.form {
            Form::Transcribed(second) => u64::from(second) + 1,
            _ => 0,
        };
        tokens.push(combine(self.whole(), parts));
        tokens.push(self.whole());
        tokens.push(self.sound());
        tokens.extend(self.surname_token());
        tokens.extend(self.parts().map(|[_, given]| given));
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        match rung {
            rung::SAME => Some(self.whole()).filter(|token| *token == other.whole()),
            rung::ALIKE | rung::SOUND | rung::SWAPPED => Some(self.sound()).filter(|token| *token == other.sound()),
            rung::PARTIAL | rung::ONE_DIFFERS | rung::SURNAME => {
                self.surname_token().filter(|token| Some(*token) == other.surname_token())
            }
            _ => None,
        }
    }
}
