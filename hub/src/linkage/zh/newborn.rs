//! Children without a name, called after a parent: 张丽之子, 张丽女婴, 张丽宝宝, 张丽大双.
//!
//! Owns these writings and what they tell of the child. Never compares; a name that ends in 子, 女 or 婴 may be a name, too,
//! and is `name`'s.

use super::name::{Child, Form, Name, SIBLINGS};
use super::name_text::han;
use super::numeral;

/// What a child without a name is called behind 之 or 的, and its sex.
const CHILDREN: &[(&str, Option<bool>)] = &[
    ("女", Some(false)),
    ("子", Some(true)),
    ("男", Some(true)),
    ("儿", Some(true)),
    ("婴", None),
    ("宝", None),
    ("孩", None),
    ("新生", None),
];

/// Which of its siblings it is, before that: 之长子, 之二女.
const ORDERS: [char; 8] = ['大', '小', '长', '次', '幼', '二', '三', '四'];

/// How a cell goes on behind the name of a child's parent without 之 or 的; what may end a name is not among it.
const BARE_CHILDREN: &[(&str, Option<bool>)] = &[
    ("女儿", Some(false)),
    ("儿子", Some(true)),
    ("长子", Some(true)),
    ("次子", Some(true)),
    ("长女", Some(false)),
    ("次女", Some(false)),
    ("男孩", Some(true)),
    ("女孩", Some(false)),
    ("男婴", Some(true)),
    ("女婴", Some(false)),
    ("男宝", Some(true)),
    ("女宝", Some(false)),
    ("孩子", None),
    ("婴儿", None),
    ("新生儿", None),
    ("宝宝", None),
    ("宝贝", None),
];

/// Whether a word in brackets says that a child of the person named before it is meant; (宝宝) is what the person is called.
pub(super) fn is_called(word: &str) -> bool {
    BARE_CHILDREN.iter().any(|(child, _)| word == *child) && !word.starts_with('宝')
}

/// Signs of one of several born together, behind the rest of a name.
const MARKS: &[&str] = &["大双", "小双", "大", "小", "甲", "乙", "1", "2", "3"];

/// Which of the children it is, before what it is called.
const BARE_ORDERS: [char; 5] = ['大', '小', '二', '三', '四'];

/// `张丽女儿`, `张丽大女儿`, `张丽大女`.
fn of_parent(text: &str) -> Option<Name> {
    let bare = || BARE_CHILDREN.iter().find_map(|(tail, is_male)| Some((text.strip_suffix(tail)?, *is_male)));
    if let Some(twin) = text.strip_suffix('双').filter(|twin| twin.ends_with(['大', '小'])) {
        return child_of(twin.trim_end_matches(['大', '小']), None, twin.chars().next_back().and_then(order));
    }
    let ordered = || {
        let daughter = text.strip_suffix('女').map(|parent| (parent, false));
        let (parent, is_male) = daughter.or_else(|| Some((text.strip_suffix(['子', '男'])?, true)))?;
        (parent.ends_with(BARE_ORDERS) && parent.chars().count() > 2).then_some((parent, Some(is_male)))
    };
    let (parent, is_male) = bare().or_else(ordered)?;
    let ordered = parent.strip_suffix(BARE_ORDERS).filter(|stem| stem.chars().count() > 1);
    let place = parent.chars().next_back().filter(|_| ordered.is_some()).and_then(placed);
    child_of(ordered.unwrap_or(parent), is_male, place)
}

/// A child that is called after this parent.
fn child_of(parent: &str, is_male: Option<bool>, place: Option<u8>) -> Option<Name> {
    let name = han(parent).filter(|name| (2..=4).contains(&name.glyphs.len()))?;
    Some(Name { heard: 0, form: Form::Unnamed(Child { is_male, place: place.unwrap_or(0) }), ..name })
}

/// What stands before 子 or 女: 大 and 小 are twins, 长, 次 and 二 all children of a mother.
fn placed(character: char) -> Option<u8> {
    match character {
        '大' | '小' => order(character),
        _ => order(character).map(|place| SIBLINGS + place),
    }
}

/// `张丽女2`, `张丽子大双`: the child is told from its twin, so it is no given name.
fn marked(text: &str) -> Option<Name> {
    let (rest, mark) = MARKS.iter().find_map(|mark| Some((text.strip_suffix(mark)?, mark)))?;
    let mut name = han(rest)?.as_child()?;
    if let Form::Unnamed(child) = &mut name.form {
        child.place = mark.chars().find_map(order)?;
    }
    Some(name)
}

/// `张丽之子`, `张丽之女2`, `张丽之大女`, `张丽的孩子`, `张丽女儿`.
pub(super) fn read(text: &str) -> Option<Name> {
    let Some(at) = text.find(['之', '的']) else { return marked(text).or_else(|| of_parent(text)) };
    let (parent, rest) = text.split_at(at);
    let rest = rest.trim_start_matches(['之', '的']);
    let called = rest.strip_prefix(ORDERS).unwrap_or(rest);
    let before = &rest[..rest.len() - called.len()];
    let (child, is_male) = CHILDREN.iter().find(|(child, _)| called.starts_with(child))?;
    let behind = called[child.len()..].chars().find_map(order);
    child_of(parent, *is_male, behind.or_else(|| before.chars().find_map(placed)))
}

/// What a character says about the place among twins or siblings.
fn order(character: char) -> Option<u8> {
    match character {
        '大' | '长' | '甲' | 'a' | 'A' => Some(1),
        '小' | '次' | '乙' | 'b' | 'B' => Some(2),
        '丙' | 'c' | 'C' => Some(3),
        _ => character.to_digit(10).or_else(|| numeral::digit(character)).and_then(|digit| u8::try_from(digit).ok()),
    }
}
