# %% [markdown]
# # First labels: from what reports say to a network that reads ECGs
#
# A hospital has ECGs without labels; beside each lies a cardiologist's sentence. This tutorial lets the sentences label
# the ECGs. The data are bundled: 367 ECGs of PTB-XL (CC BY 4.0) with their reports, most in German, some in English
# and Swedish. The question: is this ECG normal or abnormal?

# %%
from sidelight.apps.demo import REPORTS, SIGNALS
from sidelight.labeling import (
    LabelSchema,
    LFAnalysis,
    LFApplier,
    keyword_lf,
    labeling_function,
    read,
    regex_lf,
)

records = read(REPORTS, id="ecg_id", text="report", time="recording_date")
reports = [record for batch in records for record in batch]
for record in reports[:5]:
    print(record.id, "|", record.text)

# %% [markdown]
# ## Labeling functions
#
# Each function reads a record and votes for a class, or abstains by returning nothing. A function need not be perfect,
# only better than chance where it votes. Words and patterns are declared; anything else is plain Python.

# %%
schema = LabelSchema(classes=("normal", "abnormal"))

says_normal = keyword_lf("says_normal", ["normales ekg", "normal ecg", "normalt ekg"], "normal")
has_block = regex_lf("has_block", r"schenkelblock|bundle branch block|skänkelblock|hemiblock", "abnormal")
has_ischaemia = regex_lf(
    "has_ischaemia", r"isch(?:ae|ä|e)mi|infar[ck]t", "abnormal", unless=r"\bno\b|nicht auszu"
)
has_t_change = regex_lf(
    "has_t_change", r"abnormales t\b|t waves? |t-förändring|st-senkung|st segment", "abnormal"
)


@labeling_function
def is_brief(record):
    """A normal tracing needs few words."""
    return "normal" if len(record.text.split()) <= 3 else None


@labeling_function
def is_long(record):
    """Many words describe findings."""
    return "abnormal" if len(record.text.split()) > 15 else None


# %% [markdown]
# A function can be tried on any record, or on a sentence of your own.

# %%
print(
    has_block({"text": "Sinusrhythmus, inkompletter Rechtsschenkelblock"}),
    says_normal({"text": "abnormal ECG"}),
)

# %% [markdown]
# ## Votes
#
# The applier runs all functions over all records. The table shows how much each covers, and how often it stands beside
# or against others. Where gold labels are known (PTB-XL has cardiologists' codes) it also shows precision, with an
# interval that says how much the few votes can prove.

# %%
votes = LFApplier(
    [says_normal, has_block, has_ischaemia, has_t_change, is_brief, is_long], schema=schema
).apply(reports)
gold = {record.id: record.abnormal for record in reports}
table = LFAnalysis(votes).lf_summary(gold)
print(
    table[["coverage", "overlaps", "conflicts", "precision", "precision_lo", "precision_hi"]]
    .round(2)
    .to_string()
)

# %% [markdown]
# ## Labels
#
# The label model learns from agreements alone how far each function can be trusted; it never sees the gold labels. A
# record without votes stays unlabeled.

# %%
from sidelight.label_model import LabelModel, Labels
from sidelight.labeling import align_gold
from sidelight.labeling.statistics import bootstrap_auroc

model = LabelModel(cardinality=2).fit(votes)
labels = Labels.from_model(model, votes)
truth = align_gold(gold, votes)
known = (truth >= 0) & labels.covered
print(f"{labels.covered.mean():.0%} of the reports have a label")
print(
    "AUROC of the labels against gold:",
    bootstrap_auroc(truth[known], labels.proba[known, 1], labels.patient_ids[known]),
)

# %% [markdown]
# ## A network that sees ECGs alone
#
# Labels are linked to signals by study and split by patient, so that no patient is on both sides. The network learns from
# probabilities: a doubtful label teaches less. It never sees a word.

# %%
from sidelight.crossmodal import CrossModalClassifier, SignalSet, link, patient_split

linked = link(labels, SignalSet.read(SIGNALS))
split = patient_split(linked.patient_ids, ids=linked.ids)
train, dev, test = (split[name] for name in ("train", "dev", "test"))
network = CrossModalClassifier(max_epochs=10, seed=0).fit(
    linked.signals.take(train),
    linked.proba[train],
    linked.covered[train],
    validation=(linked.signals.take(dev), linked.proba[dev], linked.covered[dev]),
)
score = network.predict_proba(linked.signals.take(test))[:, 1]
of_test = truth[linked.label_rows][test]
with_gold = of_test >= 0
print(
    "AUROC of the network on test ECGs:",
    bootstrap_auroc(of_test[with_gold], score[with_gold], linked.patient_ids[test][with_gold]),
)

# %% [markdown]
# ## Where is it worse?
#
# Slices are named subsets. An audit measures each with an interval, and says which are too small to tell.

# %%
from sidelight.slicing import SFApplier, audit, slicing_function


@slicing_function
def elderly(record):
    """Patients of 65 years and more."""
    return record.age is not None and record.age >= 65


@slicing_function
def mentions_extra_beats(record):
    """The report mentions premature beats."""
    return "extras" in record.text or "premature" in record.text


members = SFApplier([elderly, mentions_extra_beats]).apply(reports).align(linked.ids)
print(audit(of_test, score, members.take_rows(test), patients=linked.patient_ids[test], metrics=["auroc"]))

# %% [markdown]
# The same chain on files, with resumable steps and exit codes: `sidelight --help`. All of it with a report to read in a
# browser: `sidelight demo`.
