"""What several read models derive from decisions in the same way.

facts          dated facts, books of things by identifier, sums
phase          the stages of the Cadre; `action_status`: how far an action is
commission     the commission as it sits
"""
