"""Outputs among arguments: kept by `bind`, stored as references, replaced by results."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
import pytest

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.engine.codec import decode_arguments, encode_arguments
from rota.engine.dependencies import outputs_in, replaced
from rota.engine.output import Output, references_in, substituted
from rota.model.errors import ArgumentError, CorruptRecord

_ONE, _TWO = Output(UUID(int=1)), Output(UUID(int=2))


@dataclass
class Box:
    """A class of the user's."""

    inner: object


def work(
    number: int, many: list[int] | None = None, named: dict[str, int] | None = None, pair: tuple[int, str] = (0, "")
) -> None:
    """A job with annotations that no output fits."""


_PLAN = ArgumentPlan(work, kind="work")


def test_outputs_stay_where_they_stand() -> None:
    """Alone, and in lists, tuples and dicts; what has none beside it is converted as ever."""
    args, kwargs = _PLAN.bind(["7", [1, _ONE]], {"named": {"a": _TWO}, "pair": (_ONE, "x")})
    assert [7, [1, _ONE]] == args
    assert {"named": {"a": _TWO}, "pair": (_ONE, "x")} == kwargs
    assert [_ONE, _TWO, _ONE] == [*outputs_in(args, kwargs)]


def test_what_does_not_fit_beside_an_output_is_still_refused() -> None:
    """Another argument is checked at once; too many and unknown ones are, too."""
    with pytest.raises(ArgumentError, match="number"):
        _PLAN.bind(["x", [_ONE]], {})
    with pytest.raises(ArgumentError, match="unexpected"):
        _PLAN.bind([_ONE], {"other": _ONE})


def test_plain_arguments_have_no_outputs() -> None:
    """Whatever containers they have; one that contains itself is left to encoding."""
    circle: list[object] = []
    circle.append(circle)
    for args in ([1, "a"], [[1, {"a": (2,)}]], [Box(1)], [circle]):
        assert [] == [*outputs_in(args, {"k": args})]


def test_references_travel_as_extension_one() -> None:
    """16 bytes of the id; read back as outputs, each id told once."""
    data = encode_arguments([_ONE, [_TWO]], {"k": {"a": _ONE}})
    raw = msgspec.msgpack.decode(data)
    assert msgspec.msgpack.Ext(1, UUID(int=1).bytes) == raw[0][0]
    assert ([_ONE, [_TWO]], {"k": {"a": _ONE}}) == decode_arguments(data)
    assert [_ONE.source.hex, _TWO.source.hex] == references_in(data)


def test_results_take_the_place_of_references() -> None:
    """Plain msgpack comes out, with the stored results as they are."""
    data = encode_arguments([_ONE, [_TWO, 3]], {})
    results = {_ONE.source.hex: msgspec.msgpack.encode({"a": b"x"}), _TWO.source.hex: b"\xc0"}
    assert [[{"a": b"x"}, [None, 3]], {}] == msgspec.msgpack.decode(substituted(data, results))
    with pytest.raises(KeyError, match=_TWO.source.hex):
        substituted(data, {_ONE.source.hex: b"\xc0"})


@pytest.mark.parametrize("ext", [msgspec.msgpack.Ext(2, bytes(16)), msgspec.msgpack.Ext(1, b"short")])
def test_foreign_extension_is_a_corrupt_record(ext: msgspec.msgpack.Ext) -> None:
    """Nothing but a reference of ours is an extension."""
    with pytest.raises(CorruptRecord):
        decode_arguments(msgspec.msgpack.encode([[ext], {}]))


def test_output_elsewhere_is_refused_with_the_places_where_it_may_stand() -> None:
    """In an object, a set or a dict's keys nobody would look for it."""
    call = Output(object())
    for value in (Box(call), {call}, {call: 1}):
        with pytest.raises(ArgumentError, match="may be an argument, or an item of a list, a tuple or a dict's values"):
            OpenPlan("k").encode([value], {})


def test_replacing_copies_only_what_has_outputs() -> None:
    """The rest is handed on as it is."""
    plain, with_one = [1, [2]], ([_ONE], {"a": _TWO})
    assert plain is replaced(plain, lambda _: 0)
    assert ([0], {"a": 0}) == replaced(with_one, lambda _: 0)
    assert ([_ONE], {"a": _TWO}) == with_one


def test_outputs_are_equal_when_their_instances_are() -> None:
    """By id; of calls, when it is the same object."""
    call = [1]
    assert (Output(UUID(int=1)), hash(Output(UUID(int=1)))) == (_ONE, hash(_ONE))
    assert Output(call) == Output(call) != Output([1])
    assert f"<output of {UUID(int=1)}>" == repr(_ONE)
    with pytest.raises(AttributeError):
        _ONE.source = None  # type: ignore[misc]
