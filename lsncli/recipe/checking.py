"""Finds the components that a recipe names, validates their parameters and lets them check the combination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from lsncli.components import CheckContext, ComponentInfo, LossInfo, NoiseContext
from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import NoParams, explain, parameter_names, validate
from lsncli.plain_params import plain_params
from lsncli.plan import ComponentSpec
from lsncli.recipe.homes import did_you_mean, home_hint, homes_of, parameters_of
from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.schema import ComponentSection, DataSection
from lsncli.recipe.unknown_keys import name_instead
from lsncli.registry import Registry

SectionT = TypeVar("SectionT", bound=BaseModel)

#: Number of classes and their names; None and empty where they are not known.
Classes = tuple[int | None, tuple[str, ...]]


class ComponentChecker:
    """The components of one recipe; each combination of name and parameters is validated once."""

    def __init__(
        self,
        loaded: LoadedRecipe,
        classes: Callable[[str], Classes],
        true_labels: Callable[[str], bool],
        train_size: Callable[[str], int | None],
        components: Registry,
    ) -> None:
        self.loaded = loaded
        self.true_labels = true_labels
        self.train_size = train_size
        self._known_classes = classes
        self.components = components
        self._validated: dict[str, tuple[ComponentSpec, BaseModel]] = {}
        self._transitions: dict[str, npt.NDArray[np.float64] | None] = {}

    def section(self, model: type[SectionT], raw: Any, key: str) -> SectionT:
        """One section of the recipe, ``key``, as its model."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False)
            first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
            place = ".".join([key, *(str(part) for part in first["loc"])])
            unknown = first["type"] == "extra_forbidden"
            where = self.loaded.source.place(place)
            homes = home_hint(place, self.loaded.recipe.model_dump(), self.components) if unknown else None
            raise LsnError(
                f"unknown recipe key {place!r}" if unknown else f"{key}: {explain(error)}",
                where=where,
                valid=model.model_fields if unknown else None,
                next=homes or name_instead(first, key, model.model_fields, where),
            ) from None

    def prepared(self, data: DataSection) -> ComponentSpec:
        """A data set that was prepared from files: it has no parameters, and is checked when it is loaded."""
        if data.params():
            raise LsnError(
                f"data set {data.name!r} has no parameter {', '.join(map(repr, data.params()))}",
                where=self.loaded.source.place(f"data.{next(iter(data.params()))}"),
                valid=DataSection.model_fields,
                next=self._in_place_of_the_recipes(data),
            )
        return ComponentSpec(name=data.name)

    def classes(self, name: str) -> Classes:
        """The classes of a data set, as far as they are known."""
        if name in self.components.names("data set"):
            info = self.components.get("data set", name)
            return info.num_classes, info.class_names
        try:
            return self._known_classes(name)
        except UnknownNameError as error:
            replaced = [old for old, new in (self.loaded.overrides.data or {}).items() if new == name]
            error.where = f"--data {replaced[0]}={name}" if replaced else self.loaded.source.place("data.name")
            if replaced:
                itself = f"without {error.where} the recipe trains on {replaced[0]} itself"
                error.next = f"{error.next}; {itself}" if error.next else itself
            raise

    def true_transition(
        self, spec: ComponentSpec, params: BaseModel, context: CheckContext
    ) -> npt.NDArray[np.float64] | None:
        """The noise model's own matrix, where the number of classes is known."""
        if context.num_classes is None or not context.has_transition:
            return None
        memo = f"{spec.model_dump_json()} {context.dataset}"
        if memo not in self._transitions:
            info = self.components.get("noise model", spec.name)
            about = NoiseContext(context.dataset, context.num_classes, context.class_names)
            try:
                self._transitions[memo] = info.build(params, about).transition(context.num_classes)
            except LsnError:
                raise
            except Exception as error:
                place = self.loaded.source.place("noise")
                raise _fault("noise model", spec.name, "transition matrix", error, place) from error
        return self._transitions[memo]

    def component(self, kind: str, section: ComponentSection, key: str) -> tuple[ComponentSpec, BaseModel]:
        """The component that a section names: its spec, defaults left out, and its validated parameters."""
        memo = f"{kind}:{section.name}:{section.params()!r}"
        if memo in self._validated:
            return self._validated[memo]
        info: ComponentInfo = self.components.get(kind, section.name, where=self.loaded.source.place(f"{key}.name"))
        model = info.params or NoParams
        try:
            params = validate(
                model,
                section.params(),
                where=lambda parameter: self.loaded.source.place(f"{key}.{parameter}".rstrip(".")),
                subject=f"{kind} {section.name!r}",
                context={"base_dir": self.loaded.source.folder},
            )
        except LsnError as error:
            # Exactly that parameter elsewhere, before what is only called alike here.
            hint = self._home(kind, section, key) or error.next or self._others_with(kind, section, key)
            replaces = kind == "data set" and self._strange(kind, section)
            error.next = (replaces and self._in_place_of_the_recipes(section)) or hint
            raise
        spec = ComponentSpec(
            name=info.name,
            params=plain_params(params),
            revision=info.revision,
        )
        self._validated[memo] = (spec, params)
        return spec, params

    def _strange(self, kind: str, section: ComponentSection) -> set[str]:
        """The parameters that the component does not have."""
        own = parameters_of(self.components)(kind, section.name)
        return set() if own is None else set(section.params()) - set(own)

    def _home(self, kind: str, section: ComponentSection, key: str) -> str | None:
        """What to say where a parameter is not of this component but has its place in another section."""
        strange = sorted(self._strange(kind, section))
        settings, parameters = self.loaded.recipe.model_dump(), parameters_of(self.components)
        homes = homes_of(f"{key}.{strange[0]}", settings, parameters) if strange else []
        # Of a swept component the recipe's own may have it in this very place.
        return did_you_mean([home for home in homes if home != f"{key}.{strange[0]}"])

    def _in_place_of_the_recipes(self, data: ComponentSection) -> str | None:
        """What to say where ``--set`` put a data set into a recipe that has parameters of another one's."""
        if "data.name" not in self.loaded.source.given:
            return None
        return f"in the place of the recipe's own data set, without that one's parameters: --data OLD={data.name}"

    def _others_with(self, kind: str, section: ComponentSection, key: str) -> str | None:
        """What to say where a parameter is not of this component but of others: ``noise.rate`` without a noise."""
        strange = self._strange(kind, section)
        if not strange:
            return None
        names = [
            entry.info.name
            for entry in self.components.all(kind)
            # A name that two plugins claim is a mistake of who uses it, and not advised.
            if (kind, entry.info.name) not in self.components.conflicts
            and strange <= (parameter_names(entry.info.params) or set())
        ]
        return f"set {key}.name to one that has it: {', '.join(names)}" if names else None

    def uses_estimate(self, spec: ComponentSpec, params: BaseModel, key: str) -> bool:
        """Whether a loss is to be given an estimate of T, in a run whose recipe says how to make one."""
        info: LossInfo = self.components.get("loss", spec.name)
        if "transition" not in info.needs or info.uses_estimate is None:
            return "transition" in info.needs
        try:
            return bool(info.uses_estimate(params))
        except Exception as error:
            raise _fault("loss", spec.name, "uses_estimate", error, self.loaded.source.place(key)) from error

    def check(self, kind: str, spec: ComponentSpec, params: BaseModel, key: str, context: CheckContext) -> None:
        """Let the component say whether it can work here."""
        info: ComponentInfo = self.components.get(kind, spec.name)
        if info.check is None:
            return
        try:
            info.check(params, context)
        except LsnError:
            raise
        except ValueError as error:
            raise LsnError(f"{kind} {spec.name!r}: {error}", where=self.loaded.source.place(key)) from None
        except Exception as error:
            raise _fault(kind, spec.name, "check", error, self.loaded.source.place(key)) from error


def _fault(kind: str, name: str, part: str, error: Exception, where: str) -> LsnError:
    """The message for a component whose own code fails while the plan is made."""
    return LsnError(
        f"the {part} of {kind} {name!r} failed: {type(error).__name__}: {error}",
        where=where,
        next="tell its author (lsn plugins show names the distribution); lsn --debug shows the traceback",
    )
