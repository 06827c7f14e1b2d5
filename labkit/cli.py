"""The command line: `labkit list, open, progress, run, sweep, results, claims, doctor, ...`."""

import os
import shlex
import sys
from collections import Counter

import click

import labkit
from labkit import terminal
from labkit.terminal import sentences

_EXAMPLES = """
\b
Examples:
  labkit list                          the lessons
  labkit list 01                       one lesson's parameters, with their help
  labkit open 01                       your copy of the lesson in JupyterLab
  labkit progress                      how far you are, and what comes next
  labkit class plan --weeks 8          for who teaches: plan, copies, notes, slides, report
  labkit run 01 -p learning_rate=0.2   run a lesson with another parameter
  labkit run --all                     run every lesson with its defaults
  labkit sweep 01 -g learning_rate=0.05,0.1,0.2    one lesson over many parameters
  labkit results 01 --format csv       all runs of a lesson as CSV

\b
Exit status:
  0 all that was asked happened; 1 something failed, and a message says what;
  2 a wrong call, refused before anything was done; 130 stopped by Ctrl-C.
"""

_PORT = click.IntRange(0, 65535)
_WORST = 10  # causes of failures that are told in full


class _Lesson(click.ParamType):
    """A lesson's number or name, or the path of a notebook; the shell completes it."""

    name = "lesson"

    def shell_complete(self, ctx, param, incomplete):
        from labkit.lab.places import PlaceError, lesson_files

        try:
            found = lesson_files()
        except PlaceError:
            return []
        both = [(number, path.stem) for number, path in found.items()]
        names = [n for number, stem in both for n in (number, stem) if n.startswith(incomplete)]
        return [click.shell_completion.CompletionItem(name) for name in names]


class _Claim(click.ParamType):
    """The id of a row of the ledger; the shell completes it."""

    name = "claim"

    def shell_complete(self, ctx, param, incomplete):
        from labkit.learn.claims import read_ledger

        try:
            ids = [row["id"] for row in read_ledger()]
        except OSError:
            return []
        found = [id for id in ids if id.startswith(incomplete.upper())]
        return [click.shell_completion.CompletionItem(id) for id in found]


class _Setting(click.ParamType):
    """NAME=VALUE of a parameter; the shell completes the names of the lesson that is named."""

    name = "setting"

    def shell_complete(self, ctx, param, incomplete):
        from labkit.lab import lesson as lessons

        # click has not taken the lesson apart yet while an option waits for its value.
        for word in shlex.split(os.environ.get("COMP_WORDS", ""))[2:]:
            try:
                schema = lessons.read(word).schema
            except (OSError, ValueError):
                continue
            names = [f"{name}=" for name in schema if name.startswith(incomplete)]
            return [click.shell_completion.CompletionItem(name) for name in names]
        return []


def _formats(*forms: str, help: str = "For reading, or for other programs."):
    """Return the option --format of a command; the first form is its default."""
    choice = click.Choice(forms)
    return click.option(
        "--format", "form", type=choice, default=forms[0], show_default=True, help=help
    )


def _speak(_context, _option, named: str | None) -> None:
    """Set the language of this command and of the kernels that it starts, and build its lessons."""
    from labkit.lab.language import VARIABLE

    if named is not None:
        os.environ[VARIABLE] = named
        _build_edition()


def _build_edition() -> None:
    """Bring the lessons in the language of LABKIT_LANG up to date; English needs nothing."""
    from labkit.lab.language import language

    with sentences((ValueError,)):
        if language() != "en":
            from labkit.lab.translation import editions

            editions.ensure()


def _language_option():
    """Return the option --lang of a command."""
    return click.option(
        "--lang",
        type=click.Choice(["en", "zh"]),
        is_eager=True,
        expose_value=False,
        callback=_speak,
        help="Language of the lessons; default: LABKIT_LANG, else en.",
    )


