"""Networks by name."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from zfwidgets import AlexNet2012, list_networks, load_network
from zfwidgets.errors import DownloadError, UnknownNameError, WeightsError
from zfwidgets.models import registry


def test_list_holds_embedded_paper_and_torchvision_classifiers():
    names = list_networks()
    assert names[0] == "zfnet-scenes"
    assert {"zfnet", "alexnet2012", "alexnet", "vgg16", "resnet18", "squeezenet1_1", "vit_b_16"} <= set(names)
    assert "raft_large" not in names
    assert len(set(names)) == len(names)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="'resnet18'"):
        load_network("resnet-18")


def test_random_weights_are_seeded_by_the_caller():
    def weights():
        torch.manual_seed(3)
        return load_network("squeezenet1_1", weights=None, device="cpu").module.features[0].weight

    assert torch.equal(weights(), weights())


def test_class_names_set_the_number_of_logits():
    net = load_network("squeezenet1_1", weights=None, classes=["a", "b"], device="cpu")
    assert net.classes == ("a", "b")
    assert load_network("squeezenet1_1", weights=None, device="cpu").classes[207] == "golden retriever"


def test_weights_from_a_file(tmp_path):
    torch.manual_seed(0)
    save_file(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "w.safetensors")
    net = load_network("squeezenet1_1", weights=tmp_path / "w.safetensors", device="cpu")
    torch.manual_seed(0)
    assert torch.equal(net.module.features[0].weight, models.squeezenet1_1(weights=None).features[0].weight)
    with pytest.raises(WeightsError, match="another architecture"):
        load_network("alexnet", weights=tmp_path / "w.safetensors")


def test_googlenet_reads_published_weights_and_prepares_pixels_for_them(tmp_path):
    torch.manual_seed(0)
    published = models.googlenet(weights=None, init_weights=False, transform_input=True, num_classes=1000).eval()
    save_file(published.state_dict(), tmp_path / "w.safetensors")
    net = load_network("googlenet", weights=tmp_path / "w.safetensors", device="cpu")
    assert net.trace_problem is None
    pixels = torch.rand(3, 224, 224)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = published(((pixels - mean[:, None, None]) / std[:, None, None])[None])
    torch.testing.assert_close(net(net.preprocess.normalise(pixels)[None]), wanted, rtol=1e-4, atol=1e-5)


def test_default_weights_without_a_network_are_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("ZFWIDGETS_CACHE", str(tmp_path))

    def offline(url, **options):
        raise OSError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(DownloadError, match="weights='path'"):
        load_network("resnet18")


def test_the_papers_networks_have_no_published_weights():
    with pytest.raises(WeightsError, match="weights=None"):
        load_network("zfnet")


def test_the_baseline_has_two_groups_and_its_geometry():
    torch.manual_seed(0)
    net = load_network("alexnet2012", weights=None, device="cpu")
    assert isinstance(net.module, AlexNet2012)
    assert net.menu == ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8")
    layer = net.layers["conv5"]
    assert (layer.channels, layer.height, layer.fidelity) == (256, 13, "adjoint")
    groups = [m.groups for m in net.module.modules() if isinstance(m, nn.Conv2d)]
    assert groups == [1, 2, 1, 2, 2]


def test_a_damaged_embedded_file_is_noticed(monkeypatch, tmp_path):
    entry = registry.embedded_manifest()["zfnet-scenes"]
    content = bytearray((registry._EMBEDDED / entry["file"]).read_bytes())
    content[-7] ^= 4
    (tmp_path / entry["file"]).parent.mkdir()
    (tmp_path / entry["file"]).write_bytes(content)
    monkeypatch.setattr(registry, "_EMBEDDED", tmp_path)
    with pytest.raises(WeightsError, match="damaged"):
        load_network("zfnet-scenes")
