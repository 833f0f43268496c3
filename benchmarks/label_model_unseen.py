"""Vote sets that the default of `LabelModel` was not designed on, made from the data folders.

    python benchmarks/label_model_unseen.py --data DIR --out VOTES

Cues over texts were written from what the classes mean, without a look at gold; weak learners over tables and images saw
60 labeled rows that are left out; crowds are parts of stored ones. Each set is written as NAME.npz with L, Y and k, the
form that `label_models.py --votes` takes.
"""

import argparse
import ast
import csv
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import covid_functions
import ecg_findings
import numpy as np
from report_findings import CONTEXT
from report_findings import FINDINGS as CHEST
from unseen_cues import (
    ADE,
    CHEST_LOOSE,
    DIALOGUE,
    ECG,
    MARKED,
    NEWS,
    OPERATION,
    QUESTION,
    RELATION,
    SPAM,
    TOKEN,
)

from sidelight.labeling import LabelSchema, LFApplier, keyword_lf, regex_lf

Made = tuple[str, Any, Any, int]
Cues = list[tuple[int, str]]


def table(data: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    csv.field_size_limit(10**8)
    with (data / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def say(texts: list[str], cues: Cues) -> Any:
    """Return the votes of functions that vote for a class where a pattern is found."""
    found = [[label if re.search(cue, text, re.I) else -1 for label, cue in cues] for text in texts]
    return np.array(found, dtype=np.int8)


def applied(functions: list[Any], records: list[Any], schema: LabelSchema | None = None) -> Any:
    """Return the votes of labeling functions."""
    return LFApplier(functions, schema=schema).apply(records).dense()


# -- texts --------------------------------------------------------------------------------------------------


def news(data: Path) -> Iterator[Made]:
    """Four topics by words; with three wordings of each cue; with only one topic's rules; one topic rare."""
    rows = table(data, "text_agnews/rows.csv")[:6000]
    texts, gold = [row["text"] for row in rows], np.array([int(row["gold"]) for row in rows])
    cues = [(c, rf"\b(?:{words})\b") for c, words in NEWS]
    votes = say(texts, cues)
    yield "news_words", votes, gold, 4
    yield "news_six_rules", votes[:, [0, 1, 7, 13, 14, 20]], gold, 4
    single = [(c, rf"\b{word}\b") for c, words in NEWS for word in words.split("|")]
    yield "news_word_by_word", say(texts, single), gold, 4
    keep = (gold != 1) | (np.random.default_rng(0).random(len(gold)) < 0.15)
    sport = [(int(c == 1), cue) for c, cue in cues]
    yield (
        "news_sport_5_percent",
        say([t for t, k in zip(texts, keep, strict=True) if k], sport),
        (gold == 1)[keep],
        2,
    )
    yield "news_200", votes[:200], gold[:200], 4
    yield "news_rules_and_model", beside_models(votes, texts, gold, 4, models=1)
    yield "news_rules_and_three_models", beside_models(votes, texts, gold, 4, models=3)


def beside_models(votes: Any, texts: list[str], gold: Any, k: int, models: int) -> Any:
    """Put naive Bayes models of few labeled texts beside rules; the labeled texts are left out."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    counts = CountVectorizer(binary=True).fit_transform(texts)
    columns = [
        MultinomialNB().fit(counts[60 * i : 60 * i + 60], gold[60 * i : 60 * i + 60]).predict(counts)
        for i in range(models)
    ]
    return np.c_[votes, np.stack(columns, axis=1)][60 * models :], gold[60 * models :], k


def texts(data: Path) -> Iterator[Made]:
    """Rules over dialogues, notes, messages, questions and sentences."""
    rows = table(data, "mts_dialog/dialogues.csv")
    heads = sorted({row["section_header"] for row in rows})
    gold = np.array([heads.index(row["section_header"]) for row in rows])
    yield (
        "dialogue_20",
        say([r["dialogue"] for r in rows], [(heads.index(h), c) for h, c in DIALOGUE]),
        gold,
        20,
    )
    rows = table(data, "mtsamples_subset/notes.csv")
    gold = np.array(["Urology" in row["specialties"] for row in rows], dtype=int)
    yield "urology_notes", say([r["transcription"] for r in rows], OPERATION), gold, 2
    rows = table(data, "ws_sms/rows.csv")
    gold = np.array([int(row["gold"] or -1) for row in rows])
    votes = say([row["text"] for row in rows], SPAM)
    yield "sms_cues", votes, gold, 2
    keep = (gold != 1) | (np.random.default_rng(1).random(len(gold)) < 0.33)
    yield "sms_5_percent", votes[keep], gold[keep], 2
    rows = table(data, "ws_youtube/rows.csv")
    gold = np.array([int(row["gold"] or -1) for row in rows])
    votes = say([row["text"] for row in rows], SPAM)
    yield "youtube_sms_cues", votes, gold, 2
    yield "youtube_spam_only", votes[:, [c == 1 for c, _ in SPAM]], gold, 2
    rows = table(data, "ws_trec/rows.csv")
    gold = np.array([int(row["gold"]) if row["gold"] else -1 for row in rows])
    yield "questions", say([row["text"] for row in rows], QUESTION), gold, 6
    rows = table(data, "negex_annotations/sentences.csv")
    marked = [row["sentence"] for row in rows]
    yield "negated", say(marked, MARKED[:10]), np.array([int(r["negation"] == "Negated") for r in rows]), 2
    yield (
        "historical",
        say(marked, MARKED[10:]),
        np.array([int(r["temporality"] == "Historical") for r in rows]),
        2,
    )
    rows = table(data, "crowdtruth_medrel/sentences.csv")
    for relation in ("cause", "treat"):
        gold = np.array(
            [-1 if not r[f"{relation}_expert"] else int(float(r[f"{relation}_expert"]) > 0) for r in rows]
        )
        cues = [(int(what == relation), cue) for what, cue in RELATION]
        yield f"sentence_{relation}s", say([r["sentence"] for r in rows], cues), gold, 2
    rows = table(data, "ade_corpus/sentences.csv")[:6000]
    gold = np.array([int(row["label"]) for row in rows])
    yield "ade_wordings", say([row["sentence"] for row in rows], ADE), gold, 2


def tokens(data: Path) -> Iterator[Made]:
    """Is a word part of a chemical's name, by its looks; does a sentence name a disease."""
    rows = table(data, "biomed_ner/bc5cdr_devel.csv")[:20_000]
    words = [row["token"] for row in rows]
    found = [[c if re.search(cue, word) else -1 for c, cue in TOKEN] for word in words]
    yield "chemical_words", np.array(found, np.int8), np.array([int(row["tag"] != "O") for row in rows]), 2
    rows = table(data, "biomed_ner/ncbi_disease_train.csv")
    number = np.array([int(row["sentence_id"]) for row in rows])
    starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    sentences = [
        " ".join(r["token"] for r in rows[a:b]) for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)
    ]
    gold = np.array(
        [
            int(any(r["tag"] != "O" for r in rows[a:b]))
            for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)
        ]
    )
    cues = [
        (1, c)
        for c in (
            "cancer|tumou?r|carcinoma",
            r"syndrome|disease\b",
            "osis|itis|emia|pathy",
            "deficien|disorder",
            "dystroph|ataxia",
            "patients? with",
        )
    ]
    cues += [
        (0, c)
        for c in (
            "sequenc|exon|intron",
            "protein|domain",
            "method|analys[ei]s",
            "express|transcri",
            r"^\S+( \S+){0,8}$",
        )
    ]
    yield "disease_sentences", say(sentences, cues), gold, 2


