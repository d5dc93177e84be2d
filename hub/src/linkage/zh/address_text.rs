//! Takes a Chinese address apart: `河北省石家庄市裕华区银杏街12号样例花园3号楼2单元501室`, `样例花园3-2-501`, `东王村三组12号`.
//!
//! A small grammar: names end in what they are (省 市 区 街道 社区 路), numbers are followed by what they count (号楼 单元 室),
//! and a row of numbers with hyphens is building, unit and room. Owns the reading; never compares, and knows no real names.

use super::address::{Address, Number, Place};
use super::glyph::{narrow, today};
use super::numeral;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// 号: of a house, a building or a room, as the place tells.
    Plain,
    /// 号院, 弄.
    Yard,
    Building,
    Unit,
    Floor,
    Room,
    /// 组, 队, 期, 区: parts of a village or compound.
    Part,
    /// Joined to the next number by a hyphen, or nothing.
    Bare,
}

const MEASURES: &[(&str, Measure)] = &[
    ("号院", Measure::Yard),
    ("号楼", Measure::Building),
    ("号栋", Measure::Building),
    ("号幢", Measure::Building),
    ("号单元", Measure::Unit),
    ("单元", Measure::Unit),
    ("号室", Measure::Room),
    ("号房", Measure::Room),
    ("号门", Measure::Unit),
    ("单", Measure::Unit),
    ("栋", Measure::Building),
    ("幢", Measure::Building),
    ("座", Measure::Building),
    ("#楼", Measure::Building),
    ("#", Measure::Building),
    ("号", Measure::Plain),
    ("弄", Measure::Yard),
    ("楼", Measure::Floor),
    ("层", Measure::Floor),
    ("门", Measure::Unit),
    ("室", Measure::Room),
    ("房", Measure::Room),
    ("户", Measure::Room),
    ("组", Measure::Part),
    ("队", Measure::Part),
    ("期", Measure::Part),
    ("区", Measure::Part),
];

/// Characters of the longest name of a district, street or community, without what it is.
const LONGEST: usize = 8;

/// What street offices are called.
const OFFICES: [&str; 3] = ["街道办事处", "街道", "办事处"];

/// The provinces by their short names.
const PROVINCES: &str = "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 \
                         四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆";

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Name(String),
    Number(Number, Measure),
}

/// Reads a cell; nothing when it tells no place at all.
pub fn read(text: &str) -> Option<Address> {
    let text = flat(text);
    if text.chars().count() < 2 || ["不详", "未知", "暂无", "无", "同上", "null", "none"].contains(&text.as_str())
    {
        return None;
    }
    let pieces = pieces(&text);
    let mut address = Address::default();
    let mut left = String::new();
    for piece in &pieces {
        if let Piece::Name(name) = piece {
            place(name, &mut address, &mut left);
        }
    }
    number(&pieces, &mut address);
    let told = address != Address::default() || !left.is_empty();
    address.rest = left.into_boxed_str();
    told.then_some(address)
}

/// Half-width, in today's characters, without blanks and marks; hyphens of all lengths are one.
fn flat(text: &str) -> String {
    let mut flat = String::with_capacity(text.len());
    for c in text.chars().map(narrow) {
        match c {
            '－' | '—' | '–' | '‐' | '−' | '_' | '~' | '/' | '\\' => flat.push('-'),
            '栋' | '棟' => flat.push('栋'),
            '＃' => flat.push('#'),
            c if c.is_whitespace()
                || matches!(c, ',' | '，' | '。' | '.' | '、' | ';' | '；' | '(' | ')' | '"' | '\'' | ':') => {}
            c => flat.push(today(c).to_ascii_uppercase()),
        }
    }
    flat
}

