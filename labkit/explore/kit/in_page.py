"""Explorers in a web page with Python of its own: plain data instead of a widget's front end.

There is no kernel beside the page, and nothing that knows ipywidgets. An explorer that computes in
Python is displayed as `MIME`: its controls, picture and words as plain data, from which the page
draws it. What is turned there comes back by `call`, and the answer is the new state. An explorer
that computes in JavaScript, and a prediction, live in the page already; they get an id there, by
which `call` tells their other half in Python what changed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets as widgets

from labkit.explore.kit import state_link
from labkit.explore.kit.controls import read
from labkit.explore.kit.walking import sentence

MIME = "application/vnd.labkit.explorer+json"

_known: dict[str, widgets.Widget] = {}  # by id; all that was displayed, as ipywidgets keeps it
_from_page: set[str] = set()  # ids of those that are being changed from the page just now
_send: Callable[[dict], None] | None = None


def start(send: Callable[[dict], None] | None = None) -> None:
    """Begin to tell the page what Python changes in its explorers.

    Args:
        send: gets {"type": "changed", "id", "values"}; None: the page is not told.
    """
    global _send
    _send = send


def join(widget: widgets.Widget, names: Iterable[str] = ()) -> str:
    """Return the id by which the page knows a widget, a new one at first.

    Args:
        widget: an explorer or a prediction.
        names: of the values that the page is to be told of when Python changes them.
    """
    for id, each in _known.items():
        if each is widget:
            return id
    id = uuid.uuid4().hex[:8]
    _known[id] = widget
    if names := list(names):
        widget.observe(lambda change: _tell(id, change["name"], change["new"]), names)
    return id


def _tell(id: str, name: str, value: Any) -> None:
    if _send and id not in _from_page:
        _send({"type": "changed", "id": id, "values": {name: value}})


# --- what the page asks --------------------------------------------------------------------------


def call(text: str) -> str:
    """Do what the page asks, and return the answer; both are JSON. It never raises.

    Args:
        text: {"do": "set", "id", "values"} turns controls, {"do": "press", "id", "button"} presses
            a preset or a button, {"do": "link", "id", "text"} turns controls as the end of an
            address says, {"do": "changed", "id", "values"} tells what the page changed.

    Returns:
        the new state of an explorer that computes in Python, {} for one that does not; or
        {"id", "error": a sentence}.

    >>> call('{"do": "set", "id": "no such", "values": {}}')
    '{"id": "no such", "error": "This explorer is not there any more; run its cell again."}'
    """
    asked = json.loads(text)
    id = asked.get("id", "")
    widget = _known.get(id)
    if widget is None:
        gone = "This explorer is not there any more; run its cell again."
        return json.dumps({"id": id, "error": gone})
    try:
        return json.dumps(_done(id, widget, asked))
    except Exception as error:  # the page says it, where a notebook would show a traceback
        return json.dumps({"id": id, "error": sentence(error)})


def _done(id: str, widget: widgets.Widget, asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked["do"] == "changed":
        _take(id, widget, asked["values"])
        return {}
    if asked["do"] == "press":
        _press(widget, asked["button"])
    elif asked["do"] == "set":
        controls = widget.controls
        widget._jump({n: _value(controls[n], v) for n, v in asked["values"].items()})
    elif asked["do"] == "link":
        widget.follow(state_link.split_hash(asked["text"])[1])
    else:
        raise ValueError(f"do = {asked['do']!r}; use one of: set, press, link, changed")
    return state(widget)


def _take(id: str, widget: widgets.Widget, values: Mapping[str, Any]) -> None:
    """Set what the page changed; names that the page alone knows are left out."""
    _from_page.add(id)
    try:
        with widget.hold_trait_notifications():
            for name in set(values) & set(widget.traits(sync=True)):
                widget.set_trait(name, values[name])
    finally:
        _from_page.discard(id)


def _press(widget: widgets.Widget, label: str) -> None:
    for button in _buttons(widget):
        if button.description == label:
            for callback in button._click_handlers.callbacks:  # click() would swallow an error
                callback(button)
            return
    labels = ", ".join(button.description for button in _buttons(widget)) or "none"
    raise ValueError(f"there is no button {label!r}; there are: {labels}")


def _buttons(widget: widgets.Widget) -> Iterable[widgets.Button]:
    if isinstance(widget, widgets.Button):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _buttons(child)


# --- an explorer that computes in Python, as plain data -------------------------------------------


def bundle(explorer: Any) -> dict[str, Any]:
    """Return the forms in which a page takes an explorer that computes in Python."""
    return {MIME: state(explorer), "text/plain": explorer.text}


def state(explorer: Any) -> dict[str, Any]:
    """Return an explorer that computes in Python as plain data.

    Returns:
        id; name, of its class; controls, see `control_as_data`; presets, labels of buttons; html,
        its picture; text, its caption; texts, what its buttons copy: label -> text; hash, the end
        of a link to these settings, without the cell.
    """
    return {
        "id": join(explorer),
        "name": type(explorer).__name__,
        "controls": [control_as_data(*each) for each in explorer.controls.items()],
        "presets": [button.description for button in _buttons(explorer)],
        "html": explorer._view.value,
        "text": explorer.text,
        "texts": dict(explorer._copies.texts),
        "hash": state_link.as_hash("", explorer.params, explorer.link_rules()),
    }


def control_as_data(name: str, control: widgets.Widget) -> dict[str, Any]:
    """Return a control as plain data.

    Args:
        name: of the setting.
        control: of ipywidgets, made by `labkit.explore.kit.controls`.

    Returns:
        name; label; kind; value; readout, the value in words. A `range` has min, max, step and
        decimals. Of a `choice` (buttons), a `menu` and a `log` (a slider over stops) `options` are
        labels, and value is the index of one. A `switch` is on or off, a `text` free.

    Raises:
        TypeError: a control of another kind.

    >>> from labkit.explore.kit.controls import choice
    >>> control_as_data("loss", choice("mae", ["mse", "mae"]))["value"]
    1
    """
    found = {"name": name, "label": control.description or name.replace("_", " ")}
    if hasattr(control, "_options_values"):
        kind = "log" if isinstance(control, widgets.SelectionSlider) else "choice"
        kind = "menu" if isinstance(control, widgets.Dropdown | widgets.Select) else kind
        options = [str(label) for label in control._options_labels]
        at = {"kind": kind, "options": options, "value": control.index}
        return found | at | {"readout": options[control.index]}
    value = read(control)
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return found | {"kind": "switch", "value": value, "readout": "on" if value else "off"}
    if isinstance(control, widgets.Text | widgets.Textarea):
        return found | {"kind": "text", "value": value, "readout": value}
    if isinstance(control, widgets.IntSlider | widgets.FloatSlider):
        decimals = 0 if isinstance(value, int) else int(control.readout_format.strip(".f"))
        ends = {"min": control.min, "max": control.max, "step": control.step}
        ends |= {"kind": "range", "value": value, "decimals": decimals}
        return found | ends | {"readout": f"{value:.{decimals}f}"}
    raise TypeError(f"{name} is a {type(control).__name__}, which a page cannot show")


def _value(control: widgets.Widget, given: Any) -> Any:
    """Return what a control is to be set to: options are named by their index."""
    if not hasattr(control, "_options_values"):
        whole = isinstance(control, widgets.IntSlider) and isinstance(given, float)
        return int(given) if whole and given.is_integer() else given
    values = control._options_values
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < len(values):
        raise ValueError(f"option {given!r}; use a number from 0 to {len(values) - 1}")
    return values[given]
