"""The transparency log: one leaf per decision, in a tree that is signed as it grows.

After C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness and tlog-proof
(c2sp.org), with Ed25519. Leaf `index` is the decision at `position` index + 1.

    leaf.py         what is hashed of a decision
    notes.py        signed notes, checkpoints, cosignatures, keys
    keys.py         the key file, and what it has signed last
    tiles.py        what is stored: full tiles, checkpoints, signatures
    sealer.py       adds what was recorded, and signs
    sealing.py      who does that, and when
    witness.py      asks others to cosign
    proofs.py       the proof of one decision, and of one tree extending another
    replay.py       reads history so that it is known to be the one sealed
    findings.py     what can be wrong with a log
    integrity.py    compares what is stored: decisions, tiles, checkpoints
    monitor.py      follows a log from outside, over HTTP
    commands.py     `quartier log ...`
"""