def chest(data: Path) -> Iterator[Made]:
    """Findings in radiology reports: three functions with and without context, five loose ones, and one-sided ones."""
    rows = [
        row
        for row in table(data, "openi_reports/reports.csv")
        if row["gold_edema"] and row["findings"] + row["impression"]
    ]
    reports = [f"FINDINGS: {row['findings']}\nIMPRESSION: {row['impression']}" for row in rows]
    for finding, (words, pattern, absent) in CHEST.items():
        gold = np.array([int(float(row[f"gold_{finding}"])) for row in rows])
        strict = [
            keyword_lf("words", words, 1, **CONTEXT),
            regex_lf("pattern", pattern, 1, **CONTEXT),
            regex_lf("absent", absent, 0),
        ]
        loose = [keyword_lf("loose_words", words, 1), regex_lf("loose_pattern", pattern, 1)]
        healthy = [regex_lf(f"healthy{i}", cue, 0) for i, cue in enumerate(CHEST_LOOSE)]
        if finding in ("edema", "emphysema", "pneumothorax"):
            yield f"chest_{finding}_three", applied(strict, reports), gold, 2
        if finding in ("atelectasis", "edema", "emphysema"):
            yield f"chest_{finding}_all", applied([*strict, *loose, *healthy], reports), gold, 2
    gold = np.array([int(row["abnormal"]) for row in rows])
    cues = [(1, cue) for _, cue, _ in CHEST.values()] + [
        (1, "|".join(words)) for words, _, _ in CHEST.values()
    ]
    yield "chest_abnormal_only", say(reports, cues), gold, 2


