"""KND: what is published of kinds."""

from rota.model.records import KeepRecord, KindDescriptor, ParameterRecord
from rota_conformance.hostile import TEXTS
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves


@proves("KND-1")
def test_last_published_word_stands(lab: Lab) -> None:
    """A kind published again is the new one as a whole; others are left alone; the list goes by kind."""
    whole = KindDescriptor(
        kind="b", parameters=(ParameterRecord("x", "int", False, "3", "KEYWORD_ONLY"), ParameterRecord("y")),
        returns="str", summary="says so", executor="thread", priority=2, timeout_ms=5, max_retries=-1, max_crashes=9,
        unique_key="{x}", unique_until="started", keep=KeepRecord(1, None, 7, 9), version="1.2", published_ms=17,
    )  # fmt: skip
    other = KindDescriptor(kind="a")
    assert [] == lab.store.kinds()
    lab.store.put_kinds([whole, other])
    assert [other, whole] == lab.client().kinds()
    bare = KindDescriptor(kind="b", summary="new")
    for _ in range(2):
        lab.client().put_kinds([bare, KindDescriptor(kind="B")])
    assert [KindDescriptor(kind="B"), other, bare] == lab.store.kinds()
    lab.store.put_kinds([])
    assert 3 == len(lab.store.kinds())


@proves("KND-1")
def test_of_two_words_in_one_call_the_second_stands(lab: Lab) -> None:
    """The last is the last, also within a call."""
    lab.store.put_kinds([KindDescriptor(kind="a", summary="first"), KindDescriptor(kind="a", summary="second")])
    assert ["second"] == [kind.summary for kind in lab.store.kinds()]


@proves("KND-1")
def test_published_kind_stays_without_instances(lab: Lab) -> None:
    """It is what is known, not what is there; and an instance needs none."""
    lab.store.put_kinds([KindDescriptor(kind=KIND)])
    lab.run()
    lab.run(kind="unpublished")
    lab.purge_all()
    assert [KIND] == [kind.kind for kind in lab.store.kinds()]


@proves("KND-1", "ENQ-10")
def test_descriptions_of_any_text_are_kept(lab: Lab) -> None:
    """Summaries, defaults and versions come back as they were given."""
    kinds = [
        KindDescriptor(kind=f"k{n:03}", summary=text, version=text, parameters=(ParameterRecord("x", default=text),))
        for n, text in enumerate(TEXTS)
    ]
    lab.store.put_kinds(kinds)
    assert kinds == lab.store.kinds()
