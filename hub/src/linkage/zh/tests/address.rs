//! Addresses.

use super::check;
use crate::linkage::evidence::Evidence;
use crate::linkage::zh::address::Address;

const FULL: &str = "河北省石家庄市裕华区裕兴街道银杏街12号样例花园3号楼2单元501室";

#[test]
fn one_door_in_every_writing_is_one_door() {
    check::<Address>(&[
        (FULL, "裕华区银杏街12号样例花园3-2-501", "door"),
        (FULL, "银杏街１２号样例花园3号楼2单元501室", "door"),
        (FULL, "银杏街12号,样例花园3号楼2单元501室", "door"),
        (FULL, "样例花园3栋2单元501", "door"),
        (FULL, "样例花园三号楼二单元五零一", "door"),
        (FULL, "样例花园3幢2单元501室", "door"),
        (FULL, "样例花园3#2-501", "door"),
        (FULL, "石家庄市裕华区样例花园3号楼2单元5层501室", "door"),
        (FULL, "样例花园3号楼501", "door"),
        (FULL, "样例花园３－２－５０１", "door"),
        (FULL, "样例花园3楼2单元501", "door"),
        ("银杏街12号3-2-501", "银杏街12号3号楼2单元501室", "door"),
        ("石家庄市裕华区东王村12号", "东王村12号", "door"),
        ("裕华区宋营镇东王村三组12号", "东王村12号", "door"),
        ("裕华区东苑街道苑东社区东王村六组12号", "东王村六组12号", "door"),
        ("裕华区苑东社区东王村12号", "东苑街道东王村3组12号", "door"),
        ("裕华区银杏路街道样例花园3-2-501", "样例花园3-2-501", "door"),
        ("裕华区银杏大街办事处样例花园3-2-501", "样例花园3号2单501", "door"),
        ("样例公寓A座1203", "样例公寓a座1203室", "door"),
        ("银杏街甲12号", "银杏街12号甲", "door"),
    ]);
}

#[test]
fn missing_parts_and_other_doors_are_told_apart() {
    check::<Address>(&[
        (FULL, "3号楼2单元501室", "bare_door"),
        (FULL, "样例花园3号楼2单元502室", "near_door"),
        (FULL, "样例花园3号楼2单元1204室", "building"),
        (FULL, "样例花园3号楼", "building"),
        (FULL, "样例花园", "building"),
        (FULL, "样例花园17号楼1单元1204室", "compound"),
        (FULL, "石家庄市裕华区", "above"),
        (FULL, "河北省石家庄市裕华区裕兴街道", "above"),
        (FULL, "石家庄市长安区白桦路8号样例家园3号楼2单元501室", "different"),
        (FULL, "白桦路8号样例家园3号楼2单元501室", "different"),
        ("东王村12号", "东王村13号", "community"),
        ("东王村12号", "西王村12号", "different"),
    ]);
}

#[test]
fn what_tells_no_place_is_no_address() {
    for text in ["", "不详", "无", "同上"] {
        assert_eq!(Address::prepare(text), None, "{text}");
    }
}
