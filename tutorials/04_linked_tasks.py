# %% [markdown]
# # Linked tasks: two questions whose answers rule each other out
#
# One report, several questions: is this ECG normal, and does it show an infarct? A normal ECG shows none, so that votes
# on the first question say something of the second, and no record should be labeled both "normal" and "present".
# The data are the bundled ECG reports of PTB-XL (CC BY 4.0); everything happens in a folder that is removed at the end.

# %%
import csv
import os
import tempfile
from pathlib import Path

import numpy as np

from sidelight.apps.cli.main import main
from sidelight.apps.demo import REPORTS
from sidelight.label_model import Labels

start = Path.cwd()
place = tempfile.TemporaryDirectory()
os.chdir(place.name)

# %% [markdown]
# ## A file of functions for each question
#
# Each question has classes and functions of its own. Three functions that vote on the same records are the fewest whose
# agreements tell how far each can be trusted; that of infarcts has fewer, and `fit` says that it assumes their accuracy.

# %%
Path("ecg.py").write_text(r"""
from sidelight.labeling import LabelSchema, keyword_lf, regex_lf

schema = LabelSchema(classes=("normal", "abnormal"))
says_normal = keyword_lf("says_normal", ["normales ekg", "normal ecg", "normalt ekg"], "normal")
has_block = regex_lf("has_block", r"schenkelblock|bundle branch block|skänkelblock|hemiblock", "abnormal")
has_t_change = regex_lf("has_t_change", r"abnormales t\b|t waves? |t-förändring|st-senkung|st segment", "abnormal")
has_damage = regex_lf("has_damage", r"isch(?:ae|ä|e)mi|infar[ck]t|qrs\(t\) abnormal", "abnormal")
is_rhythm_alone = regex_lf("is_rhythm_alone", r"^sinus\w+( normales ekg)?\W*$", "normal")
""")
Path("infarct.py").write_text("""
from sidelight.labeling import LabelSchema, regex_lf

schema = LabelSchema(classes=("absent", "present"))
names_infarct = regex_lf("names_infarct", r"infar[ck]t|myokardsk", "present", unless=r"nicht auszu|excluded")
dates_damage = regex_lf("dates_damage", r"alter unbest|age undetermined|narbe", "present")
""")
columns = ["--id", "ecg_id", "--text", "report", "--patient", "patient_id"]
for task in ("ecg", "infarct"):
    main(["label", str(REPORTS), *columns, "--functions", f"{task}.py", "--out", task])

# %% [markdown]
# ## What never goes together
#
# One `[[never]]` for each rule, with a class, or a list of classes, of two tasks or more. Tasks are called as the folders of
# their votes are.

# %%
Path("links.toml").write_text("""
[[never]]
ecg = "normal"
infarct = "present"
""")
main(["fit", "ecg", "infarct", "--linked", "links.toml", "--out", "labels"])

# %% [markdown]
# "By other tasks alone" are records on which no function of that task votes and others tell nevertheless: what is called
# normal has no infarct. What is called abnormal may have one or not, so that it stays without a label.
#
# ## Was that right?
#
# Each task has a table of its own, which `train`, `audit` and `export` take. Here the cardiologists' codes judge them.

# %%
with open(REPORTS, newline="", encoding="utf-8") as file:
    codes = {row["ecg_id"]: row["superclass"].split("|") for row in csv.DictReader(file) if row["superclass"]}
ecg, infarct = (Labels.read(f"labels/{task}.parquet") for task in ("ecg", "infarct"))
known = np.array([name in codes for name in infarct.ids.tolist()])
truth = np.array(["MI" in codes.get(name, ()) for name in infarct.ids.tolist()])
for what, rows in (("own votes", infarct.n_votes > 0), ("other task alone", infarct.n_votes == 0)):
    judged = rows & known & (infarct.label >= 0)
    print(f"{what}: {judged.sum()} records, {(infarct.label[judged] == truth[judged]).mean():.0%} right")
print("normal, with an infarct:", int(((ecg.label == 0) & (infarct.label == 1)).sum()), "records")
os.chdir(start)
place.cleanup()

# %% [markdown]
# In a project the same `[[never]]` stands in `sidelight.toml`; in Python it is
# `MultiTaskLabelModel(TaskGraph.without(tasks, never)).fit({task: votes})`. Where a question makes sense after one answer to
# another only, a project's `parent` and `when` say so: see "Several questions" in `docs/cookbook.md`.
