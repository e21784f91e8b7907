"""Who is let in: nobody without the token, from another page, out of the folder, or with too much to say."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest
from sittings import serving, write_folder, write_image

from mocap.app.annotate import server
from mocap.app.annotate.guard import LARGEST_BODY
from mocap.app.annotate.session import open_session


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("guard") / "set", 2)
    write_image(folder.parent / "secret.jpg")
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    with serving(open_session(folder, None)) as (address, port):
        yield address.split("/")[3], port


class Asked:
    """Requests to a server, with a right token and host unless told otherwise."""

    def __init__(self, served):
        self.token, self.port = served

    def __call__(self, path, method="GET", *, body=None, token=None, host=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, f"/{token or self.token}{path}", skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def head(self, line):
        """The beginning of a request that brings a sample."""
        return f"PUT /{self.token}/api/samples/0 HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{line}\r\n\r\n".encode()


@pytest.fixture
def ask(served):
    return Asked(served)


SAMPLE = {"revision": 0, "state": "done", "size": [320, 240], "points": [[1.5, 2.5, 2]] + [[None, None, -1]] * 13}


def test_the_page_is_given_to_who_has_the_token(ask):
    status, body, headers = ask("/")
    assert status == 200
    assert b'<script type="module" src="main.js">' in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/main.js", "/api/set", "/api/images/0", "/api/samples/0"])
def test_a_missing_or_wrong_token_is_refused(ask, path):
    for token in ("x", ask.token[:-1], ask.token + "x", "%2e", "é"):
        assert ask(path, token=token.encode("ascii", "ignore").decode() or "x")[0] == 403
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=20)
    connection.request("GET", path)
    assert connection.getresponse().status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"host": "evil.example:{port}"},
        {"host": "127.0.0.1"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_page_is_refused(ask, method, headers):
    told = {name: value.format(port=ask.port) for name, value in headers.items()}
    body = json.dumps(SAMPLE).encode() if method == "PUT" else None
    assert ask("/api/samples/0", method, body=body, **told)[0] == 403
    assert json.loads(ask("/api/samples/0")[1])["revision"] == 0


def test_the_page_itself_is_let_in(ask):
    told = {"Origin": f"http://127.0.0.1:{ask.port}", "Sec_Fetch_Site": "same-origin"}
    status, body, _ = ask("/api/samples/1", "PUT", body=json.dumps(SAMPLE).encode(), **told)
    assert (status, json.loads(body)) == (200, {"revision": 1})


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.jpg", "/..%2fsecret.jpg", "/%2e%2e/secret.jpg", "/%2e%2e%2fsecret.jpg", "//etc/passwd",
        "/api/images/../../secret.jpg", "/api/images/..%2f..%2fsecret.jpg", "/api/images/secret.jpg",
        "/api/images/-1", "/api/images/2", "/api/images/99999999999999999999", "/api/images/0x1",
        "/api/images/im1.jpg", "/page/main.js", "/main.js%00", "/main.js/..", "/__init__.py", "/../server.py",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file_that_is_not_in_the_list(ask, path):
    status, body, _ = ask(path)
    assert status == 404
    assert len(body) < 200


def test_links_out_of_the_folder_are_not_in_the_list_and_not_followed_later(ask, tmp_path):
    assert json.loads(ask("/api/set")[1])["names"] == ["im1.jpg", "im2.jpg"]
    folder = write_folder(tmp_path / "set", 1)
    with serving(open_session(folder, None)) as (address, port):
        secret = write_image(tmp_path / "secret.jpg")
        (folder / "im1.jpg").unlink()
        (folder / "im1.jpg").symlink_to(secret)
        for path in ("/api/images/0", "/api/samples/0"):
            status, body, _ = Asked((address.split("/")[3], port))(path)
            assert status == 422
            assert "link out of the folder" in json.loads(body)["error"]


def test_an_oversized_body_is_refused_whether_announced_or_not(ask):
    body = b"[" + b"0," * LARGEST_BODY + b"0]"
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=20)
    connection.putrequest("PUT", f"/{ask.token}/api/samples/0")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    assert connection.getresponse().status == 413
    with socket.create_connection(("127.0.0.1", ask.port), timeout=20) as raw:
        raw.sendall(ask.head("Transfer-Encoding: chunked"))
        chunk = b"%x\r\n" % 100_000 + b" " * 100_000 + b"\r\n"
        try:
            for _ in range(20):
                raw.sendall(chunk)
        except OSError:
            pass  # it hung up on us
        assert raw.recv(200).startswith(b"HTTP/1.1 413")
    for length in ("-1", "9" * 30, "1e3"):
        with socket.create_connection(("127.0.0.1", ask.port), timeout=20) as raw:
            raw.sendall(ask.head(f"Content-Length: {length}"))
            assert raw.recv(200).split(b" ")[1] in (b"400", b"413")
    assert ask("/api/set")[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"state": "perfect"}, {"points": []}, {"points": [[1, 2, 3]] * 14}, {"points": [["1", 2, 2]] * 14},
        {"points": [[None, 2, 2]] * 14}, {"points": [[1e9, 2, 2]] * 14}, {"points": [[True, 2, 2]] * 14},
        {"revision": "0"}, {"revision": -1}, {"points": [[1, 2, True]] * 14}, {"points": "x" * 14},
        {"points": [[]] * 14},
    ],
)  # fmt: skip
def test_a_sample_of_another_form_is_refused(ask, change):
    status, body, _ = ask("/api/samples/0", "PUT", body=json.dumps({**SAMPLE, **change}).encode())
    assert status == 400
    assert json.loads(body)["error"].startswith("not understood")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"revision": NaN}', b"[" * 5000, b"\xff"])
def test_a_body_that_is_no_sample_is_refused(ask, body):
    assert ask("/api/samples/0", "PUT", body=body)[0] == 400
    assert ask("/api/samples/0", "DELETE")[0] == 405


def test_an_image_shown_in_another_size_is_not_labelled(ask):
    body = json.dumps({**SAMPLE, "size": [240, 320]}).encode()
    status, answer, _ = ask("/api/samples/0", "PUT", body=body)
    assert status == 422
    assert "another image size than 320 × 240" in json.loads(answer)["error"]


def test_an_address_that_is_told_is_listened_to():
    with server.bind(0) as listener:
        socket.create_connection(listener.getsockname(), timeout=2).close()


def test_answers_on_one_connection_come_at_once(ask):
    """Where the end of an answer waits for the browser to confirm its beginning, each takes 40 ms."""
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=20)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        connection.request("GET", f"/{ask.token}/main.js")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - began)
    assert min(seconds[5:]) < 0.02  # the system confirms the first ones without waiting


def test_only_this_machine_is_listened_to(ask):
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
        socket.create_connection((_other_address(), ask.port), timeout=2).close()


def _other_address():
    """An address of this machine that is not 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.2"
    return address if not address.startswith("127.0.0.1") else "127.0.0.2"
