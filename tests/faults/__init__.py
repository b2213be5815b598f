"""Faults, one after another, under a mirror that must come out equal to its table.

python -m tests.faults --runs 200 --seed 1
python -m tests.faults --minutes 60
python -m tests.faults --runs 50 --fault "latency spike"
"""
