"""What decisions are made of: nothing here knows a single decision type.

act         the act of deciding: which body, when, on what evidence
decision    the base class of every type, the registry, the recorded envelope, `judge`
rule        rules as named values; `life_cycle`: the standing of a contract, general rules
contract    the state that rules read; `history`: decisions as they count, corrected
payload     decisions as they are stored, and back; `canonical`: canonical JSON
values      identifiers, titles, amounts, texts; `days`, `characters`, `geometry`: their bounds
framework   the Cadre's numbers as data; `reference`: the city's services and delays
"""
