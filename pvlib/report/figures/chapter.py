"""A chapter's studies side by side, and how its figures reach the page."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ...checksums import SUMS
from .. import tables
from ..answers.summary import Summary
from ..guard import guard
from .book_figure import BookFigure, Missing
from .markup import Markup, link, pipe_table, tabs
from .style import svg
from .view import ORDER, View


@dataclass
class Chapter:
    """What one notebook shows.

    Parameters
    ----------
    number
        Of the chapter; figures are numbered `number.1`, `number.2`, ...
    studies
        Names, separated by commas. One that is not published is said to be missing, in words.
    results_dir, fresh_dir
        Folders of published studies; a study found in `fresh_dir` (made by this build) is read from there.
    commit
        Of the code that runs: for figures that are measured live.
    tables_dir
        Where the table of every figure is written, as CSV.
    """

    number: int
    studies: str = "digits,quick"
    results_dir: str | Path = "../results"
    fresh_dir: str | Path = "../build/results"
    commit: str = "unknown"
    tables_dir: str | Path = "../book/_generated/tables"
    missing: list[str] = field(default_factory=list, init=False)
    _shown: int = field(default=0, init=False)

    def _folder(self, study: str) -> Path | None:
        """The folder of folders that holds this study."""
        return next((Path(f) for f in (self.fresh_dir, self.results_dir) if (Path(f) / study / SUMS).is_file()), None)

    @cached_property
    def published(self) -> list[tables.Study]:
        """The studies that are there."""
        found = []
        for name in filter(None, (part.strip() for part in self.studies.split(","))):
            if (folder := self._folder(name)) is None:
                self.missing.append(name)
            else:
                found.append(tables.load(name, results_dir=folder))
        return found

    @cached_property
    def summary(self) -> Summary:
        """The answers of version 2 over these studies."""
        return Summary(self.published)

    @cached_property
    def every_view(self) -> list[View]:
        """Every data set of every study, the paper's data sets first."""
        found = [View(one, dataset) for one in self.summary.judgings for dataset in one.study.runs["dataset"].unique()]
        return sorted(found, key=lambda view: ORDER.index(view.dataset) if view.dataset in ORDER else len(ORDER))

    @cached_property
    def views(self) -> list[View]:
        """Each data set once, by the study that answers for it (where none does, by all that have it)."""
        chosen = {dataset: self.summary.of(dataset) for dataset in {view.dataset for view in self.every_view}}
        return [view for view in self.every_view if chosen[view.dataset] in (view.judging, None)]

    @cached_property
    def whole(self) -> bool:
        """Whether all data sets of the paper are shown: only then are sentences about them checked.

        Raises
        ------
        UntrueSentence
            They are shown, but some have too few networks that reached their floor: no sentence must pass unchecked.
        """
        wanted = list(self.summary.claims.datasets)
        if not set(wanted) <= {view.dataset for view in self.every_view}:
            return False
        guard(self.summary.datasets == wanted, "all data sets of the paper have networks that reached their floor")
        return True

    def view(self, study: str, dataset: str | None = None) -> View:
        """One data set of one study (of the same name, unless said otherwise), also where the chapter shows others.

        Raises
        ------
        FileNotFoundError
            The study is not published.
        """
        if (folder := self._folder(study)) is None:
            raise FileNotFoundError(
                2, f"the study {study!r} is not published in {self.fresh_dir} or {self.results_dir}"
            )
        return View(Summary([tables.load(study, results_dir=folder)]).judgings[0], dataset or study)

    def shown(self) -> Markup:
        """Which studies this chapter shows, in words."""
        said = []
        for study in self.published:
            note = study.provenance
            titles = [view.title for view in self.every_view if view.study.name == study.name]
            said.append(f"**{study.name}** ({', '.join(titles)}; {note['runs']} of {note['planned']} runs)")
        text = (
            f"Studies shown: {'; '.join(said)}."
            if said
            else "No study is published yet, so this chapter has no figures."
        )
        if self.missing:
            text += f" Not published yet: {', '.join(self.missing)}."
        return Markup.of_text(text)

    def per_dataset(
        self, name: str, draw: Callable[..., BookFigure | Missing], *, views: list[View] | None = None, **options
    ) -> Markup:
        """The figure `draw(view, **options)` of every view, as tabs, each with its table, command and commit."""
        heading = self._next()
        drawn = [(view, draw(view, **options)) for view in (self.views if views is None else views)]
        figures = [(view, figure) for view, figure in drawn if isinstance(figure, BookFigure)]
        shown = {view.dataset for view, _ in figures}  # another study may have what this one lacks
        reasons = [
            f"{view.title} ({figure.reason})"
            for view, figure in drawn
            if isinstance(figure, Missing) and view.dataset not in shown
        ]
        parts = [
            self._part(
                f"{self.number:02d}-{name}-{view.name}", figure, self._origin([view.study]), f"{heading}, {view.title}."
            )
            for view, figure in figures
        ]
        return tabs(self._labels([view for view, _ in figures]), parts, _not_shown(heading, reasons))

    def figure(self, name: str, figure: BookFigure | Missing, *, origin: str | None = None) -> Markup:
        """One figure over all studies that are shown, or of another `origin`."""
        heading = self._next()
        if isinstance(figure, Missing):
            return Markup.of_text(f"*{heading} is not shown: {figure.reason}.*")
        return self._part(f"{self.number:02d}-{name}", figure, origin or self._origin(self.published), f"{heading}.")

    def live(self, name: str, figure: BookFigure | Missing) -> Markup:
        """One figure that was measured in the notebook."""
        origin = f"measured live when this page was made, `make book` at commit `{self.commit}`"
        return self.figure(name, figure, origin=origin)

    def table_per_dataset(self, make: Callable[[View], pd.DataFrame], *, views: list[View] | None = None) -> Markup:
        """A table of every view, as tabs."""
        made = [(view, make(view)) for view in (self.views if views is None else views)]
        made = [(view, table) for view, table in made if len(table)]
        return tabs(self._labels([view for view, _ in made]), [pipe_table(table) for _, table in made], "")

    def _next(self) -> str:
        self._shown += 1
        return f"Figure {self.number}.{self._shown}"

    def _labels(self, views: list[View]) -> list[str]:
        """Tab labels; the study is named where a data set comes in two."""
        names = [view.dataset for view in views]
        return [v.title + (f" ({v.study.name})" if names.count(v.dataset) > 1 else "") for v in views]

    def _origin(self, studies: list) -> str:
        return "; ".join(f"made by `{s.provenance['command']}` at commit `{s.provenance['commit']}`" for s in studies)

    def _part(self, name: str, figure: BookFigure, origin: str, heading: str) -> Markup:
        path = Path(self.tables_dir) / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        words = f"<figcaption><strong>{heading}</strong> {html.escape(figure.caption, quote=False)}</figcaption>"
        page, jupyter = (f'<figure class="pv-figure">{picture}{words}</figure>' for picture in _pictures(name, figure))
        return Markup(f"{page}\n", jupyter) + link("Table (CSV)", path) + Markup.of_text(f" · {origin}\n")


def _pictures(name: str, figure: BookFigure) -> tuple[str, str]:
    """The picture for the book's page and for Jupyter."""
    if isinstance(figure.figure, Figure):
        return (svg(figure.figure, name=f"fig-{name}", alt=figure.alt),) * 2
    return figure.figure.pages(f"fig-{name}", figure.alt)


def _not_shown(heading: str, reasons: list[str]) -> str:
    return f"{heading} is not shown for {'; '.join(dict.fromkeys(reasons))}." if reasons else ""
