//! One generated resident: what is true of the person on a day, before any department writes it down.

use chrono::{Datelike, NaiveDate};

use super::dice::{Dice, Topic};
use super::feed::Feed;
use super::name::Name;
use super::number::Slot;

/// Male or female.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sex {
    Male,
    Female,
}

impl Sex {
    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::Male { Self::Female } else { Self::Male }
    }

    /// GB/T 2261.1.
    pub fn code(self) -> &'static str {
        if self == Self::Male { "1" } else { "2" }
    }

    /// `男` or `女`.
    pub fn label(self) -> &'static str {
        if self == Self::Male { "男" } else { "女" }
    }
}

/// Place in the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Head,
    Spouse,
    /// Counted from 0.
    Child(u8),
    /// A parent of the head.
    Parent,
}

/// A code with its Chinese label.
pub(super) type Coded = (&'static str, &'static str);

const HAN: Coded = ("01", "汉族");
/// Ethnic groups whose members bear names of the Han pattern.
const OTHERS: [Coded; 4] = [("03", "回族"), ("11", "满族"), ("02", "蒙古族"), ("10", "朝鲜族")];
/// Ethnic groups whose names are written with a middle dot.
const DOTTED: [Coded; 3] = [("05", "维吾尔族"), ("17", "哈萨克族"), ("04", "藏族")];

const SCHOOL: [Coded; 2] = [("81", "小学毕业"), ("71", "初中毕业")];
const EDUCATION: [Coded; 8] = [
    ("71", "初中毕业"),
    ("61", "普通高中毕业"),
    ("44", "职业高中毕业"),
    ("41", "中等专科毕业"),
    ("31", "大学专科毕业"),
    ("21", "大学本科毕业"),
    ("21", "大学本科毕业"),
    ("14", "硕士研究生毕业"),
];
const EMPLOYMENT: [Coded; 6] = [
    ("24", "工人"),
    ("17", "职员"),
    ("13", "专业技术人员"),
    ("21", "企业管理人员"),
    ("54", "个体经营者"),
    ("51", "自由职业者"),
];

/// One resident on a day.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Unique in the city; numbers are made from it.
    pub index: u64,
    pub role: Role,
    pub sex: Sex,
    pub birth: NaiveDate,
    pub name: Name,
    pub ethnic: Coded,
    /// What the number is made from.
    pub slot: Slot,
    /// The throw all further facts come from.
    pub dice: Dice,
    /// Age in years at the city's first day.
    pub age: i32,
    /// Day of the first delivery that holds the person.
    pub came_on: u32,
    /// Day of the first delivery that no longer does.
    pub left_on: Option<u32>,
    /// Latest day on which something about the person or the home changed; 1 without any.
    pub changed_on: u32,
    /// Day the phone last changed.
    pub phone_since: u32,
    /// Day the job last changed.
    pub job_since: u32,
    /// The feeds that know the person, a bit each.
    pub feeds: u8,
}

impl Person {
    /// The right citizen number.
    pub fn number(&self) -> String {
        self.slot.number(self.birth, self.sex)
    }

    /// Whether departments still list the person.
    pub fn is_present(&self) -> bool {
        self.left_on.is_none()
    }

    /// Whether the feed knows the person.
    pub fn is_in(&self, feed: Feed) -> bool {
        self.feeds & feed.bit() != 0
    }

    /// Whether the person has an employer.
    pub fn works(&self) -> bool {
        works(self.age, self.dice)
    }

    /// Education with its label; none for small children.
    pub fn education(&self) -> Option<Coded> {
        let dice = self.dice.on(Topic::Education);
        match self.age {
            ..7 => None,
            7..19 => Some(SCHOOL[usize::from(self.age > 13)]),
            _ => Some(dice.pick(&EDUCATION)),
        }
    }

    /// Employment (GB/T 2261.4) with its label; none for small children.
    pub fn employment(&self) -> Option<Coded> {
        match self.age {
            ..7 => None,
            7..19 => Some(("31", "学生")),
            60.. => Some(("80", "退（离）休人员")),
            _ if !self.works() => Some(("70", "无业人员")),
            _ => Some(self.dice.on(Topic::Job).at(u64::from(self.job_since)).pick(&EMPLOYMENT)),
        }
    }

    /// Which feeds know somebody of that kind.
    pub fn membership(dice: Dice, age: i32, floating: bool, unemployment_share: u64) -> u8 {
        let throw = dice.on(Topic::Membership);
        let holds = |feed: Feed, share: u64| if throw.at(u64::from(feed.bit())).chance(share) { feed.bit() } else { 0 };
        let mut feeds = holds(Feed::Health, 55_000);
        if age >= 18 {
            feeds |= holds(Feed::Insured, 80_000);
        }
        if works(age, dice) && feeds & Feed::Insured.bit() != 0 {
            feeds |= holds(Feed::Unemployment, unemployment_share);
        }
        // Of the floating population, family planning lists those nobody else does.
        match floating {
            false => feeds | Feed::Registered.bit() | holds(Feed::Population, 85_000),
            true if feeds == 0 => holds(Feed::Population, 60_000),
            true => feeds,
        }
    }

    /// Ethnic group and name; a household shares the group.
    pub fn ethnic_group(household: Dice) -> (Coded, bool) {
        let throw = household.on(Topic::Ethnic);
        match throw.below(1_000) {
            0..12 => (throw.at(1).pick(&DOTTED), true),
            12..60 => (throw.at(1).pick(&OTHERS), false),
            _ => (HAN, false),
        }
    }

    /// The calendar year in which the person is `years` old.
    pub fn year_at(&self, years: i32) -> i32 {
        self.birth.year() + years
    }
}

fn works(age: i32, dice: Dice) -> bool {
    (18..60).contains(&age) && dice.on(Topic::Job).chance(78_000)
}
