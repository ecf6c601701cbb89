#!/usr/bin/env python3
"""crossval.py CORPUS WIREWATCH: how much of the extraction scores is fitted to the sites they were reached on.

By hand, not in .ci/run; about a minute. CORPUS is the folder with extract/, WIREWATCH the binary. It prints, for the pages that
have a gold body:

sites      F1 (the corpus's own: harmonic mean of mean P and mean R) of all pages, the spread of the sites' own F1, the lowest
           and highest F1 with any one site left out, and the 90% interval of a bootstrap that draws sites, not pages.
lexicon    F1 with the lexicon of the others: the sites of all four corpora are dealt into 5 folds, and each fold is read by a
           lexicon without the entries for which the pages of that fold are the sole evidence, that is entries that fire there and on
           no page of another fold. What the full lexicon scores above it is the most that entries made for single sites can have
           brought. Entries of body.yaml (names of body containers) fire on no block and stay; so do agencies and languages.
"""
import hashlib, json, os, random, re, shutil, statistics, subprocess, sys, tempfile
from collections import defaultdict

CORPUS, BIN = os.path.abspath(os.path.join(sys.argv[1], "extract")), os.path.abspath(sys.argv[2])
LEXICON = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "seeds", "lexicon")
PARTS, FOLDS, DRAWS = ("fundus", "aeb", "wcxb"), 5, 2000
sys.path.insert(0, CORPUS)
import score as scorer

def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(l) for l in f]

def run(part, inputs, lexicon=None):
    cmd = [BIN, "extract", "--jsonl"] + (["--lexicon", lexicon] if lexicon else [])
    text = "".join(json.dumps(i) + "\n" for i in inputs)
    out = subprocess.run(cmd, cwd=os.path.join(CORPUS, part), input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {o["id"]: o for o in map(json.loads, out.rstrip("\n").split("\n"))}

def page(gold, out):
    """P and R of one page; None where the scorer leaves the page out of that mean."""
    _, rows = scorer.score({gold["id"]: gold}, {gold["id"]: out})
    r = rows[0]
    return (r["p"] if r["tp"] + r["fp"] else None), (r["r"] if r["tp"] + r["fn"] else None)

def f1(pages):
    p = [x for x, _ in pages if x is not None]
    r = [x for _, x in pages if x is not None]
    p, r = (statistics.mean(p) if p else 0), (statistics.mean(r) if r else 0)
    return 2 * p * r / (p + r) if p + r else 0

def fold(site):
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % FOLDS

def fired(out):
    return {b["rule"] for b in out.get("blocks", []) if b.get("rule", "").startswith("lexicon/")}

def without(entries):
    """A copy of the lexicon in which these entries ("lexicon/promo.yaml:7") are blank lines."""
    folder = tempfile.mkdtemp()
    drop = defaultdict(set)
    for e in entries:
        name, line = e[len("lexicon/"):].split(":")
        drop[name].add(int(line))
    for name in os.listdir(LEXICON):
        with open(os.path.join(LEXICON, name), encoding="utf-8") as f:
            text = f.read().splitlines()
        left, going = 0, False
        for i, l in enumerate(text):
            if re.match(r"- ", l):
                going = i + 1 in drop[name]
                left += not going
            if going and not l.startswith("#"):
                text[i] = ""
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write("\n".join(text) + "\n" if left else "[]\n")
    return folder

site, gold, inputs, full = {}, {}, {}, {}
for part in PARTS + ("traf",):
    inputs[part] = {i["id"]: i for i in lines(os.path.join(CORPUS, part, "input.jsonl"))}
    gold[part] = {g["id"]: g for g in lines(os.path.join(CORPUS, part, "gold.jsonl"))}
    full[part] = run(part, inputs[part].values())
    for g in gold[part].values():
        site[part, g["id"]] = g.get("site") or g.get("host") or g["id"]

evidence = defaultdict(set)  # entry to the folds on whose pages it fires
for part in full:
    for k, o in full[part].items():
        for e in fired(o):
            evidence[e].add(fold(site[part, k]))

print(f"entries that fire: {len(evidence)}, in one fold only: {sum(len(v) == 1 for v in evidence.values())}")
lexicons = [without([e for e, v in evidence.items() if v == {n}]) for n in range(FOLDS)]
rnd = random.Random(1)
print(f"{'':8}{'pages':>6}{'sites':>6}{'F1':>7} {'sites: p10  median  sd':>24} {'one site out':>15} {'90% by sites':>15} {'others lexicon':>15} {'less':>7}")
for part in PARTS:
    pages, by, other = {}, defaultdict(list), {}
    for k, g in gold[part].items():
        if g.get("body"):
            pages[k] = page(g, full[part].get(k) or {})
            by[site[part, k]].append(pages[k])
    for n in range(FOLDS):
        mine = [inputs[part][k] for k in pages if fold(site[part, k]) == n]
        for k, o in run(part, mine, lexicons[n]).items():
            other[k] = page(gold[part][k], o)
    each = sorted(f1(v) for v in by.values())
    out = [f1([p for t, v in by.items() if t != s for p in v]) for s in by]
    names, draws = list(by), []
    for _ in range(DRAWS):
        draws.append(f1([p for s in rnd.choices(names, k=len(names)) for p in by[s]]))
    draws.sort()
    a, b = f1(list(pages.values())), f1(list(other.values()))
    print(f"{part:8}{len(pages):6}{len(by):6}{a:7.4f} {each[len(each)//10]:12.3f}{statistics.median(each):8.3f}{statistics.pstdev(each):6.3f}"
          f" {min(out):8.4f}–{max(out):.4f} {draws[DRAWS//20]:8.4f}–{draws[-DRAWS//20]:.4f} {b:15.4f} {a-b:+7.4f}")
for d in lexicons:
    shutil.rmtree(d)
