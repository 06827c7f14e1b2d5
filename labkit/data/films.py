"""Films and the Oscars they won: a real table, with faults planted in its past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labkit.data.tables import film_rows

if TYPE_CHECKING:
    import pandas as pd

FROM = 2009  # the first year of the future


def load_films(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the films before `FROM`, with faults, and those from then on, as one meets them.

    The columns are title, year, runtime (minutes), critics (how many reviewed the film), liked
    (% of them), box_office (dollars), awards and won (1: it won an Oscar). `awards` counts the
    Oscars that a film was nominated for or won: before they are given it is 0 for each film, and
    so it is in the future's table.

    The planted faults: one film in ten stands in the list a second time, anywhere; one running
    time in twenty is in hours; one in twenty is missing and written as -1.

    Args:
        seed: which films get the faults.

    Returns:
        (past, future), each with its rows in a random order and a unique index.

    Raises:
        DataError: the file is missing or is not the one it should be.

    Source: Wikidata and Rotten Tomatoes, as packaged in bokeh_sampledata (CC0).

    >>> past, future = load_films()
    >>> int(past.year.max()), int(future.year.min()), int(future.awards.max())
    (2008, 2009, 0)
    """
    films = film_rows()
    numbers = films.awards.fillna("").str.findall(r"\d+")
    films["awards"] = [sum(map(int, each)) for each in numbers]
    films["won"] = films.won.astype(int)
    past, future = films[films.year < FROM], films[films.year >= FROM].assign(awards=0)
    return _with_faults(past, np.random.default_rng(seed)), future.reset_index(drop=True)


def _with_faults(films: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    import pandas as pd

    films = films.reset_index(drop=True)
    hours, lost, _ = np.split(random.permutation(len(films)), [len(films) // 20, len(films) // 10])
    films.loc[hours, "runtime"] /= 60
    films.loc[lost, "runtime"] = -1
    again = films.iloc[random.choice(len(films), len(films) // 10, replace=False)]
    both = pd.concat([films, again], ignore_index=True)
    return both.iloc[random.permutation(len(both))].reset_index(drop=True)
