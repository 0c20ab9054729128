"""A simulated year of 1,000 crons: the real maintenance and memory store, on a clock that jumps from slot to slot.

    python benchmarks/schedules.py [--runs 5] [--jobs 1000] [--only PROBE] [--json]

`--jobs` is the number of crons. Of 1,000 there are 776 daily, 190 weekly, 30 monthly, 3 hourly and 1 every five
minutes; a fifth of them in each of five time zones. `schedules_probes.py` says how each figure is measured.
"""

from measuring import Figure, main
from schedules_probes import PROBES

FIGURES = {
    "year_s": Figure("a year of real maintenance, all in all", "s", "at most 60"),
    "fired": Figure("slots fired", "slots"),
    "expected": Figure("slots expected, worked out with croniter alone", "slots"),
    "missing": Figure("slots missing", "slots", "0"),
    "doubled": Figure("slots fired twice", "slots", "0"),
    "slot_us": Figure("one slot: look, work out the next, fire", "us", "tens"),
    "trigger_us": Figure("of that, working out the next slot", "us"),
    "idle_us": Figure("a look at 1,000 rules when none is due", "us"),
}

if __name__ == "__main__":
    main(__doc__ or "", __file__, FIGURES, PROBES, 1000)
