//! What a form calls a cell, when it was copied into the cell: `姓名：王梅`, `联系电话:13900000000`.
//!
//! Owns the labels. Never reads what follows them.

/// By what forms call the columns of a person.
const LABELS: &[&str] = &[
    "姓名",
    "名字",
    "患者姓名",
    "学生姓名",
    "户主",
    "户主姓名",
    "联系人",
    "本人",
    "身份证",
    "身份证号",
    "身份证号码",
    "公民身份号码",
    "公民身份证号码",
    "证件号",
    "证件号码",
    "性别",
    "生日",
    "出生",
    "出生日期",
    "出生年月",
    "出生年月日",
    "电话",
    "电话号码",
    "手机",
    "手机号",
    "手机号码",
    "联系电话",
    "联系方式",
    "住址",
    "地址",
    "现住址",
    "现住地址",
    "家庭住址",
    "家庭地址",
    "居住地址",
    "详细地址",
    "联系地址",
    "户籍地",
    "户籍地址",
    "户口地址",
];

/// The longest label and the sign behind it, in bytes, with some room for blanks.
const LONGEST: usize = 32;

/// The cell without the label before it.
pub fn without(cell: &str) -> &str {
    let mut start = cell.char_indices().take_while(|(at, _)| *at < LONGEST);
    match start.find(|(_, c)| matches!(c, ':' | '：')) {
        Some((at, sign)) if LABELS.contains(&cell[..at].trim()) => cell[at + sign.len_utf8()..].trim_start(),
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_go_and_all_else_stays() {
        for (cell, left) in [
            ("姓名：王梅", "王梅"),
            ("联系电话: 13900000000", "13900000000"),
            (" 住址 ：幸福路1号", "幸福路1号"),
            ("1990/1/1 0:00", "1990/1/1 0:00"),
            ("门牌：幸福路1号", "门牌：幸福路1号"),
            ("王梅", "王梅"),
            ("：", "："),
            ("", ""),
        ] {
            assert_eq!(without(cell), left);
        }
    }
}
