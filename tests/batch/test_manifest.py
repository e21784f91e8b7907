"""The account of a batch: it keeps what is put in, and one batch at a time may write it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.app.batch.manifest import Entry, Manifest, locked, read_entries
from mocap.model.errors import MocapError

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NUMBER = st.integers(0, 2**62)
ENTRIES = st.builds(
    Entry,
    clip=TEXT,
    size=NUMBER,
    mtime_ns=NUMBER,
    sha256=TEXT,
    state=st.sampled_from(["pending", "done", "below", "failed"]),
    attempts=st.integers(0, 9),
    error=TEXT,
    seconds=st.floats(0, 1e6),
    files=st.dictionaries(TEXT, st.tuples(TEXT, NUMBER, NUMBER), max_size=3),
)

HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from mocap.app.batch.manifest import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@given(st.lists(ENTRIES, max_size=4))
def test_entries_come_back_as_they_were_recorded(tmp_path_factory, entries):
    output = tmp_path_factory.mktemp("takes")
    with locked(output):
        manifest = Manifest(output)
        manifest.record(*entries)
        manifest.close()
    assert read_entries(output) == {entry.clip: entry for entry in entries}


def test_where_there_was_no_batch_there_are_no_entries_and_none_is_made(tmp_path):
    assert read_entries(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_account_is_an_error_that_names_it(tmp_path):
    with locked(tmp_path) as folder:
        (folder / "manifest.sqlite").write_text("no database at all, but long enough to look at" * 40)
        with pytest.raises(MocapError, match=r"manifest\.sqlite, cannot be used"):
            Manifest(tmp_path)


def test_a_second_batch_is_refused_until_the_first_process_dies(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "locked\n"
        with pytest.raises(MocapError, match=rf"another batch is writing .*process {first.pid}"), locked(tmp_path):
            pass
        first.send_signal(signal.SIGKILL)
        first.wait()
        with locked(tmp_path):
            pass


def test_a_batch_that_is_refused_leaves_the_first_ones_number_readable(tmp_path):
    with locked(tmp_path):
        for _ in range(2):
            with pytest.raises(MocapError, match=rf"process {os.getpid()}\)"), locked(tmp_path):
                pass
