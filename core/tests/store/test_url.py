"""Store URLs: what they mean, what is refused, and that a password never shows."""

import pickle
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rota.model.errors import ConfigError
from rota.store.url import Host, Secret, StoreURL

ALLOWED = {"timeout": float, "retries": int, "fsync": bool, "name": str, "token": int}


def refusal(text: str) -> str:
    """The message with which a text is refused."""
    with pytest.raises(ConfigError) as caught:
        StoreURL.parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory://", StoreURL("memory")),
        ("MEMORY://", StoreURL("memory")),
        ("redis+sentinel://h/x", StoreURL("redis+sentinel", (Host("h"),), path="/x")),
        ("redis://h:6379/0", StoreURL("redis", (Host("h", 6379),), path="/0")),
        ("etcd://a:1,b:2/", StoreURL("etcd", (Host("a", 1), Host("b", 2)), path="/")),
        ("etcd://a,[::1]:2,[fe80::2]", StoreURL("etcd", (Host("a"), Host("::1", 2), Host("fe80::2")))),
        ("redis://u:p@h", StoreURL("redis", (Host("h"),), "u", Secret("p"))),
        ("redis://:p@h", StoreURL("redis", (Host("h"),), None, Secret("p"))),
        ("redis://u@h", StoreURL("redis", (Host("h"),), "u")),
        ("redis://%C3%BC:a%3Ab:%40%2F@h", StoreURL("redis", (Host("h"),), "ü", Secret("a:b:@/"))),
        ("sqlite:///a%20b.db?x=1&y=a%26b", StoreURL("sqlite", path="/a b.db", query=(("x", "1"), ("y", "a&b")))),
        ("memory://?a=+&a=", StoreURL("memory", query=(("a", "+"), ("a", "")))),
    ],
)
def test_a_url_is_parsed_into_its_parts(text: str, expected: StoreURL) -> None:
    """Every part stands where a store looks for it, percent-decoded; a plus is a plus."""
    assert expected == StoreURL.parse(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "starts with a scheme"),
        ("redis", "starts with a scheme"),
        ("redis:/h", "starts with a scheme"),
        ("//h", "starts with a scheme"),
        ("1redis://h", "starts with a scheme"),
        (" redis://h", "starts with a scheme"),
        ("redis://h:x", "host 1"),
        ("redis://h:", "host 1"),
        ("redis://:1", "host 1"),
        ("redis://h:0", "out of range"),
        ("redis://h:65536", "out of range"),
        ("redis://a,,b", "host 2"),
        ("redis://a,", "host 2"),
        ("redis://::1", "host 1"),
        ("redis://[::1", "host 1"),
        ("redis://[1::2::3]", "IPv6"),
        ("redis://h#x", "fragment"),
        ("redis://u:p@q@h", "more than one @"),
        ("redis://u:p/q@h", "an @ behind"),
        ("redis://u:p?q@h", "an @ behind"),
        ("redis://h/a b", "space"),
        ("redis://h/\n", "control character"),
        ("redis://h/%zz", "percent code in its path"),
        ("redis://u:%ff@h", "percent code in its password"),
        ("redis://u:%@h", "percent code in its password"),
        ("sqlite:///a%00b", "zero character"),
        ("redis://h?a", "key=value"),
        ("redis://h?=a", "key=value"),
        ("redis://h?a=1&", "key=value"),
    ],
)
def test_a_faulty_url_is_refused_naming_the_part(text: str, part: str) -> None:
    """Nothing is guessed: a faulty part is named, and what to write instead."""
    message = refusal(text)
    assert part in message
    assert "\n  try:     " in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sqlite:///rel.db", "rel.db"), ("sqlite:////var/abs.db", "/var/abs.db"), ("sqlite://", "")],
)
def test_three_slashes_are_a_file_here_four_an_absolute_one(text: str, expected: str) -> None:
    """SQLite's URLs name files as everywhere."""
    assert expected == StoreURL.parse(text).file


def test_two_slashes_before_a_file_are_refused_with_the_right_form() -> None:
    """`sqlite://jobs.db` is a slash too few, and the message shows how many there are."""
    with pytest.raises(ConfigError, match=r"sqlite:///jobs\.db"):
        _ = StoreURL.parse("sqlite://jobs.db").file


def test_options_are_typed_by_what_the_store_allows() -> None:
    """The answer has the given keys alone, each of the type that the store asked for."""
    url = StoreURL.parse("x://?timeout=2.5&retries=-3&fsync=no&name=a%20b")
    assert {"timeout": 2.5, "retries": -3, "fsync": False, "name": "a b"} == url.options(ALLOWED)


