"""A plugin of components with one fault each, and of some without: what the suites must tell apart."""

import numpy as np
from pydantic import BaseModel

from lsncli import (
    ArchitectureInfo,
    Arrays,
    Backend,
    BackendInfo,
    DatasetInfo,
    EstimatorInfo,
    LossInfo,
    NoiseModelInfo,
    Params,
    hookimpl,
)

# -- losses -----------------------------------------------------------------------------------------------


def cross_entropy(logits, targets):
    import torch

    logp = torch.log_softmax(logits if logits.dtype is torch.float64 else logits.float(), dim=1)
    if targets.is_floating_point():
        return -(targets * logp).sum(1)
    return -logp.gather(1, targets[:, None])[:, 0]


def sound(logits, targets, inputs=None):
    return cross_entropy(logits, targets)


def mean(logits, targets, inputs=None):
    return cross_entropy(logits, targets).mean()


def wrong_gradient(logits, targets, inputs=None):
    losses = cross_entropy(logits, targets)
    return losses * losses.detach()


def by_position(logits, targets, inputs=None):
    import torch

    return cross_entropy(logits, targets) * torch.arange(len(logits))


def overflowing(logits, targets, inputs=None):
    import torch

    odds = (logits if logits.dtype is torch.float64 else logits.float()).exp()
    p = odds / odds.sum(1, keepdim=True)
    return (
        -(targets * p.log()).sum(1) if targets.is_floating_point() else -p.log().gather(1, targets[:, None])[:, 0]
    )


def narrow(logits, targets, inputs=None):
    import torch

    losses = cross_entropy(logits.to(torch.float64), targets)
    return losses.to(logits.dtype)


def labels_only(logits, targets, inputs=None):
    from torch.nn import functional

    return functional.nll_loss(logits.double().log_softmax(1).to(logits.dtype), targets.long(), reduction="none")


def jittered(logits, targets, inputs=None):
    return cross_entropy(logits, targets) * (1 + np.random.rand())


def dropping(logits, targets, inputs=None):
    """Sound: it draws from torch's generator, which is the run's own."""
    import torch

    return cross_entropy(logits, targets) * (torch.rand(len(logits)) > 0.1)


def writing(logits, targets, inputs=None):
    losses = cross_entropy(logits, targets)
    targets.zero_()
    return losses


def of_favourite(logits, targets, inputs=None):
    """Takes probabilities, and sees in them only which class has the greatest."""
    return cross_entropy(logits, targets.argmax(1) if targets.is_floating_point() else targets)


def of_two_favourites(logits, targets, inputs=None):
    """Of the probabilities only the greatest counts, and that it is not 1."""
    logp = logits.float().log_softmax(1) if logits.itemsize < 8 else logits.log_softmax(1)
    if targets.is_floating_point():
        share, label = targets.max(1)
        return -share * logp.gather(1, label[:, None])[:, 0] - (1 - share) * logp.mean(1)
    return -logp.gather(1, targets[:, None])[:, 0]


def expanded(logits, targets, inputs=None):
    """The mean of the batch for each of its examples."""
    return cross_entropy(logits, targets).mean().expand(len(logits))


def standardised(logits, targets, inputs=None):
    """Losses as multiples of the batch's mean."""
    losses = cross_entropy(logits, targets)
    return losses / losses.mean()


def seeding(logits, targets, inputs=None):
    import torch

    torch.manual_seed(0)
    return cross_entropy(logits, targets) * (torch.rand(len(logits)) > 0.1)


def seeding_once(params, context):
    import torch

    torch.manual_seed(0)
    return sound


def class_of_memory(keep, by_place=False):
    def build(params, context):
        import torch

        class Memory(torch.nn.Module):
            """Weighs an example by its past losses; ``keep``: whether they are part of the state.

            by_place: they are kept by the place in the batch, where another example is next time.
            """

            def __init__(self):
                super().__init__()
                self.register_buffer("memory", torch.zeros(context.num_examples), persistent=keep)

            def forward(self, logits, targets, inputs=None):
                losses = cross_entropy(logits, targets)
                places = torch.arange(len(losses)) if by_place else inputs.indices
                weighed = losses * (1 + self.memory[places])
                self.memory[places] = losses.detach()
                return weighed

        return Memory()

    return build


