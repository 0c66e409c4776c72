"""Several networks of one architecture, linear or mlp, in batched matrix products.

The parameters of all runs lie in one tensor ``[R, P]``, a row for each run; the modules of the runs become views
of their rows, so that evaluation, checkpoints and files read them as those of a run that trains alone. Activations
are ``[R, features, B]``, examples last: the products are no slower, and the losses much faster. The backward pass
is written out: autograd would need fresh memory for everything that it computes.

A batched product computes the slice of each run by the kernel that a single product takes (on the processors where
this was tested, with one thread), so that the numbers of a run do not depend on the size of its stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

#: Rows begin on a cache line: 16 float32 numbers.
ALIGNMENT = 16


class _Layer(Protocol):
    """``backward`` may write into the gradient that it is given; ``wanted`` says whether the inputs' is."""

    def forward(self, inputs: Tensor) -> Tensor: ...

    def backward(self, gradient: Tensor, wanted: bool) -> Tensor: ...


class _Affine:
    """W x + b for each run: weight ``[R, out, in]``, bias ``[R, out]`` or None, and where their gradients go.

    Outputs and gradients have their places, which are used again in every step: fresh memory of this size would
    come from the system, page by page, and cost as much as the products.
    """

    def __init__(
        self, weight: tuple[Tensor, Tensor], bias: tuple[Tensor, Tensor] | None, compute: torch.dtype
    ) -> None:
        self.weight, self.weight_gradient = weight
        self.bias = bias[0] if bias else None
        self.bias_gradient = bias[1] if bias else None
        self.compute = compute
        self.inputs = self.used = self.weight
        self.outputs, self.inputs_gradient = (
            torch.empty(0, dtype=compute, device=self.weight.device) for _ in "ab"
        )

    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs = inputs.to(self.compute)
        self.used = self.weight.to(self.compute)
        if self.bias is None:
            return torch.bmm(self.used, inputs, out=self.outputs)
        bias = self.bias.to(self.compute).unsqueeze(2)
        return torch.baddbmm(bias, self.used, inputs, out=self.outputs)

    def backward(self, gradient: Tensor, wanted: bool) -> Tensor:
        if self.compute is self.weight_gradient.dtype:
            torch.bmm(gradient, self.inputs.mT, out=self.weight_gradient)
        else:
            self.weight_gradient.copy_(torch.bmm(gradient, self.inputs.mT))
        if self.bias_gradient is not None:
            self.bias_gradient.copy_(gradient.sum(2))
        return torch.bmm(self.used.mT, gradient, out=self.inputs_gradient) if wanted else gradient


class _Relu:
    def forward(self, inputs: Tensor) -> Tensor:
        self.outputs = inputs.relu_()
        return self.outputs

    def backward(self, gradient: Tensor, wanted: bool) -> Tensor:
        torch.ops.aten.threshold_backward.grad_input(gradient, self.outputs, 0, grad_input=gradient)
        return gradient


class _Tanh:
    def forward(self, inputs: Tensor) -> Tensor:
        self.outputs = inputs.tanh_()
        return self.outputs

    def backward(self, gradient: Tensor, wanted: bool) -> Tensor:
        torch.ops.aten.tanh_backward.grad_input(gradient, self.outputs, grad_input=gradient)
        return gradient


class _Gelu:
    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        return nn.functional.gelu(inputs)

    def backward(self, gradient: Tensor, wanted: bool) -> Tensor:
        torch.ops.aten.gelu_backward.grad_input(gradient, self.inputs, grad_input=gradient)
        return gradient


_ACTIVATIONS: dict[type[nn.Module], type[_Relu | _Tanh | _Gelu]] = {
    nn.ReLU: _Relu,
    nn.Tanh: _Tanh,
    nn.GELU: _Gelu,
}


class StackNetwork:
    """The networks of R runs. ``compute``: the type of the products; bfloat16 does as autocast would.

    ``modules`` are sequences of Flatten, Linear and activations, equal but for their numbers.
    """

    def __init__(self, modules: Sequence[nn.Module], compute: torch.dtype | None = None) -> None:
        shapes = [p.shape for p in modules[0].parameters()]
        like = next(modules[0].parameters())
        size = sum(shape.numel() for shape in shapes)
        padded = -(-size // ALIGNMENT) * ALIGNMENT
        self.values = torch.zeros(len(modules), padded, dtype=like.dtype, device=like.device)
        self.gradients = torch.zeros_like(self.values)
        self.momenta = torch.zeros_like(self.values)
        self._shapes = shapes
        self.parameters = self._views(self.values)
        for row, module in enumerate(modules):
            for parameter, view in zip(module.parameters(), self.parameters, strict=True):
                view[row].copy_(parameter.detach())
                parameter.data = view[row]
        self.compute = compute or like.dtype
        self._layers = self._read(modules[0], self.compute)

    def _views(self, flat: Tensor) -> list[Tensor]:
        """The parameters inside a tensor ``[R, P]``: ``[R, *shape]`` each."""
        views, start = [], 0
        for shape in self._shapes:
            views.append(flat[:, start : start + shape.numel()].unflatten(1, shape))
            start += shape.numel()
        return views

    def momenta_of(self, row: int) -> list[Tensor]:
        """The momenta of one run, in the order of its module's parameters."""
        return [view[row] for view in self._views(self.momenta)]

    def _read(self, module: nn.Module, compute: torch.dtype) -> list[_Layer]:
        pairs = iter(zip(self.parameters, self._views(self.gradients), strict=True))
        layers: list[_Layer] = []
        for child in module.children():
            if isinstance(child, nn.Linear):
                layers.append(_Affine(next(pairs), next(pairs) if child.bias is not None else None, compute))
            elif type(child) in _ACTIVATIONS:
                layers.append(_ACTIVATIONS[type(child)]())
            elif not isinstance(child, nn.Flatten):
                raise TypeError(f"no stacked form of {type(child).__name__}")
        return layers

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[R, L, B]`` of flattened images ``[R, B, D]``."""
        values = images.mT
        for layer in self._layers:
            values = layer.forward(values)
        return values

    def backward(self, gradient: Tensor) -> None:
        """Fill the gradients of all parameters, from those of the last logits ``[R, L, B]``."""
        gradient = gradient.to(self.compute)
        for number in reversed(range(len(self._layers))):
            gradient = self._layers[number].backward(gradient, number > 0)

    def clear(self, row: int) -> None:
        """Zero a run that has ended: numbers that are not finite are slow on some processors."""
        for flat in (self.values, self.gradients, self.momenta):
            flat[row].zero_()


def bytes_per_run(module: nn.Module, batch_size: int) -> int:
    """About how much memory a run takes in a stack: parameters three times, inputs and outputs of each layer."""
    total = 3 * sum(p.numel() for p in module.parameters())
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            total += 2 * batch_size * (layer.in_features + layer.out_features)
    return 4 * total
