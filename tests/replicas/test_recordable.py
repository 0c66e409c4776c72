"""What must not be recorded is taken step by step: a record would repeat what Python had at one step."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from replica_samples import asked, measured, spec, weights

from lsncli.engine.events import Notice
from lsncli.engine.recordable import counts_on_processor
from lsncli.engine.run import _keep_on_device
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, RunSpec


def run_with(loss: str = "standard", model: str = "small-net", optimizer: str = "plain-sgd") -> RunSpec:
    plain = spec(loss, model=ComponentSpec(name=model))
    return plain.model_copy(
        update={"train": plain.train.model_copy(update={"optimizer": ComponentSpec(name=optimizer)})}
    )


CASES = {
    "loss": run_with(loss="counting"),
    "architecture": run_with(model="counting-net"),
    "optimizer": run_with(optimizer="counting-sgd"),
}


def test_what_says_nothing_is_recorded(settings: EngineSettings) -> None:
    list(train(run_with(), replace(settings, device="recorder")))
    assert (asked()["compiled"], asked()["steps"]) == (1, 10)


@pytest.mark.parametrize("kind", CASES)
def test_what_says_no_is_never_recorded(kind: str, settings: EngineSettings, elsewhere: EngineSettings) -> None:
    run = CASES[kind]
    ours = list(train(run, replace(settings, device="recorder")))
    assert asked()["compiled"] == 0
    theirs = list(train(run, elsewhere))
    assert measured(ours) == measured(theirs)
    assert weights(settings, run) == weights(elsewhere, run)


@pytest.mark.parametrize("name", ["remembering-sgd", "warming-sgd"])
def test_an_optimizer_that_counts_is_found_out(name: str, settings: EngineSettings) -> None:
    """In its state or in its groups: after one step, before a device would record one; once told."""
    events = list(train(run_with(optimizer=name), replace(settings, device="recorder")))
    assert asked()["steps"] == 1
    assert [event.message for event in events if isinstance(event, Notice)] == [
        f"the step cannot be recorded, and is taken kernel by kernel: optimizer {name!r} keeps numbers on"
        " the processor"
    ]


def test_a_tensor_that_is_replaced_is_found_out(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """After the second eager step: a record would read the first one's memory for ever."""
    run = run_with(loss="averaging")
    events = list(train(run, replace(settings, device="recorder")))
    assert asked()["steps"] == 2
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "the step cannot be recorded, and is taken kernel by kernel: network, loss or optimizer replaces a tensor"
        " that it keeps from step to step"
    ]
    assert measured(events) == measured(list(train(run, elsewhere)))


def test_sgd_of_a_plugin_reads_its_rate_on_the_device() -> None:
    """Only the fused kernel does; the others would wait for the number in every step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=1.0)
    _keep_on_device(optimizer)
    assert not optimizer.param_groups[0]["fused"]
    optimizer.param_groups[0]["params"] = [SimpleNamespace(is_cuda=True)]
    _keep_on_device(optimizer)
    assert (optimizer.param_groups[0]["fused"], optimizer.param_groups[0]["foreach"]) == (True, False)


def test_numbers_beside_the_device() -> None:
    """``meta`` stands for a device: a counter on the processor is not where its parameter is."""
    parameter = torch.nn.Parameter(torch.zeros(2, device="meta"))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    assert not counts_on_processor(optimizer)
    optimizer.state[parameter]["momentum_buffer"] = torch.zeros(2, device="meta")
    optimizer.state[parameter]["nothing"] = None
    assert not counts_on_processor(optimizer)
    for counter in (torch.tensor(3.0), 3, 3.0):
        optimizer.state[parameter]["step"] = counter
        assert counts_on_processor(optimizer)
