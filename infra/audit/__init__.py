"""Whether what is stored is what it must be: `quartier check`.

guards          triggers, functions, keys and grants that guard the events
integrity       the order of the events; `checking`: texts and read models against events
counterfactual  a history under another version of the framework
"""
