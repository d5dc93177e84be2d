//! public-security/registered-residents: delimited text in the GBK code page, households by station and 户号.

use std::io::{self, Write};

use super::super::dice::Topic;
use super::super::format::sink::{Encoding, Sink};
use super::super::format::text;
use super::super::household::Household;
use super::super::noise;
use super::super::person::{Person, Role, Sex};
use super::super::place::{Form, REGION};
use super::super::{City, CityDelivery};
use super::{Entry, Row, Shape};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 4,
    name: 3,
    number: 4,
    birth: 6,
    code: 7,
    division: 9,
    ..Shape::of(&[
        "状态",
        "户号",
        "与户主关系",
        "姓名",
        "公民身份号码",
        "性别",
        "出生日期",
        "民族",
        "派出所",
        "居村委会",
        "街路巷",
        "省市县区",
    ])
};

/// Fills a row.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let (household, person) = (entry.household, entry.person);
    let community = city.community(household.registered.community);
    let form = match household.dice.on(Topic::Form).below(200) {
        0..2 => Form::Comma,
        2 => Form::Broken,
        _ => Form::Home,
    };
    row.cells
        .push("正常")
        .show(format_args!("{:09}", household.number))
        .push(relation(household, person))
        .show(person.name)
        .push(&person.number())
        .push(person.sex.label())
        .show(noise::digits(person.birth))
        .push(person.ethnic.1)
        .show(format_args!("{}派出所", station(community.street)))
        .push(community.name)
        .show(household.registered.text(form, community.street))
        .push(REGION);
}

/// The relation to the head as a label of GB/T 4761.
pub(super) fn relation(household: &Household, person: &Person) -> &'static str {
    let male = person.sex == Sex::Male;
    let children = household.members.iter().filter(|one| matches!(one.role, Role::Child(_))).count();
    match person.role {
        Role::Head => "户主",
        Role::Spouse => {
            ["配偶", if male { "夫" } else { "妻" }][household.dice.on(Topic::Form).at(1).below(2) as usize]
        }
        Role::Child(_) if children == 1 => ["独生女", "独生子"][usize::from(male)],
        Role::Child(0) if household.dice.on(Topic::Form).at(2).chance(50_000) => ["长女", "长子"][usize::from(male)],
        Role::Child(_) => ["女", "子"][usize::from(male)],
        Role::Parent => ["母亲", "父亲"][usize::from(male)],
    }
}

fn station(street: &str) -> &str {
    street.trim_end_matches("街道").trim_end_matches('镇')
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let mut sink = Sink::new(out, Encoding::Gb18030);
    text::line(&mut sink.text, SHAPE.columns.iter().copied());
    let mut rows = 0;
    delivery.each_row(&mut |row| {
        rows += 1;
        text::line(&mut sink.text, row.cells.iter());
        sink.relieve()
    })?;
    text::line(&mut sink.text, ["合计", &rows.to_string()].into_iter());
    sink.finish()?;
    Ok(rows)
}
