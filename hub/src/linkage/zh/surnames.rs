//! Surnames of two characters.
//!
//! Owns the list (of those in use today); a surname of one character needs none.

/// Compound surnames in today's form.
const COMPOUND: &[&str] = &[
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "司徒", "司空",
    "夏侯", "轩辕", "端木", "百里", "南宫", "呼延", "独孤", "拓跋", "澹台", "公冶", "淳于", "单于", "申屠", "太史",
    "闻人", "万俟", "赫连", "钟离", "鲜于", "闾丘", "东郭", "南门", "西门", "第五", "完颜", "耶律", "纳兰", "叶赫",
    "爱新", "乐正", "宗政", "濮阳", "公羊", "公西", "漆雕", "壤驷", "拓拔", "夹谷", "谷梁", "段干", "东门", "左丘",
    "梁丘", "司寇", "子车", "颛孙", "巫马", "微生", "羊舌", "范姜", "张简", "欧侯",
];

/// How many characters at the front of a name are its surname.
pub fn length(name: &[char]) -> usize {
    let compound = name.len() > 2 && COMPOUND.iter().any(|surname| surname.chars().eq(name[..2].iter().copied()));
    if compound { 2 } else { 1.min(name.len()) }
}
