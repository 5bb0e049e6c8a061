"""Chinese cues, after the kinds of NegEx and ConText, for the turns of speech of Chinese clinical notes."""

from __future__ import annotations

from sequela.text.cues import END, Cues, Group, Stop
from sequela.text.lists import combined, phrases

FAR = 60  # characters that a scope over several clauses has at most
CLAUSE = 30  # and one that ends with its clause

_ENDS = tuple(f"| {sign}" for sign in ("，", ",", "。", "；", "、", "）", END))
_NOT_FOUND = phrases("未见; 未闻及; 未闻; 未触及; 未及; 未扪及; 未引出; 未查见; 未探及; 未发现; 未检出; 未出现; 未见明显")
_NEGATED_AFTER = (
    *_NOT_FOUND,
    *phrases("""
    无; 并无; 亦无; 均无; 无明显; 无任何; 无伴; 无伴有; 未; 并未; 尚未; 从未; 从无; 未曾; 未有; 未见有; 未诉; 未伴; 未提示
    未显示; 没有; 没; 不伴; 不伴有; 不存在; 不支持; 不考虑; 不符合; 不像; 不是; 不再; 排除; 已排除; 可排除; 除外; 已除外
    缺乏; 并非
    """),
)
_DENIED = phrases("否认; 否认有; 否认患有; 否认曾有; 否认曾患; 否认既往有; 否认存在; 否认伴有; 否认伴")
_RELATIVES = phrases("""
母亲; 父亲; 父母; 父母亲; 爸爸; 妈妈; 兄弟; 姐妹; 姊妹; 兄弟姐妹; 哥哥; 弟弟; 姐姐; 妹妹; 祖父; 祖母; 外祖父; 外祖母; 祖父母
外祖父母; 爷爷; 奶奶; 外公; 外婆; 姥姥; 姥爷; 儿子; 女儿; 子女; 长子; 次子; 长女; 次女; 叔叔; 伯父; 舅舅; 姑姑; 姑妈; 姨妈
表兄; 堂兄; 妻子; 丈夫; 配偶; 爱人; 亲属; 直系亲属; 其父; 其母; 其兄; 其弟; 其姐; 其妹; 其子; 其女; 其妻; 其夫; 父患; 母患
兄患; 弟患; 姐患; 妹患
""")
_FAMILY = (*_RELATIVES, *phrases("家族史; 家族; 家族中; 家族中有; 家族有; 家中有; 家族性疾病史"))
_PAST_AFTER = phrases(
    "既往; 既往有; 既往史; 既往曾; 曾; 曾经; 曾患; 曾有; 曾行; 以往; 过去; 年前; 余年前; 幼年; 儿时; 童年; 小时候; 早年"
)
_DENIED_PAST = phrases("否认既往有; 否认曾有; 否认曾患")
_UNCERTAIN_AFTER = phrases("""
可能; 可能为; 可能是; 可能有; 可能存在; 疑似; 怀疑; 疑诊; 疑为; 可疑; 考虑; 考虑为; 考虑是; 拟诊; 倾向; 倾向于; 似有; 似为
也许; 或许; 不排除; 不能排除; 不可排除; 尚不能排除; 不除外; 不能除外; 待排; 待排除; 待除外; 未排除; 未除外; 需排除; 以排除
为排除; 进一步排除; 警惕; 如有; 若有; 如出现; 若出现; 如果; 假如; 一旦; 倘若; 如伴; 若伴; 预防; 防止; 谨防; 以防; 有无
有没有; 是否; 是否有; 鉴别; 需与
""")
_DOUBTED = (
    *combined(phrases("可能; 不除外; 不能除外; 不排除; 不能排除; 待排; 待排除; 待除外; 待鉴别; 鉴别"), _ENDS),
    *phrases("可能性大; 可能性较大; 可能性极大; 可能性不大; 可能性小; 可能性较小; 待查; 待诊; 风险; 相鉴别; 的可能; 的可能性"),
    *combined(("？", "?"), f"| {END}"),
    *combined(("？", "?"), ("| ，", "| ）", "| )", "| 、")),
)