/// Cuts a text into names and numbers with their measures.
fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut name, mut rest) = (Vec::new(), String::new(), text);
    while let Some(first) = rest.chars().next() {
        match numbered(rest, !name.is_empty() || !pieces.is_empty()) {
            Some((number, measure, length)) => {
                if !name.is_empty() {
                    pieces.push(Piece::Name(std::mem::take(&mut name)));
                }
                pieces.push(Piece::Number(number, measure));
                rest = &rest[length..];
            }
            None => {
                if first != '-' {
                    name.push(first);
                }
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    if !name.is_empty() {
        pieces.push(Piece::Name(name));
    }
    pieces
}

/// A number with its measure at the start of `text`, and how long both are.
fn numbered(text: &str, follows: bool) -> Option<(Number, Measure, usize)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if digits > 0 {
        let (letter, length) = suffix(&text[digits..]);
        let value: Number = text[..digits.min(8)].parse().ok()?;
        let (measure, mut behind) = measure(&text[digits + length..]);
        // 12号甲 is 甲12号.
        let (late, late_length) = match measure {
            Measure::Plain if letter == 0 => suffix(&text[digits + length + behind..]),
            _ => (0, 0),
        };
        behind += late_length;
        // 0 is no number here, and a leading zero no other one.
        return (value != 0).then_some((value + letter + late, measure, digits + length + behind));
    }
    let run = text.find(|c: char| !numeral::is_numeral(c)).unwrap_or(text.len());
    if run > 0 {
        // A numeral in a name (三里屯, 五一路) is followed by no measure; a village of that number (三村) is a name.
        let (measure, behind) = measure(&text[run..]);
        let value = numeral::value(&text[..run])?;
        let counted = measure != Measure::Bare || (text[run..].is_empty() && follows) || text[run..].starts_with('-');
        return (counted && value != 0).then_some((value, measure, run + behind));
    }
    lettered(text)
}

/// `A座`, `甲12号`, `B-501`: letters that count buildings.
fn lettered(text: &str) -> Option<(Number, Measure, usize)> {
    let first = text.chars().next()?;
    let letter = letter(first)?;
    let rest = &text[first.len_utf8()..];
    let (measure, behind) = measure(rest);
    if matches!(measure, Measure::Building | Measure::Unit) {
        return Some((letter, measure, first.len_utf8() + behind));
    }
    if rest.starts_with('-') && first.is_ascii_alphabetic() {
        return Some((letter, Measure::Bare, first.len_utf8() + 1));
    }
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (value, (measure, behind)) = (rest[..digits].parse::<Number>().ok()?, self::measure(&rest[digits..]));
    (measure != Measure::Bare && digits < 5).then_some((value + letter, measure, first.len_utf8() + digits + behind))
}

/// A letter behind the digits (`12甲号`, `3A`), as a number far above them.
fn suffix(text: &str) -> (Number, usize) {
    match text.chars().next() {
        Some(c) => letter(c).map_or((0, 0), |value| (value, c.len_utf8())),
        None => (0, 0),
    }
}

fn letter(c: char) -> Option<Number> {
    let place = match c {
        'A'..='Z' => c as u32 - 'A' as u32,
        '甲' => 0,
        '乙' => 1,
        '丙' => 2,
        '丁' => 3,
        _ => return None,
    };
    Some((place + 1) * 100_000_000)
}

fn measure(text: &str) -> (Measure, usize) {
    for (word, measure) in MEASURES {
        if let Some(rest) = text.strip_prefix(word) {
            // 楼 is a building when a unit or room of it follows, else a floor; a hyphen behind a measure says nothing.
            let stair = rest.starts_with(|c: char| c.is_ascii_digit() || numeral::is_numeral(c));
            let storey = rest.trim_start_matches(|c: char| c.is_ascii_digit() || numeral::is_numeral(c));
            let measure = match measure {
                Measure::Floor if *word == "楼" && stair && (storey.starts_with("单元") || storey.starts_with('-')) => {
                    Measure::Building
                }
                other => *other,
            };
            return (measure, word.len() + usize::from(rest.starts_with('-')));
        }
    }
    (Measure::Bare, usize::from(text.starts_with('-')))
}

/// Gives the numbers their meaning, from the left.
fn number(pieces: &[Piece], address: &mut Address) {
    let mut after_compound = false;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Name(name) => after_compound = !ends_in_road(name) && !name.ends_with(['村', '庄', '屯']),
            Piece::Number(value, measure) => {
                let behind: Vec<Measure> = pieces[at + 1..]
                    .iter()
                    .map_while(|piece| if let Piece::Number(_, measure) = piece { Some(*measure) } else { None })
                    .collect();
                give(address, *value, *measure, &behind, after_compound && address.compound != Place::default());
            }
        }
    }
}

fn give(address: &mut Address, value: Number, measure: Measure, behind: &[Measure], in_compound: bool) {
    match measure {
        Measure::Building => address.building = value,
        Measure::Unit => address.unit = value,
        Measure::Room => address.room = value,
        Measure::Floor | Measure::Part => {
            // A floor alone leads nowhere, and before a room it repeats it.
        }
        Measure::Yard => address.house = value,
        Measure::Plain if address.building != 0 => address.room = value,
        Measure::Plain if in_compound && address.building == 0 => address.building = value,
        Measure::Plain if address.house == 0 => address.house = value,
        Measure::Plain => address.building = value,
        Measure::Bare => bare(address, value, behind),
    }
}

/// A number that only its place in the row explains.
fn bare(address: &mut Address, value: Number, behind: &[Measure]) {
    let follow = behind.len();
    let placed = address.compound != Place::default() || address.house != 0 || address.road == Place::default();
    if address.room != 0 {
        return;
    }
    match follow {
        0 if address.building == 0 && !placed => address.house = value,
        0 if address.building == 0 && value < 100 && address.unit == 0 => address.building = value,
        0 => address.room = value,
        1 if address.building != 0 => address.unit = value,
        3.. if address.house == 0 => address.house = value,
        _ if address.building == 0 => address.building = value,
        _ => address.unit = value,
    }
}

