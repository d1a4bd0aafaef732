"""The catalogue of decision types and rules, as a page of the documentation."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import TYPE_CHECKING, Final

from api.resources.forms import form_of
from domain.catalogue import catalogue
from domain.kernel.act import Body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.decision import Decision
    from domain.kernel.rule import Rule

_HEAD: Final = """\
# Catalogue of decisions

Every decision type and the rules it answers to, derived from the classes in `domain/` by
`quartier golden`: do not edit. **[b]** marks a binding rule; **[d]** one that may be departed
from with a written justification. In braces stand the facts that a finding states.
"""


def catalogue_markdown() -> str:
    """The whole catalogue, chapter by chapter, in the order of the registry."""
    kinds = list(catalogue().values())
    general = _general(kinds)
    lines = [_HEAD, "## Rules that every decision answers to", ""]
    lines += [_rule(rule) for rule in general]
    for module, chapter in groupby(kinds, key=lambda kind: kind.__module__):
        lines += ["", f"## `{module.replace('.', '/')}.py`"]
        for kind in chapter:
            lines += ["", *_decision(kind, general)]
    return "\n".join(lines) + "\n"


def _general(kinds: list[type[Decision]]) -> list[type[Rule]]:
    """The rules that all types have in common."""
    first, *others = (kind.rules() for kind in kinds)
    return [rule for rule in first if all(rule in rules for rules in others)]


def _decision(kind: type[Decision], general: list[type[Rule]]) -> Iterator[str]:
    bodies = ", ".join(body.en for body in sorted(kind.taken_by, key=str))
    if kind.taken_by == set(Body):
        bodies = "the body that took the decision it is about"
    yield f"### {kind.fr} (`{kind.slug}`)"
    yield ""
    yield f"{kind.en}. {_first_sentence(kind)}"
    yield ""
    yield f"- {_paragraph(kind.basis)}, by: {bodies}"
    yield f"- fields: {', '.join(_fields(kind)) or 'none'}"
    yield from (_rule(rule) for rule in kind.rules() if rule not in general)


def _fields(kind: type[Decision]) -> Iterator[str]:
    for field in form_of(kind):
        yield f"`{field['name']}`" if field["required"] else f"`{field['name']}` (optional)"


def _rule(rule: type[Rule]) -> str:
    strength = "[d]" if rule.departable else "[b]"
    return f"- **{strength}** {_paragraph(rule.basis)} `{rule.id}`: {rule.fr} / {rule.en}"


def _paragraph(basis: str) -> str:
    return f"§{basis}" if basis[:1].isdigit() else basis


def _first_sentence(kind: type[Decision]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
