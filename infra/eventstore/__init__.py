"""The event store: `eventsourcing`'s interfaces on Django's connection.

store         recorder and mapper: events under their own names; reading by position and contract
append        the one SQL call that stores decisions; `group_commit`: several of them in one
repository    contracts in memory, brought up to date before they judge
subscription  following the log by position; `shared_subscription`: one for a process
source        the events as read models are given them
"""
