"""`sidelight label --dry-run` tells what functions that ask a model would send."""

import json

from sidelight.apps.cli.main import main

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, prompt_lf
schema = LabelSchema(classes=("no", "yes"))
effusion = keyword_lf("effusion", ["effusion"], "yes")
asked = prompt_lf("asked", "Effusion? yes or no.\\n{text}", {"yes": "yes", "no": "no"}, model="m", price_per_1000_tokens=50)
"""


def test_count_and_cost_are_told_and_nothing_is_sent(tmp_path, capsys):
    (tmp_path / "notes.csv").write_text("id,text\na,Small effusion.\nb,Clear.\nc,Clear.\n")
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    command = [
        "label", str(tmp_path / "notes.csv"), "--functions", str(tmp_path / "lfs.py"), "--out", str(tmp_path / "votes"), "--dry-run",
    ]  # fmt: skip
    assert main([*command, "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)["prompts"]["asked"]
    assert cost["calls"] == 2  # equal notes are asked about once
    assert cost["cost"] == cost["tokens"] / 1000 * 50 > 0
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "asked would send" in told
    assert "2 calls" in told
    assert main([*command, "--json", "--select", "effusion"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"] == {}
    assert not (tmp_path / "votes").exists()