@click.group(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(labkit.__version__, prog_name="labkit")
@click.pass_context
def main(ctx) -> None:
    """Run the lessons of the deep-learning lab, and see what they found."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without ✓ still gets its lines
            stream.reconfigure(errors="replace")
    if ctx.invoked_subcommand != "translate":  # which mends what cannot be built
        _build_edition()


@main.command("list")
@click.argument("lesson", required=False, type=_Lesson())
def list_lessons(lesson: str | None) -> None:
    """List the lessons: title, minutes, how far you are, question.

    The first minutes are those to work through it, the second those that its code takes, as
    measured. Below the question are the names of the parameters. With a LESSON: its parameters,
    each with its default, its help and what is allowed.

    \b
    Examples:
      labkit list
      labkit list 01
    """  # noqa: D301  click wants the backspace
    from labkit.lab import lesson as lessons

    with sentences():
        if lesson is not None:
            for parameter in lessons.read(lesson).schema.values():
                click.echo(f"{parameter.name} = {parameter.default!r}")
                click.echo(f"    {parameter.help}")
            return
        bad = _list_all()
    sys.exit(1 if bad else 0)


def _list_all() -> list:
    """Print every lesson; return the notebooks that are no readable lesson."""
    from labkit.lab import lesson as lessons
    from labkit.lab import progress, standing
    from labkit.lab.measured import lesson_times
    from labkit.lab.words import duration

    status = {each["number"]: each["status"] for each in standing.standings(progress.read())}
    measured = {row.lesson: row.measured for row in lesson_times(None)}
    bad: list = []
    found = lessons.read_all(lambda *skipped: bad.append(skipped))
    longest = max((len(lesson.title) for lesson in found), default=0)
    for lesson in found:
        seconds = measured.get(lesson.number)
        takes = "not measured" if seconds is None else duration(seconds)
        title = terminal.bold(f"{lesson.number}  {lesson.title:<{longest}}")
        click.echo(f"{title}  {lesson.minutes:>3} min  {takes:>12} to run  {status[lesson.number]}")
        for text in (lesson.question, ", ".join(lesson.schema)):
            if text:
                click.echo(click.wrap_text(text, min(100, terminal.width()), "    ", "    "))
    _tell_unreadable(bad)
    return bad


def _tell_unreadable(bad: list) -> None:
    from labkit.lab.places import misnamed_files

    for _, error in bad:
        click.echo(f"Not a lesson: {error}", err=True)
    for path in misnamed_files():
        click.echo(
            f"Left out: {path.name} is not named like a lesson (two digits, then small letters, "
            "digits and _).",
            err=True,
        )


@main.command("open")
@click.argument("lesson", required=False, type=_Lesson())
@click.option("--port", type=int, default=8888, show_default=True, help="Where to serve it.")
@click.option("--page", is_flag=True, help="Show the page of the latest run instead.")
@_language_option()
def open_lesson(lesson, port, page) -> None:
    """Open your copy of a lesson in JupyterLab.

    Without a LESSON the index opens. Your copies are in the folder learner/ (or LABKIT_LEARNER):
    what you write stays there. When a lesson has changed since, your answers are carried into the
    new version, and what cannot be carried is kept beside it. JupyterLab serves this machine only
    and asks for a token, which the address contains. Where one runs for this lab already, the
    lesson opens in it.

    \b
    Examples:
      labkit open 04
      labkit open 04 --page      the page of its latest run: no kernel
      labkit open --port 8899    the index, on another port
      labkit open 01 --lang zh   in Chinese; your copies in learner/zh, one progress for both
    """  # noqa: D301
    from labkit.lab import copies, jupyter, places

    with sentences((jupyter.PortError, jupyter.RootError)):
        index = places.notebooks() / "index.ipynb"
        notebook = index if lesson is None else places.lesson_file(lesson)
        if page:
            _open_page(notebook.name[:2])
            return
        if notebook.is_relative_to(places.notebooks()):
            notebook = copies.open_copy(notebook, _tell)
        if not notebook.is_relative_to(jupyter.root(notebook)):
            raise terminal.Refused(f"{notebook} is outside of the lab's folder {places.home()}.")
        if there := jupyter.running(notebook, port):
            url = jupyter.address(*there, notebook)
            click.echo(f"JupyterLab runs already. Open: {url}")
            jupyter.open_in_browser(url)
            return
        jupyter.check_port(port)
        token = jupyter.new_token()
        click.echo(f"JupyterLab starts. Open: {jupyter.address(port, token, notebook)}")
        click.echo("Ctrl-C ends it.")
        sys.stdout.flush()
        jupyter.start(port, notebook, token)


def _tell(text: str) -> None:
    click.echo(text, err=True)


@main.command()
@click.argument("lesson", type=_Lesson())
@click.argument("exercise", required=False)
def reset(lesson, exercise) -> None:
    """Bring a lesson back as it was given, or one exercise.

    With an EXERCISE only its cell is brought back, and the rest of your copy stays. Your old
    answers are kept in a copy with the date in its name; the command says where. What you did
    stays in your progress. Close the lesson in JupyterLab before.

    \b
    Examples:
      labkit reset 04                  the whole lesson
      labkit reset 04 hidden_delta     one exercise
    """  # noqa: D301
    from labkit.lab import copies

    with sentences((copies.UnknownExercise,)):
        copies.reset(lesson, exercise, _tell)


def _open_page(number: str) -> None:
    from pathlib import Path

    from labkit.lab import jupyter
    from labkit.lab.records import folders
    from labkit.lab.records.reading import read_records

    pages = [Path(record.folder) / folders.PAGE for record in read_records(None, number)]
    there = [path for path in pages if path.exists()]
    if not there:
        raise click.ClickException(
            f"No run of lesson {number} has left a page: labkit run {number}"
        )
    path = max(there, key=lambda path: path.stat().st_mtime)
    click.echo(path.absolute().as_uri())
    jupyter.open_in_browser(path.absolute().as_uri())


@main.command("progress")
@click.argument("lesson", required=False, type=_Lesson())
@click.option("--class", "folder", metavar="DIR", help="A folder with one folder a learner.")
@_formats("table", "csv", "json")
def show_progress(lesson, folder, form) -> None:
    """Show how far you are in the lessons, and what comes next.

    With a LESSON: its exercises and predictions, with the mistakes made. csv and json have a row
    for each exercise and prediction. All of it is in progress.jsonl in the folder learner/ (or
    LABKIT_LEARNER); it never leaves this machine, and is gone when you delete it.

    --class reads the files of a class: DIR/anna/progress.jsonl, DIR/anna/learner/progress.jsonl or
    DIR/anna.jsonl. The tables then show who has done what, who is stuck, which mistakes were
    made by how many, and which predictions surprised. Files that cannot be read are named; exit
    status 1 if none could be.

    \b
    Examples:
      labkit progress
      labkit progress 04
      labkit progress --class handed_in
      labkit progress --class handed_in --format csv > class.csv
    """  # noqa: D301
    from labkit.lab import places, progress, standing

    if folder is not None and not os.path.isdir(os.path.expanduser(folder)):
        raise terminal.Refused(f"There is no folder {folder} to read a class from.")
    with sentences():
        number = places.lesson_file(lesson).name[:2] if lesson else None
        if folder is None:
            own = places.learner_folder() / progress.FILE
            lines = progress.read_file(own) if own.exists() else []
            rows = standing.rows(lines)
        else:
            learners = progress.read_class(os.path.expanduser(folder), _tell)
            if not learners:
                raise click.ClickException(f"Nothing of any learner could be read in {folder}.")
            each = [(name, standing.rows(lines)) for name, lines in learners.items()]
            rows = [{"learner": name} | row for name, own in each for row in own]
        rows = [row for row in rows if number in (None, row["lesson"])]
        if form != "table":
            text = standing.to_csv(rows) if form == "csv" else standing.to_json(rows)
            click.echo(text.rstrip("\n"))
        elif folder is not None:
            _show_class(learners, number, rows)
        elif number:
            _show_table(standing.items_told(rows), "mistakes, or guess")
        else:
            _show_progress(lines)


def _show_table(rows: list[dict], cut_first: str) -> None:
    for line in terminal.table(rows, cut_first=[cut_first]):
        click.echo(line)


def _show_progress(lines: list[dict]) -> None:
    from labkit.lab import standing

    _show_table(standing.lessons_told(lines), "lesson")
    here = next((each["number"] for each in standing.standings(lines) if each["next"]), None)
    begin = "Go on with" if lines else "Begin with"
    told = f"{begin} lesson {here}: labkit open {here}" if here else "Every lesson is done."
    click.echo(f"\n{told}", err=True)


_MOST = 12  # rows of a table about a class


def _show_class(learners: dict[str, list[dict]], number: str | None, rows: list[dict]) -> None:
    """Print who has done what, who is stuck, which mistakes were made, what surprised."""
    from labkit.lab import standing

    _show_table(standing.class_told(learners, number), "learner")
    made = [
        row | {"learners": f"{row['learners']} of {len(learners)}"}
        for row in standing.mistakes(rows)
    ]
    for table, name in (
        (standing.stuck(rows), "last"),
        (made, "mistake"),
        (standing.surprises(rows), "prediction"),
    ):
        if table:
            click.echo()
            _show_table(table[:_MOST], name)
        if len(table) > _MOST:
            click.echo(f"and {len(table) - _MOST} more")
    told = "3 of 4: exercises right, and predictions guessed or shown, of all in the lesson."
    click.echo(f"\n{told} Each of them, of each learner: --format csv or json", err=True)


@main.group("class")
def for_class() -> None:
    """For who teaches: copies, plan, notes, slides, report.

    \b
    Examples:
      labkit class plan --weeks 8            which sections in which week
      labkit class make students 00 01 02    copies without solutions, each one proven to run
      labkit class notes 01 --out notes      questions to ask, mistakes to expect
      labkit class slides slides 01          figures and questions of its latest run
      labkit class read handed_in            who is where, mistakes, guesses against truth
    """  # noqa: D301


@for_class.command("make")
@click.argument("out", metavar="OUT")
@click.argument("names", nargs=-1, metavar="[LESSON]...", type=_Lesson())
@click.option("--no-run", is_flag=True, help="Do not execute the copies: nothing is proven then.")
def make_copies(out, names, no_run) -> None:
    """Write student copies: no solutions.

    Stubs, checks and hints stay, solutions go. A claim's card shows what is stated and what was
    computed, and asks for the verdict. Predictions stay covered until they are answered. Each copy
    is executed once, on the lab's own functions, as a proof that it runs. A second call brings the
    folder up to date; what a student wrote in a copy is carried along, and the old copy is kept. A
    folder that holds something else is refused. Exit status 1 if a copy does not run.

    What is installed still holds the answers: these are copies to learn from, not an exam.

    \b
    Examples:
      labkit class make students
      labkit class make students 00 01 02 --no-run
    """  # noqa: D301
    from labkit.lab import lesson as lessons
    from labkit.lab.classroom import students

    stopped = f"Stopped. What is written in {out} stays; the same call goes on with it."
    with sentences((students.ClassError,), stopped):
        chosen = [lessons.read(name) for name in names] or lessons.read_all()
        chosen = sorted({each.number: each for each in chosen}.values(), key=lambda x: x.number)
        with terminal.Progress(chosen) as bar:
            made = students.make(
                out,
                names,
                run=not no_run,
                tell=_tell,
                on_copy=lambda copy: bar.write(students.told(copy)),
                on_cell=lambda lesson, index, number: bar.cell(index, number),
            )
        failed = [copy for copy in made if copy.ran is False]
        proven = "None of them was run: that they run is not proven." if no_run else ""
        proven = proven or f"{len(made) - len(failed)} of {len(made)} ran from first to last cell."
        click.echo(f"{os.path.abspath(os.path.expanduser(out))}: {proven}", err=True)
        sys.exit(1 if failed else 0)


@for_class.command("read")
@click.argument("folder", metavar="FOLDER")
@click.option("--out", metavar="DIR", help="Where to. Default: class-report/")
def read_class(folder, out) -> None:
    """Write a page about what a class did.

    It says who is where, which mistakes were made by how many, and what was guessed beside the
    truth; tables of it (CSV) lie beside it. FOLDER holds NAME/progress.jsonl,
    NAME/learner/progress.jsonl or NAME.jsonl for each learner, as a lesson in JupyterLab or a page
    of the site keeps it. Lines and files that are broken are told and left out. The page needs no
    network, and nothing leaves this machine.

    \b
    Examples:
      labkit class read handed_in
      labkit class read handed_in --out report
    """  # noqa: D301
    from labkit.lab.classroom import report
    from labkit.lab.classroom.students import ClassError
    from labkit.lab.words import count

    with sentences((ClassError,)):
        made = report.write(folder, out)
        for text in made.found.problems:
            _tell(text)
        click.echo(terminal.link(made.page))
        names = ", ".join(path.name for path in made.files)
        _tell(f"{count(len(made.found.learners), 'learner')}. Beside the page: {names}")


@for_class.command("plan")
@click.argument("names", nargs=-1, metavar="[LESSON]...", type=_Lesson())
@click.option("--weeks", type=int, default=8, show_default=True, help="How many.")
@click.option(
    "--minutes-per-week",
    "minutes",
    type=int,
    default=90,
    show_default=True,
    help="That a learner works on lessons in a week.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "html", "csv", "svg"]),
    default="md",
    show_default=True,
    help="svg: only the graph of what comes before what.",
)
@click.option("--out", metavar="FILE", help="Write it into a file.")
def plan_class(names, weeks, minutes, form, out) -> None:
    """Plan the weeks of a class.

    It says which sections come when, which must be and which may be left out. Without a LESSON as
    many lessons as fit, in an order in which each has what it needs before it. With some: these and
    what they need. Minutes are computed from the lessons.

    \b
    Examples:
      labkit class plan --weeks 8
      labkit class plan --weeks 15 --minutes-per-week 60 --format html --out plan.html
      labkit class plan 14 --weeks 6          up to transformers
    """  # noqa: D301
    from labkit.lab.classroom import plan, schedule
    from labkit.lab.classroom.students import ClassError

    with sentences((ClassError,)):
        _write(schedule.FORMS[form](plan.plan(weeks, minutes, names)).rstrip("\n"), out)


@for_class.command("notes")
@click.argument("names", nargs=-1, metavar="[LESSON]...", type=_Lesson())
@click.option("--out", metavar="DIR", help="Where to. Default: class-notes/")
@click.option(
    "--format", "form", type=click.Choice(["html", "md"]), default="html", show_default=True
)
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
def teacher_notes(names, out, form, folder) -> None:
    """Write notes for who teaches.

    They say what to ask, what to show, and which mistakes to expect. A file for each LESSON, or for
    all. They are made from the lesson, its checks, and its latest run, which has the truths of its
    predictions. They hold the solutions: not for students.

    \b
    Examples:
      labkit class notes 01
      labkit class notes --format md --out notes
    """  # noqa: D301
    from labkit.lab.classroom import notes
    from labkit.lab.classroom.students import ClassError

    with sentences((ClassError,)):
        for path in notes.write(out or "class-notes", names, form, folder):
            click.echo(terminal.link(path))


@for_class.command("slides")
@click.argument("out", metavar="OUT")
@click.argument("names", nargs=-1, metavar="[LESSON]...", type=_Lesson())
@click.option("--reveal", metavar="DIR", help="npm's package reveal.js, unpacked.")
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
def make_slides(out, names, reveal, folder) -> None:
    """Write slides of lessons.

    They show question, figures, predictions and exercises, as in the latest run. Without --reveal a
    page that scrolls from slide to slide and prints, without any script. With it a reveal.js deck;
    what it needs is copied beside the slides. Neither needs a network. Without a LESSON all that
    have been run.

    \b
    Examples:
      labkit class slides slides 01
      npm pack reveal.js@4.6.1 && tar xzf reveal.js-4.6.1.tgz
      labkit class slides slides 01 --reveal package
    """  # noqa: D301
    from labkit.lab.classroom import slides
    from labkit.lab.classroom.students import ClassError

    with sentences((ClassError,)):
        for path in slides.write(out, names, reveal, folder):
            click.echo(terminal.link(path))


@main.command()
@click.argument("names", nargs=-1, metavar="[LESSON]...", type=_Lesson())
@click.option("--all", "every", is_flag=True, help="Run every lesson.")
@click.option(
    "-p", "texts", multiple=True, metavar="NAME=VALUE", type=_Setting(), help="Set one; repeat."
)
@click.option("--full", is_flag=True, help="Full-size parameters: whole data sets, for a GPU.")
@click.option("--to", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop a lesson after this long.")
@click.option("--memory", metavar="SIZE", help="Stop a lesson that uses more, such as 2GB.")
@_language_option()
def run(names, every, texts, full, folder, timeout, memory) -> None:
    """Run lessons headlessly, keep what they find.

    Each run leaves a folder with the executed notebook, an HTML page and a record of its results.
    A lesson is a number (1, 01), a name (01_gradient_descent), or the path of a notebook. Exit
    status 0 only if every lesson ran and every expectation held; 1 if not; 2 for a wrong call,
    refused before anything runs; 130 after Ctrl-C.

    \b
    Examples:
      labkit run 11
      labkit run 01 -p learning_rate=0.2 -p optimizer=momentum
      labkit run 11 --full --to /scratch/results
      labkit run --all --timeout 600
      labkit run 01 --lang zh       the lesson in Chinese; its runs are kept in runs/zh
    """  # noqa: D301
    from labkit.lab import lesson as lessons
    from labkit.lab.runs import limits, runner

    if every == bool(names):
        raise click.UsageError("Name the lessons to run (labkit list shows them), or --all.")
    bad: list = []
    with sentences():
        if every:
            asked = lessons.read_all(lambda *skipped: bad.append(skipped))
        else:
            asked = [lessons.read(name) for name in names]
    with sentences((limits.RunError,)):  # all refusals before any run
        limits.check_timeout(timeout)
        memory = None if memory is None else limits.memory_in_bytes(memory)
        given = [_given(lesson, texts, full) for lesson in asked]
    _tell_unreadable(bad)
    if not asked:
        sys.exit(1)
    ended = []
    # Several lessons are worth a warm parent process, from which each kernel is forked.
    options = {"folder": folder, "timeout": timeout, "memory": memory}
    options["fork"] = "always" if len(asked) > 1 else "auto"
    lines = _Lines(asked)
    with sentences(), terminal.stopped_by_signals(), terminal.Progress(asked) as progress:
        progress.write(lines.heading)
        for lesson, values in zip(asked, given, strict=True):
            outcome = runner.run(lesson, values, **options, on_cell=progress.cell)
            progress.write(lines.line(outcome, lesson, folder))
            ended.append(outcome)
    _close(ended)
    sys.exit(0 if all(outcome.ok for outcome in ended) and not bad else 1)


def _given(lesson, texts, full) -> dict:
    """Return the parameters that were given for a lesson, checked."""
    from labkit.lab.parameters import ParameterError, parse_texts

    try:
        given = (lesson.full if full else {}) | parse_texts(lesson.schema, list(texts))
        lesson.values(given)
    except ParameterError as error:
        raise terminal.Refused(f"{lesson.name}: {error}") from None
    return given


class _Lines:
    """A line for each lesson that was run, aligned before the last of them has ended."""

    _VERDICT = len("FAILED: killed kernel")

    def __init__(self, lessons):
        self._title = max(len(f"{lesson.number} {lesson.title}") for lesson in lessons)
        self._title = max(len("lesson"), min(self._title, 40))
        self._result = max(20, terminal.width() - self._title - 8 - self._VERDICT - 6)
        names = ("lesson", "seconds", "headline result", "expectations")
        self.heading = terminal.bold(self._format(*names))

    def _format(self, lesson: str, seconds: str, result: str, verdict: str) -> str:
        from labkit.lab.words import cut

        title, result = cut(lesson, self._title), cut(result, self._result)
        line = f"{title:<{self._title}}  {seconds:>8}  {result:<{self._result}}  "
        return line + terminal.colored(verdict)

    def line(self, outcome, lesson, folder) -> str:
        """Return lesson, seconds, the result that answers, expectations held or not."""
        from labkit.lab.table import answer

        record = outcome.record
        held = f"{sum(e.held for e in record.applying)} of {len(record.applying)} held"
        verdict = held if outcome.ok else f"FAILED: {record.cause}"
        result = answer(record, lesson.values(), folder)
        seconds = f"{record.seconds or 0:.1f}"
        return self._format(f"{record.lesson} {record.title}", seconds, result, verdict)


def _close(ended) -> None:
    """Say what failed and why, and where everything is."""
    for outcome in ended:
        if not outcome.ok:
            text = f"{terminal.colored('FAILED')}: {outcome.record.message}"
            click.echo(text, err=True)
    click.echo("\nExecuted notebooks and pages:", err=True)
    for outcome in ended:
        page = outcome.page if outcome.page.exists() else outcome.folder
        click.echo(f"  {outcome.lesson}  {terminal.link(page)}", err=True)
    click.echo(f"In JupyterLab: labkit open {ended[0].lesson if ended else ''}", err=True)


@main.command()
@click.argument("lesson", type=_Lesson())
@click.option(
    "-g", "grid", multiple=True, metavar="NAME=VALUES", type=_Setting(), help="Vary it; repeat."
)
@click.option("--points", metavar="FILE", help="Parameters from a .csv or .yaml file.")
@click.option("--repeats", type=int, default=1, metavar="N", help="Run each point with N seeds.")
@click.option("--sample", type=int, metavar="K", help="Draw K points from -g at random.")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of that draw. Default: 0")
@click.option("--workers", type=int, metavar="W", help="Runs at once. Default: one a core")
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler (tcp://...), or local.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop a run after this long.")
@click.option("--memory", metavar="SIZE", help="Stop a run that uses more, such as 2GB.")
@click.option("--shard", metavar="I/N", help="Only each N-th point; needs no locks.")
@click.option("--to", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--dry-run", "dry", is_flag=True, help="List what would run, and the time.")
@click.option("--retry-failed", is_flag=True, help="Run failed points again.")
@click.option("--pages", is_flag=True, help="Make an HTML page of each run too.")
def sweep(lesson, grid, scheduler, timeout, memory, dry, pages, **what) -> None:
    """Run one lesson over many parameters.

    Every combination of the values given with -g is run, on all cores. What has finished is never
    run again: after whatever stopped a sweep, the same command goes on from there. Several sweeps
    may share a folder. A run that fails, hangs or is killed leaves a row with its cause, and the
    others go on. Exit status 0 only if every run has finished; 2 for a wrong call, refused before
    anything runs; 130 after Ctrl-C.

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
    from labkit.lab.parameters import ParameterError
    from labkit.lab.runs.limits import RunError
    from labkit.lab.sweeps import planning
    from labkit.lab.sweeps import sweep as sweeps
    from labkit.lab.sweeps.grids import SweepError

    with sentences((SweepError, ParameterError, RunError)):
        sweeps.check(scheduler, what["shard"], timeout, memory)
        plan = planning.plan(lesson, list(grid), **what)
    if dry:
        for line in terminal.table(plan.rows()):
            click.echo(line)
        click.echo(f"\n{plan}", err=True)
        return
    with sentences(), terminal.stopped_by_signals():
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


def _close_sweep(ended) -> None:
    """Say how a sweep ended: what failed, grouped by its cause, and how to read its table."""
    from labkit.lab.sweeps import sweep as sweeps

    plan = ended.plan
    ends = zip(plan.points, ended.ends, strict=True)
    failed = [(point, end) for point, end in ends if end.status not in ("finished", "not run")]
    causes = Counter(end.error for _, end in failed)
    for error, number in causes.most_common(_WORST):
        first = next(point for point, end in failed if end.error == error)
        more = f" and {number - 1} more" if number > 1 else ""
        head = terminal.colored("FAILED")
        click.echo(f"{head} {plan.settings(first)}{more}: {error}", err=True)
    if len(causes) > _WORST:
        click.echo(f"... and {len(causes) - _WORST} other causes", err=True)
    click.echo(sweeps.summary(ended))
    where = f"--from {shlex.quote(str(plan.folder))}"
    click.echo(f"Every run: labkit results {plan.lesson.number} {where}", err=True)


@main.command()
@click.argument("lesson", required=False, type=_Lesson())
@_formats(
    "table",
    "csv",
    "json",
    "parquet",
    "html",
    help="For reading, for other programs, or a page to explore.",
)
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option("--out", metavar="FILE", help="Write there instead of to standard output.")
@click.option("--diff", "pair", nargs=2, metavar="A B", help="Compare two runs.")
@click.option("-g", "--group", "by", multiple=True, metavar="NAME", help="Group by it; repeat.")
@click.option("--result", metavar="NAME", help="With -g: this result. Default: the first.")
def results(lesson, form, folder, out, pair, by, result) -> None:
    """Show all runs as one table.

    Each run is a row; failed and interrupted ones too. The table for reading shows the headline
    result and the parameters in which the runs of a lesson differ; of one lesson each has a
    column, as far as there is room, and so have other results in which its runs differ. csv, json
    and parquet hold everything; html is a page that needs no kernel and no network. With -g: mean,
    standard deviation and 95 % interval of a result over the runs of each group.

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
    from labkit.lab.records.reading import TableError

    if pair and (lesson or by or form not in ("table", "csv", "json")):
        raise click.UsageError("--diff takes two runs, and --format table, csv or json; no more.")
    if result and not by:
        raise click.UsageError("--result chooses what -g NAME summarizes; without -g leave it out.")
    if by and form == "html":
        raise click.UsageError("-g has no page; leave it out, the page groups by itself.")
    if folder and not os.path.isdir(os.path.expanduser(folder)):
        raise terminal.Refused(f"There is no folder {folder} to read results from.")
    with sentences((TableError,)):
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
        return _grouped(found, list(by), result, form)
    if form != "table":
        return getattr(runs_table, f"to_{form}")(found)
    return "" if found.empty else "\n".join(_overview(found))


def _grouped(found, by, result, form) -> str | bytes:
    from labkit.lab import table as runs_table

    groups = runs_table.group(found, by, result)
    if form != "table":
        return getattr(runs_table, f"to_{form}")(groups)
    chosen = runs_table.column(found, result) if result else runs_table.headline(found)
    click.echo(f"{chosen.partition('.')[2]} of each group:", err=True)
    return "\n".join(terminal.table(groups.to_dict("records")))


def _overview(found) -> list[str]:
    from labkit.lab import table as runs_table

    shown = runs_table.overview(found)
    columns = {name: shown[name].tolist() for name in shown}
    needed = [name for name in columns if name in runs_table.ALWAYS]
    cut = [name for name in ("result", "parameters") if name in columns]
    kept = terminal.room_for(columns | {name: ["x" * 30] for name in cut}, [*needed, *cut])
    if left := [name for name in columns if name not in kept]:
        click.echo(f"No room for {', '.join(left)}: they are in --format csv", err=True)
    return terminal.table(shown[kept].to_dict("records"), cut_first=cut)


def _write(content: str | bytes, out: str | None) -> None:
    """Write to a file, which appears whole or not at all, or to standard output."""
    from labkit.lab import files

    if out:
        plain = content if isinstance(content, bytes) else click.unstyle(content).rstrip() + "\n"
        files.write(out, plain)
        click.echo(f"Written: {out}", err=True)
    elif isinstance(content, str):
        click.echo(content.rstrip("\n"))
    elif sys.stdout.isatty():
        raise click.UsageError("Parquet is not for the terminal: name a file with --out.")
    else:
        click.echo(content, nl=False)


def _write_page(lesson, folder, out) -> None:
    from labkit.explore.board import page
    from labkit.lab import table as runs_table

    table = runs_table.results(lesson, folder)
    beside = os.path.dirname(os.path.abspath(out)) if out else _folder_of_output()
    _write(page.page(table, beside=beside), out)
    if not table.empty and page.link_base(table, beside) is None:
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
@click.argument("out")
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
@click.option(
    "--pyodide", metavar="DIR", help="A Pyodide release: lessons 00 to 05 run in the page."
)
def site(out, folder, pyodide) -> None:
    """Write every lesson's latest run as a page of a site.

    With an index, search, a glossary, the results and the ledger, in English and in Chinese. OUT is
    a folder: a new one, or one that holds an earlier site, which is replaced. Open its index.html,
    from a disk or a stick too, or put the folder on any web server: the pages ask no other host for
    anything. A lesson that has not been run stands there without results. docs/publish.md and
    docs/python_in_the_page.md say more.

    \b
    Examples:
      labkit run --all && labkit site site
      labkit site site --from sweeps/today
      labkit site site --pyodide pyodide    lessons 00 to 05 run in their pages
    """  # noqa: D301
    from labkit.lab.site.build import SiteError, build
    from labkit.lab.site.python.bundle import BundleError
    from labkit.lab.words import count

    try:
        built = build(out, folder, pyodide, click.echo)
    except (SiteError, BundleError, OSError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(
        f"\n{count(built.pages, 'page')}, {built.size / 1e6:.1f} MB, in {built.folder}\n"
        f"Open {(built.folder / 'index.html').as_uri()}"
    )
    if built.not_run:
        click.echo(
            f"Without results, because they have not been run: {', '.join(built.not_run)}. "
            "`labkit run --all` runs all lessons.",
            err=True,
        )
    if built.outdated:
        numbers = " ".join(built.outdated)
        click.echo(f"Their code has changed since they ran; `labkit run {numbers}`", err=True)


@main.group(invoke_without_command=True)
@click.option("--topic", help="Only this topic, such as 'losses'.")
@click.option("--verdict", help="Only this verdict, such as 'wrong'.")
@click.option("--lesson", help="Only what this lesson recomputes.")
@click.option("--article", help="Only articles whose name has this text.")
@click.option("--search", help="Only claims in which this text stands.")
@click.option("--summary", is_flag=True, help="Only the counts, by topic and verdict.")
@_formats("text", "csv", "json")
@click.pass_context
def claims(ctx, topic, verdict, lesson, article, search, summary, form) -> None:
    """Show what the source articles claim, and what is true.

    First the counts by topic and verdict, then each claim: what is stated, what was computed, and
    why the verdict. On a terminal they are shown page by page.

    \b
    Examples:
      labkit claims --summary
      labkit claims --lesson 01
      labkit claims --verdict wrong --topic losses
      labkit claims --search dropout --format json
      labkit claims check A2-GD-04      compute a row again
    """  # noqa: D301
    if ctx.invoked_subcommand:
        if any((topic, verdict, lesson, article, search, summary)):
            raise click.UsageError(
                "Options of `labkit claims` select what is shown; `check` has "
                "its own: labkit claims check --help"
            )
        return
    from labkit.lab.table import to_csv, to_json
    from labkit.learn import claims as ledger

    with sentences((ValueError,)):
        found = ledger.claims(topic, verdict, lesson, article=article, search=search)
        if form != "text":
            click.echo((to_csv if form == "csv" else to_json)(found).rstrip("\n"))
            return
        parts = [ledger.counts(found)]
        if not found.empty:
            parts.append("\n".join(terminal.table(ledger.summary(found).to_dict("records"))))
        if not summary and not found.empty:
            parts.append(ledger.format_claims(found))
        text = "\n\n".join(parts) + "\n"
        if sys.stdout.isatty() and not summary:
            click.echo_via_pager(text)
        else:
            click.echo(text.rstrip("\n"))


@claims.command("check")
@click.argument("ids", nargs=-1, metavar="[ID]...", type=_Claim())
@click.option("--lesson", type=_Lesson(), help="All rows that this lesson shows.")
@click.option("--full", is_flag=True, help="With the lesson's full-size parameters.")
@_formats("text", "json")
def check_claims(ids, lesson, full, form) -> None:
    """Compute rows of the ledger again, and compare.

    The lesson that shows a row runs headlessly, with its parameters as given, from its first cell
    to the cell that shows the row; nothing of that run is kept. Then you see what the article
    states, what the ledger has, what was computed just now, and the verdict. Rows of one lesson
    share one run. Rows without a value, answered by reading or opinions, need no run.

    Exit status 0 if all that was computed agrees with the ledger; 1 if a row parts, or its
    computation failed; 2 for an unknown ID, refused before anything runs; 130 after Ctrl-C.

    \b
    Examples:
      labkit claims check A2-GD-04
      labkit claims check E-CODE-02 A2-GD-04 A2-GD-05    two runs for three rows
      labkit claims check --lesson 02                    all rows of a lesson
      labkit claims check A2-GD-04 --format json         for other programs
    """  # noqa: D301
    from labkit.lab import lesson as lessons
    from labkit.learn import claims as ledger
    from labkit.learn import recomputing

    if bool(ids) == bool(lesson):
        raise click.UsageError("Name the rows (labkit claims lists them), or --lesson.")
    told = "Stopped. Nothing of the runs is left; the ledger is as it was."
    with sentences((ledger.ClaimError,), told), terminal.stopped_by_signals():
        if lesson is not None:
            number = lessons.read(lesson).number
            ids = [row["id"] for row in ledger.read_ledger() if row["lesson"] == number]
            if not ids:
                raise terminal.Refused(f"lesson {number} shows no row of the ledger")
        tasks, found = recomputing.plan(ids)
        with terminal.Progress([task.lesson for task in tasks]) as progress:
            for task in tasks:
                found += recomputing.recompute(task, full=full, on_cell=progress.cell)
        order = list(dict.fromkeys(ids))
        found.sort(key=lambda each: order.index(each.row["id"]))
        _tell_recomputed(found, form)
    sys.exit(0 if all(each.ok for each in found) else 1)


def _tell_recomputed(found: list, form: str) -> None:
    """Print what came of rows that were computed again."""
    import json

    from labkit.lab.words import count
    from labkit.learn.recomputing import STATES

    if form == "json":
        click.echo(json.dumps([each.plain() for each in found], indent=1, ensure_ascii=False))
        return
    click.echo("\n\n".join(map(str, found)))
    if len(found) > 1:
        states = Counter(each.state for each in found)
        parts = [f"{state}: {states[state]}" for state in STATES if states[state]]
        click.echo(f"\n{count(len(found), 'row')}: {', '.join(parts)}")


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

    with sentences():
        report = checkup.report(available(), full=full)
        click.echo(str(report))
    sys.exit(0 if report.ok else 1)


@main.command()
@click.argument("model")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another one needs a token.")
@click.option("--port", default=8000, type=_PORT, show_default=True, help="0 takes a free one.")
@click.option("--name", default="model", show_default=True, help="The model's, in its address.")
@click.option("--max-batch", default=32, show_default=True, help="Rows that a batch may have.")
@click.option("--max-wait", default=0.0, show_default=True, help="Milliseconds to wait for more.")
@click.option("--queue-limit", default=1000, show_default=True, help="Requests that may wait.")
@click.option(
    "--clients", metavar="FILE", help="Who may ask: lines of NAME ROLE SHA256; read once."
)
@click.option(
    "--rate",
    default=float("inf"),
    show_default="any number",
    help="Requests a second of each client.",
)
@click.option("--burst", default=20, show_default=True, help="Requests of each client at once.")
@click.option("--audit", metavar="FILE", help="Log of who did what, each line bound to the last.")
def serve(model, host, port, max_wait, clients, **settings) -> None:
    """Serve a model over HTTP, until Ctrl-C.

    MODEL is an .onnx or .keras file, an .npz file with the arrays W, b, W, b, ... of a dense
    network, or emulated:A+C: a stand-in that answers a batch of b after A + C b milliseconds.

    Requests that come while the model computes wait, and are computed together: --max-batch at
    most. Where --queue-limit of them wait already, the next one is answered 503: try again later.
    It speaks the open inference protocol, version 2, and measures itself under /metrics.

    Ctrl-C drains: what was accepted is still answered. With LABKIT_TOKEN in the environment each
    request must show that token.

    With --clients each has a token and a role: read (description, measurements), predict (answers
    of the model, too) or admin (the state of the audit log, too). The file holds the hashes of the
    tokens, and so gives none away. Beyond --rate a client is answered 429: try again later. The
    --audit log says who asked for what and when, and never what was sent; GET /v2/audit tells
    its length and last hash: kept elsewhere, they show whether lines were changed or cut off.

    \b
    A token for a client named ward, and its line in clients.txt:
      TOKEN=$(openssl rand -hex 16); echo $TOKEN
      echo "ward predict $(printf %s $TOKEN | sha256sum | cut -c 1-64)" >> clients.txt

    \b
    Examples:
      labkit serve emulated:50+2                      a slow stand-in on port 8000
      labkit serve small.onnx --port 0 --max-batch 8  a model of yours, on a free port
      labkit serve emulated:50+2 --queue-limit 5      see what overload looks like
      curl http://127.0.0.1:8000/v2/health/ready      is it there?
      export LABKIT_TOKEN=$(openssl rand -hex 16)     then --host 0.0.0.0 is allowed
      labkit serve small.onnx --clients clients.txt --rate 5 --audit audit.jsonl
    """  # noqa: D301
    from labkit.datacenter.security.access import read_clients
    from labkit.datacenter.serving.command import serve_here
    from labkit.datacenter.serving.settings import Settings

    with sentences((OSError, ValueError, ImportError), "Stopped before it served."):
        token = os.environ.get("LABKIT_TOKEN") or None
        known = () if clients is None else tuple(read_clients(clients))
        how = Settings(token=token, clients=known, max_wait=max_wait / 1e3, **settings)
        counts = serve_here(model, host, port, how, click.echo)
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        click.echo(told or "No request came.")


@main.command()
@click.option("--field", default="vision", show_default=True, help="One of six: see above.")
@click.option(
    "--trap",
    is_flag=False,
    flag_value="own",
    help="own, or copies, groups, order, future, prevalence, neighbors. Alone: own.",
)
@click.option("--ignore", is_flag=True, help="Go on as if the checks had found nothing.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of rows, split and weights.",
)
@click.option("--http", "over_http", is_flag=True, help="Serve by a real server process.")
def pipeline(field, trap, ignore, seed, over_http) -> None:
    """Run a model's whole life in one of six fields, stage by stage.

    FIELD is vision, language, speech, medicine, recommendation or operations. The same eleven
    stages run in each: collect, check, clean, split, features, train, evaluate, export, serve,
    monitor, roll back.

    --trap plants what makes a score better than it is: own is the trap that the field sets by
    itself. The checks find it, and what they found is mended, as far as it can be: in operations
    the traps of other fields lose the time of each row. With --ignore nothing is mended: then
    compare what "evaluate" promises with what "monitor" sees. Data of recommendation and
    operations are generated, all others ship with packages. --http needs the extra serve.

    \b
    Examples:
      labkit pipeline --field speech                        a field without a trap
      labkit pipeline --field speech --trap --ignore        promised, and not kept
      labkit pipeline --field speech --trap                 found, mended, kept
      labkit pipeline --field vision --trap neighbors       images of a film
    """  # noqa: D301
    from labkit.datacenter.lifecycle import stages
    from labkit.datacenter.serving.served import missing

    told = "Stopped, and nothing is left."
    with sentences((ValueError, ImportError), told), terminal.stopped_by_signals():
        if over_http and missing():
            raise ModuleNotFoundError(missing())
        outcome = stages.run(field, trap, not ignore, seed, over_http)
        longest = max(map(len, outcome.told))
        for stage, told in outcome.told.items():
            start, below = f"{stage:<{longest}}  ", " " * (longest + 2)
            lines = click.wrap_text(told, min(100, terminal.width()), start, below)
            click.echo(terminal.bold(stage) + lines.removeprefix(stage))


@main.command()
@click.argument("log")
@click.option("--lines", type=click.IntRange(0), help="How many there were, as /v2/audit said.")
@click.option("--head", help="Hash of the last of them, as /v2/audit said.")
def audit(log, lines, head) -> None:
    """Check a log of `labkit serve --audit`.

    Each line holds the hash of the one before, so a line that was changed, put in or taken out is
    found. Lines cut off at the end, and a log that is all new, are found only with --lines and
    --head, from an answer of GET /v2/audit that was kept elsewhere. Exit status 1: forged.

    \b
    Examples:
      labkit audit audit.jsonl
      labkit audit audit.jsonl --lines 120 --head 5f2c...   since this answer nothing was changed
    """  # noqa: D301
    from labkit.datacenter.security.audit import verify

    if (lines is None) != (head is None):
        raise click.UsageError("give --lines and --head together: both are in one answer")
    with sentences((OSError,)):
        found = verify(log, lines, head or "")
        click.echo(f"{found} lines, each follows from the one before.")


@main.command()
@click.option("--from", "folder", metavar="DIR", help="Results folder. Default: runs/")
def measure(folder) -> None:
    """Refresh notebooks/measured.csv: what each lesson took here.

    For authors of lessons, after `make lab` on a machine with nothing else to do. Of each lesson
    the latest finished run with its default parameters counts.

    \b
    Examples:
      labkit measure
    """  # noqa: D301
    from labkit.lab.measured import calibration, write_measured
    from labkit.lab.records.reading import read_records

    with sentences():
        for line in terminal.table(write_measured(read_records(folder), calibration())):
            click.echo(line)


@main.group()
def translate() -> None:
    """Translate the lessons and keep translations up to date.

    For translators. A file of `locale/zh` holds the translations of one notebook: 01.po those of
    lesson 01, index.po and glossary.po those of the index and the glossary; exercises.po, learn.po,
    explore.po, lab.po and javascript.po those of what the lab itself says. The English stays the
    source: what it changes is marked fuzzy, and shown in English until somebody has looked at it.
    docs/translate.md says how to work.

    \b
    Examples:
      labkit translate todo 01 > todo.txt     what is to be translated in lesson 01
      labkit translate fill 01 done.txt       the same file with Chinese in the English's place
      labkit translate check                  does all of it still fit the English?
      labkit translate build /tmp/zh          the notebooks in Chinese
    """  # noqa: D301


@translate.command("update")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def translate_update(names) -> None:
    """Bring files of translations up to date with the English.

    NAME is a lesson, index or glossary; without one, all files that there are. Translations are
    carried over. That of a changed text is marked fuzzy, with the English that it was made from.

    \b
    Examples:
      labkit translate update 01     after a change of lesson 01
      labkit translate update        all that there are
    """  # noqa: D301
    from labkit.lab.translation import command

    with sentences((ValueError, OSError)):
        for name in command.chosen(names):
            click.echo(command.update_file(name))


@translate.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def translate_check(names) -> None:
    """Say which translations do not fit the English.

    Formulas, links, inline code, tags, holes of f-strings, numbers and what code computes must be
    the same, and words of the glossary the glossary's. Cells whose English has changed are named.
    Exit status 1 for each of these. What is not translated yet is counted, and is no fault.

    \b
    Examples:
      labkit translate check         all that there are
      labkit translate check 01 glossary
    """  # noqa: D301
    from labkit.lab.translation import command

    with sentences((ValueError, OSError)):
        found = [command.check_file(name) for name in command.chosen(names)]
        for each in found:
            for problem in each.problems:
                click.echo(str(problem))
        for each in found:
            click.echo(str(each))
    sys.exit(1 if any(each.problems for each in found) else 0)


@translate.command("todo")
@click.argument("name")
@click.option("--all", "every", is_flag=True, help="What is translated, too, to read it again.")
@click.option(
    "--only", default="", metavar="PART", help="Cells or modules with PART in their name."
)
def translate_todo(name, every, only) -> None:
    """Print what is to be translated, as a sheet to fill in.

    The file is brought up to date first. Write the Chinese in the place of the English, below the
    line with the number; lines that begin with #! are for reading. `labkit translate fill` takes
    the sheet, or a part of it.

    \b
    Examples:
      labkit translate todo 01 > todo.txt
      labkit translate todo 01 --only idea      cells with `idea` in their name
      labkit translate todo explore --all       what is translated, too
    """  # noqa: D301
    from labkit.lab.translation import command

    with sentences((ValueError, OSError)):
        (name,) = command.chosen((name,))
        click.echo(command.todo_sheet(name, every, only), nl=False)


@translate.command("fill")
@click.argument("name")
@click.argument("sheet", type=click.File(encoding="utf-8"))
def translate_fill(name, sheet) -> None:
    """Take the translations of a filled sheet.

    SHEET is a file; - reads standard input. What `labkit translate check` would refuse is not
    taken, and its number is named with the reason; all else is. Exit status 1 if anything was
    refused.

    \b
    Examples:
      labkit translate fill 01 done.txt
      labkit translate fill 01 - < done.txt
    """  # noqa: D301
    from labkit.lab.translation import command

    with sentences((ValueError, OSError)):
        (name,) = command.chosen((name,))
        taken, refused = command.fill_file(name, sheet.read())
        for each in refused:
            click.echo(str(each))
        click.echo(f"{taken} taken, {len({each.number for each in refused})} refused")
    sys.exit(1 if refused else 0)


@translate.command("build")
@click.argument("out", type=click.Path(file_okay=False))
def translate_build(out) -> None:
    """Write all notebooks in Chinese to the folder OUT.

    What is not translated stays English, block by block. Cells keep their ids.

    \b
    Examples:
      labkit translate build /tmp/zh
    """  # noqa: D301
    from pathlib import Path

    from labkit.lab.translation import editions

    with sentences((ValueError, OSError)):
        made = editions.build(Path(out))
        click.echo(f"{len(made)} notebooks in {out}")


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

    with sentences():
        for name in names or (("mnist",) if full else ()):
            click.echo(f"Ready: {fetch(name, full=full)}", err=True)
        for found in available():
            size = f"{found.rows:,} rows"
            size += f", {found.bytes / 1e6:.1f} MB" if found.bytes else ""
            click.echo(f"{found.name:<14} {size:<28} {found.state}")
            if found.where:
                click.echo(f"    {found.where}")


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell) -> None:
    """Print what completes words in your shell.

    It completes commands, options, lessons and the names of a lesson's parameters.

    \b
    Examples:
      eval "$(labkit completion bash)"                       this terminal
      labkit completion bash >> ~/.bashrc                    every new one
      labkit completion fish > ~/.config/fish/completions/labkit.fish
    """  # noqa: D301
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)(main, {}, "labkit", "_LABKIT_COMPLETE")
    click.echo(made.source())
