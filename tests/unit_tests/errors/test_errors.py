"""The tree of errors."""

from __future__ import annotations

import copy
import pickle

import pytest
from langchain_core import exceptions as core

from langchain_onlysq.errors import (
    OnlySqAPIError,
    OnlySqAuthenticationError,
    OnlySqConnectionError,
    OnlySqContextOverflowError,
    OnlySqEmptyResponseError,
    OnlySqError,
    OnlySqInvalidRequestError,
    OnlySqNotFoundError,
    OnlySqPermissionDeniedError,
    OnlySqRateLimitError,
    OnlySqResponseError,
    OnlySqStreamError,
    OnlySqTimeoutError,
)

PARENTS: dict[type[OnlySqError], tuple[type[Exception], bool]] = {
    OnlySqAuthenticationError: (core.ModelAuthenticationError, False),
    OnlySqPermissionDeniedError: (core.ModelPermissionDeniedError, False),
    OnlySqInvalidRequestError: (core.ModelInvalidRequestError, False),
    OnlySqContextOverflowError: (core.ContextOverflowError, False),
    OnlySqNotFoundError: (core.ModelNotFoundError, False),
    OnlySqRateLimitError: (core.ModelRateLimitError, True),
    OnlySqAPIError: (core.ModelAPIError, True),
    OnlySqResponseError: (core.ModelAPIError, True),
    OnlySqEmptyResponseError: (core.ModelAPIError, True),
    OnlySqConnectionError: (core.ModelConnectionError, True),
    OnlySqStreamError: (core.ModelConnectionError, True),
    OnlySqTimeoutError: (core.ModelTimeoutError, True),
}
class_table = pytest.mark.parametrize("error_class", PARENTS, ids=lambda c: c.__name__)


class TestClasses:
    @class_table
    def test_every_error_is_ours_and_langchains(self, error_class: type[OnlySqError]) -> None:
        parent, _ = PARENTS[error_class]
        assert issubclass(error_class, OnlySqError)
        assert issubclass(error_class, parent)
        assert issubclass(error_class, core.ModelError)

    @class_table
    def test_what_a_second_attempt_may_mend_is_retryable(
        self, error_class: type[OnlySqError]
    ) -> None:
        assert error_class("x").is_retryable is PARENTS[error_class][1]

    @pytest.mark.parametrize(
        ("error_class", "parent"),
        [
            (OnlySqContextOverflowError, OnlySqInvalidRequestError),
            (OnlySqResponseError, OnlySqAPIError),
            (OnlySqEmptyResponseError, OnlySqResponseError),
            (OnlySqStreamError, OnlySqConnectionError),
        ],
    )
    def test_some_are_special_cases_of_others(
        self, error_class: type[OnlySqError], parent: type[OnlySqError]
    ) -> None:
        assert issubclass(error_class, parent)

    def test_ours_come_before_langchains_in_the_order_of_bases(self) -> None:
        for error_class, (parent, _) in PARENTS.items():
            order = error_class.__mro__
            assert order.index(OnlySqError) < order.index(parent) < order.index(core.ModelError)

    @pytest.mark.parametrize("error_class", [OnlySqError, *PARENTS], ids=lambda c: c.__name__)
    def test_errors_survive_pickling_and_copying(self, error_class: type[OnlySqError]) -> None:
        error = error_class(
            "what happened",
            status_code=429,
            code="slow",
            body="{}",
            retry_after=1.5,
            model="gpt-4o-mini",
        )
        error.add_note("attempts: 3")
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
            assert type(again) is error_class
            assert str(again) == "what happened"
            assert vars(again) == vars(error)
            assert again.is_retryable == error.is_retryable

    def test_what_is_not_known_is_none(self) -> None:
        error = OnlySqError("x")
        assert [error.status_code, error.code, error.body, error.retry_after, error.model] == [
            None
        ] * 5
        assert str(OnlySqError()) == ""