def corrected(logits, targets, matrix):
    import torch

    mixed = torch.softmax(logits if logits.dtype is torch.float64 else logits.float(), dim=1) @ matrix.to(
        torch.float64 if logits.dtype is torch.float64 else torch.float32
    )
    return cross_entropy(mixed.clamp_min(1e-7).log(), targets)


def peeking(logits, targets, inputs=None):
    """Reads a matrix that its record does not ask for."""
    if inputs.transition is None:
        return cross_entropy(logits, targets)
    return corrected(logits, targets, inputs.transition)


def presuming(logits, targets, inputs=None):
    """Asks for a matrix, and does not say that it cannot do without."""
    return corrected(logits, targets, inputs.transition)


def refuse_to_guess(params, context):
    if not (context.has_transition or context.has_estimate):
        raise ValueError("there is no transition matrix")


CALLS = []


def shared(logits, targets, inputs=None):
    """Runs of one process influence each other."""
    CALLS.append(None)
    return cross_entropy(logits, targets) * (1 + len(CALLS))


class Preparing:
    """Mixes each example with its neighbour; sound unless it does so in place, or by everybody's generator."""

    def __init__(self, fault):
        self.fault = fault

    def prepare(self, images, targets, generator, inputs):
        weight = float(generator.random())
        if self.fault == "in-place":
            images.mul_(weight)
        if self.fault == "from-global":
            import torch

            torch.manual_seed(int(1e6 * weight))
            weight = float(torch.rand(()))
        return weight * images + (1 - weight) * images.roll(1, 0), targets

    def __call__(self, logits, targets, inputs=None):
        return cross_entropy(logits, targets)


def __getattr__(name):
    """``Quick_NAME``: the suite of loss NAME without the check that trains, whose fault is another.

    ``Here_NAME``: that of data set NAME without other processes.
    """
    if name.startswith("Here_"):
        from lsncli.testing import DatasetSuite

        exempt = {"another_process": "it takes some seconds"}
        return type(name, (DatasetSuite,), {"component": name.removeprefix("Here_"), "exempt": exempt})
    if name == "Ending":
        return ending()
    if not name.startswith("Quick_"):
        raise AttributeError(name)
    from lsncli.testing import LossSuite

    component = name.removeprefix("Quick_")
    exempt = {"stacking": "it takes a second"}
    if component not in ("wrong-gradient", "labels-only"):
        exempt |= dict.fromkeys(("gradients", "gradients_of_soft_targets"), "it takes a moment")
    made = {"component": component, "exempt": exempt}
    return type(name, (LossSuite,), made)


def ending():
    """A suite with checks of its own that end as pytest's do; what they raise is no Exception."""
    import pytest

    from lsncli.testing import ComponentSuite

    class Ending(ComponentSuite):
        kind = "loss"
        component = "ending"

        def test_that_skips(self):
            pytest.skip("not today")

        def test_that_fails(self):
            pytest.fail("not right")

        def test_that_is_known_to_fail(self):
            pytest.xfail("not yet")

    return Ending


class Undescribed(Params):
    q: float = 0.5


class Loose(BaseModel):
    pass


def of(function):
    return lambda params, context: function


