"""Đúng Hẹn: facts → dossiers → figures → commitments → lagging → messages, one folder a stage."""

from importlib.metadata import version

__version__ = version("dunghen")
