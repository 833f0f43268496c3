"""Logging in with OpenID Connect, against a provider that the test runs on the loopback."""

import subprocess
import sys

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
pytest.importorskip("authlib", reason="the ui extra is not installed")

from sidelight.apps.ui.store import LabelStore

READY = 60_000

PROVIDER = """
import base64, json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlparse
from joserfc import jwk, jwt

key = jwk.RSAKey.generate_key(2048, parameters={"kid": "one"})
nonces = {}

class Provider(BaseHTTPRequestHandler):
    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        asked = urlparse(self.path)
        if asked.path.endswith("openid-configuration"):
            self.answer({
                "issuer": home, "authorization_endpoint": home + "/authorize", "token_endpoint": home + "/token",
                "jwks_uri": home + "/jwks", "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })
        elif asked.path == "/jwks":
            self.answer({"keys": [key.as_dict(private=False)]})
        else:
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            nonces["code"] = query.get("nonce", "")
            self.send_response(302)
            self.send_header("Location", query["redirect_uri"] + "?" + urlencode({"code": "code", "state": query["state"]}))
            self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        now = int(time.time())
        claims = {
            "iss": home, "aud": "sidelight", "sub": "7", "iat": now, "exp": now + 600, "nonce": nonces["code"],
            "email": "anna@clinic.example", "email_verified": True, "name": "Anna",
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        self.answer({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def log_message(self, *words):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
home = f"http://127.0.0.1:{server.server_port}"
print(home, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def provider():
    """The address of an identity provider that knows one person."""
    with subprocess.Popen([sys.executable, "-c", PROVIDER], stdout=subprocess.PIPE, text=True) as process:
        home = process.stdout.readline().strip()
        if not home:
            pytest.skip("the provider needs joserfc")
        yield home
        process.kill()


@pytest.mark.slow
def test_labels_carry_the_name_that_the_provider_vouches_for(
    chromium, serve, provider, tmp_path_factory, free_port
):
    folder = tmp_path_factory.mktemp("login")
    port = free_port()
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{"s" * 40}"\n'
        f'client_id = "sidelight"\nclient_secret = "{"c" * 40}"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    (folder / "people.toml").write_text('annotator = ["anna@clinic.example"]\n')
    server = serve("--login", "oidc", "--roles", "people.toml", folder=folder, port=port)
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url)
    button = page.get_by_role("button", name="Log in")
    button.wait_for(timeout=READY)
    assert page.locator(".note").count() == 0, "no record before the login"
    button.click()
    page.locator(".note").wait_for(timeout=READY)
    assert "anna@clinic.example" in page.locator(".top").first.inner_text()
    assert page.get_by_role("link", name="Workbench").count() == 0
    page.wait_for_timeout(800)
    page.keyboard.press("1")
    page.wait_for_function("document.querySelector('.top b')?.innerText.startsWith('1 of')", timeout=READY)
    context.close()
    with LabelStore(server.labels) as store:
        assert store.ledger().annotators() == ("anna@clinic.example",)
