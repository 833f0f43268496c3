"""The `sidelight` command: its verbs, and the one place where faults become messages and exit codes."""

import difflib
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sidelight import __version__

from .analyze import analyze
from .audit import audit
from .check import check
from .demo import demo
from .diff import diff
from .erase import erase
from .exchange import export_labels, import_labels
from .fit import fit
from .init import init
from .inspect import inspect
from .label import label
from .lineage import lineage
from .monitor import monitor
from .predict import predict
from .report import report
from .retry import retry
from .run import run
from .runs import runs
from .select import select
from .train import train
from .ui import ui

_FOLDERS = ("labeling", "label_model", "crossmodal", "slicing", "apps")
DONE, LIMIT_BROKEN, USAGE, INPUT, BUG, INTERRUPTED = 0, 1, 2, 3, 4, 130


class _InOrder(click.Group):
    """A group that lists its commands in the order in which they follow each other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or say which one is called nearly so."""
        name = args[0] if args else ""
        if name not in self.commands and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.commands, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sidelight")
def cli() -> None:
    """Weak supervision for medicine: what reports say becomes labels, and labels become models.

    \b
    A project, step by step:
      sidelight label notes.csv --functions lfs.py --out votes
      sidelight analyze votes
      sidelight fit votes --out labels.parquet
      sidelight train labels.parquet --signals signals.npz --out bundle
      sidelight predict bundle signals.npz --out predictions.parquet
      sidelight audit predictions.parquet --records notes.csv --gold-column abnormal --out audit

    Or declared in one file: sidelight init, then sidelight run, and sidelight monitor for what comes later.
    `sidelight demo` does all of it on bundled ECG reports in a minute or two.

    Exit codes: 0 done; 1 done, but a limit was broken; 2 wrong usage or configuration; 3 an input or output cannot be
    read or written; 4 a bug of sidelight's; 130 interrupted.
    """  # noqa: D301 - click reads the control character


for command in (
    demo,
    inspect,
    check,
    label,
    retry,
    analyze,
    fit,
    train,
    predict,
    select,
    audit,
    init,
    run,
    runs,
    diff,
    monitor,
    report,
    lineage,
    export_labels,
    import_labels,
    erase,
    ui,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; no message ever holds a record's text."""
    unsafe = "--unsafe-tracebacks" in (given := list(sys.argv[1:] if arguments is None else arguments))
    given = [argument for argument in given if argument != "--unsafe-tracebacks"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.showwarning = _show_warning
        warnings.filterwarnings("always", module=r"sidelight\.")
        return _run(given, unsafe, is_own=arguments is None)


def _run(arguments: list[str], unsafe: bool, *, is_own: bool) -> int:
    """Run a command; `is_own` tells it, as the context's object, that the process is there for nothing else."""
    try:
        code = cli.main(args=arguments, prog_name="sidelight", standalone_mode=False, obj=is_own)
        return code if isinstance(code, int) else DONE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        hint = f"\nTry: {error.ctx.command_path} --help" if error.ctx is not None else ""
        return _fail(f"{error.format_message()}{hint}", USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), INPUT)
    except (KeyboardInterrupt, click.Abort):
        goes_on = arguments[:1] in (["label"], ["retry"], ["run"], ["predict"])
        hint = "; the same command goes on where it was" if goes_on else ""
        return _fail(f"interrupted; nothing half-written was left behind{hint}", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except Exception as error:  # whatever it is, its message may hold a record's text
        if unsafe:
            traceback.print_exc()
        if any(kind.__module__ == "sidelight.labeling.faults" for kind in type(error).__mro__):
            return _fail(str(error), int(error.exit_code))  # type: ignore[attr-defined]
        return _fail(_describe_bug(error), BUG)


def _fail(message: str, code: int) -> int:
    click.echo(f"{'done, but ' if code == LIMIT_BROKEN else 'error: '}{message}", err=True)
    return code


def _describe_bug(error: BaseException) -> str:
    """Say what kind of exception arose and where in our code, and nothing it carries."""
    home = Path(__file__).resolve().parent.parent.parent
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(home) and path.relative_to(home).parts[0] in _FOLDERS:
            place = f" at {path.relative_to(home).as_posix()}, line {frame.lineno}"
    return (
        f"{type(error).__name__}{place}: this is a bug of sidelight's. Its message is withheld, since it may quote "
        "a record; run again with --unsafe-tracebacks to see it (not where records hold patients' data)"
    )


def _show_warning(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
    """Show sidelight's own warnings in one line; third parties' may quote data and stay silent."""
    if category.__module__.startswith("sidelight."):
        click.echo(f"warning: {message}", err=True)
