//! Reads a name cell: masks, brackets, titles, remarks, dots, pinyin instead of characters.
//!
//! Owns the writings. Never compares.

use smallvec::SmallVec;

use super::glyph::{Glyph, narrow, today};
use super::name::{Form, Name};
use super::reading::{Readings, spelled};
use super::{newborn, parts, surnames, transcribed};

/// What stands for a missing name.
const NOBODY: &[&str] = &[
    "无",
    "无名",
    "未知",
    "不详",
    "暂无",
    "无名氏",
    "不明",
    "空",
    "测试",
    "姓名",
    "佚名",
    "未取名",
    "未命名",
    "null",
    "none",
    "n/a",
    "na",
    "unknown",
    "新生儿",
    "婴儿",
    "待定",
    "未填",
    "男",
    "女",
    "男性",
    "女性",
];

const TITLES: &[&str] = &["先生", "女士", "小姐", "同志", "太太", "师傅", "老师", "阿姨", "大爷", "大妈"];

/// What a clerk notes behind a name, with or without a dash.
const REMARKS: &[&str] = &[
    "补录",
    "补登",
    "补报",
    "新增",
    "待核",
    "待核实",
    "已核",
    "已核实",
    "核实",
    "注销",
    "已注销",
    "迁出",
    "已迁出",
    "迁入",
    "死亡",
    "已死亡",
    "已故",
    "外出",
    "重复",
    "作废",
    "临时",
    "变更",
    "更正",
    "更名",
    "备注",
    "流动",
    "暂住",
    "本人",
];

/// Reads a cell; nothing for what is blank or says that there is no name.
pub fn read(text: &str) -> Option<Name> {
    let text: String = text.chars().map(narrow).collect();
    let text = without_brackets(&text);
    let text = text.trim().trim_matches(|c: char| c == '"' || c == '\'' || c == ',');
    if text.is_empty() || NOBODY.iter().any(|nobody| text.eq_ignore_ascii_case(nobody)) {
        return None;
    }
    let text = without_remark(first_of(text));
    if let Some(name) = newborn::read(text) {
        return Some(name);
    }
    if !text.chars().any(is_character) {
        return latin(text);
    }
    if let Some(name) = Some(text).filter(|text| text.contains(|c: char| c.is_ascii_alphabetic())).and_then(mixed) {
        return Some(name);
    }
    // Three characters behind the surname are a mother's name and what she bore.
    han(text).map(|name| name.as_child().filter(|_| name.given().len() > 2).unwrap_or(name))
}

/// The text without what stands in brackets, unless that is a rare character written as its parts or its sound: 王(王君),
/// 李(ben).
fn without_brackets(text: &str) -> String {
    let (mut kept, mut depth) = (String::with_capacity(text.len()), 0);
    let (mut inside, mut rare) = (String::new(), None);
    for c in text.chars() {
        match c {
            '(' | '[' | '【' | '〔' | '<' | '《' | '{' => depth += 1,
            ')' | ']' | '】' | '〕' | '>' | '》' | '}' => {
                depth = (depth - 1).max(0);
                rare = rare.or_else(|| Some((kept.len(), meant(&inside)?)));
                inside.clear();
            }
            _ if depth == 0 => kept.push(c),
            _ => inside.push(c),
        }
    }
    let Some((at, rare)) = rare.filter(|(at, _)| *at > 0) else { return kept };
    if newborn::is_called(&rare) {
        kept.push_str(&rare);
        return kept;
    }
    let characters: Vec<char> = kept.chars().filter(|c| is_character(*c)).map(today).collect();
    let is_there = characters.iter().any(|known| rare.starts_with(*known));
    if (1..=surnames::length(&characters) + 1).contains(&characters.len()) && !is_there {
        kept.insert_str(at, &rare);
    }
    kept
}

/// The character that its parts in brackets stand for, or the one syllable there; or that a child of the parent named is
/// meant: 张丽(婴儿).
fn meant(inside: &str) -> Option<String> {
    if newborn::is_called(inside.trim()) {
        return Some(inside.trim().to_owned());
    }
    let is_sound = || inside.bytes().all(|byte| byte.is_ascii_alphabetic()) && inside.len() > 1;
    let sound = || spelled(inside).filter(|syllables| syllables.len() == 1 && is_sound());
    parts::whole(inside).map(String::from).or_else(|| sound().map(|_| inside.to_owned()))
}

/// What says that another name of the same person follows, or another person's.
const OTHERWISE: &[&str] = &["曾用名", "原名", "又名", "别名", "乳名", "小名", "/", "|", ";", ",", "、"];

/// The name before the person's other names.
fn first_of(text: &str) -> &str {
    let end = OTHERWISE.iter().filter_map(|sign| text.find(sign)).min().unwrap_or(text.len());
    match text[..end].trim_end_matches([' ', ',', ':']) {
        first if first.chars().filter(|c| is_character(*c)).count() > 1 => first,
        _ => text,
    }
}

/// The name before what a clerk noted behind it.
fn without_remark(text: &str) -> &str {
    let rest = REMARKS.iter().filter_map(|remark| text.strip_suffix(remark)).min_by_key(|rest| rest.len());
    let rest = rest.map(|rest| rest.trim_end_matches(['-', '－', '—', '_', ' ', '*', '#']));
    rest.filter(|rest| rest.chars().filter(|c| is_character(*c)).count() > 1).unwrap_or(text)
}

