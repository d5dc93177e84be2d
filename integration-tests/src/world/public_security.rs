//! Public security: registered residents, delimited text in GBK with a total in its last line.

use super::{Delivery, Person, Row};

const COLUMNS: [&str; 12] = [
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
];

/// A row of the register: the person in a household (户号) as such as `户主`, `配偶`, `子`.
pub fn registered(person: &Person, household: &str, relation: &str) -> Row {
    Row::blank(&COLUMNS)
        .with("状态", "正常")
        .with("户号", household)
        .with("与户主关系", relation)
        .with("姓名", &person.name)
        .with("公民身份号码", &person.id_no)
        .with("性别", person.sex_label())
        .with("出生日期", &person.birth_date)
        .with("民族", "汉族")
        .with("派出所", "裕兴派出所")
        .with("居村委会", person.community_name)
        .with("街路巷", &person.street)
        .with("省市县区", "河北省石家庄市裕华区")
}

/// A snapshot of the register; the data date such as `20261101` stands in the file's name.
pub fn registered_residents(data_date: &str, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let mut text = COLUMNS.join(",") + "\r\n";
    let mut total = 0;
    for row in rows {
        total += 1;
        text += &(row.values().map(quoted).collect::<Vec<_>>().join(",") + "\r\n");
    }
    text += &format!("合计,{total}\r\n");
    Delivery::new("public-security/registered-residents", encoding_rs::GBK.encode(&text).0.into_owned())
        .with_header("Hub-File-Name", &format!("czrk_{data_date}.txt"))
}

fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}
