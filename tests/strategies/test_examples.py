"""The examples in the docstrings of strategies, selectors, stop rules and schedules run."""

import doctest

import pytest

import tts
from tts import strategies
from tts.strategies import Schedule
from tts.testing import SmallModel

PLUGINS = {name: plugin for name, plugin in vars(strategies).items() if name in strategies.__all__}
del PLUGINS[Schedule.__name__]  # the abstract form


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_shows_a_search_with_it(name):
    names = {**PLUGINS, "Search": tts.Search, "model": SmallModel()}
    (example,) = [
        test for test in doctest.DocTestFinder(recurse=False).find(PLUGINS[name], name, globs=names) if test.examples
    ]
    assert f"{name}(" in example.docstring.split("Examples:")[1]
    assert doctest.DocTestRunner().run(example, clear_globs=False).failed == 0
    assert isinstance(example.globs["search"], tts.Search)
