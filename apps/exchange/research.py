"""Formats of research: WRENCH's JSON with votes, and spaCy's DocBin."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.labeling import FunctionInfo, InputError, LabelSchema, UsageError, VoteMatrix, write_file

from .content import Content, make_labels, shares_of, text


class WrenchFormat:
    """Votes, labels and text of each record as WRENCH reads them; `label.json` beside the file names the classes."""

    needs = "votes"

    def write(self, content: Content, path: Path) -> None:
        """Write the records, the classes and the functions."""
        if content.votes is None or content.votes.ids is None:
            raise UsageError("the format wrench holds votes: say --votes FOLDER")
        row_of = {name: row for row, name in enumerate(content.votes.ids.tolist())}
        missing = sum(name not in row_of for name in content.labels.ids.tolist())
        if missing:
            raise UsageError(f"{missing} labeled records are not among the votes")
        dense = content.votes.dense()
        entries = {}
        for name, patient, label, _ in content.rows():
            data = {"text": content.texts.get(name, ""), "patient_id": patient}
            entries[name] = {"label": label, "weak_labels": dense[row_of[name]].tolist(), "data": data}
        write_file(path, json.dumps(entries, ensure_ascii=False))
        schema = content.labels.schema
        write_file(
            path.with_name("label.json"),
            json.dumps({str(c): n for c, n in enumerate(schema.classes)}, ensure_ascii=False),
        )
        functions = [{"name": f.name, "fingerprint": f.fingerprint} for f in content.votes.functions]
        write_file(
            path.with_name("functions.json"),
            json.dumps({"task": schema.task, "functions": functions}, ensure_ascii=False),
        )

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read such files; WRENCH's own data sets have no `functions.json`, so their functions are numbered."""
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            names = _beside(path, "label.json")
            about = _beside(path, "functions.json") or {}
            if schema is None and names:
                schema = LabelSchema(
                    [names[str(c)] for c in range(len(names))], task=about.get("task", "label")
                )
            ids = list(entries)
            weak = np.array([entries[name]["weak_labels"] for name in ids], dtype=np.int8).reshape(
                len(ids), -1 if ids else 0
            )
            rows: list[Any] = [
                (
                    name,
                    text((entries[name].get("data") or {}).get("patient_id")),
                    entries[name].get("label"),
                    None,
                )
                for name in ids
            ]
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise InputError(path, "cannot be read as a data set of WRENCH") from None
        if schema is None:
            raise UsageError("there is no label.json that names the classes; say --classes a,b")
        listed = about.get("functions") or [{"name": f"lf_{j}"} for j in range(weak.shape[1])]
        infos = tuple(FunctionInfo(entry["name"], entry.get("fingerprint", "")) for entry in listed)
        labels = make_labels(rows, schema, path, source="wrench")
        patients = labels.patient_ids if np.any(labels.patient_ids != "") else None
        return Content(labels, VoteMatrix(weak, schema, infos, ids=labels.ids, patient_ids=patients))


class DocBinFormat:
    """spaCy documents with the probabilities of the classes as categories."""

    needs = "text"

    def write(self, content: Content, path: Path) -> None:
        """Write a `.spacy` file."""
        spacy = _spacy()
        blank = spacy.blank("xx")
        docs = spacy.tokens.DocBin(store_user_data=True)
        for name, patient, label, proba in content.rows():
            doc = blank.make_doc(content.texts.get(name, ""))
            doc.cats = shares_of(content, proba)
            doc.user_data |= {"id": name, "patient_id": patient, "label": label}
            docs.add(doc)
        write_file(path, docs.to_bytes())

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read a `.spacy` file."""
        spacy = _spacy()
        try:
            docs = list(spacy.tokens.DocBin().from_bytes(path.read_bytes()).get_docs(spacy.blank("xx").vocab))
            rows: list[Any] = []
            for doc in docs:
                about = doc.user_data
                rows.append(
                    (
                        text(about["id"]),
                        text(about.get("patient_id")),
                        about.get("label"),
                        dict(doc.cats) or None,
                    )
                )
        except (OSError, ValueError, KeyError):
            raise InputError(path, "cannot be read as a DocBin with ids") from None
        if schema is None and docs:
            schema = LabelSchema(list(docs[0].cats))
        return Content(make_labels(rows, schema, path, source="spacy"))


def _beside(path: Path, name: str) -> Any:
    file = path.with_name(name)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
    except ImportError:
        raise UsageError("the format spacy needs spaCy: pip install 'sidelight[text]'") from None
    return spacy