def ecg(data: Path) -> Iterator[Made]:
    """ECG statements by the functions of `ecg_findings`, and rhythm and conduction by quick cues."""
    rows = [row for row in table(data, "ptbxl_ecg/reports_only.csv") if row["report"].strip()]
    codes = [set(ast.literal_eval(row["scp_codes"])) for row in rows]
    kind = {r[""]: r["diagnostic_class"] for r in table(data, "ptbxl_ecg/scp_statements.csv")}
    records = [{"id": row["ecg_id"], "text": row["report"]} for row in rows]
    for finding, functions in ecg_findings.BY_FINDING.items():
        gold = np.array([int(any(kind.get(code) == finding for code in found)) for found in codes])
        yield f"ecg_{finding.lower()}", applied(list(functions), records, ecg_findings.schema), gold, 2
    for name, targets, cues in ECG:
        gold = np.array([int(bool(found & set(targets))) for found in codes])
        yield f"ecg_{name}", say([row["report"] for row in rows], cues), gold, 2


def covid(data: Path) -> Iterator[Made]:
    """COVID-19 or another diagnosis by clinical notes: 298 images."""
    rows = table(data, "covid_cxr/metadata.csv")
    records = [{"id": str(i), "text": row["clinical_notes"]} for i, row in enumerate(rows)]
    gold = np.array([int(float(row["label_covid"])) if row["label_covid"] else -1 for row in rows])
    votes = applied(list(covid_functions.FUNCTIONS), records, covid_functions.schema)
    yield "covid_notes", np.where(votes >= 0, votes, -1), gold, 2


# -- weak learners ------------------------------------------------------------------------------------------


