//! Civil affairs: marriage registrations, XML whose headings repeat for the husband and the wife.

use super::row::escaped;
use super::{Delivery, Person, Row};

/// Names by position, as the hub's feed has them; beside each the heading that is sent.
const COLUMNS: [(&str, &str); 19] = [
    ("op_type", "业务类型"),
    ("cert_no", "证件号码"),
    ("registered_on", "登记时间"),
    ("man_name", "男方姓名"),
    ("man_id_no", "身份证号"),
    ("man_occupation", "职业"),
    ("man_address", "家庭地址"),
    ("man_ethnic", "民族"),
    ("man_education", "文化程度"),
    ("man_status_before", "婚姻状况"),
    ("man_birth_date", "出生日期"),
    ("woman_name", "女方姓名"),
    ("woman_id_no", "身份证号"),
    ("woman_occupation", "职业"),
    ("woman_address", "家庭地址"),
    ("woman_ethnic", "民族"),
    ("woman_education", "文化程度"),
    ("woman_status_before", "婚姻状况"),
    ("woman_birth_date", "出生日期"),
];

/// A marriage registered on a day such as `2026-10-31`; the status before is unmarried.
pub fn marriage(man: &Person, woman: &Person, certificate: &str, on: &str) -> Row {
    event(("IA", "10"), man, woman, certificate, on)
}

/// A divorce of the two; it has a certificate number of its own.
pub fn divorce(man: &Person, woman: &Person, certificate: &str, on: &str) -> Row {
    event(("IB", "20"), man, woman, certificate, on)
}

/// An annulment of the two's marriage.
pub fn annulment(man: &Person, woman: &Person, certificate: &str, on: &str) -> Row {
    event(("ID", "20"), man, woman, certificate, on)
}

/// A marriage certificate issued again.
pub fn reissue(man: &Person, woman: &Person, certificate: &str, on: &str) -> Row {
    event(("ICA", "20"), man, woman, certificate, on)
}

/// A delta of registrations; exported at such as `2026-11-01T20:00:00`, local time.
pub fn marriage_registrations(exported: &str, rows: impl IntoIterator<Item = Row>) -> Delivery {
    let mut body = String::new();
    let mut total = 0;
    for row in rows {
        total += 1;
        body += "<记录>";
        for (column, value) in row.present() {
            let heading = COLUMNS.iter().find(|(name, _)| *name == column).map_or(column, |(_, heading)| heading);
            body += &format!("<{heading}>{}</{heading}>", escaped(value));
        }
        body += "</记录>\n";
    }
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<婚姻登记><导出日期>{exported}</导出日期><总数>{total}</总数>\n\
         {body}</婚姻登记>\n"
    );
    Delivery::new("civil-affairs/marriage-registrations", text.into_bytes())
}

/// A row of a kind of operation with the status both had before it.
fn event((kind, before): (&str, &str), man: &Person, woman: &Person, certificate: &str, on: &str) -> Row {
    Row::blank(&COLUMNS.map(|(name, _)| name))
        .with("op_type", kind)
        .with("cert_no", certificate)
        .with("registered_on", on)
        .with("man_name", &man.name)
        .with("man_id_no", &man.id_no)
        .with("man_ethnic", "汉族")
        .with("man_status_before", before)
        .with("man_birth_date", &man.birth_date_iso())
        .with("woman_name", &woman.name)
        .with("woman_id_no", &woman.id_no)
        .with("woman_ethnic", "汉族")
        .with("woman_status_before", before)
        .with("woman_birth_date", &woman.birth_date_iso())
}
