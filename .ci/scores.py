#!/usr/bin/env python3
"""scores.py CORPUS WIREWATCH: runs the corpus's own scorers on what the filters print, and compares with the floors in floors.py.

Floors only rise. They stand half a point below what was reached when they were last set.
"""
import json, os, re, subprocess, sys, tempfile

from floors import FLOORS

CORPUS, BIN = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
OUT = tempfile.mkdtemp()

def sh(cmd, cwd):
    return subprocess.run(cmd, cwd=cwd, shell=True, check=True, stdout=subprocess.PIPE, text=True).stdout

def feeds():
    d = os.path.join(CORPUS, "feeds")
    out = sh(f"zcat dev.jsonl.gz | '{BIN}' feeds parse --jsonl > {OUT}/feeds.jsonl; python3 score.py dev.jsonl.gz {OUT}/feeds.jsonl", d)
    yield "entries", float(re.search(r"entries \d+ \(([\d.]+)\)", out)[1])
    for k in ("title", "url", "guid", "published"):
        a, b = re.search(rf"{k} (\d+)/(\d+)", out).groups()
        yield k, int(a) / int(b)

def extract(part, ids="--ids news.ids"):
    d = os.path.join(CORPUS, "extract", part)
    out = sh(f"'{BIN}' extract --jsonl < input.jsonl > {OUT}/{part}.jsonl; python3 ../score.py gold.jsonl {OUT}/{part}.jsonl {ids} --json", d)
    for k, v in json.loads(out).items():
        if isinstance(v, (int, float)):
            yield k, v

def dedup():
    d = os.path.join(CORPUS, "dedup")
    out = sh(f"python3 score.py input dup-dev.jsonl.gz | '{BIN}' dedup --jsonl > {OUT}/dup.jsonl; python3 score.py clusters dup-dev.jsonl.gz {OUT}/dup.jsonl", d)
    yield "pair F1", float(re.search(r"pair P [\d.]+ R [\d.]+ F1 ([\d.]+)", out)[1])
    yield "BCubed F1", float(re.search(r"BCubed P [\d.]+ R [\d.]+ F1 ([\d.]+)", out)[1])
    for k, stream in (("events BCubed", ""), ("events BCubed at once", "--stream")):
        out = sh(f"python3 score.py input story-dev.jsonl.gz | '{BIN}' dedup --jsonl {stream} > {OUT}/events.jsonl; python3 score.py clusters story-dev.jsonl.gz {OUT}/events.jsonl --key event", d)
        yield k, float(re.search(r"BCubed P [\d.]+ R [\d.]+ F1 ([\d.]+)", out)[1])
    out = sh(f"python3 score.py input story-pairs-tg.jsonl.gz | '{BIN}' dedup --jsonl > {OUT}/pairs.jsonl; python3 score.py pairs story-pairs-tg.jsonl.gz {OUT}/pairs.jsonl", d)
    yield "pairs F1", float(re.search(r"F1 ([\d.]+)", out)[1])

bad = 0
for name, rows in [("feeds", feeds())] + [(p, extract(p)) for p in ("aeb", "fundus", "traf", "wcxb")] + [(p + " all", extract(p, "")) for p in ("traf", "wcxb")] + [("dedup", dedup())]:
    got = dict(rows)
    for (part, k), floor in FLOORS.items():
        if part != name:
            continue
        v = got.get(k)
        ok = v is not None and v >= floor
        bad += not ok
        print(f"{'ok' if ok else 'BELOW'} {part} {k} {v if v is None else round(v, 4)} (floor {floor})")
sys.exit(bad > 0)
