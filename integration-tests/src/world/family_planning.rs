//! Family planning: the whole population, XML with Chinese element names.

use super::row::escaped;
use super::{Delivery, Person, Row};

const COLUMNS: [&str; 24] = [
    "户人编号",
    "姓名",
    "性别",
    "身份证号",
    "小区组名",
    "门牌号",
    "出生日期",
    "民族",
    "文化程度",
    "户口性质",
    "婚姻状况",
    "初婚日期",
    "与户主关系",
    "户籍所在地",
    "现居住地",
    "配偶姓名",
    "配偶身份证号",
    "父亲姓名",
    "父亲身份证号",
    "母亲姓名",
    "母亲身份证号",
    "居住状况",
    "落户地区",
    "数据日期",
];

/// A row of the population under its 户人编号, of a data date such as `2026-11-01`.
pub fn counted(person: &Person, number: &str, data_date: &str) -> Row {
    Row::blank(&COLUMNS)
        .with("户人编号", number)
        .with("姓名", &person.name)
        .with("性别", person.sex_label())
        .with("身份证号", &person.id_no)
        .with("小区组名", "第一小区")
        .with("门牌号", "3-201")
        .with("出生日期", &person.birth_date_iso())
        .with("民族", "汉族")
        .with("与户主关系", "户主")
        .with("户籍所在地", &format!("河北省石家庄市裕华区{}", person.street))
        .with("现居住地", &format!("河北省石家庄市裕华区{}", person.street))
        .with("落户地区", person.community)
        .with("数据日期", data_date)
}

/// A snapshot of the population. The data date stands in every row.
pub fn population(rows: impl IntoIterator<Item = Row>) -> Delivery {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<全员人口>\n");
    for row in rows {
        text += "<人口>";
        for (column, value) in row.present() {
            text += &format!("<{column}>{}</{column}>", escaped(value));
        }
        text += "</人口>\n";
    }
    text += "</全员人口>\n";
    Delivery::new("family-planning/population", text.into_bytes())
}
