from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.directory.tree import branches, chain, circle

CODES = st.sampled_from("ABCDEFGH")
PARENTS = st.dictionaries(CODES, CODES)


def ancestors(parents: dict[str, str], code: str) -> set[str]:
    """Everything above `code`, found by spreading instead of walking."""
    above: set[str] = set()
    for _ in range(len(parents) + 1):
        above |= {parent for child, parent in parents.items() if child in {code, *above}}
    return above


@given(PARENTS, CODES)
def test_a_unit_is_in_a_circle_exactly_when_it_is_its_own_ancestor(
    parents: dict[str, str], code: str
) -> None:
    way = circle(parents, code)
    assert (way is not None) == (code in ancestors(parents, code))
    if way:
        assert way[0] == way[-1] == code
        assert all(parents[child] == parent for child, parent in pairwise(way))
        assert len(set(way)) == len(way) - 1


@given(PARENTS, CODES)
def test_the_chain_is_the_unit_and_its_ancestors_each_once(parents: dict[str, str], code: str) -> None:
    way = list(chain(parents, code))
    assert way[0] == code
    assert set(way) == {code} | ancestors(parents, code)
    assert len(set(way)) == len(way)


@given(PARENTS, CODES)
def test_a_branch_is_the_child_below_which_a_unit_lies(parents: dict[str, str], root: str) -> None:
    found = branches(parents, root)
    lies_below = {code for code in parents if code != root and root in ancestors(parents, code)}
    assert set(found) == lies_below
    for code, child in found.items():
        assert parents[child] == root
        assert code == child or child in ancestors(parents, code)
