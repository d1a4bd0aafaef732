"""What is wrong with a field, in French and in English, by the code of the fault.

English sentences are those of whoever found the fault; the French ones are here. Both are given
the facts of the fault by name. A test asks that every code which can occur has its sentence.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from domain.kernel.values import Language
    from infra.recording.refusals import FieldError

FRENCH: Final = {
    # Pydantic's own codes, as far as the fields of decisions can bring them about.
    "bool_parsing": "Doit être vrai ou faux (true ou false).",
    "bool_type": "Doit être vrai ou faux (true ou false).",
    "date_from_datetime_inexact": "Doit être un jour, sans heure, tel que « 2014-04-16 ».",
    "date_from_datetime_parsing": "Doit être un jour tel que « 2014-04-16 ».",
    "date_parsing": "Doit être un jour tel que « 2014-04-16 ».",
    "date_type": "Doit être un jour tel que « 2014-04-16 ».",
    "dict_type": "Doit être un objet JSON.",
    "enum": "Doit être l'une de ces valeurs : {expected}.",
    "extra_forbidden": "Ce champ n'existe pas ici.",
    "finite_number": "Doit être un nombre fini.",
    "float_parsing": "Doit être un nombre.",
    "float_type": "Doit être un nombre.",
    "greater_than_equal": "Doit être au moins {ge}.",
    "int_from_float": "Doit être un nombre entier.",
    "int_parsing": "Doit être un nombre entier.",
    "int_parsing_size": "Ce nombre est trop grand.",
    "int_type": "Doit être un nombre entier.",
    "json_invalid": "Doit être un objet JSON lisible.",
    "less_than_equal": "Doit être au plus {le}.",
    "list_type": "Doit être une liste.",
    "literal_error": "Doit être l'une de ces valeurs : {expected}.",
    "missing": "Ce champ est requis.",
    "model_attributes_type": "Doit être un objet JSON.",
    "model_type": "Doit être un objet JSON.",
    "string_pattern_mismatch": "Ne correspond pas à la forme attendue ({pattern}).",
    "string_too_long": "Doit avoir au plus {max_length} caractères.",
    "string_too_short": "Doit avoir au moins {min_length} caractère(s).",
    "string_type": "Doit être un texte.",
    "string_unicode": "Doit être un texte en Unicode valide.",
    "too_long": "Doit avoir au plus {max_length} éléments.",
    "too_short": "Doit avoir au moins {min_length} élément(s).",
    "tuple_type": "Doit être une liste.",
    "value_error": "Cette valeur ne convient pas.",
    # The codes of the domain (domain/kernel/values.py, domain/kernel/geometry.py).
    "amount": "Doit être un montant en francs suisses, écrit comme un texte avec au plus deux"
    " décimales, tel que « 1250.00 ».",
    "blank": "Ne doit pas être vide, ni commencer ou finir par une espace.",
    "characters": "Le caractère U+{code} n'est pas admis ici.",
    "crs": "Le système de coordonnées doit être EPSG:4326 (WGS 84) ou EPSG:2056 (MN95).",
    "empty": "La géométrie est vide.",
    "geometry": "Doit être une géométrie GeoJSON.",
    "geometry_type": "Doit être un Polygon ou un MultiPolygon.",
    "outside": "La géométrie se trouve hors du canton de Genève.",
    "position": "Une position est faite de deux nombres finis.",
    "ring": "Un anneau est une liste d'au moins 4 positions, la dernière égale à la première.",
    "rings": "Un polygone est une liste d'anneaux.",
    "self_crossing": "La géométrie n'est pas valide : {why}.",
    "vertices": "La géométrie a plus de {limit} sommets.",
    # Those of what surrounds a decision (infra/recording/parsing.py, infra/recording/recording.py).
    "body": "Doit être le nom d'une instance.",
    "contract": "Doit être un identifiant court, tel que « paquis ».",
    "date": "Doit être un jour tel que « 2014-04-16 ».",
    "several_bodies": "Plusieurs instances peuvent prendre cette décision ; nommez-en une :"
    " {competent}.",
    "unknown_person": "Aucune personne n'est connue sous cet identifiant.",
    # Those of the query and of the body as a whole (api/http/query.py, api/http/body.py).
    "beyond_the_end": "Se trouve au-delà de la fin du journal, {end}.",
    "before_the_first": "Précède la première décision du contrat : {first}. Sans « from », on"
    " demande tout depuis le début.",
    "box": "Doit être ouest, sud, est, nord : d'abord le plus petit degré.",
    "cursor": "N'est pas un curseur que ce service a donné.",
    "decision_type": "Doit être le nom d'un type de décision.",
    "degrees": "Doit être fait de nombres de degrés séparés par des virgules.",
    "event_id": "Doit être l'identifiant (id) d'un événement que ce service a donné.",
    "future": "Se trouve dans l'avenir : nous sommes le {now}.",
    "instant": "Doit être un instant avec son fuseau, tel que « 2017-05-08T12:00:00Z ».",
    "integer": "Doit être un nombre entier de {minimum} à {maximum}.",
    "language": "Doit être « fr » ou « en ».",
    "moment": "Doit être un jour tel que « 2016-12-31 », ou un instant avec son fuseau, tel que"
    " « 2017-05-08T12:00:00Z ».",
    "groups": "Doit être certains de ceux-ci, chacun une fois : {expected}.",
    "id": "Doit être un identifiant court, tel que « ecoles ».",
    "one_of": "Doit être l'une de ces valeurs : {expected}.",
    "order": "Se trouve après « to ».",
    "repeated": "Ne peut être donné qu'une fois.",
    "search": "Doit avoir de 1 à {max_length} caractères, sans caractère de contrôle.",
    "with_axis": "Ne peut pas être demandé avec axis={axis} : « from » et « to » le disent.",
    "of_no_contract": "Ne peut être demandé qu'avec « contract ».",
    "alike_actions": "Les actions n'ont de nom qu'au sein d'un contrat : demandez-en un, ou"
    " ajoutez « contract » à « by ».",
    "with_stream": "Un flux continu n'a pas de limite.",
    "with_at": "Ne peut pas être demandé avec « at ».",
    "unknown_parameter": "Ce paramètre n'existe pas ici.",
}

OTHERWISE: Final = "Cette valeur ne convient pas ({code})."


def sentence(fault: FieldError, language: Language) -> str:
    """What is wrong, for a person to read."""
    if language == "en":
        return fault.message
    code = fault.code
    if code == "missing" and "competent" in fault.context:
        code = "several_bodies"
    template = FRENCH.get(code, OTHERWISE)
    facts: dict[str, Any] = {"code": code, **fault.context}
    if any(name is not None and name not in facts for _, name, _, _ in Formatter().parse(template)):
        return OTHERWISE.format(code=code)
    return template.format(**{name: _said(fact) for name, fact in facts.items()})


def _said(fact: Any) -> str:
    if isinstance(fact, list | tuple):
        return ", ".join(map(str, fact))
    # Pydantic joins what it expects in English.
    return str(fact).replace(" or ", " ou ")
