"""The policy through rota's own tables: options as a user writes them, instances as rota hands them over."""

import pytest
from acme_rota_weighted import plugin

from rota.errors import ConfigError
from rota.model.records import InstanceRecord
from rota.plugins import PluginHost

MINUTE_MS = 60_000
POLICY = "weighted?weights=mail.*:10,report:1&span=10m"


def order(policy: str, *instances: tuple[str, float]) -> list[str]:
    """Kinds, each scheduled at a minute, in the order in which they leave the queue."""
    rank = PluginHost.for_tests([plugin]).policies.rank(policy)
    records = [
        InstanceRecord(id=f"{n:032x}", kind=kind, arguments=b"", rank=0, created_ms=round(at * MINUTE_MS))
        for n, (kind, at) in enumerate(instances)
    ]
    return [record.kind for record in sorted(records, key=rank)]


def test_mail_passes_a_report_that_waits_less_than_nine_minutes() -> None:
    """A minute against ten: what has come nearest to its own time goes first."""
    assert ["mail.send", "report"] == order(POLICY, ("report", 0), ("mail.send", 8.9))
    assert ["report", "mail.send"] == order(POLICY, ("report", 0), ("mail.send", 9.1))


def test_kind_that_no_pattern_names_has_weight_one() -> None:
    """So without weights the policy is first come, first served."""
    assert ["other", "report"] == order(POLICY, ("report", 1), ("other", 0))
    assert ["report", "mail.send"] == order("weighted", ("mail.send", 1), ("report", 0))


def test_delay_counts_from_when_an_instance_is_meant_to_run() -> None:
    """What is scheduled for later has not waited yet."""
    rank = PluginHost.for_tests([plugin]).policies.rank(POLICY)
    late = InstanceRecord(id="0" * 32, kind="report", arguments=b"", rank=0, created_ms=0, delay_ms=MINUTE_MS)
    assert 11 * MINUTE_MS == rank(late)


@pytest.mark.parametrize("options", ["weights=mail", "weights=mail:0", "weights=:3", "span=soon", "weight=mail:3"])
def test_impossible_options_are_refused_with_what_the_policy_takes(options: str) -> None:
    """By rota, at the first use of the manager."""
    with pytest.raises(ConfigError, match=r"takes:   weights \(str\), span \(timedelta\)"):
        PluginHost.for_tests([plugin]).policies.rank(f"weighted?{options}")
