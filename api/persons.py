"""Identities in the vault: decisions name a person by id, and only some may read who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from api import problems
from api.answers import CREATED, answered
from api.body import read_object
from api.endpoint import Answer, Endpoint, django_request, operation
from api.recording import RECORDING
from domain.characters import NAME_LIMIT, clean_name, clean_text
from domain.values import Bilingual
from infra import vault
from infra.accounts import Role
from infra.fields import field_errors
from infra.refusals import InvalidFields

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.values import PersonId

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
        body={"application/json": "NewPerson"},
        problems=(problems.MALFORMED, problems.TOO_LARGE, problems.MEDIA, problems.FIELDS),
    )
    def post(self, request: Request) -> HttpResponse:
        assert self.account is not None  # noqa: S101 - the operation demands a role
        sent = read_object(django_request(request))
        try:
            person = NewPerson.model_validate(sent)
        except ValidationError as error:
            raise InvalidFields(field_errors(error, sent, "")) from None
        person_id = vault.add_person(person.name, person.contact, by=self.account.name)
        return answered(
            {"id": person_id},
            CREATED,
            {"Location": f"/api/v1/persons/{person_id}", "Cache-Control": "no-store"},
        )


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
