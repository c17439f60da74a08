"""The still pictures of a page: small enough to stand in it, sharp enough for a fine screen."""

import base64
import io

import numpy as np
from PIL import Image

_COLOURS = 32  # of a drawing of lines and text more are not told apart; the files for papers keep all
_APART = 60  # of 255: a colour this far from the right one is another colour
_SHARE_APART = 0.0005


def still_picture(png: bytes) -> tuple[str, int, int]:
    """Return a PNG picture as a data URI of WebP, as sharp as it was, its width and its height in px."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE).convert("RGB")
    buffer = io.BytesIO()
    (few if _alike(few, picture) else picture).save(buffer, "webp", lossless=True, method=4)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/webp;base64,{text}", picture.width, picture.height


def _alike(first: Image.Image, second: Image.Image) -> bool:
    difference = np.abs(np.asarray(first, dtype=np.int16) - np.asarray(second, dtype=np.int16)).max(axis=-1)
    return float((difference > _APART).mean()) <= _SHARE_APART