@hookimpl
def lsn_losses(register):
    for function in (
        *(sound, mean, wrong_gradient, by_position, overflowing, narrow, labels_only, jittered, dropping),
        *(writing, shared, of_favourite, of_two_favourites, expanded, standardised, seeding, peeking),
    ):
        name = function.__name__.replace("_", "-")
        suite = "" if function in (sound, jittered, shared) else f"faulty_plugin:Quick_{name}"
        register(LossInfo(name=name, build=of(function), label=name, summary="a loss", suite=suite))
    register(
        LossInfo(
            suite="faulty_plugin:Quick_declared",
            name="declared",
            build=of(labels_only),
            label="declared",
            summary="a loss",
            soft_targets=False,
        )
    )
    for name, check in (("presuming", None), ("refusing", refuse_to_guess)):
        register(
            LossInfo(
                name=name,
                build=of(presuming),
                label=name,
                summary="a loss",
                needs=frozenset({"transition"}),
                check=check,
                suite=f"faulty_plugin:Quick_{name}",
            )
        )
    for fault in ("", "in-place", "from-global"):
        name = f"preparing-{fault}".removesuffix("-")
        register(
            LossInfo(
                name=name,
                build=of(Preparing(fault)),
                label=name,
                summary="a loss",
                suite=f"faulty_plugin:Quick_{name}",
            )
        )
    register(LossInfo(name="remembering", build=class_of_memory(True), label="r", summary="a loss"))
    for name, build in (("by-place", class_of_memory(True, by_place=True)), ("seeding-once", seeding_once)):
        suite = f"faulty_plugin:Quick_{name}"
        register(LossInfo(name=name, build=build, label="r", summary="a loss", suite=suite))
    register(
        LossInfo(
            suite="faulty_plugin:Quick_forgetting",
            name="forgetting",
            build=class_of_memory(False),
            label="f",
            summary="a loss",
        )
    )
    register(
        LossInfo(
            suite="faulty_plugin:Quick_undescribed",
            name="undescribed",
            build=of(sound),
            label="u",
            summary="a loss",
            params=Undescribed,
        )
    )
    register(
        LossInfo(
            suite="faulty_plugin:Quick_loose",
            name="loose",
            build=of(sound),
            label="l",
            summary="a loss",
            params=Loose,
        )
    )
    register(
        LossInfo(
            suite="faulty_plugin:Quick_Odd_Name", name="Odd_Name", build=of(sound), label="o", summary="a loss"
        )
    )
    register(LossInfo(suite="faulty_plugin:Quick_silent", name="silent", build=of(sound), label="s"))
    register(
        LossInfo(
            suite="faulty_plugin:Quick_mislabelled",
            name="mislabelled",
            build=of(sound),
            label="{q:g}",
            summary="a loss",
        )
    )
    register(LossInfo(name="ending", build=of(sound), label="e", summary="a loss", suite="faulty_plugin:Ending"))
    register(LossInfo(name="raising", build=lambda params: None, label="r", summary="a loss"))
    register(LossInfo(name="lost-suite", build=of(sound), label="l", summary="a loss", suite="faulty_plugin:No"))


# -- noise models -----------------------------------------------------------------------------------------


def noise(apply, transition=lambda L: np.eye(L)):
    class Noise:
        def apply(self, labels, num_classes, generator, features=None):
            return apply(labels, num_classes, generator)

        def transition(self, num_classes):
            return transition(num_classes)

    return lambda params, context: Noise()


def uniform(rate):
    return lambda L: (1 - rate) * np.eye(L) + rate / L


def redrawn(rate, labels, L, generator):
    return np.where(generator.random(len(labels)) < rate, generator.integers(0, L, len(labels)), labels)


def in_place(labels, L, generator):
    labels[:] = redrawn(0.3, labels, L, generator)
    return labels


def from_nowhere(labels, L, generator):
    return redrawn(0.3, labels, L, np.random.default_rng())


def from_everybody(labels, L, generator):
    return redrawn(0.3, labels, L, np.random)


def from_one_seed(labels, L, generator):
    return redrawn(0.3, labels, L, np.random.default_rng(0))


def the_first(labels, L, generator):
    """Labels in random order do not show that only the first of them are drawn anew."""
    drawn = generator.integers(0, L, len(labels))
    return np.where(np.arange(len(labels)) < 0.3 * len(labels), drawn, labels)


FIXED = uniform(0.3)(4)


@hookimpl
def lsn_noise_models(register):
    def add(name, build, **more):
        register(NoiseModelInfo(name=name, build=build, summary="a noise model", **more))

    add("sound", noise(lambda *a: redrawn(0.3, *a), uniform(0.3)))
    add("wrong-rate", noise(lambda *a: redrawn(0.27, *a), uniform(0.3)))
    add("impossible", noise(lambda labels, L, g: (labels + (g.random(len(labels)) < 1e-3)) % L))
    add("narrow", noise(lambda labels, L, g: labels.astype(np.int32)))
    add("alias", noise(lambda labels, L, g: labels))
    add("in-place", noise(in_place, uniform(0.3)))
    add("from-nowhere", noise(from_nowhere, uniform(0.3)))
    add("from-everybody", noise(from_everybody, uniform(0.3)))
    add("from-one-seed", noise(from_one_seed, lambda L: None), has_transition=False)
    add("the-first", noise(the_first, uniform(0.3)))
    add("outside", noise(lambda labels, L, g: labels + 1))
    add("undeclared", noise(lambda labels, L, g: labels.copy()), has_transition=False)
    add("fixed", noise(lambda *a: redrawn(0.3, *a), lambda L: FIXED))
    add("unnormalised", noise(lambda labels, L, g: labels.copy(), lambda L: 2 * np.eye(L)))


