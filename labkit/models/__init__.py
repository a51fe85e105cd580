"""Networks: a backbone makes one vector of a clip, a head makes the answer and the loss of it.

A backbone takes a batch (B, L, F), time first, and the true lengths, and gives (B, O). What lies past the end of a clip
never changes its vector, nor what is learned. In evaluation mode a clip gives the same alone as in any batch; in
training mode batch normalisation, and it alone, makes the clips of a batch depend on each other, by their own frames.

- `backbones`: LSTM, CNN, transformer, and the lab's own residual network
- `heads`: a genre, one axis of mood, all three
- `checkpoints`: weights on disk, with plain facts beside them
"""

from labkit.machine import fast_on_cpu
from labkit.models.backbones import ASTBackbone, Backbone, CNNBackbone, LSTMBackbone, ModelError, ResidualBackbone
from labkit.models.checkpoints import load_backbone_from_checkpoint, load_checkpoint, save_checkpoint
from labkit.models.heads import Classifier, MultitaskRegressor, Regressor

fast_on_cpu()

__all__ = ["ASTBackbone", "Backbone", "CNNBackbone", "Classifier", "LSTMBackbone", "ModelError", "MultitaskRegressor",
           "Regressor", "ResidualBackbone", "load_backbone_from_checkpoint", "load_checkpoint", "save_checkpoint"]
