from tests.figures.conftest import deployment, wall

__all__ = ["deployment", "wall"]
