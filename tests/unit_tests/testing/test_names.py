"""The public names of the testing module, and the examples in its docstrings."""

from __future__ import annotations

import doctest
import runpy
import sys
import types

import pytest

from langchain_onlysq import testing
from langchain_onlysq.testing import bodies, chunk, replies, schemas
from langchain_onlysq.testing import server as server_module


class TestImports:
    def test_a_missing_h11_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "h11", None)
        with pytest.raises(ImportError, match=r"langchain-onlysq\[testing\]"):
            runpy.run_path(str(server_module.__file__))

    def test_other_names_are_unknown(self) -> None:
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = testing.no_such_name

    def test_every_public_name_exists(self) -> None:
        assert all(getattr(testing, name) for name in testing.__all__)

    @pytest.mark.parametrize("module", [bodies, replies, schemas], ids=lambda m: m.__name__)
    def test_the_examples_hold(self, module: types.ModuleType) -> None:
        result = doctest.testmod(module, extraglobs={"chunk": chunk})
        assert result.attempted > 0
        assert result.failed == 0
