"""A plugin that fails costs itself: the built-ins and every other plugin work on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from fake_plugins import FakeEntryPoint, distribution, entry, loss, module, registering, source
from pydantic import BaseModel, Field

from lsncli import DatasetInfo, LossInfo, NoiseModelInfo, Params, hookimpl
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registry import Registry

GOOD = entry("good-dist", registering(loss("good-loss")))


class WrongDefault(Params):
    alpha: float = "much"  # type: ignore[assignment]


class WrongDefaultElsewhere(BaseModel):
    needed: int
    alpha: float = Field(2.0, lt=1, validate_default=False)


def _raises(register: Any) -> None:
    raise RuntimeError("two\nlines")


def _exits() -> None:
    raise SystemExit(3)


def _misspelt(register: Any) -> None: ...


def data_set(**fields: Any) -> Any:
    return registering(DatasetInfo(name="d", build=print, **fields), hook="lsn_datasets")


BROKEN: dict[str, tuple[Any, str]] = {
    "import error": (
        source("import lsn_no_such_module"),
        "ModuleNotFoundError: No module named 'lsn_no_such_module'",
    ),
    "missing name": (source("from lsncli import NoSuchInfo"), "ImportError: cannot import name 'NoSuchInfo'"),
    "syntax error": (source("def broken(:"), "SyntaxError"),
    "exit at import": (_exits, "SystemExit: 3"),
    "hook raises": (module(lsn_losses=hookimpl(_raises)), "RuntimeError: two lines"),
    "misspelt hook": (module(lsn_loses=hookimpl(_misspelt)), "unknown hook 'lsn_loses'"),
    "hook of another prefix": (module(my_losses=hookimpl(_misspelt)), "unknown hook 'my_losses'"),
    "wrong argument": (
        source("from lsncli import hookimpl\n@hookimpl\ndef lsn_losses(registrar): ..."),
        "registrar",
    ),
    "no argument": (source("from lsncli import hookimpl\n@hookimpl\ndef lsn_losses(): ..."), "register"),
    "records returned": (
        source("from lsncli import LossInfo, hookimpl\n@hookimpl\ndef lsn_losses(register): return [1]"),
        "TypeError: lsn_losses returned a list: it must call register(record) for each record, and return None",
    ),
    "generator": (
        source("from lsncli import hookimpl\n@hookimpl\ndef lsn_losses(register): yield"),
        "TypeError: lsn_losses returned a generator",
    ),
    "coroutine": (
        source("from lsncli import hookimpl\n@hookimpl\nasync def lsn_losses(register): ..."),
        "TypeError: lsn_losses returned a coroutine",
    ),
    "wrong record": (registering(NoiseModelInfo(name="n", build=print)), "takes records of kind 'loss'"),
    "no record": (registering("standard"), "takes records of kind 'loss', not str"),
    "record not made": (registering(LossInfo), "takes records of kind 'loss', not type"),
    "name twice": (registering(loss("a"), loss("a")), "loss 'a' is registered twice"),
    "name of two words": (registering(loss("my loss")), "one word is needed"),
    "nothing to build": (registering(LossInfo(name="a", build=None)), "build must be callable"),  # type: ignore[arg-type]
    "need misspelt": (
        registering(loss("a", needs=frozenset({"transitions"}))),
        "unknown need 'transitions' where: loss 'a'",
    ),
    "choice of nothing": (registering(loss("a", uses_estimate=bool)), "without 'transition' in needs"),
    "choice not callable": (
        registering(loss("a", uses_estimate=True, needs=frozenset({"transition"}))),
        "uses_estimate must be callable or None, not True",
    ),
    "shape a number": (data_set(image_shape=32), "image_shape must be (height, width, channels) or None, not 32"),
    "shape of two": (data_set(image_shape=(32, 32)), "image_shape must be (height, width, channels)"),
    "shape of nothing": (data_set(image_shape=(32, 32, 0)), "image_shape must be (height, width, channels)"),
    "classes in words": (
        data_set(num_classes="10"),
        "num_classes must be a whole number from 1 up or None",
    ),
    "no examples": (data_set(train_size=0), "train_size must be a whole number from 1 up or None, not 0"),
    "half an example": (data_set(test_size=0.5), "test_size must be a whole number from 1 up or None, not 0.5"),
    "params no model": (registering(loss("a", params=dict)), "params must be a pydantic model"),
    "wrong default": (registering(loss("a", params=WrongDefault)), "the default of alpha is wrong"),
    "default out of bounds": (
        registering(loss("a", params=WrongDefaultElsewhere)),
        "the default of alpha is wrong",
    ),
}


@pytest.mark.parametrize(("plugin", "message"), BROKEN.values(), ids=BROKEN)
def test_a_failure_is_recorded_and_harms_nothing_else(plugin: Any, message: str) -> None:
    registry = Registry()
    registry.load([entry("before", registering(loss("early"))), entry("bad-dist", plugin), GOOD], strict=False)
    (failed,) = registry.failed()
    assert (failed.name, str(failed.origin), failed.components) == ("main", "bad-dist 1.0", [])
    assert failed.error is not None
    assert message in failed.error
    assert "\n" not in failed.error
    assert failed.traceback is not None
    for name, origin in (("standard", "lsncli"), ("early", "before"), ("good-loss", "good-dist")):
        assert registry.find("loss", name).plugin.origin.distribution == origin
    # Its hooks are gone too: an observer of a plugin that failed must not be called.
    assert registry.hooks_of(failed) == []


@pytest.mark.parametrize(("plugin", "message"), BROKEN.values(), ids=BROKEN)
def test_strict_raises(plugin: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_STRICT_PLUGINS", "1")
    with pytest.raises(LsnError, match=r"plugin .main. of bad-dist 1\.0 did not load") as caught:
        Registry().load([entry("bad-dist", plugin)])
    assert message in caught.value.what
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("value", ["", "0"])
def test_strict_is_off_by_default(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_STRICT_PLUGINS", value)
    registry = Registry()
    registry.load([entry("bad-dist", _exits)])
    assert len(registry.failed()) == 1


def test_an_unknown_component_names_the_plugins_that_failed() -> None:
    registry = Registry()
    registry.load([entry("lost-dist", source("import lsn_no_such_module"))], strict=False)
    with pytest.raises(UnknownNameError) as caught:
        registry.get("loss", "lost-loss", where="my.toml:3, key 'loss.name'")
    error = caught.value
    assert error.what == "unknown loss 'lost-loss'"
    assert error.where == "my.toml:3, key 'loss.name'"
    assert error.next is not None
    assert "lost-dist 1.0 did not load (ModuleNotFoundError: No module named 'lsn_no_such_module')" in error.next


def test_unknown_names_get_close_matches_whatever_their_case() -> None:
    registry = Registry()
    registry.load([])
    with pytest.raises(UnknownNameError, match="unknown architecture 'RESNET32'") as caught:
        registry.get("architecture", "RESNET32")
    assert caught.value.next is not None
    assert "did you mean 'resnet32'" in caught.value.next


def test_two_components_of_one_name_name_both_distributions() -> None:
    registry = Registry()
    registry.load(
        [entry("one", registering(loss("twin"), loss("only-one"))), entry("two", registering(loss("twin")))],
        strict=False,
    )
    assert registry.failed() == []
    with pytest.raises(LsnError, match="'twin' is registered twice") as caught:
        registry.get("loss", "twin")
    assert "one 1.0" in caught.value.what
    assert "two 1.0" in caught.value.what
    assert registry.get("loss", "only-one").name == "only-one"
    assert registry.get("loss", "standard").name == "standard"


def test_a_name_of_lsn_is_a_conflict_like_any_other() -> None:
    registry = Registry()
    registry.load([entry("bold", registering(loss("standard")))], strict=False)
    with pytest.raises(LsnError, match=r"by lsncli .* and by bold 1\.0"):
        registry.get("loss", "standard")


def test_strict_raises_a_name_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_STRICT_PLUGINS", "1")
    with pytest.raises(LsnError, match=r"'twin' is registered twice: by one 1\.0 .* and by two 1\.0"):
        Registry().load([entry(dist, registering(loss("twin"))) for dist in ("one", "two")])


def test_a_module_that_is_left_half_registered_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pluggy 1.5 leaves it whose hook is refused: under its name, with the hooks before that one."""
    registry = Registry()
    whole = registry.manager.register

    def half(plugin: Any, name: str | None = None) -> str | None:
        done = whole(plugin, name=name)
        if name == "bad-dist:main":
            raise pluggy.PluginValidationError(plugin, "the second hook is wrong")
        return done

    monkeypatch.setattr(registry.manager, "register", half)
    registry.load([entry("bad-dist", registering(loss("lost"))), GOOD], strict=False)
    (failed,) = registry.failed()
    assert registry.hooks_of(failed) == []
    assert not registry.manager.has_plugin("bad-dist:main")
    assert registry.manager.hook.lsn_losses.get_hookimpls()[-1].plugin_name == "good-dist:main"


