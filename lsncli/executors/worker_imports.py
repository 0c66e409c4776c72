"""Imported once by the server that workers are forked from; imports only, nothing is computed here."""

import torch

import lsncli.engine.together  # noqa: F401

# The first optimiser of a process makes torch import its compiler, which takes seconds: once here, not once per
# worker. Making it computes nothing, so no thread is started that a fork would lose.
torch.optim.SGD([torch.nn.Parameter(torch.empty(1))], lr=1.0)
