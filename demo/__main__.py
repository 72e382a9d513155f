"""``python -m demo``: run the main job on this machine and show it.

The process that is started here only guards another one, which does the work: whichever of them is ended, and
however, nothing stays behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_sm_pipelines.serving.guard import run_guarded
from airflow_sm_pipelines.serving.processes import ComponentError, end_with_parent
from airflow_sm_pipelines.serving.stack import USER, clean_environment
from harness.components import Stack

if TYPE_CHECKING:
    from types import FrameType

CLONE = Path(__file__).resolve().parent.parent
RUNS = CLONE / ".demo"


class Interrupted(BaseException):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Parse the command line and run the demo under its guard."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Run the example Dags on this machine.")
    parser.add_argument("--once", action="store_true", help="end when the Dags have ended, do not serve the UI")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting process does")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.die_with_parent:
        end_with_parent()
    if options.guarded:
        return run(serve=not options.once and sys.stdout.isatty())
    command = [sys.executable, "-m", "demo", "--guarded", "--die-with-parent", *(["--once"] if options.once else [])]
    terminal = {name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR") if name in os.environ}
    directory = RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    directory.mkdir(parents=True)
    environment = {**clean_environment(directory / "home"), **terminal, "DEMO_DIRECTORY": str(directory)}
    os.chdir(CLONE)
    return run_guarded(command, environment)


def run(*, serve: bool) -> int:
    """Start everything, run the Dags, tear everything down.

    :param serve: keep the UI up until a signal comes.
    :return: 0 only if every Dag ended as it should.
    """
    # Slow imports come after the signal handlers: an early Ctrl-C is none the less orderly.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    directory = Path(os.environ["DEMO_DIRECTORY"])
    succeeded = False
    try:
        from demo.report import Report
        from demo.scenario import Scenario, UnexpectedEndError
        from harness.airflow_api import AirflowApiError

        report = Report()
        stack = Stack(directory, CLONE / "dags")
        try:
            with stack.running(report.line):
                report.address(stack.airflow_url, USER, stack.password)
                registered = Scenario(stack, report).run()
                succeeded = True
                if serve:
                    report.address(stack.airflow_url, USER, stack.password)
                    report.page("The run's pipeline", stack.airflow_url, registered)
                    report.line("serving until Ctrl-C")
                    _wait_for_the_end(stack)
                report.line("stopping everything")
        except (AirflowApiError, ComponentError, UnexpectedEndError) as error:
            print(f"\n{error}\n\nThe demo failed. Logs: {directory}", file=sys.stderr)
            return 1
    except Interrupted as interruption:
        if not succeeded:
            print(f"\nInterrupted. Logs: {directory}", file=sys.stderr)
            return 128 + interruption.number
    shutil.rmtree(directory)
    return 0


def _wait_for_the_end(stack: Stack) -> None:
    """Return never: a signal raises :class:`Interrupted`, the end of a component ComponentError."""
    while True:
        stack.require_running()
        time.sleep(1)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # The first signal counts. Others, such as make passing on the same Ctrl-C, must not disturb the clearing up;
    # every wait in there has an end.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
