"""How runs end, in words: the same in the notebook and in the record."""

from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from labkit.lab.runs.watch import Watch


def ending(watch: Watch, error: BaseException) -> tuple[str, str]:
    """Return kind and cause of what ended a run before its last cell.

    >>> ending(Watch(), KeyboardInterrupt())
    ('interrupted', 'stopped by Ctrl-C')
    """
    if isinstance(error, CellExecutionError):
        return "cell error", f"{error.ename}: {error.evalue}" if error.evalue else error.ename
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by Ctrl-C"
    if isinstance(error, CellTimeoutError):
        return "timeout", str(error).splitlines()[0]
    if isinstance(error, DeadKernelError):
        return _killed(watch)
    return "runner error", f"{type(error).__name__}: {error}"


def quitting(reply: dict[str, Any]) -> tuple[str, str] | None:
    """Return name and value of the error of a cell that called quit(): its kernel ends soon.

    Args:
        reply: the kernel's, after the cell.

    >>> quitting({"payload": [{"source": "ask_exit"}]})
    ('SystemExit', 'quit() ended the lesson before its last cell')
    """
    if any(payload.get("source") == "ask_exit" for payload in reply.get("payload", [])):
        return "SystemExit", "quit() ended the lesson before its last cell"
    return None


def hidden_error(reply: dict[str, Any], shown: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Return name and value of an error that neither the kernel nor papermill counts, or None.

    Args:
        reply: the kernel's, after the cell.
        shown: (name, value) of each error that was displayed while the cell ran.

    >>> hidden_error({"status": "ok"}, [("ValueError", "no data")])
    ('ValueError', 'no data (raised in a callback, which hid it)')
    """
    if reply.get("ename") == "SystemExit":
        code = reply["evalue"] or "0"
        return "SystemExit", f"{code} (sys.exit() ended the lesson before its last cell)"
    if reply.get("ename") == "NoneType" and shown:  # raised where the result is made into a figure
        return shown[-1]
    if reply["status"] == "ok" and shown:
        name, value = shown[0]
        return name, f"{value} (raised in a callback, which hid it)"
    return None


def _killed(watch: Watch) -> tuple[str, str]:
    """Return kind and cause of a kernel that is gone: the engine ended it, or something else."""
    peak = f"its peak was {watch.peak_memory / 1e6:.0f} MB"
    match watch.cause:
        case "timeout":
            return "timeout", f"not done within {watch.timeout:g} s"
        case "memory":
            return "memory", f"more than {watch.memory / 1e6:g} MB of memory ({peak})"
        case "output":
            size = f"{watch.output / 1e6:g} MB of output (of figures, {watch.output / 1e5:g} MB)"
            return "output", f"more than {size}; LABKIT_OUTPUT=500MB would allow 500 MB"
        case "stopped":
            return "interrupted", "stopped before its end"
    cause = "the kernel died: killed, crashed in native code, or out of memory"
    return "killed kernel", f"{cause} ({peak})"
