"""A tour of rota: audit the Python packages of this machine, one job for each distribution."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from distributions import find_distributions, site_packages
from earlier import earlier_runs
from jobs import Audit, Run, audit, flaky, jobs, patient
from report import Report
from screen import Screen, harmless

import rota

NAMESPACE = "rota-example-audit"  # what is canceled at the start is ours alone
TOLERATED = (
    "*/cacert.pem",  # administrators add the certificates of their own authorities
    "/usr/lib/python3/*",  # Debian strips and moves files after RECORD is written; `dpkg --verify` knows them
)


@click.command()
@click.option("--store", default="memory://", show_default=True, help="Where queue, history and logs live.")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Audit this site-packages folder, not those of this Python; repeatable.",
)  # fmt: skip
@click.option("--concurrency", type=click.IntRange(min=1), help="Jobs at once.  [default: 4 for each processor]")
@click.option(
    "--tolerate", multiple=True, default=TOLERATED, show_default=True,
    help="Files that may differ: reported, but no reason for exit code 1; repeatable.",
)  # fmt: skip
def command(store: str, paths: Sequence[Path], concurrency: int | None, tolerate: Sequence[str]) -> int:
    """Audit the Python packages of this machine: is every file still what was installed?

    Exit code 0 when every file is as its RECORD says, 1 when one is not.
    """
    folders = paths or site_packages()
    found = find_distributions(folders)
    if not found:
        raise click.UsageError(f"no distribution is installed in {', '.join(map(str, folders))}; give another --path")
    screen = Screen(len(found))

    @contextmanager
    def resources() -> Iterator[list[object]]:
        yield [screen, this]  # a job finds it with ctx.resource(Screen)

    with rota.Manager(store, name="audit", namespace=NAMESPACE, jobs=[jobs], lifespan=resources) as manager:
        for line in earlier_runs(manager):
            click.echo(harmless(line))
        audits = schedule_audits(manager, found)
        this = Run(audits[0].created_at)
        with screen, manager.worker(concurrency=concurrency, grace=5):
            ended = run(manager, audits, screen)
        return 0 if Report(manager, this, ended).write(tolerate) else 1


def schedule_audits(manager: rota.Manager, found: Sequence[Path]) -> list[rota.Instance[Audit]]:
    """Fill the queue. The longest job comes last but must not be the last to end, so it goes before the others."""
    manager.cancel(rota.Query())  # what an interrupted run left behind in a store that lasts
    *others, longest = (str(metadata) for metadata in found)
    many = manager.schedule_many(audit.call(metadata) for metadata in others)
    return [*many, manager.schedule(audit.options(priority=0).call(longest))]


def run(manager: rota.Manager, audits: Sequence[rota.Instance[Audit]], screen: Screen) -> list[rota.Instance[Audit]]:
    """Wait for the audits, while one job stumbles and another is canceled; the audits as they ended."""
    stumbling, waiting = manager.schedule(flaky.call()), manager.schedule(patient.options(priority=0).call())
    next(waiting.logs(follow=True))  # it has said something, so it runs
    waiting.cancel()
    ended = list[rota.Instance[Audit]]()
    for one in audits:
        ended.append(one.join())
        screen.advance()
    waiting.join()
    stumbling.join()
    return ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code: also 2 for wrong usage, 3 when the store can't be reached."""
    try:
        code: int = command.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return 1
    except rota.RotaError as error:
        click.echo(f"Error: {error}", err=True)
        return 3 if isinstance(error, rota.StoreError) else 2
    return code


if __name__ == "__main__":
    sys.exit(main())
