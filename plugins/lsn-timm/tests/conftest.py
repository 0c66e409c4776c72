"""One thread: the models are asked about a few small images."""

import torch

torch.set_num_threads(1)
