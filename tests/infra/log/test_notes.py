"""Notes, keys and checkpoints are written as the specifications write them."""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from infra.log.notes import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    cosigned,
)

# The example of C2SP signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

# The example of golang.org/x/mod/sumdb/note, with its secret key.
NEUMANN_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NEUMANN_LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)


def test_the_published_note_verifies():
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    note = Note.parse(EXAMPLE_NOTE.encode())
    assert note.verified([key]) == [key]
    assert str(note) == EXAMPLE_NOTE


def test_the_published_secret_key_makes_the_published_signature():
    key = SigningKey.parse(NEUMANN_SECRET)
    assert key.encode() == NEUMANN_SECRET
    assert str(key.verifier) == NEUMANN_KEY
    assert str(key.sign(NEUMANN_TEXT)) == NEUMANN_LINE
    assert NEUMANN_SECRET not in repr(key)


def test_the_published_checkpoint_is_read_and_written():
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse(text)
    assert checkpoint.size == 20852163
    assert checkpoint.text() == text
    assert Checkpoint.parse(text + "an extension\n") == checkpoint


def test_a_note_that_was_changed_is_not_accepted():
    note = Note.parse(EXAMPLE_NOTE.replace("example message", "exemplary message"))
    with pytest.raises(NoteError, match="false"):
        note.verified([VerifierKey.parse(EXAMPLE_KEY)])


def test_a_note_by_others_is_not_accepted():
    with pytest.raises(NoteError, match="no known key"):
        Note.parse(EXAMPLE_NOTE).verified([VerifierKey.parse(NEUMANN_KEY)])
    with pytest.raises(NoteError, match="no known key"):
        Note.parse(EXAMPLE_NOTE).verified([])


def test_signatures_by_unknown_keys_are_passed_over():
    key = SigningKey.generate("log.example/a")
    namesake = SigningKey.generate("log.example/a")
    note = Note("text\n", (namesake.sign("other\n"), key.sign("text\n")))
    assert note.verified([key.verifier]) == [key.verifier]
    with pytest.raises(NoteError, match="false"):
        note.verified([key.verifier, namesake.verifier])


@given(st.integers(0, 2**63 - 1))
def test_a_cosignature_is_over_the_time_and_the_checkpoint(time):
    private = Ed25519PrivateKey.generate()
    witness = VerifierKey("witness.example/w", COSIGNATURE, private.public_key().public_bytes_raw())
    assert VerifierKey.parse(str(witness)) == witness
    text = "log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    assert cosigned(text, time) == message
    value = time.to_bytes(8) + private.sign(message)
    line = Signature(witness.name, witness.id, value)
    assert Note(text, (line,)).verified([witness]) == [witness]
    other = (time ^ 1).to_bytes(8) + value[8:]
    with pytest.raises(NoteError):
        Note(text, (Signature(witness.name, witness.id, other),)).verified([witness])


@pytest.mark.parametrize(
    "written",
    [
        "",
        "text",
        "text\n",
        "text\n\n",
        "text\n\n— name",
        "text\n\n— name AAAAAAAA",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n—  AAAAAAAA\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAA AAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name *AAAAAAAA\n",
        "te\txt\n\n— name AAAAAAAA\n",
        "te\rxt\n\n— name AAAAAAAA\n",
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        "x" * 100_000 + "\n\n— name AAAAAAAA\n",
    ],
)
def test_what_is_not_a_note_is_said_to_be_none(written):
    with pytest.raises(NoteError):
        Note.parse(written)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n١\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS\n",
        "origin\n1\nnot base64\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nmore\n",
    ],
)
def test_what_is_not_a_checkpoint_is_said_to_be_none(text):
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        "name+00000000+AAAA",
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("example.com/foo", "example.com/bar"),
        EXAMPLE_KEY.replace("+Ae", "+Be"),
        EXAMPLE_KEY + "=",
    ],
)
def test_what_is_not_a_verifier_key_is_said_to_be_none(vkey):
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)


def test_a_broken_secret_key_is_not_repeated():
    secret = NEUMANN_SECRET.rpartition("+")[2]
    for broken in (NEUMANN_SECRET[12:], NEUMANN_SECRET.replace("c74f", "c74e"), secret):
        with pytest.raises(NoteError) as error:
            SigningKey.parse(broken)
        assert secret not in str(error.value)


def test_a_key_is_named_without_spaces_and_plus():
    for name in ("", "a b", "a+b", "a\nb", "a\u00a0b"):
        with pytest.raises(NoteError):
            SigningKey.generate(name)


def test_base64_is_written_in_one_way():
    data = b64decode(EXAMPLE_KEY.rpartition("+")[2])
    assert b64encode(data).decode() == EXAMPLE_KEY.rpartition("+")[2]
