//! Social security: insured persons (XML said to be GB2312) and unemployment insurance (XLSX).

use super::row::escaped;
use super::{Delivery, Person, Row, workbook};

const PERSON: [&str; 23] = [
    "ROWNO", "BAC001", "AAC002", "AAC003", "AAC004", "AAC161", "AAC005", "AAC058", "AAC147", "AAC006", "AAC007",
    "AAE441", "AAE473", "BIC162", "AAC084", "AIC162", "AAC067", "BAC062", "AAC009", "AAC301", "AAE006", "BAC301",
    "AAC010",
];
const INSURANCE: [&str; 9] = ["ROWNO", "BAB001", "AAB004", "AAE140", "AAC030", "AAC049", "AAC031", "AAC040", "AAE180"];
const UNEMPLOYMENT: [&str; 15] = [
    "个人编号",
    "姓名",
    "公民身份证",
    "性别",
    "单位编号",
    "单位名称",
    "单位类型",
    "经济类型",
    "参加工作时间",
    "个人参保时间",
    "最近参保时间",
    "个人参保状态",
    "缴费比例类",
    "经办人",
    "经办时间",
];

/// A row of insured persons: the person under the department's number, without insurances.
pub fn insured(person: &Person, number: &str) -> Row {
    Row::blank(&PERSON)
        .with("BAC001", number)
        .with("AAC002", &person.id_no)
        .with("AAC003", &person.name)
        .with("AAC004", person.sex)
        .with("AAC161", "CHN")
        .with("AAC005", "01")
        .with("AAC058", "01")
        .with("AAC006", &person.birth_date)
        .with("AAC007", "0")
        .with("AAE441", "0")
        .with("AAC084", "0")
        .with("AIC162", "0")
        .with("AAC067", &person.phone)
        .with("AAC301", person.community)
        .with("AAE006", &person.street)
        .with("BAC301", "130108000000")
        .with("AAC010", &person.street)
}

/// An insurance of an insured person: kind (`110` pension, `310` medical ...) at an employer, paying.
pub fn insurance(kind: &str, employer: &str) -> Row {
    Row::blank(&INSURANCE)
        .with("BAB001", employer)
        .with("AAB004", &format!("第{employer}号单位"))
        .with("AAE140", kind)
        .with("AAC030", "20150301")
        .with("AAC049", "20150301")
        .with("AAC031", "1")
        .with("AAC040", "5200.00")
        .with("AAE180", "5200.00")
}

/// A snapshot of insured persons; the data date as `20261101`.
pub fn insured_persons(data_date: &str, sequence: u32, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let mut body = String::new();
    let mut total = 0;
    for (row, number) in rows.into_iter().zip(1..) {
        total = number;
        let items: String = row.items().iter().zip(1..).map(|(item, n)| element("INSURED", item, n, "")).collect();
        body += &element("ROW", &row, number, &items);
    }
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<DATA><HEAD><DATADATE>{data_date}</DATADATE>\
         <SEQ>{sequence}</SEQ><TOTAL>{total}</TOTAL></HEAD><ROWS>\n{body}</ROWS></DATA>\n"
    );
    // The name GB2312 stands on files that hold characters of GB18030.
    Delivery::new("social-security/insured-persons", encoding_rs::GB18030.encode(&text).0.into_owned())
}

/// A row of unemployment insurance.
pub fn unemployed(person: &Person, number: &str) -> Row {
    Row::blank(&UNEMPLOYMENT)
        .with("个人编号", number)
        .with("姓名", &person.name)
        .with("公民身份证", &person.id_no)
        .with("性别", person.sex_label())
        .with("单位编号", "2001")
        .with("单位名称", "第2001号单位")
        .with("参加工作时间", "2012-07-01")
        .with("个人参保时间", "2015-03-01")
        .with("最近参保时间", "2015-03-01")
        .with("个人参保状态", "参保缴费")
}

/// A snapshot of unemployment insurance; as-of with its zone, such as `2026-11-01T00:00:00+08:00`, or a date.
pub fn unemployment_insurance(as_of: &str, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let rows: Vec<Row> = rows.into_iter().collect();
    let mut lines = vec![vec!["职工失业保险参保信息".to_owned()], UNEMPLOYMENT.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| row.values().map(str::to_owned).collect()));
    lines.push(vec!["合计".to_owned(), rows.len().to_string()]);
    Delivery::new("social-security/unemployment-insurance", workbook("失业保险", &lines))
        .with_header("Hub-As-Of", as_of)
}

/// An element with a child for each column, numbered, and what is inside it besides.
fn element(name: &str, row: &Row, number: usize, inside: &str) -> String {
    let mut text = format!("<{name}>");
    for (column, value) in row.present() {
        let value = if column == "ROWNO" && value.is_empty() { number.to_string() } else { escaped(value) };
        text += &format!("<{column}>{value}</{column}>");
    }
    text + inside + &format!("</{name}>\n")
}
