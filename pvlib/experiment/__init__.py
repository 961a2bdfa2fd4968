"""Data, models and training. Knows nothing of measuring."""

from ..extras import need

need("torch", "sklearn", "PIL", "tqdm", "platformdirs", "pyarrow", "safetensors")
