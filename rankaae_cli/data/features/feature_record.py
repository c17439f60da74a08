"""What comes back of one structure where features of its sites are asked for, as it is kept in the cache."""

import base64
import json
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class SiteFeatures:
    """The features of the wanted sites of a structure, each of shape (F,), float32; or why there are none."""

    sites: dict[int, np.ndarray] = field(default_factory=dict)
    fault: str = ""

    def to_json(self) -> str:
        """Return a text from which `from_json` makes an equal record."""
        sites = {
            i: base64.b64encode(row_F.astype("<f4").tobytes()).decode() for i, row_F in self.sites.items()
        }
        return json.dumps({"sites": sites, "fault": self.fault}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "SiteFeatures":
        """Make a record from the text of `to_json`."""
        record = json.loads(text)
        sites = {int(i): np.frombuffer(base64.b64decode(row), "<f4") for i, row in record["sites"].items()}
        return cls(sites, record["fault"])
