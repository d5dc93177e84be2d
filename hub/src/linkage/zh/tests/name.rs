//! Names.

use super::check;
use crate::linkage::evidence::{Evidence, Keys};
use crate::linkage::zh::name::Name;

#[test]
fn harmless_writings_are_the_same_name() {
    check::<Name>(&[
        ("李明", "李 明", "same"),
        ("李明", "李　明", "same"),
        ("张伟", "張偉", "same"),
        ("萧红", "肖红", "same"),
        ("张伟（已故）", "张伟", "same"),
        ("张伟／张强", "张伟", "same"),
        ("张伟，李丽", "张伟", "same"),
        ("张伟 曾用名：张强", "张伟", "same"),
        ("张伟2", "张伟", "same"),
        ("阿依古丽·买买提", "阿依古丽•买买提", "same"),
        ("阿依古丽·买买提", "阿依古丽买买提", "same"),
        ("阿依古丽·买买提", "阿依古丽 买买提", "same"),
        ("阿依古丽·买买提", "阿依古丽．买买提", "same"),
    ]);
}

#[test]
fn sound_and_look_are_told_from_other_differences() {
    check::<Name>(&[
        ("李晓明", "李小明", "alike"),
        ("张伟", "张玮", "alike"),
        ("张乐", "张月", "alike"),
        ("王治国", "王冶国", "alike"),
        ("戴珍珠", "戴珍著", "alike"),
        ("罗慧", "罗林辉", "one_differs"),
        ("李晓明", "黎小铭", "sound"),
        ("陈林", "陈宁", "sound"),
        ("张伟", "ZHANG WEI", "sound"),
        ("张伟", "zhangwei", "sound"),
        ("郑芳", "郑fang", "sound"),
        ("王瑶佳", "王Yao佳", "sound"),
        ("王瑶佳", "王Ming佳", "one_differs"),
        ("阿依古丽·买买提", "阿依古丽·麦买提", "alike"),
        ("李明华", "李明芳", "one_differs"),
        ("李明", "李强", "surname"),
        ("李明", "王强", "different"),
        ("李明华", "李强", "surname"),
    ]);
}

#[test]
fn a_rare_character_is_known_by_its_parts() {
    check::<Name>(&[
        ("范马尧兴", "范骁兴", "alike"),
        ("钟良羽中", "钟良翀", "alike"),
        ("王三土永", "王垚永", "alike"),
        ("王土土土永", "王垚永", "same"),
        ("王土土土", "王垚", "same"),
        ("张（吉吉）正", "张喆正", "same"),
        ("王(王君)", "王珺", "same"),
        ("欧阳【王君】", "欧阳珺", "same"),
        ("王哲〔上方方下土〕", "王哲堃", "same"),
        ("王哲(方方土)", "王堃哲", "swapped"),
        ("王淼(三水)", "王淼", "same"),
        ("王浩宇(三水)", "王浩宇", "same"),
        ("王日天", "王昊", "alike"),
        ("王日天", "王日明", "one_differs"),
        ("李木子", "李李", "surname"),
        ("马尧兴", "骁兴", "different"),
    ]);
}

#[test]
fn masked_and_shortened_names_agree_as_far_as_they_go() {
    check::<Name>(&[
        ("李晓明", "李*明", "masked"),
        ("李晓明", "李＊明", "masked"),
        ("李晓明", "**明", "masked"),
        ("李晓明", "李**", "partial"),
        ("李*明", "李*明", "masked"),
        ("李**", "李**", "partial"),
        ("李晓明", "王*明", "different"),
        ("李晓明", "李某", "partial"),
        ("李晓明", "李某某", "partial"),
        ("余文良", "余某良", "masked"),
        ("余文良", "余某", "partial"),
        ("孙頔", "孙〓", "partial"),
        ("杨兰芳", "杨兰??", "masked"),
        ("张伟", "张**", "partial"),
        ("李犇", "李(ben)", "sound"),
        ("李犇", "李ben", "sound"),
        ("邓宇涵", "D E N G  Y U H A N", "sound"),
        ("阿米娜·阿布来提", "A MINAABULAITI", "sound"),
        ("阿米娜·阿布来提", "AMINAABULAT", "different"),
        ("李晓明", "李女士", "partial"),
        ("李晓明", "小明", "shorter"),
        ("李晓明", "老李", "partial"),
        ("李晓明", "小红", "different"),
        ("小明", "小红", "different"),
        ("李晓明", "李明", "shorter"),
        ("李晓明", "晓明", "shorter"),
        ("欧阳晓明", "欧阳明", "shorter"),
        ("阿依古丽·买买提", "阿依古丽", "shorter"),
        ("阿依古丽·买买提", "阿依古丽·买", "shorter"),
    ]);
}

#[test]
fn pet_forms_agree_in_the_character_they_name() {
    check::<Name>(&[
        ("丁欣然", "然然", "shorter"),
        ("丁欣然", "丁然然", "shorter"),
        ("丁欣然", "丁欣欣", "one_differs"),
        ("丁欣然", "王然然", "different"),
        ("丁婷婷", "丁然然", "surname"),
        ("丁然", "丁然然", "shorter"),
        ("王梅婉", "王小婉", "one_differs"),
        ("王婉", "王小婉", "shorter"),
        ("丁欣然", "芳芳", "different"),
        ("王芳", "芳芳", "shorter"),
        ("芳芳", "然然", "different"),
        ("文文", "文强", "surname"),
    ]);
}