/// A name in characters.
pub(super) fn han(text: &str) -> Option<Name> {
    let mut open = false;
    let mut text = text;
    if let Some(rest) = TITLES.iter().find_map(|title| text.strip_suffix(title)).filter(|rest| !rest.is_empty()) {
        open = rest.chars().count() == 1;
        text = rest;
    }
    let (mut characters, mut second, hidden) = written(text);
    open |= hidden > 0;
    if second == characters.len() {
        second = 0;
    }
    if second == 0 {
        parts::condense(&mut characters);
    }
    let blank = text.trim().find(char::is_whitespace).map(|at| text.trim()[..at].chars().count());
    if second == 0 && characters.len() > 4 {
        second = blank.unwrap_or(0).min(characters.len());
    }
    if characters.is_empty() || characters.iter().all(|c| *c == '*') {
        return None;
    }
    if let (['小' | '老' | '阿', called], 0, false) = (characters.as_slice(), second, open) {
        return Some(Name {
            glyphs: [Glyph::new(*called)].into_iter().collect(),
            surname: 0,
            form: Form::Pet,
            heard: 0,
        });
    }
    if let (Some(('氏', stem)), 0, false) = (characters.split_last(), second, open)
        && !stem.is_empty()
    {
        return Some(of_wife(stem));
    }
    let surname = surnames::length(&characters);
    let transcribed = second > 0 || characters.len() > surname + 3;
    let form = match () {
        () if open => Form::Open,
        () if transcribed => Form::Transcribed(second.min(255) as u8),
        () => Form::Han,
    };
    let surname = if transcribed && !open { 0 } else { surname as u8 };
    let glyph = |c: &char| if *c == '*' { Glyph::MASK } else { Glyph::new(*c) };
    let glyphs: SmallVec<[Glyph; 3]> = characters.iter().take(32).map(glyph).collect();
    Some(Name { heard: transcribed::heard(&glyphs, form), glyphs, surname, form })
}

/// The characters of a name with `*` for those that are hidden, where its second part starts (0: nowhere), and how many 某
/// stand behind it.
fn written(text: &str) -> (Vec<char>, usize, usize) {
    let (mut characters, mut second, mut hidden) = (Vec::new(), 0, 0);
    for c in text.chars() {
        match c {
            '·' | '•' | '・' | '.' | '‧' | '∙' | '⋅' | '●' | '。' | '﹒' | '▪' | '-' | '—'
                if !characters.is_empty() =>
            {
                // The first dot parts the given name from the father's.
                second = if second == 0 { characters.len() } else { second };
            }
            '某' => hidden += 1,
            '*' | '?' | '×' | '□' | '■' | '○' | '〓' | '◇' | '◆' | '△' | '▲' | '\u{fffd}' | '_' | 'x' | 'X' =>
            {
                characters.push('*');
            }
            _ if is_character(c) => {
                // 余某良 hides one character, 余某 whatever follows.
                characters.extend(std::iter::repeat_n('*', std::mem::take(&mut hidden)));
                characters.push(today(c));
            }
            _ => {}
        }
    }
    (characters, second, hidden)
}

/// A wife by the surnames: her husband's, if it is told, and her own, which is all that is known of her name.
fn of_wife(surnames: &[char]) -> Name {
    let husband = surnames::length(surnames);
    let own = if husband < surnames.len() { &surnames[husband..] } else { surnames };
    let glyphs = own.iter().map(|c| if *c == '*' { Glyph::MASK } else { Glyph::new(*c) }).collect();
    Name { surname: own.len() as u8, glyphs, form: Form::Open, heard: 0 }
}

/// A name in Latin letters: pinyin becomes syllables, anything else stays letters.
fn latin(text: &str) -> Option<Name> {
    if let Some(syllables) = spelled(text).filter(|cut| (2..=4).contains(&cut.len())) {
        let glyphs = syllables.into_iter().map(Glyph::spoken).collect();
        return Some(Name { glyphs, surname: 1, form: Form::Han, heard: 0 });
    }
    let letters: Vec<char> = text.to_uppercase().chars().filter(|c| c.is_alphabetic()).take(32).collect();
    let glyph = |character: &char| Glyph { character: *character, readings: Readings::NONE };
    (letters.len() > 1).then(|| Name {
        glyphs: letters.iter().map(glyph).collect(),
        surname: 0,
        form: Form::Letters,
        heard: 0,
    })
}

/// Characters, and pinyin for those that could not be typed: 郑fang, 王Yao瑶.
fn mixed(text: &str) -> Option<Name> {
    let mut glyphs: SmallVec<[Glyph; 3]> = SmallVec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if is_character(first) {
            glyphs.push(Glyph::new(first));
            rest = &rest[first.len_utf8()..];
        } else if first.is_ascii_alphabetic() {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let syllables = spelled(&rest[..end]).filter(|_| end > 1)?;
            glyphs.extend(syllables.into_iter().map(Glyph::spoken));
            rest = &rest[end..];
        } else {
            return None;
        }
    }
    let known: Vec<char> = glyphs.iter().map(|glyph| glyph.character).collect();
    let is_name = (2..=4).contains(&glyphs.len()) && known.contains(&'\0') && known[0] != '\0';
    is_name.then(|| Name { surname: surnames::length(&known) as u8, glyphs, form: Form::Han, heard: 0 })
}

/// Whether the character can stand in a Chinese name.
fn is_character(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}') || c == '〇'
}