# -- architectures ----------------------------------------------------------------------------------------


def network(*, fixed=False, head=True, seeded=False, hidden=False, mixing=False, reseeding=False):
    def build(params, context):
        import torch
        from torch import nn

        if seeded:
            torch.manual_seed(0)

        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                outputs = 10 if fixed else context.num_classes
                self.convolution = nn.Conv2d(context.input_shape[0], 6, 3)
                classifier = nn.Linear(6, outputs) if head else nn.Conv2d(6, outputs, 1)
                if hidden:
                    self.hidden = [classifier]
                else:
                    self.classifier = classifier

            def forward(self, images):
                values = self.convolution(images).mean((2, 3))
                if reseeding:
                    torch.manual_seed(0)
                if mixing:
                    values = values - values.mean(0)
                classifier = self.hidden[0] if hidden else self.classifier
                return classifier(values) if head else classifier(values[:, :, None, None])[:, :, 0, 0]

        return Network()

    return build


@hookimpl
def lsn_architectures(register):
    for name, build in {
        "sound": network(),
        "fixed": network(fixed=True),
        "headless": network(head=False),
        "seeded": network(seeded=True),
        "hidden": network(hidden=True),
        "mixing": network(mixing=True),
        "reseeding": network(reseeding=True),
    }.items():
        register(ArchitectureInfo(name=name, build=build, summary="a network"))


# -- backends ---------------------------------------------------------------------------------------------


class Sound(Backend):
    """The processor, one thread."""

    name = "sound"

    def unavailable(self):
        return None

    def devices(self):
        return [self.name]

    def precisions(self):
        return ("fp32",)

    def prepare(self, device, *, threads):
        import torch

        self.before = torch.get_num_threads()
        torch.set_num_threads(threads or self.before)
        return torch.device("cpu")

    def release(self):
        import torch

        torch.set_num_threads(getattr(self, "before", torch.get_num_threads()))

    def autocast(self, precision):
        from contextlib import nullcontext

        return nullcontext()

    def place(self, module, device):
        return module

    def synchronize(self):
        pass

    def describe(self, device):
        return {"backend": self.name}


class Dishonest(Sound):
    name = "dishonest"

    def devices(self):
        return []


class Leaky(Sound):
    name = "leaky"

    def prepare(self, device, *, threads):
        import torch

        torch.backends.cudnn.benchmark = True
        return super().prepare(device, threads=threads)


class Rounding(Sound):
    name = "rounding"

    def place(self, module, device):
        import torch

        return module.to(torch.bfloat16).float()


class Forgetful(Sound):
    name = "forgetful"

    def random_state(self):
        import torch

        return torch.get_rng_state()


class Untold(Sound):
    name = "untold"

    def describe(self, device):
        import torch

        return {"backend": self.name, "device": torch.device("cpu")}


class WarmingUp(Sound):
    """Takes steps for the sake of its kernels, and does not take them back."""

    name = "warming-up"

    def compile_step(self, step):
        step()
        step()
        return step


class Tiring(Sound):
    """Three steps, and then none."""

    name = "tiring"

    def compile_step(self, step):
        left = [step] * 3

        def taken():
            if left:
                left.pop()()

        return taken


class Shrinking(Sound):
    """Steps whose gradients are none of the step's doing."""

    name = "shrinking"

    def compile_step(self, step):
        import torch

        def taken():
            step()
            for value in self.placed.parameters():
                value.data.mul_(torch.tensor(0.98))

        return taken

    def place(self, module, device):
        self.placed = module
        return module


class Lazy(Sound):
    """Of several tasks it does one."""

    name = "lazy"

    def in_parallel(self, tasks):
        tasks[0]()


class Late(Sound):
    """Tasks that are done when somebody waits for the device, and not when they are asked for."""

    name = "late"

    def in_parallel(self, tasks):
        self.__dict__.setdefault("waiting", []).extend(tasks)

    def synchronize(self):
        for task in self.__dict__.pop("waiting", []):
            task()


