"""The tree is the one RFC 6962 defines, and its tiles are those C2SP tlog-tiles defines."""

from dataclasses import replace
from functools import cache, partial
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.log import merkle
from infra.log.merkle import Tile

SIZES = range(301)
ENTRIES = [b"entry %d" % number for number in range(max(SIZES))]


# --- RFC 6962, section 2.1, as it is written ------------------------------------------------------


@cache
def mth(start, end):
    """MTH(D[start:end])."""
    n = end - start
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + ENTRIES[start]).digest()
    k = largest_power_of_two_below(n)
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m, start, end):
    """PATH(m, D[start:end])."""
    n = end - start
    if n == 1:
        return []
    k = largest_power_of_two_below(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m, start, end, known):
    """SUBPROOF(m, D[start:end], b)."""
    n = end - start
    if m == n:
        return [] if known else [mth(start, end)]
    k = largest_power_of_two_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, known), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, known=False), mth(start, start + k)]


def largest_power_of_two_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def stored(level, index):
    """The hash of a complete subtree."""
    return mth(index << level, (index + 1) << level)


# --- All sizes up to 300 --------------------------------------------------------------------------


def test_every_tree_has_the_root_of_the_definition():
    grown = merkle.Frontier()
    for size in SIZES:
        if size:
            grown.append(merkle.leaf_hash(ENTRIES[size - 1]))
        assert grown.root() == mth(0, size)
        assert merkle.root_hash(size, stored) == mth(0, size)
        assert merkle.frontier(size, stored).peaks == grown.peaks


@pytest.mark.parametrize("start", range(0, 301, 50))
def test_every_leaf_of_every_tree_has_the_audit_path_of_the_definition(start):
    for size in SIZES[start : start + 50]:
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, stored)
            assert proof == path(index, 0, size)
            leaf = merkle.leaf_hash(ENTRIES[index])
            assert merkle.root_from_inclusion(index, size, leaf, proof) == mth(0, size)


@pytest.mark.parametrize("start", range(0, 301, 50))
def test_every_two_trees_have_the_consistency_proof_of_the_definition(start):
    for new in SIZES[start : start + 50]:
        for old in range(new + 1):
            proof = merkle.consistency_proof(old, new, stored)
            assert proof == ([] if old == 0 else subproof(old, 0, new, known=True))
            assert merkle.verify_consistency(old, new, mth(0, old), mth(0, new), proof)


@pytest.mark.parametrize("size", [1, 2, 7, 256, 300])
def test_paths_made_together_are_those_made_alone_and_share_what_they_read(size):
    asked = []

    def read(level, index):
        asked.append((level, index))
        return stored(level, index)

    together = merkle.inclusion_proofs(range(size), size, read)
    assert together == [merkle.inclusion_proof(index, size, stored) for index in range(size)]
    assert len(asked) <= 2 * size + size.bit_length() ** 2


@given(st.data())
def test_nothing_else_verifies_as_included(data):
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, stored)
    wrong, other = data.draw(distorted(proof)), data.draw(st.integers(0, size - 1))
    leaf = merkle.leaf_hash(ENTRIES[index])
    assert not leads_to_root(index, size, leaf, wrong)
    if other != index:
        assert not leads_to_root(other, size, leaf, proof)
        assert not leads_to_root(index, size, merkle.leaf_hash(ENTRIES[other]), proof)


@given(st.data())
def test_nothing_else_verifies_as_consistent(data):
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, stored)
    before, after = mth(0, old), mth(0, new)
    forked = bytes(32)
    assert not merkle.verify_consistency(old, new, before, after, data.draw(distorted(proof)))
    assert not merkle.verify_consistency(old, new, forked, after, proof)
    assert not merkle.verify_consistency(old, new, before, forked, proof)
    if old < new:
        assert not merkle.verify_consistency(new, old, after, before, proof)


def distorted(proof):
    """The proof with a hash too few or too many, or one bit flipped."""
    longer = st.integers(0, len(proof)).map(lambda at: [*proof[:at], bytes(32), *proof[at:]])
    if not proof:
        return longer
    places = st.integers(0, len(proof) - 1)
    shorter = places.map(lambda at: [*proof[:at], *proof[at + 1 :]])
    flipped = st.tuples(places, st.integers(0, 255)).map(
        lambda where: [
            flip(each, where[1]) if at == where[0] else each for at, each in enumerate(proof)
        ]
    )
    return longer | shorter | flipped


def flip(value, bit):
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(len(value))


def leads_to_root(index, size, leaf, proof):
    try:
        return merkle.root_from_inclusion(index, size, leaf, proof) == mth(0, size)
    except ValueError:
        return False


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index, size):
    with pytest.raises(ValueError, match="has no leaf"):
        merkle.inclusion_proof(index, size, stored)


@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_a_smaller_tree_extends_nothing(old, new):
    with pytest.raises(ValueError, match="does not extend"):
        merkle.consistency_proof(old, new, stored)
    assert not merkle.verify_consistency(4, 3, mth(0, 4), mth(0, 3), [])


