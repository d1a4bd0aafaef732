"""Rules that several chapters share.

references  what a decision names must be there; `chronology`: days in their order
gathering   bodies that must be able to meet; `following`: actions that can be followed up
money       sums of money
"""