/// Reads the names of a run without numbers, from the widest to the narrowest.
fn place(name: &str, address: &mut Address, left: &mut String) {
    let mut rest = name;
    if let Some((province, behind)) = province(rest) {
        address.province = Place::named(province);
        rest = behind;
    }
    for (ends, is_part) in [
        (&["自治州", "地区", "盟", "市"][..], 0),
        (&["区", "县", "旗", "市"][..], 1),
        (&["街道办事处", "街道", "办事处", "镇", "乡"][..], 2),
        (&["社区居委会", "居委会", "居民委员会", "社区"][..], 3),
        (&["村委会", "村民委员会", "村"][..], 4),
    ] {
        let Some((stem, behind)) = upper(rest, ends) else { continue };
        let named = Place::named(stem);
        match is_part {
            0 => address.city = named,
            1 => address.district = named,
            2 => address.street = named,
            3 => address.community = Place::named(stem.trim_end_matches("社区")),
            _ => address.village = Place::named(stem),
        }
        rest = behind;
    }
    if let Some(end) = road_end(rest) {
        let (road, behind) = rest.split_at(end);
        address.road = match road.contains('大') {
            true => Place::named(&road.replace("大街", "街").replace("大道", "道")),
            false => Place::named(road),
        };
        rest = behind;
    }
    let compound = rest.trim_matches(|c: char| c == '-' || c == '内');
    if compound.chars().count() >= 2 && compound.chars().any(|c| c >= '\u{3400}') {
        address.compound = Place::named(compound);
    } else {
        left.push_str(compound);
    }
}

fn province(text: &str) -> Option<(&str, &str)> {
    for end in ["省", "自治区", "特别行政区"] {
        if let Some(at) = text.find(end).filter(|at| *at > 0 && *at <= 24) {
            return Some((&text[..at], &text[at + end.len()..]));
        }
    }
    // 石家庄市 of 河北石家庄市: the short names of provinces are few.
    PROVINCES
        .split(' ')
        .find_map(|name| text.strip_prefix(name).map(|rest| (name, rest)))
        .filter(|(_, rest)| rest.contains('市'))
}

/// A name that ends in one of `ends`, if it stands at the front and is as short as such names are.
fn upper<'a>(text: &'a str, ends: &[&str]) -> Option<(&'a str, &'a str)> {
    for (at, _) in text.char_indices().take(LONGEST + 1).skip(1) {
        let here = ends.iter().filter(|end| text[at..].starts_with(**end) && is_upper(text, at, end));
        if let Some(end) = here.max_by_key(|end| end.len()) {
            return Some((&text[..at], &text[at + end.len()..]));
        }
    }
    None
}

fn is_upper(text: &str, at: usize, end: &str) -> bool {
    let stem = &text[..at];
    let length = stem.chars().count();
    // A street office is often named after a road: 中山路街道.
    let named = if OFFICES.contains(&end) { stem.trim_end_matches(['路', '街', '巷']) } else { stem };
    if ends_in_road(named) || named.chars().any(|c| matches!(c, '路' | '巷')) {
        return false;
    }
    let last = stem.chars().last().unwrap_or_default();
    let next = text[at + end.len()..].chars().next();
    match end {
        // 小区, 园区, 社区 are places within a district; 市区 and 城区 no district of their own.
        "区" => {
            length >= 2
                && !matches!(last, '小' | '社' | '园' | '校' | '库' | '厂' | '宿' | '住' | '院' | '家' | '新')
                && !stem.ends_with("住宅")
        }
        "市" => length >= 2 && !matches!(next, Some('场')),
        "县" | "旗" | "盟" => true,
        "镇" | "乡" => length >= 2,
        // 新村 is a compound, and so is a village's name with more behind it that is no number.
        "村" => !matches!(last, '新' | '小') && !stem.ends_with("花园"),
        _ => true,
    }
}

fn ends_in_road(name: &str) -> bool {
    name.ends_with(['路', '街', '巷', '道']) && !name.ends_with("街道")
        || name.ends_with("胡同")
        || name.ends_with("大街")
}

/// Where the road at the front of a name ends.
fn road_end(text: &str) -> Option<usize> {
    let mut end = None;
    for (at, c) in text.char_indices() {
        let behind = at + c.len_utf8();
        if matches!(c, '路' | '街' | '巷' | '道') && at > 0 || text[..behind].ends_with("胡同") {
            end = Some(behind);
            // 中山路东二巷: the lane is part of the road's name only when nothing but a number follows it.
            if !text[behind..].is_empty() && !ends_in_road(text) {
                break;
            }
        }
    }
    end
}
