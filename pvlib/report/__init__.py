"""Tables, claims and figures of published studies. Reads tables only: no torch, no training."""

from ..extras import need

need("pandas", "pyarrow", "safetensors", "yaml", "msgspec", "matplotlib")
