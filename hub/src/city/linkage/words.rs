//! The surnames, characters and places that a linkage set is put together from.
//!
//! Owns lists only. Nobody's name is copied: people are thrown from them.

/// Surnames, the frequent ones first.
pub(super) const SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢骆岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边";

/// Surnames of two characters.
pub(super) const COMPOUND: [&str; 6] = ["欧阳", "司马", "上官", "诸葛", "皇甫", "尉迟"];

/// Given characters of men, the frequent ones first.
pub(super) const MALE: &str = "伟强军勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆磊洋志建国文海春东永立新德成玉光振庆嘉子天泽晨轩博硕宏亮旭阳峰林龙云祥瑞彬晓亚少友荣贵福生才金银根贤忠义信诚达江河山川岩松柏柱梁栋学礼书哲睿智霖雨皓昊然逸凡星辰启航远征兴旺昌盛安康乐宁清源润泉湛渊铭钧锋锐钢铁";

/// Given characters of women, the frequent ones first.
pub(super) const FEMALE: &str = "芳娜敏静丽艳娟霞燕玲红梅秀英兰桂婷雪琳洁颖慧莉倩云佳欣怡淑珍凤素月晓雅思梦琪瑶涵诗萌紫若宁彤菲璐萍莲荷菊香翠珠玉环美华春花爱琴芝蓉芬荣巧仙妹娥姣妍媛嫣婉柔惠贞贤娴雯露冰清漪溪涓湘岚晴昕晨曦彩虹悦乐然冉染月夕";

/// Syllables of names that transcribe another language.
pub(super) const SYLLABLES: &str = "阿依古丽买提江尔艾米热娜吐逊巴合木沙帕夏克力扎西";

/// Roads.
pub(in crate::city) const ROADS: [&str; 40] = [
    "示范东路",
    "示范西路",
    "云杉街",
    "银杏街",
    "白桦路",
    "海棠街",
    "丁香路",
    "紫藤街",
    "青松路",
    "翠竹街",
    "寒梅路",
    "秋菊街",
    "春兰路",
    "夏荷街",
    "冬青路",
    "木槿街",
    "玉兰大街",
    "石榴路",
    "合欢街",
    "腊梅巷",
    "梧桐大道",
    "建新路",
    "和平里街",
    "东风路",
    "西风路",
    "南环路",
    "北环街",
    "学府路",
    "工农路",
    "站前街",
    "河沿路",
    "堤北街",
    "仓前路",
    "兴业路",
    "兴达街",
    "裕民路",
    "富民街",
    "利民路",
    "惠民街",
    "安民巷",
];

/// Compounds.
pub(in crate::city) const COMPOUNDS: [&str; 30] = [
    "样例花园",
    "样例新村",
    "样例家园",
    "样例小区",
    "样例嘉苑",
    "样例雅居",
    "样例华庭",
    "样例佳苑",
    "样例名邸",
    "样例公寓",
    "范本花园",
    "范本新城",
    "范本家园",
    "范本小区",
    "范本丽都",
    "试验新村",
    "试验里",
    "模拟花园",
    "模拟小区",
    "模拟嘉园",
    "虚构苑",
    "虚构新苑",
    "示意华府",
    "示意豪庭",
    "示意小区",
    "某某新家园",
    "假定花苑",
    "假定小区",
    "棉纺宿舍",
    "铁路宿舍",
];

/// Villages of the outskirts.
pub(super) const VILLAGES: [&str; 16] = [
    "东样村",
    "西样村",
    "南样村",
    "北样村",
    "大范庄",
    "小范庄",
    "上试村",
    "下试村",
    "前模村",
    "后模村",
    "河东村",
    "河西村",
    "新立村",
    "石桥村",
    "柳林屯",
    "杨树沟村",
];

/// Street offices and towns with their communities.
pub(super) const STREETS: [(&str, [&str; 3]); 8] = [
    ("裕样街道", ["一号社区", "春晓社区", "和美社区"]),
    ("建范街道", ["建范社区", "槐底社区", "二十里社区"]),
    ("东苑街道", ["东苑社区", "苑中社区", "苑东社区"]),
    ("裕强街道", ["强中社区", "强东社区", "强西社区"]),
    ("样营镇", ["样营社区", "镇中社区", "镇西社区"]),
    ("方村镇", ["方北社区", "方南社区", "方西社区"]),
    ("槐安街道", ["槐中社区", "安居社区", "阳光社区"]),
    ("河坝乡", ["坝上社区", "坝下社区", "坝中社区"]),
];

/// Characters taken for one another by their looks; made for the generator, not for the linkage.
pub(super) const LOOKS: &str = "未末 己已 土士 千干 晴睛 洋祥 明朋 晨辰 琳淋 娜那 伟炜 浩洁 侯候 建健 佳住 丽而 宇宁 旺汪 春舂 少小 杰木 东车 学字 婷停 莉利 兰三 志忐 思恩 秀季 红江 梅海 鹏朋 飞气 凯剀 磊垒 玲铃 慧惠 颖顷 媛暖 雪雷 芳芬 静净 超起 振震 玉王 国囯 铭名 锋峰";

/// Characters in today's form with the one used elsewhere.
pub(super) const TRADITIONAL: &str = "张張 刘劉 陈陳 杨楊 赵趙 黄黃 吴吳 孙孫 马馬 罗羅 郑鄭 谢謝 韩韓 冯馮 萧蕭 邓鄧 许許 苏蘇 卢盧 蒋蔣 贾賈 叶葉 阎閻 钟鐘 国國 华華 伟偉 军軍 丽麗 红紅 凤鳳 龙龍 云雲 兰蘭 静靜 强強 杰傑 涛濤 刚剛 辉輝 鹏鵬 飞飛 凯凱 志誌 东東 庆慶 泽澤 轩軒 硕碩 艳豔 莲蓮 爱愛 颖穎 倩倩 梦夢 诗詩 学學 书書 兴興 宁寧 清淸 润潤 锋鋒 铁鐵 萍蘋 萧肖 傅付 戴代 阎闫";
