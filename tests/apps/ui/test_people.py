"""Who may do what, and which word about who somebody is can be trusted."""

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.people import Login, Roles
from sidelight.labeling import InputError, UsageError


def test_roles_come_from_a_file_of_names(tmp_path):
    path = tmp_path / "people.toml"
    path.write_text('annotator = ["anna", "ben"]\nadjudicator = ["anna"]\n')
    roles = Roles.read(path)
    assert roles.of("anna", local=False).roles == {"annotator", "adjudicator"}
    assert roles.of("eve", local=True).roles == frozenset()
    assert Roles().of("eve", local=False).roles == {"annotator"}, "who comes from afar never writes functions"
    assert Roles().of("me", local=True).may("developer")


@pytest.mark.parametrize("content", ['chief = ["anna"]', 'annotator = "anna"', "annotator = [1]"])
def test_a_wrong_file_of_roles_is_refused(tmp_path, content):
    (tmp_path / "people.toml").write_text(content)
    with pytest.raises(UsageError):
        Roles.read(tmp_path / "people.toml")
    with pytest.raises(InputError):
        Roles.read(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("login", "address"),
    [
        ("name", "127.0.0.1"),
        ("header", "127.0.0.1"),
        ("os", "10.0.0.7"),
        ("header:X-User", "10.0.0.7"),
        ("os:x", "::1"),
    ],
)
def test_a_login_that_could_be_forged_is_refused(login, address):
    with pytest.raises(UsageError):
        Login.parse(login, address)


def test_a_header_is_trusted_on_the_loopback_alone():
    assert Login.parse("header:X-Remote-User", "127.0.0.1") == Login("header", "X-Remote-User")
    assert Login.parse("oidc", "10.0.0.7").kind == "oidc"
