"""Our operators give what the public packs' own scripts give: each case is run by both.

Nothing of them is part of this repository: set CASEMIRROR_PUBLIC_CONTENT to a checkout of the public content repository.
"""

import os
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.engine.pack_scripts import PackScripts
from casemirror.mapping import scripted
from casemirror.mapping.outside import Outside
from casemirror.mapping.value import text_of
from casemirror.model.settings import Settings
from casemirror.runtime.pool import ProcessRuntime
from support import cases

CONTENT = os.environ.get("CASEMIRROR_PUBLIC_CONTENT", "")
PACKS = ["CommonScripts", "FiltersAndTransformers"]
MODULES = [import_module(f"support.cases.{found.name}") for found in pkgutil.iter_modules(cases.__path__)]
TRANSFORMED = [case for module in MODULES for case in getattr(module, "TRANSFORMED", ())]
FILTERED = [case for module in MODULES for case in getattr(module, "FILTERED", ())]

pytestmark = pytest.mark.skipif(
    not CONTENT, reason="CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content repository"
)


@pytest.fixture(scope="module")
def catalog():
    return Catalog.of(item for name in PACKS for item in load(Path(CONTENT) / "Packs" / name)[0].items)


@pytest.fixture(scope="module")
def outside(catalog, tmp_path_factory):
    runtime = ProcessRuntime(tmp_path_factory.mktemp("work"))
    yield Outside(scripts=PackScripts(runtime, catalog, Settings.from_stored({})[0]))
    runtime.close()


def needs_script(catalog, operator):
    found = catalog.script(operator)
    if found is None or found.language != "python" or found.subtype == "python2":
        pytest.skip(f"{operator} is no Python 3 script of {', '.join(PACKS)}")
    if "netaddr" in found.source:
        pytest.importorskip("netaddr", reason=f"{operator} needs the package netaddr")


@pytest.mark.parametrize(("operator", "value", "args", "expected"), TRANSFORMED)
def test_transformers_agree(operator, value, args, expected, catalog, outside):
    """content.md §4.2."""
    needs_script(catalog, operator)
    assert text_of(scripted.transform(outside, operator, value, args)) == text_of(expected)


@pytest.mark.parametrize(("operator", "left", "right", "passes"), FILTERED)
def test_filters_agree(operator, left, right, passes, catalog, outside):
    """content.md §4.3."""
    needs_script(catalog, operator)
    assert scripted.passes(outside, operator, left, right) is passes
