"""The relay: from the event log into Kafka, each event exactly once and in order.

- `source`: the event log, rows after a position, and a hint when there are more; its checkpoints
- `messages`: an event's messages; `accounts`, `public` and `shapes` say what is in them
- `publisher`: one Kafka transaction: messages and the relay's position, or nothing
- `positions`: that position, read back from Kafka and from nowhere else
- `resuming`: whether the relay may go on from there; `checking` asks the same for `quartier check`
- `published`: the last checkpoint, for the sealer to compare with
- `topics`: what the topics are called and how they must be kept
- `relay`: the loop around all this
- `holdings`, `comparing`: what the topics hold, message by message, beside the log
- `recovery`: what is missing put back, and a refusal lifted
"""
