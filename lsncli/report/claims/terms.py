"""Reads RunSpecs in the paper's terms: which loss at which α, how much noise, how many classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lsncli.plan import ComponentSpec, RunSpec
from lsncli.recipe.resolve import believed
from lsncli.registry import Registry
from lsncli.store.description import words

STANDARD = "standard"
SMOOTHING = "label-smoothing"
FORWARD = "forward-correction"
BACKWARD = "backward-correction"


@dataclass(frozen=True, slots=True)
class Terms:
    """The paper's terms, by the components that are installed.

    replaced: data set → the data set whose place it takes (a stand-in, or one of ``--data``). true_labels: whether
    those of a data set's training examples are known; where they are not, nobody knows how many are wrong.
    """

    components: Registry
    replaced: Mapping[str, str] = field(default_factory=dict)
    true_labels: Callable[[str], bool] = believed

    def alpha(self, loss: ComponentSpec) -> float | None:
        """α of smoothing, or of the symmetric T of a correction; None for a loss without, or with another T."""
        return self._number("loss", loss, "alpha")

    def rate(self, spec: RunSpec) -> float | None:
        """The noise rate ρ, 0 without noise; None for a noise model that is not told by a rate.

        None, too, for labels that are noisy by nature, whatever the noise model adds to it.
        """
        if not self.true_labels(spec.data.name):
            return None
        return 0.0 if spec.noise.name == "none" else self._number("noise model", spec.noise, "rate")

    def classes(self, spec: RunSpec) -> int | None:
        """The number of classes, a stand-in's by what it stands in for; None where it is not known."""
        for name in (spec.data.name, self.replaced.get(spec.data.name)):
            if name is not None and name in self.components.names("data set"):
                count: int | None = self.components.get("data set", name).num_classes
                return count
        return None

    def loss_words(self, loss: ComponentSpec) -> str:
        """``label-smoothing α=0.1``; parameters other than α follow.

        What is called alpha in another loss than the paper's is not α.
        """
        if loss.name not in (STANDARD, SMOOTHING, FORWARD, BACKWARD):
            return words({"name": loss.name, "params": loss.params})
        alpha = self.alpha(loss)
        rest = {key: value for key, value in loss.params.items() if key != "alpha"}
        name = loss.name if alpha is None else f"{loss.name} α={alpha:g}"
        return words({"name": name, "params": rest})

    def setting_words(self, spec: RunSpec) -> str:
        """Data, noise and architecture, in a line; a student's says how it is taught."""
        plain = spec.plain()
        data = words(plain["data"])
        real = self.replaced.get(spec.data.name)
        parts = [f"{data} (for {real})" if real else data, words(plain["noise"]), words(plain["model"])]
        if spec.distillation is not None:
            parts.append(f"distilled at temperature {spec.distillation.temperature:g}")
        elif spec.teacher is not None:
            parts.append("distilled")
        return " · ".join(parts)

    def _number(self, kind: str, component: ComponentSpec, name: str) -> float | None:
        value: Any = component.params.get(name)
        if value is None and component.name in self.components.names(kind):
            # A parameter at its default is left out of the spec.
            model = self.components.get(kind, component.name).params
            known = model.model_fields.get(name) if model is not None else None
            value = known.default if known is not None and not known.is_required() else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