def test_a_second_plugin_of_one_name_does_not_take_the_first_away() -> None:
    registry = Registry()
    registry.load([entry("dist", registering(loss("first"))), entry("dist", registering(loss("b")))], strict=False)
    assert [p.error is None for p in registry.plugins[-2:]] == [True, False]
    assert registry.hooks_of(registry.plugins[-2]) == ["lsn_losses"]


def test_one_name_in_two_kinds_is_no_conflict() -> None:
    noise = NoiseModelInfo(name="standard", build=print)
    registry = Registry()
    registry.load([entry("fine", registering(noise, hook="lsn_noise_models"))], strict=False)
    assert registry.get("noise model", "standard") is noise
    assert registry.get("loss", "standard").kind == "loss"


def test_one_module_behind_two_entry_points_counts_once() -> None:
    plugin = registering(loss("shared"))
    registry = Registry()
    registry.load([entry("dist", plugin, "first"), entry("dist", plugin, "second")], strict=False)
    assert [p.name for p in registry.failed()] == ["second"]
    assert registry.get("loss", "shared").name == "shared"


def test_what_a_user_must_give_is_no_wrong_default() -> None:
    """Required parameters, and conditions on several together, cannot hold before anything is said."""

    class Needs(Params):
        alpha: float
        beta: float = 0.5

    registry = Registry()
    registry.load([entry("dist", registering(loss("needs", params=Needs)))], strict=False)
    assert registry.failed() == []


def test_damaged_metadata_of_a_distribution() -> None:
    class Damaged:
        @property
        def name(self) -> str:
            raise KeyError("Name")

    nameless = SimpleNamespace(name=None, version=None)
    registry = Registry()
    registry.load(
        [
            FakeEntryPoint("a", lambda: registering(loss("a")), Damaged(), "damaged.module"),
            FakeEntryPoint("b", lambda: registering(loss("b")), nameless, "nameless.module"),
            FakeEntryPoint("c", lambda: registering(loss("c")), None, "unpackaged.module"),
            FakeEntryPoint("d", lambda: registering(loss("d")), distribution("whole", "2.1")),
        ],
        strict=False,
    )
    assert [str(registry.find("loss", n).plugin.origin) for n in "abcd"] == [
        "damaged.module",
        "nameless.module",
        "unpackaged.module",
        "whole 2.1",
    ]
