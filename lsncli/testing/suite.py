"""What all conformance suites share: the component under test, its parameters, and what any record must be.

A subclass sets class attributes:

``component``
    The registered name. Required.
``variants``
    The sets of parameters to check with, as a recipe would give them: ``[{}, {"q": 0.3}]``. Without it they come
    from the parameters' model: its defaults, and the examples of its fields (``Field(0.7, examples=[0.1, 1.0])``;
    a required field needs one) or of the whole model
    (``model_config = ConfigDict(json_schema_extra={"examples": [{"alpha": 0.2}, {"transition": "true"}]})``).
    Where a value depends on the number of classes, it is for ``num_classes`` classes, which is 4.
``exempt``
    Checks that do not fit the component, each with the reason, by the name of the method without ``test_``:
    ``{"gradients": "the targets are detached (equation 4)"}``. They are reported as skipped.

A component that must be told such things names its suite in its record
(``LossInfo(…, suite="lsn_elr.conformance:ElrSuite")``), so that ``lsn plugins check`` runs it as well.

Checks are the methods ``test_…``; one with an argument ``variant`` runs for every set of parameters. A subclass may
add its own, and overrides the other methods to hand over data of its own (a data set's labels, images, …).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

from pydantic import BaseModel

from lsncli.components import CheckContext, ComponentInfo
from lsncli.errors import LsnError
from lsncli.parameters import NoParams, check_defaults, validate
from lsncli.plain_params import plain_params
from lsncli.registry import Plugin, Registered, registry
from lsncli.testing.expectations import expect, skip
from lsncli.testing.import_cost import heavy_imports
from lsncli.testing.variants import Variant, shown, variants_of


class ComponentSuite:
    """Checks that hold for a component of any kind; the base of every other suite.

    kind: set by each suite; a subclass of this one sets it itself (``"optimizer"``, ``"schedule"``, …).
    """

    kind: ClassVar[str] = ""
    component: ClassVar[str] = ""
    variants: ClassVar[Sequence[Variant] | None] = None
    exempt: ClassVar[Mapping[str, str]] = {}
    num_classes: ClassVar[int] = 4

    # -- what pytest calls -----------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run a check with an argument ``variant`` for every set of parameters."""
        if "variant" in metafunc.fixturenames:
            try:
                found = self.parameter_sets()
            except LsnError:
                found = []  # the checks without parameters say what is wrong; these are skipped
            metafunc.parametrize("variant", found, ids=[shown(variant) for variant in found])

    def setup_method(self, method: Any) -> None:
        """Skip what the component is exempt from; without a component there is nothing to test."""
        self.begin(method.__name__)

    # -- the component ---------------------------------------------------------------------------------

    def begin(self, method: str) -> None:
        """Called before the check ``method``: skips what the component is exempt from."""
        name = method.removeprefix("test_")
        if name in self.exempt:
            skip(f"exempt: {self.exempt[name]}")

    @property
    def registered(self) -> Registered:
        """The component and its plugin; :class:`LsnError` where it is not registered."""
        cls = type(self)
        if not cls.component or not cls.kind:
            raise LsnError(f"{cls.__name__} does not say which component it tests", next='component = "NAME"')
        try:
            return registry().find(cls.kind, cls.component)
        except LsnError as error:
            install = "is the plugin installed in this environment? uv pip install -e ."
            raise LsnError(
                error.what, valid=error.valid, next="; ".join(part for part in (error.next, install) if part)
            ) from None

    @property
    def info(self) -> Any:
        """The component's record."""
        return self.registered.info

    def parameter_sets(self) -> list[Variant]:
        """The sets of parameters to check with; empty where a required one has no example."""
        if self.variants is not None:
            return list(self.variants)
        return variants_of(self.info.params)[0]

    def params(self, variant: Variant) -> BaseModel:
        """The parameters of a variant, validated as those of a recipe are."""
        model = self.info.params or NoParams
        return validate(model, variant, where=type(self).__name__, subject=f"{self.kind} {self.component!r}")

    def check_context(self) -> CheckContext:
        """What the record's ``check`` is told of the run; override where it asks for a certain data set."""
        return CheckContext(
            dataset="conformance",
            num_classes=self.num_classes,
            noise="none",
            has_transition=True,
            class_names=tuple(f"class-{i}" for i in range(self.num_classes)),
            has_estimate=True,
        )

    # -- checks of the record --------------------------------------------------------------------------

    def test_name(self) -> None:
        """Lower case, words joined by hyphens, as recipes call it; and nobody else has it."""
        expect(
            re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.info.name) is not None,
            f"the name {self.info.name!r} is not lower-case words joined by hyphens",
        )

    def test_record(self) -> None:
        """A summary of one line; a revision from 1 up; a set of needs."""
        info: ComponentInfo = self.info
        expect(bool(info.summary.strip()), "the record has no summary")
        expect(len(info.summary.splitlines()) == 1, "the summary has more than one line")
        expect(
            isinstance(info.revision, int) and info.revision >= 1, f"revision {info.revision!r} is not 1, 2, 3 …"
        )
        expect(
            isinstance(info.needs, frozenset) and all(isinstance(need, str) for need in info.needs),
            f"needs must be a frozenset of strings, not {info.needs!r}",
        )

    def test_parameters(self) -> None:
        """The model's defaults validate, unknown names are refused, every field says what it means."""
        model = self.info.params
        if self.variants is None:
            _, missing = variants_of(model)
            expect(missing is None, f"{missing}, or give the suite variants = [{{…}}]")
        if model is None:
            return
        check_defaults(model, f"{self.kind} {self.component!r}")
        silent = [name for name, field in model.model_fields.items() if not field.description]
        expect(not silent, f"no description of {', '.join(silent)}: Field(description=…) is what users read")
        expect(
            model.model_config.get("extra") == "forbid",
            "unknown parameters are not refused: derive the model from lsncli.Params",
        )

    def test_variants_are_accepted(self, variant: Variant) -> None:
        """The parameters validate, survive the way through JSON into a run's key, and pass ``check``."""
        params = self.params(variant)
        dumped = plain_params(params)
        again = self.params(dumped)
        expect(again == params, f"the parameters {dumped} come back from JSON as {again!r}, not as {params!r}")
        if self.info.check is not None:
            self.info.check(params, self.check_context())

    def test_import_cost(self) -> None:
        """Importing the plugin's module and registering imports nothing slow: every command pays for it."""
        plugin = self.registered.plugin
        heavy = heavy_imports(plugin_module(plugin), plugin_object(plugin))
        expect(
            not heavy,
            f"registering imports {', '.join(sorted(heavy))}: import it inside the builder, so that"
            " lsn --help stays quick",
        )


def plugin_module(plugin: Plugin) -> str:
    """The name of the module that holds a plugin's hooks; of a class or another object, that of its class."""
    loaded = _loaded(plugin)
    return str(loaded.__name__ if isinstance(loaded, ModuleType) else loaded.__module__)


def plugin_object(plugin: Plugin) -> str:
    """What in that module has the hooks: the name of a class or another object; empty for the module itself.

    Empty, too, where no name of the module is that object's.
    """
    loaded = _loaded(plugin)
    if isinstance(loaded, type):
        return loaded.__qualname__
    names = vars(sys.modules[plugin_module(plugin)]).items()
    return next((name for name, value in names if value is loaded), "")


def _loaded(plugin: Plugin) -> Any:
    return registry().manager.get_plugin(plugin.full_name)
