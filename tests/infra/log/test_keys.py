"""The key file is the present user's alone, and holds the keys of one log."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from infra.log.keys import (
    KeyFileError,
    LogKeys,
    demand_keys,
    ensure_keys,
    key_file,
    mark_file,
    read_keys,
    read_mark,
    write_keys,
)


def test_only_the_present_user_can_read_a_key_file(tmp_path):
    file = tmp_path / "deep" / "log-key"
    keys = LogKeys.generate("log.example/a")
    write_keys(file, keys, new=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    write_keys(file, keys.rotated())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(each.name for each in file.parent.iterdir()) == ["log-key"]
    file.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_keys(file)


def test_a_key_file_is_not_made_over_another(tmp_path):
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate(), new=True)
    with pytest.raises(KeyFileError, match="there already"):
        write_keys(file, LogKeys.generate(), new=True)


def test_a_rotated_key_keeps_the_name_and_a_settled_one_the_public_keys(tmp_path):
    file = tmp_path / "log-key"
    first = LogKeys.generate("log.example/a")
    both = first.rotated()
    settled = both.settled()
    assert settled.origin == "log.example/a"
    assert settled.active == both.active[:1]
    assert settled.retired == first.active
    assert set(settled.known) == set(both.known)
    write_keys(file, settled)
    assert str(read_keys(file)) == str(settled)
    assert first.signing[0].encode() not in file.read_text()


@pytest.mark.parametrize("written", ["", "something", "PRIVATE+KEY+a+00000000+AAAA\n", "a+b+c\n"])
def test_a_file_without_keys_is_said_to_be_none(tmp_path, written):
    file = tmp_path / "log-key"
    file.write_text(written)
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match="does not hold"):
        read_keys(file)


def test_keys_of_two_logs_do_not_go_together(tmp_path):
    file = tmp_path / "log-key"
    mixed = LogKeys(
        (*LogKeys.generate("log.example/a").signing, *LogKeys.generate("log.example/b").signing)
    )
    write_keys(file, mixed)
    with pytest.raises(KeyFileError, match="one name"):
        read_keys(file)


def test_every_log_that_is_tried_out_has_a_name_of_its_own():
    assert LogKeys.generate().origin != LogKeys.generate().origin


def test_the_environment_says_where_the_keys_are(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(tmp_path / "mine"))
    assert key_file() == tmp_path / "mine"
    assert ensure_keys(key_file()).signing
    monkeypatch.delenv("QUARTIER_SIGNING_KEY_FILE")
    monkeypatch.setenv("QUARTIER_ENV", "production")
    with pytest.raises(KeyFileError, match="QUARTIER_SIGNING_KEY_FILE is not set"):
        key_file()
    with pytest.raises(KeyFileError, match="cannot be read"):
        ensure_keys(tmp_path / "absent")


def test_in_production_the_worker_does_not_start_without_a_key(tmp_path, monkeypatch):
    demand_keys()
    monkeypatch.setenv("QUARTIER_ENV", "production")
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(ImproperlyConfigured, match="absent"):
        demand_keys()
    write_keys(tmp_path / "absent", LogKeys.generate(), new=True)
    demand_keys()


def test_what_was_signed_is_noted_elsewhere_where_the_secret_is_read_only(monkeypatch, tmp_path):
    monkeypatch.setattr("infra.log.keys.os.access", lambda *_: False)
    monkeypatch.setattr("infra.conf.environment.HOME", tmp_path)
    assert mark_file(Path("/run/secrets/signing_key")) == tmp_path / "signing_key.signed"


def test_nothing_was_signed_before_the_first_time(tmp_path):
    file = tmp_path / "log-key"
    assert read_mark(file, LogKeys.generate()) is None
    assert mark_file(file) == tmp_path / "log-key.signed"
