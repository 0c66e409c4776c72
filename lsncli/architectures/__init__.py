"""Architectures: linear, multilayer perceptron and the CIFAR residual networks."""
