"""Judge ResNets that others wrote, as far as their packages are installed: one row for each.

python -m tests.benchmarks.packages [PACKAGE...]
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

TARGETS = (
    "timm:create_model?model_name=resnet18",
    "timm:create_model?model_name=resnet50d",
    "timm:create_model?model_name=seresnet50",
    "timm:create_model?model_name=resnet50&output_stride=8",
    "timm:create_model?model_name=resnet34&features_only=True",
    "timm:create_model?model_name=legacy_seresnet50",
    "torchvision.models:resnet34",
    "torchvision.models:resnet152",
    "torchvision.models:resnext50_32x4d",
    "torchvision.models:wide_resnet50_2",
    "torchvision.models:resnet50?replace_stride_with_dilation=[False,True,True]",
    "tests.benchmarks.packages:transformers_resnet?kind=basic",
    "tests.benchmarks.packages:transformers_resnet?kind=bottleneck",
    "pytorchcv.model_provider:get_model?name=resnet20_cifar10",
    "pytorchcv.model_provider:get_model?name=preresnet18",
    "pytorchcv.model_provider:get_model?name=seresnet50",
    "pretrainedmodels:se_resnext50_32x4d?pretrained=None",
    "lightly.models.resnet:ResNetGenerator?name=resnet-18",
    "lightly.models.resnet:ResNetGenerator?name=resnet-50",
    "mmcv.cnn.resnet:ResNet?depth=18&bn_eval=False",
    "mmcv.cnn.resnet:ResNet?depth=50&bn_eval=False",
    "monai.networks.nets.resnet:resnet18?spatial_dims=2&n_input_channels=3",
    "monai.networks.nets.resnet:resnet18?spatial_dims=2&n_input_channels=3&conv1_t_stride=2",
    "segmentation_models_pytorch.encoders:get_encoder?name=resnet34&weights=None",
    "fastai.vision.models.xresnet:xresnet18",
    "classy_vision.models.resnext:ResNet18",
    "paddle.vision.models:resnet18",
    "paddle.vision.models:resnet101",
    "paddle.vision.models:resnext50_32x4d",
    "paddle.vision.models:wide_resnet50_2",
    "paddleclas.ppcls.arch.backbone:ResNet18",
    "paddleclas.ppcls.arch.backbone:ResNet34_vd",
    "paddleclas.ppcls.arch.backbone:ResNet50_vc",
    "paddleclas.ppcls.arch.backbone:ResNeXt50_vd_32x4d",
    "paddleclas.ppcls.arch.backbone:SE_ResNet50_vd",
    "paddleclas.ppcls.arch.backbone:SE_ResNeXt50_32x4d",
    "paddleclas.ppcls.arch.backbone:ResNeXt101_32x8d_wsl",
    "paddleseg.models.backbones.resnet_vd:ResNet18_vd",
    "paddleseg.models.backbones.resnet_vd:ResNet50_vd",
    "tests.benchmarks.packages:ppdet_resnet?depth=18&variant=b",
    "tests.benchmarks.packages:ppdet_resnet?depth=50&variant=d",
    "mindcv.models:resnet18",
    "mindcv.models:resnet50",
    "mindcv.models:resnext50_32x4d",
)
DISTRIBUTIONS = {
    "paddle": "paddlepaddle", "mmcv": "mmcv-lite", "classy_vision": "classy-vision",
    "segmentation_models_pytorch": "segmentation-models-pytorch", "ppdet": "paddledet",
}  # fmt: skip


def transformers_resnet(kind):
    """A classifier of 18 layers (basic) or 50 (bottleneck)."""
    package = import_module("transformers")
    if kind == "bottleneck":
        return package.ResNetForImageClassification(package.ResNetConfig())
    config = package.ResNetConfig(
        layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512]
    )
    return package.ResNetForImageClassification(config)


def ppdet_resnet(depth, variant):
    """A backbone of PaddleDetection, which takes its images in a dictionary."""
    nn = import_module("paddle").nn
    backbone = import_module("ppdet.modeling.backbones.resnet").ResNet(
        depth, variant=variant, freeze_at=-1, freeze_norm=False, norm_decay=0.0
    )

    class OfImages(nn.Layer):
        def __init__(self):
            super().__init__()
            self.backbone = backbone

        def forward(self, image):
            return self.backbone({"image": image})

    return OfImages()


def main():
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="*", help="all that are installed, if none is named")
    wanted = parser.parse_args().packages
    print("| Package | Network | Verdict | Form, or first cause | Seconds |\n|---|---|---|---|---|")
    for target in TARGETS:
        package = package_of(target)
        if find_spec(package) and (not wanted or package in wanted):
            print(row(package, target), flush=True)


def package_of(target):
    module, _, name = target.partition(":")
    return name.partition("_")[0] if module.startswith("tests.") else module.partition(".")[0]


def row(package, target):
    version = metadata.version(DISTRIBUTIONS.get(package, package))
    with TemporaryDirectory() as folder:
        report = Path(folder) / "verdict.json"
        command = [sys.executable, "-m", "resnet_verify.cli", "check", target]
        subprocess.run([*command, "--json", str(report)], capture_output=True)
        judged = json.loads(report.read_text())["targets"][0] if report.exists() else None
    network = target.partition(":")[2].replace("|", "\\|")
    if judged is None:
        return f"| {package} {version} | `{network}` | cannot be loaded | | |"
    form = judged["identified"] or {}
    told = " ".join(str(form.get(key)) for key in ("arch", "variant"))
    if judged["diagnoses"]:
        told = judged["diagnoses"][0]["message"]
    seconds = f"{judged['seconds']:.0f}"
    return f"| {package} {version} | `{network}` | {judged['verdict']} | {told} | {seconds} |"


if __name__ == "__main__":
    main()