class Nominal(Sound):
    """bf16 by name only."""

    name = "nominal"

    def precisions(self):
        return ("fp32", "bf16")


class OneOfTwo(Sound):
    """Its second device cannot be used."""

    name = "one-of-two"

    def devices(self):
        return [f"{self.name}:0", f"{self.name}:1"]

    def prepare(self, device, *, threads):
        if device.endswith("1"):
            raise RuntimeError("no such device")
        return super().prepare(device, threads=threads)


class SameTwice(Sound):
    """Two names of one device."""

    name = "same-twice"

    def devices(self):
        return [f"{self.name}:0", f"{self.name}:1"]


@hookimpl
def lsn_backends(register):
    for backend in (
        *(Sound, Dishonest, Leaky, Rounding, Forgetful, Untold, WarmingUp, Tiring, Shrinking, Lazy, Late, Nominal),
        *(OneOfTwo, SameTwice),
    ):
        register(
            BackendInfo(
                name=backend.name, build=lambda p, c, made=backend: made(), summary="a backend", priority=-9
            )
        )


# -- data sets --------------------------------------------------------------------------------------------


def drawn(seed=0, labels=None, count=40):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count + 20, 4, 4, 1), dtype=np.uint8)
    labels = np.arange(count + 20) % 2 if labels is None else np.full(count + 20, labels)
    labels = labels.astype(np.int64)
    return Arrays.of(images[:count], labels[:count], images[count:], labels[count:], ("a", "b"))


def mislabelled_digest():
    from dataclasses import replace

    return replace(drawn(), digest="0" * 64)


def from_global():
    np.random.seed(0)
    return drawn(np.random.randint(9))


def by_hash():
    """In the order of a set of file names."""
    order = [int(name.split(".")[0]) for name in {f"{number}.png" for number in range(60)}]
    sound = drawn()
    images, labels = (
        np.concatenate(parts)[order]
        for parts in ((sound.train_images, sound.test_images), (sound.train_labels, sound.test_labels))
    )
    return Arrays.of(images[:40], labels[:40], images[40:], labels[40:], ("a", "b"))


def copied():
    sound = drawn()
    images, labels = sound.train_images, sound.train_labels
    return Arrays.of(images, labels, images[:20].copy(), labels[:20].copy(), ("a", "b"))


@hookimpl
def lsn_datasets(register):
    for name, make in {
        "sound": drawn,
        "too-few": lambda: drawn(count=30),
        "one-class": lambda: drawn(labels=1),
        "other-digest": mislabelled_digest,
        "ever-new": lambda: drawn(None),
        "from-global": from_global,
        "by-hash": by_hash,
        "copied": copied,
    }.items():
        register(
            DatasetInfo(
                name=name,
                build=lambda params, context, make=make: make(),
                summary="a data set",
                num_classes=2,
                image_shape=(4, 4, 1),
                class_names=("a", "b"),
                train_size=40,
                test_size=20,
                suite="" if name in ("sound", "by-hash") else f"faulty_plugin:Here_{name}",
            )
        )


# -- estimators -------------------------------------------------------------------------------------------


def surest(probabilities):
    return np.stack([probabilities[int(np.argmax(column))] for column in probabilities.T])


def forgetful(probabilities, labels):
    probabilities[0] = 0
    return surest(probabilities)


def fact(context):
    return context.transition.copy()


@hookimpl
def lsn_estimators(register):
    def add(name, build):
        register(EstimatorInfo(name=name, build=build, summary="an estimator"))

    add("sound", of(lambda p, y: surest(p)))
    add("unnormalised", of(lambda p, y: 0.9 * surest(p)))
    add("identity", of(lambda p, y: np.eye(p.shape[1])))
    add("transposed", of(lambda p, y: surest(p).T.copy()))
    add("aliasing", lambda params, context: lambda p, y: context.transition)
    add("telling", lambda params, context: lambda p, y: context.transition.copy())
    add("peeping", lambda params, context: lambda p, y: surest(p) if context.transition is None else fact(context))
    add("writing", of(forgetful))
    add("drawing", of(lambda p, y: surest(p) + 0 * np.random.rand()))
