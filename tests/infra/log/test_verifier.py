"""The verifier's own arithmetic agrees with a library's and with published vectors."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.evidence.verifier import verifier
from infra.log import merkle
from infra.log.notes import COSIGNATURE, NoteError, Signature, SigningKey, VerifierKey, cosigned

# RFC 8032, section 7.1: public key, message, signature.
PUBLISHED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), PUBLISHED)
def test_the_published_signatures_verify(public, message, signature):
    key, said, signed = map(bytes.fromhex, (public, message, signature))
    assert verifier.ed25519_verifies(key, said, signed)
    assert not verifier.ed25519_verifies(key, said + b"x", signed)
    s = int.from_bytes(signed[32:], "little") + verifier.ORDER
    malleable = signed[:32] + s.to_bytes(32, "little")
    assert not verifier.ed25519_verifies(key, said, malleable)


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_verifies_as_a_library_says(seed, message, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verifier.ed25519_verifies(public, message, signature)
    flipped = (int.from_bytes(signature) ^ 1 << bit).to_bytes(64)
    assert not verifier.ed25519_verifies(public, message, flipped)


@given(st.integers(1, 300), st.data())
def test_it_reads_the_same_proofs_as_the_tree_makes(size, data):
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(size)]

    def read(level, index):
        grown = merkle.Frontier()
        for leaf in leaves[index << level : (index + 1) << level]:
            grown.append(leaf)
        return grown.root()

    root = merkle.root_hash(size, read)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof = merkle.inclusion_proof(index, size, read)
    assert verifier.climb(index, size, leaves[index], proof) == root
    assert verifier.climb(index, size, leaves[index], [*proof, root]) is None
    before = merkle.root_hash(old, read)
    consistent = merkle.consistency_proof(old, size, read)
    assert verifier.extends(old, size, before, root, consistent)
    assert not verifier.extends(old, size, before, root, [*consistent, root])
    assert not verifier.extends(old, size, bytes(32), root, consistent)
    if old:
        assert not verifier.extends(old, size, before, bytes(32), consistent)
        assert not verifier.extends(size + 1, size, before, root, consistent)


def test_it_asks_for_every_witness_that_is_named():
    log, private = SigningKey.generate("log.example/a"), Ed25519PrivateKey.generate()
    witness = VerifierKey("w.example", COSIGNATURE, private.public_key().public_bytes_raw())
    text = "log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    alone = f"{text}\n{log.sign(text)}\n"
    value = (1234).to_bytes(8) + private.sign(cosigned(text, 1234))
    together = f"{alone}{Signature(witness.name, witness.id, value)}\n"
    keys = [str(log.verifier)]
    for note in (alone, together):
        assert verifier.open_note(note, keys)[1] == 0
    assert verifier.open_note(together, keys, [str(witness)])[0] == "log.example/a"
    later = (1235).to_bytes(8) + value[8:]
    for note in (alone, f"{alone}{Signature(witness.name, witness.id, later)}\n"):
        with pytest.raises(verifier.Wrong):
            verifier.open_note(note, keys, [str(witness)])


@pytest.mark.parametrize("vkey", ["", "a", "a+b+c", "a+00000000+AQ==", "a+00000000+" + "A" * 44])
def test_a_key_that_is_not_well_written_is_not_used(vkey):
    with pytest.raises((verifier.Wrong, ValueError)):
        verifier.has_signed(vkey, "text\n", [])
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)
