"""Whatever somebody looks for: an answer or a clear problem."""

from hypothesis import given, settings
from hypothesis import strategies as st

QUERY_LANGUAGE = st.text(alphabet="aé'\"\\:*&|!()<>-½²Ⅷ٣ _or", max_size=20)


def test_any_words_can_be_looked_for(paquis, anybody):
    @settings(max_examples=150, derandomize=True, database=None)
    @given(st.one_of(QUERY_LANGUAGE, st.text(max_size=30)))
    def look_for(words):
        answer = anybody.get("/api/v1/contracts", {"q": words})
        assert answer.status_code in {200, 400}, (words, answer.content)

    look_for()
