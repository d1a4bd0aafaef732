"""Identities in the vault: decisions name a person by id, and only some may read who it is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from api.http import problems
from api.http.body import read_object
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import CREATED, answered
from api.resources.recording import RECORDING, idempotency_key
from domain.kernel.characters import NAME_LIMIT, clean_name, clean_text
from domain.kernel.values import Bilingual
from infra import vault
from infra.accounts import Role
from infra.recording.parsing import field_errors
from infra.recording.refusals import InvalidFields, KeyReused

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.values import PersonId

REQUESTS: Final = uuid.UUID("b27bb1e5-2d4c-4c0e-9c60-6a7d3f1f6f0c")
"""The name space of persons' ids that follow from an account and its `Idempotency-Key`."""

NAMING: Final = RECORDING | {Role.ADMIN}
"""Roles that record decisions need to name persons in them."""


class NewPerson(BaseModel):
    """An identity as it is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=NAME_LIMIT), AfterValidator(clean_name)
    ]
    contact: (
        Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(clean_text)]
        | None
    ) = None


class Persons(Endpoint):
    """Put an identity into the vault."""

    @operation(
        Bilingual("Confier une identité au coffre", "Put an identity into the vault"),
        Answer("GivenPerson", status=CREATED, headers=("Location",)),
        roles=NAMING,
        headers=("Idempotency-Key",),
        body={"application/json": "NewPerson"},
        problems=(
            *(problems.MALFORMED, problems.TOO_LARGE, problems.MEDIA, problems.FIELDS),
            problems.KEY_REUSED,
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        assert self.account is not None  # noqa: S101 - the operation demands a role
        http = django_request(request)
        key = idempotency_key(http)
        sent = read_object(http)
        try:
            person = NewPerson.model_validate(sent)
        except ValidationError as error:
            raise InvalidFields(field_errors(error, sent, "")) from None
        person_id = self._kept(person, self.account.name, key)
        return answered(
            {"id": person_id},
            CREATED,
            {"Location": f"/api/v1/persons/{person_id}", "Cache-Control": "no-store"},
        )

    @staticmethod
    def _kept(person: NewPerson, account: str, key: str | None) -> PersonId:
        """The id of the person, the same whenever this request comes again.

        It follows from the key: a digest of the request would let the name be guessed, even after
        it is erased. Once it is, nothing is left to compare a request with.
        """
        if key is None:
            return vault.add_person(person.name, person.contact, by=account)
        person_id = str(uuid.uuid5(REQUESTS, f"{account}\n{key}"))
        vault.add_person(person.name, person.contact, by=account, person_id=person_id)
        known = vault.person(person_id)
        if known and known.name and (known.name, known.contact) != (person.name, person.contact):
            raise KeyReused(key)
        return person_id


class Person(Endpoint):
    """Who somebody is, for those who may know."""

    @operation(
        Bilingual("Une identité", "An identity"),
        Answer("Person"),
        roles=vault.READS_RESTRICTED,
        problems=(problems.NOT_FOUND,),
    )
    def get(self, request: Request, person: PersonId) -> HttpResponse:
        known = vault.person(str(person))
        if known is None:
            raise problems.not_found(
                Bilingual(
                    "Aucune personne n'est connue sous cet identifiant.",
                    "No person is known by this id.",
                )
            )
        return answered(self._shown(known), headers={"Cache-Control": "private, no-store"})

    def _shown(self, person: vault.Person) -> dict[str, Any]:
        erased = person.name is None
        return {
            "id": person.id,
            "name": vault.ERASED_PERSON.to(self.language) if erased else person.name,
            "contact": person.contact,
            "erased": erased,
        }
