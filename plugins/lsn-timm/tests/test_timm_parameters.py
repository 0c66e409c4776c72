"""Names are checked while the plan is made, without torch; what timm cannot make is one message."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm
import torch
from lsncli import ArchitectureContext, LsnError
from lsncli.architectures.prelogits import final_linear, with_prelogits
from pydantic import ValidationError
from torch import nn

from lsn_timm.names import model_names
from lsn_timm.network import HeadedNetwork, WholeNetwork, build
from lsn_timm.params import TimmParams

SMALL = ArchitectureContext(4, (3, 32, 32))


def test_the_names_are_those_that_timm_registers() -> None:
    assert model_names() == set(timm.list_models(include_tags=False))


def test_names_are_checked_without_torch() -> None:
    code = (
        "import sys\n"
        "from lsn_timm.params import TimmParams\n"
        "TimmParams(model='convnext_atto')\n"
        "assert not {'torch', 'timm'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name() -> None:
    with pytest.raises(ValidationError, match=r"no model 'resnet19'.*did you mean .*resnet18"):
        TimmParams(model="resnet19")


def test_a_tag_without_its_weights() -> None:
    with pytest.raises(ValidationError, match="set pretrained = true"):
        TimmParams(model="resnet18.a1_in1k")
    assert TimmParams(model="resnet18.a1_in1k", pretrained=True).model == "resnet18.a1_in1k"


def test_what_lsn_sets_is_no_option() -> None:
    with pytest.raises(ValidationError, match="num_classes cannot be an option"):
        TimmParams(options={"num_classes": 3})


def test_nothing_is_downloaded_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("timm.models._builder.load_pretrained", lambda *a, **k: asked.append(a))
    build(TimmParams(model="resnet10t"), SMALL)
    assert not asked
    build(TimmParams(model="resnet10t", pretrained=True), SMALL)
    assert asked


def test_an_argument_that_the_model_does_not_have() -> None:
    with pytest.raises(LsnError, match="timm cannot make 'resnet18' for images of 3×32×32: TypeError"):
        build(TimmParams(options={"patch_size": 4}), SMALL)


def test_a_size_of_images_that_only_the_first_ones_tell() -> None:
    with pytest.raises(LsnError, match="timm cannot make 'crossvit_9_240' for images of 3×224×224: RuntimeError"):
        build(TimmParams(model="crossvit_9_240"), ArchitectureContext(4, (3, 224, 224)))


def test_a_stem_that_is_not_known() -> None:
    with pytest.raises(LsnError, match="how the first layers of 'vit_tiny_patch16_224'"):
        build(TimmParams(model="vit_tiny_patch16_224", small_images=True, options={"depth": 1}), SMALL)


def test_small_images_keep_their_resolution() -> None:
    """32×32 pixels reach the first stage of a ResNet-18 whole, and its last one, strides of 2·2·2 later, as 4×4."""
    sizes = {}
    for model, small in (("resnet18", False), ("resnet18", True), ("resnet18d", True)):
        module = build(TimmParams(model=model, small_images=small), SMALL)
        seen: list[torch.Size] = []
        for stage in (module.network.layer1, module.network.layer4):
            stage.register_forward_hook(lambda _, images, output, to=seen: to.append(output.shape[2:]))
        with torch.no_grad():
            module.eval()(torch.zeros(1, 3, 32, 32))
        sizes[model, small] = [tuple(size) for size in seen]
    kept = [(32, 32), (4, 4)]
    assert sizes == {
        ("resnet18", False): [(8, 8), (1, 1)],
        ("resnet18", True): kept,
        ("resnet18d", True): kept,
    }


def test_prelogits_are_those_of_timm() -> None:
    module = build(TimmParams(model="resnet10t"), SMALL).eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    _, prelogits = with_prelogits(module, 4)(images)
    network = module.network
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(images), pre_logits=True)
    assert torch.equal(prelogits, expected)


def test_logits_are_a_linear_function_of_the_prelogits() -> None:
    """Of a model that timm builds with a second head, too, whose maximum over patches it would add to them."""
    module = build(TimmParams(model="volo_d1_224"), SMALL).eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits, prelogits = with_prelogits(module, 4)(images)
    assert torch.equal(logits, final_linear(module, 4)(prelogits))


def test_another_layer_with_as_many_outputs_is_not_taken() -> None:
    """lsn does not have to guess among the linear layers: the model names its classifier."""
    module = build(TimmParams(model="resnet10t"), SMALL)
    module.auxiliary = nn.Linear(3, 4)
    assert final_linear(module, 4) is module.network.fc
    names = [name for name, _ in module.named_parameters() if name.startswith(("network.fc", "classifier"))]
    assert names == ["network.fc.weight", "network.fc.bias"]


@pytest.mark.parametrize(
    ("model", "kind"),
    [("resnetv2_50", HeadedNetwork), ("convnext_atto", WholeNetwork), ("mixer_s32_224", WholeNetwork)],
)
def test_on_the_meta_device(model: str, kind: type[nn.Module]) -> None:
    """As lsn counts parameters and multiply-accumulates: nothing is computed."""
    with torch.device("meta"):
        module = build(TimmParams(model=model), ArchitectureContext(10, (3, 64, 64)))
    assert isinstance(module, kind)
    assert final_linear(module, 10).out_features == 10