def test_only_the_empty_root_is_before_everything():
    assert merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, mth(0, 3), [])
    assert not merkle.verify_consistency(0, 3, mth(0, 1), mth(0, 3), [])
    assert not merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, mth(0, 3), [mth(0, 1)])


# --- Published vectors ----------------------------------------------------------------------------

# The eight leaves that implementations of Certificate Transparency compare themselves by.
PUBLISHED = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PUBLISHED_INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
PUBLISHED_CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def published(level, index):
    grown = merkle.Frontier()
    for entry in PUBLISHED[index << level : (index + 1) << level]:
        grown.append(merkle.leaf_hash(entry))
    return grown.root()


def test_the_published_trees_have_the_published_roots():
    for size, root in enumerate(PUBLISHED_ROOTS):
        assert merkle.root_hash(size, published).hex() == root


def test_the_published_proofs_are_made():
    for (index, size), proof in PUBLISHED_INCLUSION.items():
        assert [h.hex() for h in merkle.inclusion_proof(index, size, published)] == proof
    for (old, new), proof in PUBLISHED_CONSISTENCY.items():
        assert [h.hex() for h in merkle.consistency_proof(old, new, published)] == proof


# --- Tiles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "written"),
    [
        (0, "000"),
        (67, "067"),
        (999, "999"),
        (1000, "x001/000"),
        (1234067, "x001/x234/067"),
        (10**9, "x001/x000/x000/000"),
    ],
)
def test_an_index_is_written_in_groups_of_three_digits(index, written):
    assert merkle.index_path(index) == written
    assert merkle.index_path(index, 112) == f"{written}.p/112"
    assert merkle.parse_index_path(written) == (index, 256)
    assert merkle.parse_index_path(f"{written}.p/112") == (index, 112)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "67",
        "0067",
        "x000/067",
        "001/067",
        "x01/067",
        "x001/x067",
        "000.p/0",
        "000.p/00",
        "000.p/012",
        "000.p/256",
        "000.p/1000",
        "000.p/",
        "000.p",
        "000/",
        "/000",
        "000\n",
        "٠٠٠",
        "-01",
        "x001/" * 20 + "000",
    ],
)
def test_an_index_written_in_any_other_way_is_none(path):
    assert merkle.parse_index_path(path) is None


def test_the_example_of_the_specification():
    """A tree of 70,000 leaves has 273 full tiles of level 0, one of level 1, and three partial."""
    size = 70_000
    assert len(merkle.completed_tiles(0, 0, size)) == 273
    assert len(merkle.completed_tiles(1, 0, size)) == 1
    assert len(merkle.completed_tiles(2, 0, size)) == 0
    for widest in (Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)):
        assert widest.within(size)
        assert not replace(widest, width=widest.width + 1).within(size)
        assert not replace(widest, index=widest.index + 1, width=1).within(size)
    assert Tile(0, 272).within(size)
    assert Tile(1, 0).within(size)


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above_it():
    assert Tile(0, 0).within(256)
    assert Tile(1, 0, 1).within(256)
    assert not Tile(0, 1, 1).within(256)
    assert not Tile(0, 0, 0).within(256)
    assert Tile(0, 1, 5).path() == "0/001.p/5"
    assert Tile(2, 1234067).path() == "2/x001/x234/067"


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000, 131_073])
def test_tiles_hold_every_hash_a_proof_asks_for(size):
    """A reader of tiles alone makes the proofs that a whole tree makes."""
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    levels = [leaves]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([merkle.node_hash(a, b) for a, b in zip(row[::2], row[1::2], strict=False)])

    def whole(level, index):
        return levels[level][index]

    asked = []

    def read_tile(tile):
        assert tile.within(size)
        asked.append(tile)
        first = tile.index * 256
        return b"".join(levels[tile.level * 8][first : first + tile.width])

    root = merkle.root_hash(size, whole)
    assert merkle.root_hash(size, merkle.tile_reader(size, read_tile)) == root
    for index in {0, 1, size // 3, size // 2, size - 1} & set(range(size)):
        asked.clear()
        proof = merkle.inclusion_proof(index, size, merkle.tile_reader(size, read_tile))
        assert proof == merkle.inclusion_proof(index, size, whole)
        assert merkle.root_from_inclusion(index, size, leaves[index], proof) == root
        assert len(asked) == len(set(asked)) <= 6
        needed = merkle.needed_tiles(size, partial(merkle.inclusion_proof, index, size))
        assert needed == asked
    for old in {1, size // 2, size - 1, size} & set(range(1, size + 1)):
        proof = merkle.consistency_proof(old, size, merkle.tile_reader(size, read_tile))
        assert proof == merkle.consistency_proof(old, size, whole)
        before = merkle.root_hash(old, whole)
        assert merkle.verify_consistency(old, size, before, root, proof)
