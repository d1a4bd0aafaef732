"""A watched dictionary is a dictionary, and names every entry that may have changed."""

import contextlib
import copy

from hypothesis import given
from hypothesis import strategies as st

from projections.facts.facts import Book, Watched

KEYS = st.sampled_from("abcd")


def _append_to_all(name):
    return lambda content, _: [value.append(name) for value in getattr(content, name)()]


DO = {
    "set": lambda content, key: content.__setitem__(key, ["new"]),
    "append": lambda content, key: content[key].append("more"),
    "get": lambda content, key: (content.get(key) or []).append("got"),
    "del": lambda content, key: content.__delitem__(key),
    "pop": lambda content, key: content.pop(key, None),
    "setdefault": lambda content, key: content.setdefault(key, []).append("set"),
    "update": lambda content, key: content.update({key: ["updated"]}),
    "ior": lambda content, key: content.__ior__({key: ["merged"]}),
    "values": _append_to_all("values"),
    "items": lambda content, _: [value.append("item") for _, value in content.items()],
    "clear": lambda content, _: content.clear(),
    "popitem": lambda content, _: content.popitem(),
}


@given(
    content=st.dictionaries(KEYS, st.lists(st.text(max_size=2), max_size=2)),
    begins=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(sorted(DO)), KEYS), max_size=5),
)
def test_a_watched_dictionary_is_one_and_names_what_may_have_changed(content, begins, steps):
    plain = Book(list, content) if begins else content
    watched = Watched(copy.deepcopy(plain))
    plain = copy.deepcopy(plain)
    for step, key in steps:
        before = copy.deepcopy(dict(plain))
        watched.reached.clear()
        for each in (plain, watched):
            with contextlib.suppress(KeyError):
                DO[step](each, key)
        assert dict(watched) == dict(plain)
        moved = {k for k in before | plain if before.get(k) != dict.get(plain, k)}
        assert moved <= watched.reached
