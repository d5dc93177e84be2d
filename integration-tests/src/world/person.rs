//! A person nobody has ever been: the number's district, birth date, sex and check digit agree.

/// What the departments know of a person; cases change copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// 18-digit citizen ID.
    pub id_no: String,
    /// `1` male, `2` female.
    pub sex: &'static str,
    /// `19900131`.
    pub birth_date: String,
    /// Mobile number.
    pub phone: String,
    /// 12-digit code of the community.
    pub community: &'static str,
    /// The community's name as public security writes it.
    pub community_name: &'static str,
    /// Street and door.
    pub street: String,
}

const SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "欧阳"];
const GIVEN: [&str; 12] = ["建国", "秀英", "伟", "敏", "静怡", "磊", "洋", "晓燕", "志强", "丽华", "子涵", "雨桐"];
const COMMUNITIES: [(&str, &str); 4] = [
    ("130108001001", "八五零社区居委会"),
    ("130108001002", "东王社区居委会"),
    ("130108001003", "华兴社区居委会"),
    ("130108001004", "南王社区居委会"),
];

impl Person {
    /// The n-th person; the same in every run. Odd ones are men, even ones women, and all are adults.
    pub fn nth(n: u32) -> Self {
        let at = usize::try_from(n).expect("a small number");
        let (year, month, day) = (1950 + n * 7 % 50, 1 + n * 5 % 12, 1 + n * 11 % 28);
        let birth_date = format!("{year:04}{month:02}{day:02}");
        // Parity is sex; 499 pairs of sequence numbers a birth date are more than any case needs.
        let sequence = n * 2 % 998 + u32::from(n % 2 == 1);
        let (community, community_name) = COMMUNITIES[at % COMMUNITIES.len()];
        Self {
            name: format!("{}{}", SURNAMES[at % SURNAMES.len()], GIVEN[at / SURNAMES.len() % GIVEN.len()]),
            id_no: citizen_id("130108", &birth_date, sequence),
            sex: if n % 2 == 1 { "1" } else { "2" },
            birth_date,
            phone: format!("138{n:08}"),
            community,
            community_name,
            street: format!("槐安东路{}号", n + 1),
        }
    }

    /// The first `n` people.
    pub fn first(n: u32) -> Vec<Self> {
        (1..=n).map(Self::nth).collect()
    }

    /// The same person under another name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The birth date as `1990-01-31`.
    pub fn birth_date_iso(&self) -> String {
        let date = &self.birth_date;
        format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])
    }

    /// `男` or `女`.
    pub fn sex_label(&self) -> &'static str {
        if self.sex == "1" { "男" } else { "女" }
    }
}

/// A citizen ID with its check digit (GB 11643: ISO 7064 MOD 11-2).
pub fn citizen_id(division: &str, birth_date: &str, sequence: u32) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("{division}{birth_date}{sequence:03}");
    let sum: u32 = body.chars().zip(WEIGHTS).map(|(digit, weight)| digit.to_digit(10).expect("digits") * weight).sum();
    let check = usize::try_from(sum % 11).expect("below 11");
    format!("{body}{}", &"10X98765432"[check..=check])
}
