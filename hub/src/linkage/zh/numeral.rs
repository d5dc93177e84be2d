//! Numbers written in Chinese characters: 二〇二四, 十二, 二十一, 三百零五, 廿三.
//!
//! Owns small whole numbers as dates and addresses write them. Never reads amounts.

/// The value of one character as a digit.
pub fn digit(character: char) -> Option<u32> {
    Some(match character {
        '〇' | '零' | '○' | 'Ｏ' => 0,
        '一' | '壹' | '元' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// Whether the character can be part of a number.
pub fn is_numeral(character: char) -> bool {
    digit(character).is_some() && character != '元' || matches!(character, '十' | '百' | '廿' | '卅')
}

/// The number a run of characters writes: place by place (二〇二四), or with tens and hundreds (三百零五).
pub fn value(text: &str) -> Option<u32> {
    if text.is_empty() || text.chars().count() > 8 {
        return None;
    }
    if text.chars().all(|c| digit(c).is_some()) {
        return text.chars().try_fold(0, |sum, c| Some(sum * 10 + digit(c)?));
    }
    let (mut sum, mut open) = (0, None);
    for c in text.chars() {
        match (c, digit(c)) {
            (_, Some(0)) => {}
            (_, Some(digit)) => open = Some(digit),
            ('十', _) => sum += 10 * open.take().unwrap_or(1),
            ('百', _) => sum += 100 * open.take().unwrap_or(1),
            ('廿', _) => sum += 20,
            ('卅', _) => sum += 30,
            _ => return None,
        }
    }
    Some(sum + open.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_are_read() {
        for (text, number) in [
            ("二〇二四", 2024),
            ("十二", 12),
            ("二十", 20),
            ("二十一", 21),
            ("三百零五", 305),
            ("五零一", 501),
            ("廿三", 23),
        ] {
            assert_eq!(value(text), Some(number), "{text}");
        }
        assert_eq!(value("张三"), None);
    }
}
