"""The estimators pass lsn's suite, which knows the matrix T that they should find."""

from __future__ import annotations

from lsn_estimators.conformance import ConfidentSuite, DualSuite, HocSuite, RevisionSuite, VolumeSuite


class TestConfidentJoint(ConfidentSuite):
    pass


class TestDual(DualSuite):
    pass


class TestHoc(HocSuite):
    pass


class TestVolume(VolumeSuite):
    pass


class TestRevision(RevisionSuite):
    pass
