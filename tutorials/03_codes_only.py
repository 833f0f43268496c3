# %% [markdown]
# # Codes only: from OMOP tables without notes to a watched label
#
# Many hospitals may not hand out notes, but their research tables: visits, conditions, drugs and measurements in the
# OMOP common data model. Functions then read `record.events`. The question here: at which visits does the patient have
# high blood pressure? The diagnosis codes are kept back as gold labels; pressures and drugs have to find out by
# themselves. The tables are made up here and removed at the end.

# %%
import csv
import os
import tempfile
from pathlib import Path

import numpy as np

from sidelight.apps.cli.main import main

start = Path.cwd()
place = tempfile.TemporaryDirectory()
os.chdir(place.name)

SYSTOLIC, DIASTOLIC, PILL, PAINKILLER, HYPERTENSION, COLD = 3004249, 3012888, 974166, 1125315, 320128, 260139
NAMES = {
    SYSTOLIC: "Systolic blood pressure", DIASTOLIC: "Diastolic blood pressure", PILL: "hydrochlorothiazide 25 MG",
    PAINKILLER: "acetaminophen 325 MG", HYPERTENSION: "Essential hypertension", COLD: "Acute bronchitis",
}  # fmt: skip


def write_tables(folder, n_people, share_ill, seed, louder=0.0):
    """Write made-up OMOP tables; `louder` is added to all pressures, as a badly calibrated cuff would."""
    random = np.random.default_rng(seed)
    folder = Path(folder)
    folder.mkdir()
    people, visits, conditions, drugs, measured = [], [], [], [], []
    for person in range(n_people):
        ill = random.random() < share_ill
        people.append([person, 8507 + 25 * (person % 2), 1940 + person % 60])
        if ill:
            conditions.append([len(conditions), person, HYPERTENSION, "2023-01-05", "I10"])
        if random.random() < 0.3:
            conditions.append([len(conditions), person, COLD, "2023-02-01", "J20"])
        if random.random() < (0.6 if ill else 0.04):
            drugs.append([len(drugs), person, PILL, "2023-01-09", ""])
        if random.random() < 0.5:
            drugs.append([len(drugs), person, PAINKILLER, "2023-02-02", ""])
        for number in range(2):
            day = f"2023-0{number + 3}-0{1 + person % 9}"
            visits.append([len(visits), person, 9202, day])
            pressures = random.normal([150, 94] if ill else [122, 78], [12, 8]) + louder
            for concept, value in zip((SYSTOLIC, DIASTOLIC), pressures, strict=True):
                measured.append([len(measured), person, concept, day, round(float(value), 1), "mmHg"])
    tables = {
        "person": (["person_id", "gender_concept_id", "year_of_birth"], people),
        "visit_occurrence": (["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"], visits),
        "condition_occurrence": (
            ["condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date", "condition_source_value"],
            conditions,
        ),
        "drug_exposure": (
            ["drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date", "drug_source_value"], drugs,
        ),
        "measurement": (
            ["measurement_id", "person_id", "measurement_concept_id", "measurement_date", "value_as_number", "unit_source_value"],
            measured,
        ),
        "concept": (["concept_id", "concept_name"], [[code, name] for code, name in NAMES.items()]),
    }  # fmt: skip
    for name, (head, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])


write_tables("omop", n_people=400, share_ill=0.4, seed=1)

# %% [markdown]
# ## Draft and look
#
# `init --from` sees that there are no notes, and lists the codes that most patients have: what one needs to write
# functions. Codes of fewer than three patients are left out.

# %%
main(["init", ".", "--from", "omop"])
print(Path("functions.py").read_text()[:900], "...")

# %% [markdown]
# ## Five minutes of functions
#
# Each knows one sign, with a gap between its thresholds in which it says nothing. The question gets a name of its own.

# %%
Path("functions.py").write_text('''
"""Labeling functions for high blood pressure; they do not read the diagnosis, which is kept for gold."""

from sidelight.labeling import LabelSchema, labeling_function

schema = LabelSchema(classes=("normal", "high"))


def mean_of(record, name):
    """Return the mean of the last three values of a measurement, None without any."""
    values = [event.value for event in record.events if event.name.startswith(name) and event.value is not None][-3:]
    return sum(values) / len(values) if values else None


def above(value, low, high):
    return None if value is None else "high" if value > high else "normal" if value < low else None


@labeling_function
def systolic(record):
    """140 is high, 130 is not."""
    return above(mean_of(record, "Systolic"), 130, 140)


@labeling_function
def diastolic(record):
    """90 is high, 85 is not."""
    return above(mean_of(record, "Diastolic"), 85, 90)


@labeling_function(polarity=["high"])
def takes_a_pill(record):
    """A thiazide."""
    return "high" if any("thiazide" in event.name for event in record.events if event.kind == "drug") else None


@labeling_function(polarity=["normal"])
def takes_none(record):
    return None if takes_a_pill(record) == "high" else "normal"
''')
text = Path("sidelight.toml").read_text()
text = text.replace("tasks.abnormal", "tasks.pressure").replace('task = "abnormal"', 'task = "pressure"')
text = text.replace('["normal", "abnormal"]', '["normal", "high"]')
Path("sidelight.toml").write_text(text)
main(["check"])

# %% [markdown]
# `check` read the file, looked for the columns it names and tried every function on the head of the export. Now gold:
# the diagnosis codes, by visit. They measure and never teach.

# %%
with open("omop/condition_occurrence.csv", newline="") as file:
    ill = {
        row["person_id"] for row in csv.DictReader(file) if row["condition_concept_id"] == str(HYPERTENSION)
    }
with open("omop/visit_occurrence.csv", newline="") as file:
    coded = [
        (row["visit_occurrence_id"], "high" if row["person_id"] in ill else "normal")
        for row in csv.DictReader(file)
    ]
with open("coded.csv", "w", newline="") as file:
    csv.writer(file).writerows([("id", "label"), *coded])
gold = '\n[sources.coded]\ntask = "pressure"\nrole = "gold"\nlabels = "coded.csv"\ncolumn = "label"\n'
Path("sidelight.toml").write_text(text + gold)
main(["run"])

# %% [markdown]
# No network was trained, since no task names a target; the audit judges the labels themselves.
#
# ## A new ward, a new cuff
#
# In summer one ward gets cuffs that read 12 mmHg too much. Nobody tells the data team. `monitor` compares what comes in
# with the run: votes and labels drift, the share of patients with a pill does not, so it is the cuffs, not the people.

# %%
write_tables("summer", n_people=150, share_ill=0.4, seed=2)
print("exit code without a change:", main(["monitor", "summer"]))
write_tables("ward", n_people=150, share_ill=0.4, seed=3, louder=12.0)
print("exit code with new cuffs:", main(["monitor", "ward", "--out", "monitoring/ward"]))

# %% [markdown]
# The check lies in `monitoring/ward` as HTML and JSON, and `sidelight ui .` shows it on its page Monitoring. Runs and what
# their steps keep take room; `--keep` removes old ones and leaves the others whole.

# %%
main(["runs", "--keep", "1"])
os.chdir(start)
place.cleanup()

# %% [markdown]
# With an ECG or a radiograph beside each visit this goes on as in `01_first_labels.py`: declare the payload, name it as
# the task's target, and `sidelight run` trains a network that needs no codes.
# Several questions at once, whose answers rule each other out: `04_linked_tasks.py`.
