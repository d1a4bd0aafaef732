"""Recording a decision: the only way in.

recording    read it, judge it, append it; try again where another was first
submission   a decision as it was sent, and once it was read and judged; `parsing`: its fields
idempotency  the same request again; `refusals`: why nothing was recorded
persons      those it names; `documents`: its evidence, by digest
"""
