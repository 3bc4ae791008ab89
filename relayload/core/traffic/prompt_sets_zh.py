"""Built-in prompts in Chinese, by kind."""

from collections.abc import Mapping
from types import MappingProxyType

_SIMPLE = (
    "澳大利亚的首都是哪里？",
    "闰年的二月有多少天？",
    "用两句话解释天空为什么是蓝色的。",
    "请列举三种常见的可再生能源。",
    "水在标准大气压下的沸点是多少？",
    "写一条不超过三句话的短信，礼貌地谢绝晚餐邀请。",
)

_CODE = (
    "用 Python 写一个函数，判断一个字符串是否为回文，并附上单元测试。",
    "用 Go 实现一个函数，合并两个有序切片，并给出测试。",
    "写一条 SQL 查询，返回每个客户最近的一笔订单。",
    "用 JavaScript 实现节流函数，每秒最多调用一次。",
    "找出下面代码中的错误并解释：\n\n```python\nfor i in range(len(xs)):\n    if xs[i] == 0:\n        del xs[i]\n```",
    "用 Python 实现一个 LRU 缓存，读写都是常数时间。",
)

_MATH_PROOF = (
    "证明根号三是无理数。",
    "用数学归纳法证明前 n 个奇数之和等于 n 的平方。",
    "证明素数有无穷多个，并给出另一种证明。",
    "证明单调有界数列必收敛。",
    "证明 n 个顶点的树恰有 n-1 条边。",
    "证明算术平均数不小于几何平均数。",
)

_IMAGE_REASONING = (
    "描述这张图片的图案，并推断它向右会如何延续。",
    "这张图片以哪种颜色为主？请逐步说明理由。",
    "比较图片左上角与右下角的差别。",
    "估计图片中有多少条纹，并说明你是怎样数的。",
)

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"simple": _SIMPLE, "code": _CODE, "math_proof": _MATH_PROOF, "image_reasoning": _IMAGE_REASONING}
)
