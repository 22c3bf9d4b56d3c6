"""Documented forms made small: every structural choice kept, few blocks and channels."""

from dataclasses import replace

import numpy as np

from resnet_ref import ResNetSpec, documented_forms, spec


def small(form: ResNetSpec) -> ResNetSpec:
    """`form` with at most two blocks per stage and few channels; SE divides them by 16."""
    three = len(form.depths) == 3
    depths = (2, 1, 2) if three else (2, 1, 1, 2)
    return replace(
        form, depths=depths, widths=(16, 32, 48) if three else (16, 32, 32, 48), num_classes=7
    )


def image_size(form: ResNetSpec) -> tuple[int, int]:
    """An oblong size on which every averaged feature map has 2**n pixels, the last one 8 or more.

    Paddle holds the share of a pixel in a mean as float32, which is exact for those alone.
    The size is odd where no map of the image's own size is averaged.
    """
    last = (2, 4) if form.output_stride == 32 else (4, 2)
    less = 0 if form.squeeze_excite and form.stem == "cifar" else 3
    return last[0] * form.output_stride - less, last[1] * form.output_stride - less


def images(form: ResNetSpec, count: int, size: tuple[int, int] | None = None) -> list[np.ndarray]:
    """Batches of two images of normal noise, always the same."""
    shape = (2, form.in_channels, *(size or image_size(form)))
    return [np.random.default_rng(seed).normal(size=shape) for seed in range(count)]


def image(form: ResNetSpec, size: tuple[int, int] | None = None) -> np.ndarray:
    """The first of them."""
    return images(form, 1, size)[0]


def label(form: ResNetSpec) -> str:
    return f"{form.arch}-{form.variant}-{form.stem}-{form.head}-os{form.output_stride}"


def numbered(forms: list[ResNetSpec]) -> dict[str, ResNetSpec]:
    return {f"{label(form)}-{index}": form for index, form in enumerate(forms)}


VARIANTS = numbered(
    [
        *(
            form
            for arch in ("resnet18", "resnet50", "resnet20")
            for form in documented_forms(arch, 10, 3)
            if form.output_stride == form.native_stride
        ),
        *(spec(arch) for arch in ("resnext50_32x4d", "wide_resnet50_2")),
        *(spec("resnet18", head=head) for head in ("none", "softmax", "log_softmax")),
        *(
            replace(spec("resnet50", variant, output_stride=8), dilated_first=dilated)
            for variant in ("v1.5", "vd", "v2")
            for dilated in (False, True)
        ),
    ]
)