_NONE = (
    *combined(
        ("无", "无明显", "未", "未见", "未见明显"),
        phrases("好转; 缓解; 改善; 减轻; 加重; 变化; 改变; 增加; 减少; 减退; 控制; 愈; 消退; 消失; 增大; 缩小; 吸收"),
    ),
    *phrases("""
    无明显诱因; 无诱因; 无明确诱因; 无特殊诱因; 无明显诱因下; 无力; 无法; 无论; 无菌; 无创; 无痛; 无线; 无名; 无意; 无意识
    无效; 无关; 无缝; 无偿; 无奈; 无需; 无须; 无殊; 未婚; 未育; 未来; 未成年; 未分化; 未定; 未闭; 未破; 未孕; 未遂; 未必
    没关系; 没事; 没错; 不详; 不明原因; 革兰阴性; 革兰氏阴性; 三阴性; 假阴性; 转阴; 阴性对照; 现病史; 个人史; 婚育史; 婚姻史
    生育史; 月经史; 病史特点; 病史如下; 病史同前; 询问病史; 提供病史; 病史由; 病史汇报; 历史; 遗传病史; 所有; 固有; 只有
    有效; 有创; 有限; 有关; 有利; 有机; 有氧; 发现; 表现; 伴随; 伴侣; 不仅; 不但; 综合考虑; 可能性; 过去3天; 母乳; 表示
    展示; 指示; 家族性; 显示器; 再现
    """),
    *combined(_RELATIVES, "|", phrases("诉; 代诉; 述; 代述; 陪同; 陪; 送; 发现; 称; 告知; 表示; 说; 认为; 提供; 叙述")),
    *combined(("由", "随", "同"), _RELATIVES),
)


def _cut(some: tuple[str, ...]) -> tuple[str, ...]:
    """Their characters parted."""
    return tuple(" ".join(phrase.replace(" ", "")) for phrase in some)


CUES = Cues(
    groups=(
        Group("negated", True, CLAUSE, _cut(_NEGATED_AFTER)),
        Group("negated", True, FAR, _cut(_DENIED), far=True),
        Group("negated", False, CLAUSE, _cut(combined(_NOT_FOUND, _ENDS))),
        Group("negated", False, CLAUSE, _cut(phrases("阴性; 均阴性; 呈阴性; 为阴性; (-); （-）; （－）; (－); 不明显"))),
        Group("family", True, FAR, _cut(_FAMILY), far=True),
        Group("past", True, FAR, _cut(_PAST_AFTER), far=True),
        Group("past", True, FAR, _cut(_DENIED_PAST), far=True),
        Group("past", False, CLAUSE, _cut(phrases("病史; 史; 术后; 已治愈; 已愈; 已消失; 已缓解"))),
        Group("uncertain", True, CLAUSE, _cut(_UNCERTAIN_AFTER)),
        Group("uncertain", False, CLAUSE, _cut(_DOUBTED)),
    ),
    stops=(
        Stop(("negated", "family", "past", "uncertain"), (*_cut(phrases("但; 但是; 然而; 不过; 却; 而是")), "；", ";", "。")),
        Stop(
            ("negated",),
            _cut(
                phrases("有; 伴; 伴有; 出现; 可见; 可闻; 可及; 诉; 自诉; 示; 提示; 显示; 予; 给予; 因; 由于; 仅; 除; 除了; 阳性")
            ),
        ),
        Stop(("family",), _cut(phrases("患者; 本人; 其本人; 患儿; 病人"))),
        Stop(
            ("past",),
            _cut(
                phrases(
                    "本次; 此次; 目前; 今晨; 今日; 今天; 近日; 近期; 近来; 现患者; 现为; 现仍; 现来; 现出现; 入院; 出现; 就诊"
                )
            ),
        ),
        Stop(("negated", "family", "past", "uncertain"), ("，", ","), weak=True),
    ),
    none=_cut(_NONE),
)
