"""A queue policy as it is written, and its one normal form, which a namespace records."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.engine.policy_choice import PolicyChoice
from rota.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("priority", "priority"),
        ("priority?", "priority"),
        ("priority?ageing=60", "priority?ageing=60"),
        ("acme?b=2&a=1", "acme?a=1&b=2"),
        ("acme?a=%31&&b=", "acme?a=1&b="),
        ("acme?a=x=y", "acme?a=x%3Dy"),
        ("acme?a=1+1", "acme?a=1+1"),
    ],
)
def test_texts_that_mean_the_same_have_one_normal_form(text: str, normal: str) -> None:
    """Whatever the order of options, and however characters are written."""
    assert normal == str(PolicyChoice.parse(text))


_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(_texts, st.text(st.characters(exclude_categories=["Cs"]))))
def test_normal_form_reads_back_as_itself(options: dict[str, str]) -> None:
    """Any text may be an option or a value."""
    choice = PolicyChoice("acme", tuple(sorted(options.items())))
    assert choice == PolicyChoice.parse(str(choice))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "takes a name"),
        ("?ageing=60", "takes a name"),
        (None, "takes a name"),
        (60, "got 60"),
        ("priority?ageing", "name=value, joined by &; got 'ageing'"),
        ("priority?=60", "got '=60'"),
        ("priority?ageing=1&ageing=2", "twice"),
        ("priority?ageing=1&%61geing=2", "twice"),
    ],
)
def test_text_that_chooses_nothing_is_refused(text: Any, said: str) -> None:
    """Where it is written."""
    with pytest.raises(ConfigError, match=said):
        PolicyChoice.parse(text)
