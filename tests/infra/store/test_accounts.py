from domain.kernel.act import Body
from infra.accounts import Account, Role, account_of, accounts, close_account, create_account
from infra.database.connection import cursor


def test_a_token_is_shown_once_and_kept_as_a_digest():
    token = create_account("agent", Role.COORDINATOR)
    assert len(token) >= 43
    assert account_of(token) == Account("agent", Role.COORDINATOR)
    (kept,) = cursor().execute("SELECT account::text FROM account").fetchone()
    assert token not in kept


def test_what_is_no_token_is_nobody_s():
    create_account("agent", Role.COORDINATOR)
    for token in ("", "x", "\0", "\ud800", "é" * 10_000):
        assert account_of(token) is None


def test_a_closed_account_asks_no_more_and_may_be_opened_again():
    token = create_account("agent", Role.COORDINATOR)
    close_account("agent")
    assert account_of(token) is None
    assert list(accounts()) == []
    new = create_account("agent", Role.AUDITOR)
    assert account_of(token) is None
    assert account_of(new) == Account("agent", Role.AUDITOR)
    assert list(accounts()) == [Account("agent", Role.AUDITOR)]


def test_a_coordinator_records_for_every_body_and_a_secretariat_for_its_own():
    for body in Body:
        assert Role.COORDINATOR.may_record_for(body)
    own = {role: {body for body in Body if role.may_record_for(body)} for role in Role}
    del own[Role.COORDINATOR]
    readers = {Role.AUDITOR, Role.FINANCE, Role.ADMIN}
    assert all(own[role] == set() for role in readers)
    assert all(len(own[role]) == 1 for role in own.keys() - readers)
    assert Role.SERVICE.body is Body.SERVICE
