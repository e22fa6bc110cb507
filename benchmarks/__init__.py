"""`make bench`: time optotype beside its peers in one session, and save the results.

Each line of the benchmark is one file in results/. On every line the sides take turns: each is a process of its own,
and while one computes the others are stopped. Peers run in environments of their own, with the fastest of their
settings. This file imports nothing: the programs in sides/ run where optotype is not installed.
"""
