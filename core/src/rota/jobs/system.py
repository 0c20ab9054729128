"""rota's own jobs: they have a prefix that no one else may use, and every worker takes them."""

from rota.jobs.jobs import Jobs
from rota.model.name import SYSTEM_PREFIX

__all__ = ["SystemJobs"]


class SystemJobs(Jobs):
    """A collection of rota's own jobs and rules: their names begin with "system.". For the hooks of core's plugins,
    which make it anew at each call, as collections that managers share share their kinds, too."""

    _reserved = True

    def __init__(self) -> None:
        super().__init__(SYSTEM_PREFIX)
