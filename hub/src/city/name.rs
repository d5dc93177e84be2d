//! Names of people who do not exist, put together from common surnames and characters.

use std::fmt;

use super::dice::Dice;
use super::person::Sex;

/// Common surnames, the frequent ones first; throws favour the front.
const SURNAMES: [&str; 64] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许", "傅", "沈", "曾",
    "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛", "叶", "阎", "余", "潘", "杜", "戴", "夏", "钟", "汪",
    "田", "任", "姜", "范", "欧阳", "司马", "诸葛",
];

const MALE: [&str; 48] = [
    "伟", "强", "军", "勇", "涛", "明", "超", "刚", "平", "辉", "鹏", "华", "飞", "鑫", "波", "斌", "宇", "浩", "凯",
    "健", "俊", "帆", "磊", "洋", "志", "建", "国", "文", "海", "春", "东", "永", "立", "新", "德", "成", "玉", "光",
    "振", "庆", "嘉", "子", "天", "泽", "晨", "轩", "博", "硕",
];

const FEMALE: [&str; 48] = [
    "芳", "娜", "敏", "静", "丽", "艳", "娟", "霞", "燕", "玲", "红", "梅", "秀", "英", "兰", "桂", "婷", "雪", "琳",
    "洁", "颖", "慧", "莉", "倩", "云", "佳", "欣", "怡", "淑", "珍", "凤", "素", "月", "晓", "雅", "思", "梦", "琪",
    "瑶", "涵", "诗", "萌", "紫", "若", "宁", "彤", "菲", "璐",
];

/// Characters that old character sets do not hold; two of them lie outside the basic plane or were added late.
const RARE: [&str; 5] = ["䶮", "𠮷", "㙍", "喆", "堃"];

const SYLLABLES: [&str; 24] = [
    "阿", "依", "古", "丽", "买", "提", "江", "尔", "艾", "米", "热", "娜", "吐", "逊", "巴", "合", "木", "沙", "帕",
    "夏", "克", "力", "扎", "西",
];

/// A name as a recipe; its text is made where it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    family: u8,
    kind: Kind,
    sex: Sex,
    dice: Dice,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Surname and so many given characters.
    Han(u8),
    /// The same with a rare character at the end.
    Rare,
    /// Two parts with a middle dot.
    Dotted,
    /// Latin capitals, for foreigners.
    Latin,
}

impl Name {
    /// The family name of a household.
    pub fn family(dice: Dice) -> u8 {
        let count = SURNAMES.len() as u64;
        dice.at(0).below(count).min(dice.at(1).below(count)) as u8
    }

    /// A Han name; one in 250 has a rare character.
    pub fn han(family: u8, sex: Sex, dice: Dice) -> Self {
        let kind =
            if dice.at(10).chance(400) { Kind::Rare } else { Kind::Han(1 + u8::from(dice.at(11).chance(72_000))) };
        Self { family, kind, sex, dice }
    }

    /// A Han name of exactly so many given characters.
    pub fn han_of(family: u8, sex: Sex, given: u8, dice: Dice) -> Self {
        Self { family, kind: Kind::Han(given), sex, dice }
    }

    /// A name whose two parts are set apart by a middle dot.
    pub fn dotted(sex: Sex, dice: Dice) -> Self {
        Self { family: 0, kind: Kind::Dotted, sex, dice }
    }

    /// A name in Latin capitals.
    pub fn latin(dice: Dice) -> Self {
        Self { family: 0, kind: Kind::Latin, sex: Sex::Male, dice }
    }

    /// Whether the name holds a middle dot, which departments write in several ways.
    pub fn is_dotted(&self) -> bool {
        matches!(self.kind, Kind::Dotted)
    }

    fn given(&self, place: u64) -> &'static str {
        self.dice.at(20 + place).pick(if self.sex == Sex::Male { &MALE } else { &FEMALE })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let surname = SURNAMES[usize::from(self.family) % SURNAMES.len()];
        match self.kind {
            Kind::Han(1) => write!(f, "{surname}{}", self.given(0)),
            Kind::Han(_) => write!(f, "{surname}{}{}", self.given(0), self.given(1)),
            Kind::Rare => write!(f, "{surname}{}{}", self.given(0), self.dice.at(30).pick(&RARE)),
            Kind::Dotted => {
                for place in 0..6 {
                    f.write_str(self.dice.at(40 + place).pick(&SYLLABLES))?;
                    if place == 2 {
                        f.write_str("·")?;
                    }
                }
                Ok(())
            }
            Kind::Latin => {
                f.write_str("TEST ")?;
                for place in 0..6 {
                    f.write_str(self.dice.at(50 + place).pick(&["A", "E", "L", "M", "N", "O", "R", "S"]))?;
                }
                Ok(())
            }
        }
    }
}
