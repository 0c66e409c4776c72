"""Conformance suites that the authors of plugins subclass.

A test file needs three lines; pytest collects the checks of the suite, once for every set of parameters::

    from lsncli.testing import LossSuite


    class TestGce(LossSuite):
        component = "gce"

The plugin must be installed (``uv pip install -e .``): a component is found as a recipe finds it, by its registered
name. ``lsn plugins check PACKAGE`` runs the same suites without test files, and without pytest.

There is a suite for every kind that has a behaviour of its own to check: :class:`LossSuite`,
:class:`NoiseModelSuite`, :class:`ArchitectureSuite`, :class:`BackendSuite`, :class:`DatasetSuite` and
:class:`EstimatorSuite`. :class:`ComponentSuite` checks what any record must be, and is all that there is for the
other kinds. What an author may set is in each class's docstring; what all of them share is in
:mod:`lsncli.testing.suite`. The suites need no package beside lsn; running a test file needs pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsncli.testing.architectures import ArchitectureSuite
    from lsncli.testing.backends import BackendSuite
    from lsncli.testing.datasets import DatasetSuite
    from lsncli.testing.estimators import EstimatorSuite
    from lsncli.testing.losses import LossSuite
    from lsncli.testing.noise_models import NoiseModelSuite
    from lsncli.testing.suite import ComponentSuite

_HOME = {
    "ArchitectureSuite": "lsncli.testing.architectures",
    "BackendSuite": "lsncli.testing.backends",
    "ComponentSuite": "lsncli.testing.suite",
    "DatasetSuite": "lsncli.testing.datasets",
    "EstimatorSuite": "lsncli.testing.estimators",
    "LossSuite": "lsncli.testing.losses",
    "NoiseModelSuite": "lsncli.testing.noise_models",
}

__all__ = [
    "ArchitectureSuite",
    "BackendSuite",
    "ComponentSuite",
    "DatasetSuite",
    "EstimatorSuite",
    "LossSuite",
    "NoiseModelSuite",
]


def __getattr__(name: str) -> Any:
    """Import a suite on first use (PEP 562): not every one needs torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'lsncli.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
