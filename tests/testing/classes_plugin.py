"""Plugins that are no modules: a class, and an object; and a class that is slow to register."""

from faulty_plugin import noise as made_noise
from faulty_plugin import redrawn, uniform

from lsncli import NoiseModelInfo, hookimpl


def record(name):
    build = made_noise(lambda *a: redrawn(0.3, *a), uniform(0.3))
    return NoiseModelInfo(name=name, build=build, summary="a noise model")


class OfClass:
    @staticmethod
    @hookimpl
    def lsn_noise_models(register):
        register(record("of-class"))


class Slow:
    @staticmethod
    @hookimpl
    def lsn_noise_models(register):
        import torch  # noqa: F401

        register(record("of-slow-class"))


class OfObject:
    @hookimpl
    def lsn_noise_models(self, register):
        register(record("of-object"))


an_object = OfObject()
