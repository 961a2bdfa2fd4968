"""The page "Try your own features": its modules become one script, because a page opened from a disk may load no module.

Each module of `_try` is wrapped as it is in a function that gives what it exports, in the order in which they need each other.
The worker's part, with the vendored readers before it, is the body of a function: the page turns that function into text and starts
the worker from it, so that the worker's code, too, is to be read in the built script.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path

IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}(?:/\w+)?)/(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
READERS = ("fflate/fflate.js", "papaparse/papaparse.min.js")


def setup(app):
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app, error) -> None:
    if error is None and app.builder.format == "html" and "try" in app.env.found_docs:
        write(Path(app.srcdir), Path(app.outdir) / "_static" / "try")


def write(book: Path, to: Path) -> None:
    """Everything that the page loads, and the example files as they are, for those who want to see what is asked for."""
    shutil.copytree(book / "_try" / "examples", to, dirs_exist_ok=True)
    shutil.copyfile(book / "_try" / "try.css", to / "try.css")
    (to / "try.js").write_text(script(book))
    files = sorted((book / "_try" / "examples").iterdir())
    encoded = {path.name: base64.b64encode(path.read_bytes()).decode("ascii") for path in files}
    (to / "examples.js").write_text(f"window.pvTryExamples = {json.dumps(encoded, indent=1)};\n")


def script(book: Path) -> str:
    """The page's script, with the worker's inside."""
    readers = "\n".join((book / "_vendor" / name).read_text() for name in READERS)
    worker, page = (bundle(book / "_try", name) for name in ("worker", "page"))
    return f"""\
(() => {{
function work() {{
self.pvTrySource = `(${{work}})()`; // for workers of its own
{readers}
{worker}
}}
{page}
const base = new URL("..", document.currentScript.src).href;
window.pvTry = modules.page.start({{ workerSource: `(${{work}})()`, base }});
}})();
"""


def bundle(folder: Path, entry: str) -> str:
    """A module and all that it imports, those first that import nothing."""
    done: dict[Path, str] = {}

    def add(path: Path) -> None:
        if path in done:
            return
        text = path.read_text()
        for _, where, other in IMPORT.findall(text):
            add((path.parent / where / f"{other}.js").resolve())
        if any(path.stem == other.stem for other in done):
            raise ValueError(f"{path.name}: another module of this script has the same name")
        exported = ", ".join(EXPORT.findall(text))
        text = IMPORT.sub(lambda found: f"const {{{found[1].replace(' as ', ': ')}}} = modules.{found[3]};\n", text)
        text = EXPORT.sub("", text)
        if re.search(r"^(import|export) ", text, re.MULTILINE):
            raise ValueError(
                f"{path.name}: only `import {{ names }} from` and `export function | class | const` are understood"
            )
        done[path] = f'modules.{path.stem} = (() => {{\n"use strict";\n{text}\nreturn {{ {exported} }};\n}})();\n'

    add((folder / f"{entry}.js").resolve())
    return "const modules = {};\n" + "".join(done.values())