def learners(X: Any, y: Any, k: int, seed: int, m: int, kind: str) -> Any:
    """Return votes of weak learners, each trained on its own random columns and 60 labeled rows, and the rest's gold."""
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    seen, rest = order[:60], order[60:]
    columns = []
    for j in range(m):
        which = rng.choice(X.shape[1], max(1, min(3, X.shape[1] // 3)), replace=False)
        drawn = rng.choice(seen, 40)
        if kind == "stumps":
            model = DecisionTreeClassifier(max_depth=1 if k == 2 else 3, random_state=j)
        elif kind == "neighbours":
            model = KNeighborsClassifier(min(7, 40))
        else:
            model = GaussianNB()
        proba = model.fit(X[drawn][:, which], y[drawn]).predict_proba(X[rest][:, which])
        said = model.classes_[proba.argmax(axis=1)]
        sure = 0.0 if kind == "stumps" else 0.7 if k == 2 else 2 / k + 0.1
        columns.append(np.where(proba.max(axis=1) >= sure, said, -1))
    return np.stack(columns, axis=1).astype(np.int8), y[rest], k


def tables(data: Path) -> Iterator[Made]:
    """Stumps, neighbours and naive Bayes over bundled tables and over images and signals of the folder."""
    from sklearn import datasets

    cancer, wine, digits, iris, sugar = (
        getattr(datasets, f"load_{name}")()
        for name in ("breast_cancer", "wine", "digits", "iris", "diabetes")
    )
    yield "cancer_stumps", *learners(cancer.data, cancer.target, 2, 0, 9, "stumps")
    yield "cancer_neighbours", *learners(cancer.data, cancer.target, 2, 1, 5, "neighbours")
    yield "wine_bayes", *learners(wine.data, wine.target, 3, 2, 7, "bayes")
    yield "iris_stumps", *learners(iris.data, iris.target, 3, 3, 5, "stumps")
    yield "digits_trees", *learners(digits.data, digits.target, 10, 4, 20, "stumps")
    yield "digits_neighbours", *learners(digits.data, digits.target, 10, 5, 30, "neighbours")
    yield "diabetes_stumps", *learners(sugar.data, (sugar.target > 140).astype(int), 2, 6, 8, "stumps")
    yield "diabetes_rare", *learners(sugar.data, (sugar.target > 260).astype(int), 2, 7, 8, "bayes")
    votes, gold, k = learners(cancer.data, cancer.target, 2, 8, 6, "bayes")
    noise = np.random.default_rng(9)
    lazy = np.where(noise.random((len(votes), 5)) < 0.5, noise.integers(0, 2, (len(votes), 5)), -1)
    yield "cancer_one_good", np.c_[votes[:, :1], lazy].astype(np.int8), gold, k
    yield "cancer_good_and_noise", np.c_[votes, lazy].astype(np.int8), gold, k
    if (data / "mnist_superclass").exists():
        with np.load(data / "mnist_superclass/digits.npz") as stored:
            pixels, digit = (
                stored["images"][:4000].reshape(4000, -1) / 255,
                stored["digit"][:4000].astype(int),
            )
        small = pixels.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(4000, -1)
        yield "mnist_bayes", *learners(small, digit, 10, 10, 12, "bayes")
        yield "mnist_fives", *learners(small, (digit == 5).astype(int), 2, 11, 10, "bayes")
    if (data / "pneumoniamnist_small").exists():
        with np.load(data / "pneumoniamnist_small/images.npz") as stored:
            pixels, sick = stored["train_images"] / 255, stored["train_labels"].ravel().astype(int)
        small = pixels.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(sick), -1)
        yield "pneumonia_stumps", *learners(small, sick, 2, 12, 10, "stumps")
    if (data / "bonn_eeg").exists():
        with np.load(data / "bonn_eeg/eeg.npz") as stored:
            signal = stored["eeg"].astype(float)
        power = np.log1p(
            np.abs(np.fft.rfft(signal, axis=1))[:, 1:1537].reshape(len(signal), 24, 64).mean(axis=2)
        )
        looks = np.c_[power, signal.std(axis=1), np.abs(np.diff(signal, axis=1)).mean(axis=1)]
        names = [row["set_letter"] for row in table(data, "bonn_eeg/segments.csv")]
        gold = np.array([sorted(set(names)).index(name) for name in names])
        yield "eeg_five_sets", *learners(looks, gold, 5, 13, 8, "bayes")
        yield (
            "eeg_seizure",
            *learners(looks, np.array([int(name == "S") for name in names]), 2, 14, 6, "stumps"),
        )


# -- crowds -------------------------------------------------------------------------------------------------


def crowds(data: Path) -> Iterator[Made]:
    """Parts of stored crowds: the five busiest people, a fifth of the items, three votes an item, experts and a crowd."""
    for name in ("bluebird", "face_sentiment", "rte", "weather", "trec_relevance"):
        folder = data / f"crowd_{name}"
        if not folder.exists():
            continue
        long = table(data, f"crowd_{name}/votes_long.csv")
        truth = {
            row["item"]: int(float(row["gold"]))
            for row in table(data, f"crowd_{name}/gold.csv")
            if row["gold"]
        }
        items, people = sorted({r["item"] for r in long}), sorted({r["worker"] for r in long})
        place, who = {v: i for i, v in enumerate(items)}, {v: i for i, v in enumerate(people)}
        votes = np.full((len(items), len(people)), -1)
        for row in long:
            votes[place[row["item"]], who[row["worker"]]] = int(float(row["label"]))
        gold = np.array([truth.get(item, -1) for item in items])
        low = min(votes[votes >= 0].min(), gold[gold >= 0].min())
        votes, gold = np.where(votes >= 0, votes - low, -1), np.where(gold >= 0, gold - low, -1)
        k = int(max(votes.max(), gold.max())) + 1
        rng = np.random.default_rng(len(name))
        busiest = np.argsort(-(votes >= 0).sum(axis=0), kind="stable")[:5]
        yield f"crowd_{name}_five_people", votes[:, np.sort(busiest)], gold, k
        part = np.sort(rng.choice(len(items), max(60, len(items) // 5), replace=False))
        spoken = (votes[part] >= 0).any(axis=0)
        yield f"crowd_{name}_fifth", votes[part][:, spoken], gold[part], k
        keep = np.argsort(np.where(votes >= 0, rng.random(votes.shape), 2), axis=1)[:, :3]
        few = np.full_like(votes, -1)
        np.put_along_axis(few, keep, np.take_along_axis(votes, keep, axis=1), axis=1)
        yield f"crowd_{name}_three_votes", few, gold, k


MAKERS: dict[str, Callable[[Path], Iterator[Made]]] = {
    "text_agnews": news, "mts_dialog": texts, "biomed_ner": tokens, "openi_reports": chest, "ptbxl_ecg": ecg,
    "covid_cxr": covid, "": tables, "crowd_rte": crowds,
}  # fmt: skip
"""What makes sets, by the folder that it cannot do without."""


def make(data: Path, out: Path) -> list[Path]:
    """Write every set that the data allow into `out`, once."""
    out.mkdir(parents=True, exist_ok=True)
    if not any(out.glob("*.npz")):
        for folder, maker in MAKERS.items():
            if not (data / folder).exists():
                print(f"absent: {folder}", file=sys.stderr)
                continue
            for made in maker(data):
                name, votes, gold, k = (made[0], *made[1]) if len(made) == 2 else made
                np.savez_compressed(
                    out / f"{name}.npz", L=np.asarray(votes, np.int8), Y=np.asarray(gold, np.int64), k=k
                )
    return sorted(out.glob("*.npz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the vote sets")
    options = parser.parse_args()
    for path in make(options.data, options.out):
        with np.load(path) as stored:
            votes, k = stored["L"], int(stored["k"])
        said = votes >= 0
        print(
            f"{path.stem:32s} {len(votes):6d} records {votes.shape[1]:4d} functions {k:3d} classes, "
            f"covered {said.any(axis=1).mean():.2f}, votes a covered record {said.sum() / max(1, said.any(axis=1).sum()):.1f}"
        )


if __name__ == "__main__":
    main()
