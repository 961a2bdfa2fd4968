"""The networks under study, each with its layers named by role.

Layers (protocol 10): `penultimate`, after its ReLU where it has one (an autoencoder's latent, a contrastive network's
encoder output); `penultimate_pre`, before that ReLU; `earlier`, the end of the stage before; `output`. A network
that lacks one does not name it. ReLUs are modules and never in place, so that a hook reads what it should.
"""

from .batchnorm import calibrate_batchnorm
from .registry import ARCHITECTURES, Architecture, build

__all__ = ["ARCHITECTURES", "Architecture", "build", "calibrate_batchnorm"]
