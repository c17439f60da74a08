"""What all interactive figures share: the plotting library, packing, the template, colours."""

import base64
import functools
import gzip


def pack(text: str) -> str:
    """Return `text` gzipped and in base64, as the page's script unpacks it; equal texts give equal results."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


@functools.cache
def plotly_packed() -> str:
    """Return plotly.js, packed, for a page that fetches nothing."""
    from plotly.offline import get_plotlyjs

    return pack(get_plotlyjs())
