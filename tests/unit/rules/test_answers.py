"""Answers that are remembered: right, and bounded whatever strangers write."""

from msgspec import Raw

from router.rules.answers import LONGEST, MOST, Answers


def test_a_text_is_judged_once() -> None:
    asked: list[bytes] = []
    answers = Answers(lambda text: asked.append(text) or len(text))

    assert [answers.of(Raw(text)) for text in (b"{}", b"[1]", b"{}")] == [2, 3, 2]
    assert asked == [b"{}", b"[1]"]


def test_neither_many_texts_nor_long_ones_are_kept() -> None:
    asked: list[bytes] = []
    answers = Answers(lambda text: asked.append(text) or len(text))
    long = Raw(b" " * (LONGEST + 1))

    for number in range(MOST + 1):
        answers.of(Raw(b"%d" % number))
    answers.of(long)
    answers.of(long)
    before = len(asked)
    answers.of(Raw(b"0"))

    assert len(answers._known) == 2
    assert len(asked) == before + 1 == MOST + 4