@pytest.mark.parametrize("text", ["no", "false", "0", "off", "NO"])
def test_a_bool_reads_every_word_for_no(text: str) -> None:
    """`bool("no")` is True in Python; here it is not."""
    assert {"fsync": False} == StoreURL.parse(f"x://?fsync={text}").options(ALLOWED)


@pytest.mark.parametrize("text", ["yes", "true", "1", "on", "True"])
def test_a_bool_reads_every_word_for_yes(text: str) -> None:
    """The words for yes mirror those for no."""
    assert {"fsync": True} == StoreURL.parse(f"x://?fsync={text}").options(ALLOWED)


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("colour=1", ["'colour'", "fsync, name, retries, timeout, token"]),
        ("retries=1&retries=1", ["'retries'", "twice"]),
        ("retries=1.0", ["'retries'", "whole number", "'1.0'"]),
        ("retries=1_0", ["'retries'", "whole number"]),
        ("retries=", ["'retries'", "whole number"]),
        ("timeout=nan", ["'timeout'", "a number"]),
        ("timeout=1e999", ["'timeout'", "a number"]),
        ("fsync=maybe", ["'fsync'", "yes or no"]),
    ],
)
def test_a_bad_option_is_refused_naming_key_and_remedy(query: str, parts: list[str]) -> None:
    """An option that a store would ignore or misread is an error, never a default."""
    with pytest.raises(ConfigError) as caught:
        StoreURL.parse(f"x://?{query}").options(ALLOWED)
    for part in parts:
        assert part in str(caught.value)


def test_the_value_of_a_secret_looking_option_is_not_shown() -> None:
    """Tokens in a query are as secret as passwords."""
    url = StoreURL.parse("x://h?token=hunter2&name=seen")
    with pytest.raises(ConfigError) as caught:
        url.options(ALLOWED)
    assert "hunter2" not in str(caught.value)
    assert "x://h?token=***&name=seen" == str(url)


def test_a_redacted_url_shows_everything_but_the_credentials() -> None:
    """What is left is enough to find the server, and can be parsed again."""
    url = StoreURL.parse("etcd://user:p%40ss@a:1,[::1]:2/jobs%20x?timeout=5")
    assert "etcd://***@a:1,[::1]:2/jobs%20x?timeout=5" == url.redacted == str(url) == f"{url}"
    assert "StoreURL('etcd://***@a:1,[::1]:2/jobs%20x?timeout=5')" == repr(url)


def test_a_secret_reveals_itself_only_when_asked() -> None:
    """str, repr and format hide it; `reveal` gives it; equal texts are equal secrets, in children too."""
    secret = Secret("hunter2")
    assert ("***", "***", "***") == (str(secret), repr(secret), f"{secret}")
    assert "hunter2" == secret.reveal()
    assert secret == pickle.loads(pickle.dumps(secret))  # noqa: S301 - our own bytes
    assert 1 == len({secret, Secret("hunter2")})


def passwords() -> st.SearchStrategy[str]:
    """Passwords that can't be found in a message by chance."""
    return st.text(st.characters(codec="utf-8"), max_size=12).map(lambda text: f"Pw{text}Zq")


def everything_said(text: str) -> str:
    """All that a program could log of a URL: the message and its causes, or every way to show the parts."""
    said: list[str] = []
    try:
        url = StoreURL.parse(text)
        said += [str(url), repr(url), f"{url}", url.redacted, repr(url.password)]
        url.options({"known": int})
    except ConfigError as error:
        said += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    return "\n".join(said)


@given(passwords(), st.sampled_from(["{}@h/0", "u:{}@h", ":{}@h:1/p?x=1", "u:{}@h:port", "u:{}@[::1", "u:{}@h?a"]))
def test_no_message_shows_a_password_however_it_is_written(password: str, form: str) -> None:
    """Encoded or raw, in a good URL or a broken one: nothing that can be logged contains the password."""
    encoded = quote(password, safe="")
    for text in (encoded, password):
        assert "Pw" not in everything_said(f"redis://{form.format(text)}")


@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_an_encoded_password_comes_back_whole(password: str) -> None:
    """Percent-encoding is enough for any password there is."""
    assume(password != "")
    url = StoreURL.parse(f"redis://u:{quote(password, safe='')}@h/0")
    assert url.password is not None
    assert password == url.password.reveal()