#[test]
fn order_and_surname_changes_have_rungs_of_their_own() {
    check::<Name>(&[
        ("李晓明", "李明晓", "swapped"),
        ("李晓明", "李铭晓", "swapped"),
        ("李晓明", "晓明李", "swapped"),
        ("李明", "明李", "swapped"),
        ("张晓明", "王晓明", "other_surname"),
        ("欧阳晓明", "王晓明", "other_surname"),
        ("阿依古丽·买买提", "吐尔逊·买买提", "surname"),
        ("阿依古丽·买买提", "阿依古丽·吐尔逊", "other_surname"),
        ("阿依古丽·买买提", "买买提·阿依古丽", "swapped"),
    ]);
}

#[test]
fn words_in_another_order_are_the_same_words() {
    check::<Name>(&[
        ("黄华静", "Huajing Huang", "swapped"),
        ("ELENA IVANOVA", "Ivanova Elena", "swapped"),
        ("黄华静", "Huajing Zhang", "different"),
    ]);
}

#[test]
fn a_wife_is_known_by_her_own_surname() {
    check::<Name>(&[("孟邓氏", "邓娟", "partial"), ("邓氏", "邓娟", "partial"), ("孟邓氏", "孟娟", "different")]);
}

#[test]
fn a_child_without_a_name_is_not_its_parent() {
    check::<Name>(&[
        ("张丽之子", "张丽之子", "same"),
        ("张丽之子", "张莉之子", "alike"),
        ("张丽之子", "张丽之女", "different"),
        ("张丽之子1", "张丽之子2", "different"),
        ("张丽之大女", "张丽之小女", "different"),
        ("张丽之子", "张丽", "different"),
        ("张丽之男", "张丽之子", "same"),
        ("张丽之次女", "张丽之二女婴", "same"),
        ("张丽之新生儿", "张丽新生儿", "same"),
        ("张丽之子", "王小宝", "unnamed"),
        ("张丽之女", "张丽女", "same"),
        ("张丽之女", "张莉女", "alike"),
        ("张丽之子", "张丽女", "unnamed"),
        ("张晓丽婴", "张晓丽", "different"),
        ("张晓丽女", "王小宝", "unnamed"),
        ("张丽女1", "张丽女2", "different"),
        ("张丽女2", "张丽之女小双", "same"),
        ("张丽子大双", "张丽子乙", "different"),
        ("张丽女", "王小宝", "different"),
        ("张丽女儿", "张丽之女", "same"),
        ("张晓丽儿子", "张晓丽", "different"),
        ("张丽大女儿", "张丽小女儿", "different"),
        ("张丽女儿", "王小雨", "unnamed"),
        ("张丽大女", "张丽小女", "different"),
        ("张丽二女", "张丽之女", "same"),
        ("张丽二女", "张丽", "different"),
        ("张丽宝宝", "王小宝", "unnamed"),
        ("张丽(婴儿)", "张丽之子", "same"),
        ("张丽（女婴）", "张丽", "different"),
        ("罗可馨(宝宝)", "罗可馨", "same"),
        ("张丽大双", "张丽小双", "different"),
        ("张丽小双", "张丽之女2", "same"),
        ("张丽女", "张丽婴", "alike"),
        ("张丽女", "张丽子", "one_differs"),
    ]);
}

#[test]
fn a_remark_behind_a_name_is_no_part_of_it() {
    check::<Name>(&[
        ("杜红琴-补录", "杜红琴", "same"),
        ("杜红琴迁出", "杜红琴", "same"),
        ("杜红琴 已注销", "杜红琴", "same"),
        ("王新增", "王新", "shorter"),
    ]);
}

#[test]
fn what_a_newborn_is_called_may_stand_for_any_name_of_its_family() {
    check::<Name>(&[
        ("刘宝宝", "刘浩宇", "unnamed"),
        ("刘宝宝", "刘宇", "unnamed"),
        ("刘宝宝", "刘宝宝", "same"),
        ("刘宝宝", "刘宝", "shorter"),
        ("刘宝宝", "王浩宇", "different"),
        ("刘毛毛", "刘浩宇", "unnamed"),
        ("刘二宝", "刘浩宇", "unnamed"),
        ("刘婷婷", "刘浩宇", "surname"),
        ("刘毛毛", "刘果果", "surname"),
        ("毛毛", "刘浩宇", "unnamed"),
        ("毛毛", "毛毛", "same"),
        ("毛毛", "豆豆", "different"),
        ("毛毛", "毛浩宇", "unnamed"),
    ]);
}

#[test]
fn what_says_nobody_is_no_name() {
    for text in ["", " ", "无", "不详", "***", "未取名", "（已故）", "123"] {
        assert_eq!(Name::prepare(text), None, "{text}");
    }
}

#[test]
fn names_of_one_sound_share_a_key_by_any_reading() {
    for (one, other) in [
        ("张乐", "张月"),
        ("张乐", "章勒"),
        ("李晓明", "黎小铭"),
        ("李晓明", "李*明"),
        ("李晓明", "李明晓"),
        ("李晓明", "王晓明"),
        ("单伟", "山伟"),
    ] {
        let keys = |text| {
            let mut keys = Keys::default();
            Name::prepare(text).unwrap().keys(&mut keys);
            keys.0
        };
        assert!(keys(one).iter().any(|key| keys(other).contains(key)), "{one} {other}");
    }
}
