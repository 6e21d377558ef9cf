"""Mark the records that leave the process: what stands under a field describes it in the JSON Schema."""

from __future__ import annotations

from pydantic import ConfigDict, with_config

documented = with_config(ConfigDict(use_attribute_docstrings=True))
"""Put above `@dataclass` of a record that the JSON of a score contains."""
