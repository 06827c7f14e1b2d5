"""The command line: `labkit list, run, sweep, results, claims, doctor, data`."""

import os
import shlex
import shutil
import signal
import sys
import threading

import click

import labkit

_EXAMPLES = """
\b
Examples:
  labkit list                          the lessons
  labkit list 01                       one lesson's parameters, with their help
  labkit run 01 -p learning_rate=0.2   run a lesson with another parameter
  labkit run --all                     run every lesson with its defaults
  labkit sweep 01 -g learning_rate=0.05,0.1,0.2    one lesson over many parameters
  labkit results 01 --format csv       all runs of a lesson as CSV
"""


_WORST = 10  # causes of failures that are told in full
_WIDTH = 120  # columns of what is printed, where the terminal does not tell its own


@click.group(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(labkit.__version__, prog_name="labkit")
def main() -> None:
    """Run the lessons of the deep-learning lab, and see what they found."""


@main.command("list")
@click.argument("lesson", required=False)
def list_lessons(lesson: str | None) -> None:
    """List the lessons: number, title, minutes measured, parameters.

    With a LESSON: its parameters, each with its default, its help and what is allowed.

    \b
    Examples:
      labkit list
      labkit list 01
    """  # noqa: D301  click wants the backspace
    from labkit.lab import lesson as lessons
    from labkit.lab.measured import lesson_times
    from labkit.lab.words import duration

    with _sentences():
        if lesson is not None:
            for parameter in lessons.read(lesson).schema.values():
                click.echo(f"{parameter.name} = {parameter.default!r}")
                click.echo(f"    {parameter.help}")
            return
        measured = {row.lesson: row.measured for row in lesson_times(None)}
        for found in lessons.read_all():
            seconds = measured.get(found.number)
            minutes = "not measured" if seconds is None else duration(seconds)
            click.echo(f"{found.number}  {found.title:<28} {minutes:>12}")
            names = [f"{p.name}={p.default}" for p in found.schema.values()]
            click.echo(click.wrap_text(" ".join(names), _WIDTH - 20, "    ", "    "))


@main.command()
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@click.option("--all", "every", is_flag=True, help="Run every lesson.")
@click.option("-p", "texts", multiple=True, metavar="NAME=VALUE", help="Set a parameter; repeat.")
@click.option("--full", is_flag=True, help="Full-size parameters: whole data sets, for a GPU.")
@click.option("--to", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop a lesson after this long.")
@click.option("--memory", metavar="SIZE", help="Stop a lesson that uses more, such as 2GB.")
def run(names, every, texts, full, folder, timeout, memory) -> None:
    """Run lessons headlessly, keep what they find.

    Each run leaves a folder with the executed notebook, an HTML page and a record of its results.
    A lesson is a number (1, 01) or a name (01_gradient_descent). Exit status 0 only if every
    lesson ran and every expectation held; 1 if not; 2 for a wrong call; 130 after Ctrl-C.

    \b
    Examples:
      labkit run 11
      labkit run 01 -p learning_rate=0.2 -p optimizer=momentum
      labkit run 11 --full --to /scratch/results
      labkit run --all --timeout 600
    """  # noqa: D301
    from labkit.lab import lesson as lessons
    from labkit.lab.places import lesson_files
    from labkit.lab.runs import runner

    with _sentences():
        if every == bool(names):
            raise click.UsageError("Name the lessons to run (labkit list shows them), or --all.")
        asked = [lessons.read(name) for name in names or lesson_files()]
        given = [_given(lesson, texts, full) for lesson in asked]  # all refusals before any run
    ended = []
    # Several lessons are worth a warm parent process, from which each kernel is forked.
    fork = "always" if len(asked) > 1 else "auto"
    with _sentences(), _stopped_by_signals(), _Progress(asked) as progress:
        progress.write(_HEADING)
        for lesson, values in zip(asked, given, strict=True):
            outcome = runner.run(
                lesson,
                values,
                folder=folder,
                timeout=timeout,
                memory=memory,
                fork=fork,
                on_cell=progress.cell,
            )
            progress.write(_line(outcome))
            ended.append(outcome)
    _close(ended)
    sys.exit(0 if all(outcome.ok for outcome in ended) else 1)


@main.command()
@click.argument("lesson")
@click.option("-g", "grid", multiple=True, metavar="NAME=VALUES", help="What to vary; repeat.")
@click.option("--points", metavar="FILE", help="Parameters from a .csv or .yaml file.")
@click.option("--repeats", type=int, default=1, metavar="N", help="Run each point with N seeds.")
@click.option("--sample", type=int, metavar="K", help="Draw K points from -g at random.")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of that draw. Default: 0")
@click.option("--workers", type=int, metavar="W", help="Runs at once. Default: one a core")
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler (tcp://...), or local.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop a run after this long.")
@click.option("--memory", metavar="SIZE", help="Stop a run that uses more, such as 2GB.")
@click.option("--shard", metavar="I/N", help="Only each N-th point; needs no SQLite.")
@click.option("--to", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--dry-run", "dry", is_flag=True, help="List what would run, and the time.")
@click.option("--retry-failed", is_flag=True, help="Run failed points again.")
@click.option("--pages", is_flag=True, help="Make an HTML page of each run too.")
def sweep(lesson, grid, scheduler, timeout, memory, dry, pages, **what) -> None:
    """Run one lesson over many parameters.

    Every combination of the values given with -g is run, on all cores. What has finished is never
    run again: after whatever stopped a sweep, the same command goes on from there. Several sweeps
    may share a folder. A run that fails, hangs or is killed leaves a row with its cause, and the
    others go on. Exit status 0 only if every run has finished; 130 after Ctrl-C.

    \b
    Values of -g:
      learning_rate=0.1,0.01         these values
      epochs=1..10:4                 4 values evenly spaced: 1, 4, 7, 10
      learning_rate=0.001..1:log:4   4 values evenly spaced in their logarithm
      dropout=0..0.5                 any number between, evenly likely (with --sample)
      learning_rate=0.001..1:log     any, evenly likely in their logarithm (with --sample)
      'sizes=[8,16],[32]'            lists; texts with commas are quoted as in CSV
    With --sample K each of K points draws every -g: a number from a range, one of several values.
    A CSV file has the names in its first line and a run a row; a YAML file has a list of runs
    (- {learning_rate: 0.1}) or values to combine (learning_rate: [0.1, 0.01], or a range as text).

    \b
    Examples:
      labkit sweep 01 -g learning_rate=0.05,0.1,0.2 -g optimizer=sgd,adam
      labkit sweep 01 -g learning_rate=0.001..1:log:5 --repeats 3 --workers 2
      labkit sweep 01 -g learning_rate=0.001..1:log -g optimizer=sgd,adam --sample 20 --dry-run
      labkit sweep 11 --points runs.csv --timeout 600 --memory 2GB --to /scratch/results
      labkit sweep 11 --points runs.csv --shard 3/10 --to /shared/results
      labkit sweep 11 --points runs.csv --scheduler tcp://head:8786 --to /shared/results
    """  # noqa: D301
    from labkit.lab.sweeps import planning
    from labkit.lab.sweeps import sweep as sweeps

    with _sentences(), _stopped_by_signals():
        sweeps.check(scheduler, what["shard"], timeout, memory)
        plan = planning.plan(lesson, list(grid), **what)
        if dry:
            _echo_rows(plan.rows())
            click.echo(f"\n{plan}", err=True)
            return
        limits = {"timeout": timeout, "memory": memory, "pages": pages}
        going = sweeps.begin(plan, scheduler=scheduler, **limits)
        click.echo(str(plan), err=True)
        try:
            going.wait()
        except KeyboardInterrupt:
            click.echo(f"Stopped. {sweeps.summary(going)}", err=True)
            click.echo("Nothing is lost: the same command goes on from there.", err=True)
            sys.exit(130)
    _close_sweep(going)
    sys.exit(0 if going.ok else 1)


@main.command()
@click.argument("lesson", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet", "html"]),
    default="table",
    show_default=True,
    help="For reading, for other programs, or a page to explore.",
)
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--out", metavar="FILE", help="Write there instead of to standard output.")
@click.option("--diff", "pair", nargs=2, metavar="A B", help="Compare two runs.")
@click.option("-g", "--group", "by", multiple=True, metavar="NAME", help="Group by it; repeat.")
@click.option("--result", metavar="NAME", help="With -g: this result. Default: the first.")
def results(lesson, form, folder, out, pair, by, result) -> None:
    """Show all runs as one table.

    Each run is a row; failed and interrupted ones too. The table for reading shows the parameters
    in which the runs of a lesson differ and the headline result; csv, json and parquet hold
    everything; html is a page that needs no kernel and no network. With -g: mean, standard
    deviation and 95 % interval of a result over the runs of each group.

    --diff compares two runs: parameters, results, versions, code. A run is its id, the beginning
    of one, or 01:latest, 01:previous, 01:first.

    \b
    Examples:
      labkit results 01
      labkit results 01 --format csv > runs.csv
      labkit results 11 --format html --out runs/report.html
      labkit results 11 -g learning_rate -g dropout --result test_accuracy
      labkit results --diff 11:previous 11:latest
    """  # noqa: D301
    if pair and (lesson or by or form not in ("table", "csv", "json")):
        raise click.UsageError("--diff takes two runs, and --format table, csv or json; no more.")
    if result and not by:
        raise click.UsageError("--result chooses what -g NAME summarizes; without -g leave it out.")
    if by and form == "html":
        raise click.UsageError("-g has no page; leave it out, the page groups by itself.")
    with _sentences():
        if form == "html":
            _write_page(lesson, folder, out)
            return
        content = _shown(lesson, form, folder, pair, by, result)
        if not content:
            click.echo("No runs yet: try `labkit run 01`.", err=True)
            return
        _write(content, out)
    if form == "table" and not (by or pair):
        click.echo("\nAll parameters and results: --format csv, json or html", err=True)


def _shown(lesson, form, folder, pair, by, result) -> str | bytes:
    """Return what `labkit results` writes; nothing where there are no runs to read about."""
    from labkit.lab import table as runs_table

    if pair and form == "table":
        return runs_table.diff_text(*pair, folder)
    found = runs_table.diff(*pair, folder) if pair else runs_table.results(lesson, folder)
    if by:
        found = runs_table.group(found, list(by), result)
    if form != "table":
        return getattr(runs_table, f"to_{form}")(found)
    if by:
        return found.to_string(index=False)
    return "" if found.empty else _as_lines(runs_table.overview(found))


def _write(content: str | bytes, out: str | None) -> None:
    """Write to a file, which appears whole or not at all, or to standard output."""
    from labkit.lab import files

    content = content if isinstance(content, bytes) else content.rstrip("\n").encode() + b"\n"
    if out:
        files.write(out, content)
        click.echo(f"Written: {out}", err=True)
    elif content.startswith(b"PAR1") and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for the terminal: name a file with --out.")
    else:
        click.echo(content, nl=False)


def _write_page(lesson, folder, out) -> None:
    from labkit.lab import report
    from labkit.lab import table as runs_table

    table = runs_table.results(lesson, folder)
    beside = os.path.dirname(os.path.abspath(out)) if out else _folder_of_output()
    _write(report.page(table, beside=beside), out)
    if not table.empty and report.link_base(table, beside) is None:
        click.echo(
            "The page has no links to the notebooks: write it into the results folder, or beside "
            "it, with --out FILE.",
            err=True,
        )


def _folder_of_output() -> str | None:
    """Return the folder of the file that standard output goes to, None if it is no file."""
    try:
        path = os.readlink(f"/proc/self/fd/{sys.stdout.fileno()}")
    except (OSError, ValueError):
        return None
    return os.path.dirname(path) if os.path.isfile(path) else None


@main.command()
@click.option("--topic", help="Only this topic, such as 'losses'.")
@click.option("--verdict", help="Only this verdict, such as 'wrong'.")
@click.option("--lesson", help="Only what this lesson recomputes.")
def claims(topic, verdict, lesson) -> None:
    """Show what the source articles claim, and what is true.

    \b
    Examples:
      labkit claims --lesson 01
      labkit claims --verdict wrong
    """  # noqa: D301
    from labkit.learn import claims as ledger

    with _sentences():
        click.echo(ledger.format_claims(ledger.claims(topic, verdict, lesson)))


@main.command()
@click.option("--full", is_flag=True, help="Import the Keras backend too, and list its devices.")
def doctor(full) -> None:
    """Check this machine, say what to fix.

    Shows Python, packages, device, memory, data sets, and the minutes to expect for each lesson.
    Exit status 1 if something needs a fix; each problem comes with one.

    \b
    Examples:
      labkit doctor
      labkit doctor --full   import the Keras backend too (seconds)
    """  # noqa: D301
    from labkit.data import available
    from labkit.lab import doctor as checkup

    with _sentences():
        report = checkup.report(available(), full=full)
    click.echo(str(report))
    sys.exit(0 if report.ok else 1)


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--full", is_flag=True, help="Fetch the full data set, once, verified by its hash.")
def data(names, full) -> None:
    """Show the data sets, fetch a full one.

    \b
    Examples:
      labkit data                what is there
      labkit data mnist --full   fetch all 70,000 digits
    """  # noqa: D301
    from labkit.data import available, fetch

    with _sentences():
        for name in names or (("mnist",) if full else ()):
            click.echo(f"Ready: {fetch(name, full=full)}", err=True)
        for found in available():
            size = f"{found.rows:,} rows"
            size += f", {found.bytes / 1e6:.1f} MB" if found.bytes else ""
            click.echo(f"{found.name:<14} {size:<28} {found.state}")
            if found.where:
                click.echo(f"    {found.where}")


class _Progress:
    """One bar on standard error over all cells of all lessons, with the lesson's name.

    Where standard error is no terminal there is no bar but a line as each lesson starts.
    """

    def __init__(self, lessons):
        self._counts = [len(lesson.content["cells"]) for lesson in lessons]
        self._names = [lesson.name for lesson in lessons]
        self._lesson = -1
        self._closed = threading.Event()

    def __enter__(self):
        from tqdm import tqdm

        self._bar = tqdm(
            total=sum(self._counts),
            bar_format="{desc} {bar} {n}/{total} cells, {elapsed}",
            file=sys.stderr,
            leave=False,
            ncols=min(100, shutil.get_terminal_size((100, 24)).columns),
            nrows=24,  # a terminal that says it has none, as in a container, still gets the bar
            disable=None,  # no bar where standard error is no terminal
        )
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closed.set()
        self._bar.close()

    def cell(self, index: int, count: int) -> None:
        """Show that the cell with this index starts."""
        if index == 0:
            self._lesson += 1
        name = self._names[self._lesson]
        if self._bar.disable and index == 0:
            click.echo(f"Running {name} ({self._lesson + 1} of {len(self._names)})", err=True)
        done = sum(self._counts[: self._lesson])
        self._bar.n = done + min(index, self._counts[self._lesson])
        self._bar.set_description_str(name)

    def write(self, text: str) -> None:
        """Print a line on standard output, above the bar."""
        self._bar.write(text, file=sys.stdout)

    def _tick(self) -> None:
        while not self._closed.wait(1):  # a cell may take minutes; the clock should go on
            self._bar.refresh()


def _given(lesson, texts, full) -> dict:
    from labkit.lab.parameters import ParameterError, parse_texts

    try:
        given = (lesson.full if full else {}) | parse_texts(lesson.schema, list(texts))
        lesson.values(given)
    except ParameterError as error:
        raise click.ClickException(f"{lesson.name}: {error}") from None
    return given


_COLUMNS = "{:<26} {:>8}  {:<56}  {}"
_HEADING = _COLUMNS.format("lesson", "seconds", "headline result", "expectations")


def _line(outcome) -> str:
    """Return one lesson's line: lesson, seconds, headline, expectations held or not."""
    from labkit.lab.words import cut

    record = outcome.record
    held = f"{sum(e.held for e in record.applying)} of {len(record.applying)} held"
    verdict = held if outcome.ok else f"FAILED: {record.cause}"
    name, result = f"{record.lesson} {record.title}", record.headline
    return _COLUMNS.format(cut(name, 26), f"{record.seconds:.1f}", cut(result, 56), verdict)


def _as_lines(table) -> str:
    """Return a table as text; its last two columns are cut to what the terminal has room for."""
    from labkit.lab.words import cut

    room = max(100, shutil.get_terminal_size((_WIDTH, 24)).columns)
    *fixed, parameters, result = table
    widths = {c: max(len(c), int(table[c].str.len().max())) for c in table}
    room -= sum(widths[c] + 2 for c in fixed) + 2
    widths[parameters] = min(widths[parameters], room // 2)
    widths[result] = room - widths[parameters]
    lines = []
    for row in [list(table), *table.itertuples(index=False)]:
        cells = [f"{cut(text, w):<{w}}" for text, w in zip(row, widths.values(), strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _close(ended) -> None:
    """Say what failed and why, and where everything is."""
    for outcome in ended:
        if not outcome.ok:
            click.echo(f"FAILED: {outcome.record.message}", err=True)
    click.echo("\nExecuted notebooks and pages:", err=True)
    for outcome in ended:
        click.echo(f"  {outcome.folder}/  notebook.ipynb  lesson.html", err=True)


def _echo_rows(rows: list[dict]) -> None:
    """Print rows as a table on standard output."""
    from labkit.lab.words import cut, show

    if not rows:
        return
    lines = [list(rows[0]), *([show(value) for value in row.values()] for row in rows)]
    widths = [min(60, max(map(len, column))) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [f"{cut(text, w):<{w}}" for text, w in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _close_sweep(ended) -> None:
    """Say how a sweep ended: what failed and why, and how to read its table."""
    from labkit.lab.sweeps import sweep as sweeps
    from labkit.lab.words import show

    plan = ended.plan
    ends = zip(plan.points, ended.ends, strict=True)
    failed = [(point, end) for point, end in ends if end.status not in ("finished", "not run")]
    for point, end in failed[:_WORST]:
        settings = " ".join(f"{name}={show(point.parameters[name])}" for name in plan.names)
        click.echo(f"FAILED {settings}: {end.error}", err=True)
    if len(failed) > _WORST:
        click.echo(f"... and {len(failed) - _WORST} more", err=True)
    click.echo(sweeps.summary(ended))
    where = f"--from {shlex.quote(str(plan.folder))}"
    click.echo(f"Every run: labkit results {plan.lesson.number} {where}", err=True)


class _stopped_by_signals:
    """Makes what ends a job on a cluster (SIGTERM), or a lost connection, stop it like Ctrl-C."""

    def __enter__(self):
        names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for name in names:
                number = getattr(signal, name)
                self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @staticmethod
    def _interrupt(*_):
        raise KeyboardInterrupt


class _sentences:
    """Turns the lab's own errors into one sentence on standard error, exit status 1."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            click.echo("Stopped. Finished runs are kept; `labkit results` shows them.", err=True)
            sys.exit(130)
        if kind is not None and issubclass(kind, BrokenPipeError):  # `labkit results | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        from labkit.data import DataError

        if kind is not None and issubclass(kind, OSError | ValueError | RuntimeError | DataError):
            raise click.ClickException(str(error)) from error
        return False
