"""The journal loses nothing that is whole, and never hides damage."""

import errno
import json
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.core.errors import SupervisorError
from supervisor.experiment import journal as module
from supervisor.experiment.events import FORMAT, Opened, Waited
from supervisor.experiment.journal import Journal, read_journal


def waited(seconds):
    """Return a small event."""
    return Waited(seconds=seconds, time_s=1.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def written(path):
    """A journal of three events, closed."""
    write(path, [waited(0.0), waited(1.0), waited(2.0)])
    return path


def write(path, events):
    """Write a journal."""
    journal = Journal.create(path)
    for event in events:
        journal.append(event)
    journal.close()


def seconds(path):
    """Return what tells the events of a journal apart."""
    return [event.seconds for event in read_journal(path)]


@pytest.fixture
def syncs(monkeypatch):
    """Count the forced writes."""
    calls = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(fd), real(fd))[1])
    return calls


def test_every_line_is_json_whose_last_key_is_the_checksum_of_the_rest(written):
    for line in written.read_bytes().splitlines():
        record = json.loads(line)
        assert list(record)[-1] == "crc"
        body = line[: line.rindex(b',"crc"')] + b"}"
        assert record["crc"] == f"{zlib.crc32(body):08x}"


def test_events_come_back_in_order(written):
    assert seconds(written) == [0.0, 1.0, 2.0]


def test_creating_a_journal_twice_is_an_error(written):
    with pytest.raises(SupervisorError, match=r"journal\.jsonl.*exists"):
        Journal.create(written)


def test_a_journal_that_is_missing_is_an_error(path):
    with pytest.raises(SupervisorError, match=r"journal\.jsonl.*No such file"):
        Journal.open(path)
    with pytest.raises(SupervisorError, match="cannot read"):
        list(read_journal(path))


def test_an_empty_journal_is_whole(path):
    Journal.create(path).close()
    journal = Journal.open(path)
    assert journal.torn is None
    journal.close()
    assert list(read_journal(path)) == []


def test_an_opened_journal_goes_on_at_its_end(written):
    journal = Journal.open(written)
    assert journal.torn is None
    journal.append(waited(3.0))
    journal.close()
    assert seconds(written) == [0.0, 1.0, 2.0, 3.0]


def test_every_truncation_loses_the_torn_line_only(written):
    whole = written.read_bytes()
    for size in range(len(whole) + 1):
        written.write_bytes(whole[:size])
        lines = whole[:size].count(b"\n")
        assert seconds(written) == [0.0, 1.0, 2.0][:lines]
        assert written.stat().st_size == size
        journal = Journal.open(written)
        assert (journal.torn is None) == whole[:size].endswith(b"\n" if size else b"")
        journal.append(waited(9.0))
        journal.close()
        assert seconds(written) == [*[0.0, 1.0, 2.0][:lines], 9.0]


def test_what_was_cut_off_is_reported_with_its_line(written):
    with written.open("ab") as file:
        file.write(b'{"event":"wai')
    journal = Journal.open(written)
    assert journal.torn == f"{written}:4: the last line was torn; its 13 bytes were cut off"
    journal.close()


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\n", b'{"event":"waited"}\n', b"\xff\xfe\n"])
def test_a_damaged_last_line_is_cut_off(written, tail):
    whole = written.read_bytes()
    written.write_bytes(whole + tail)
    assert seconds(written) == [0.0, 1.0, 2.0]
    journal = Journal.open(written)
    journal.close()
    assert f"{len(tail)} bytes" in journal.torn
    assert written.read_bytes() == whole


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_in_the_middle_is_found_and_located(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flip") / "journal.jsonl"
    write(path, [waited(float(i)) for i in range(4)])
    whole = bytearray(path.read_bytes())
    last = whole.rindex(b"\n", 0, -1) + 1
    index = data.draw(st.integers(0, last - 2))
    whole[index] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    line = whole[:index].count(b"\n") + 1
    with pytest.raises(
        SupervisorError, match=f"journal.jsonl:{line}: .*damaged.*head -n {line - 1}"
    ):
        list(read_journal(path))
    with pytest.raises(SupervisorError, match=f"journal.jsonl:{line}: "):
        Journal.open(path)
    assert path.read_bytes() == whole


def test_damage_is_reported_after_the_events_before_it(written):
    whole = written.read_bytes()
    written.write_bytes(whole.replace(b'"seconds":1.0', b'"seconds":7.0'))
    events = read_journal(written)
    assert next(events).seconds == 0.0
    with pytest.raises(SupervisorError, match=r"jsonl:2: this line is damaged"):
        next(events)


def test_a_reader_sees_what_was_flushed_and_not_what_was_only_appended(path):
    journal = Journal.create(path)
    journal.append(waited(1.0))
    assert seconds(path) == []
    journal.flush()
    assert seconds(path) == [1.0]
    journal.close()


def test_a_reader_does_not_mind_a_line_that_is_being_written(written):
    whole = written.read_bytes()
    written.write_bytes(whole + whole[:20])
    events = read_journal(written)
    assert [event.seconds for event in events] == [0.0, 1.0, 2.0]
    assert written.read_bytes() == whole + whole[:20]


def test_a_flush_is_one_write(path, monkeypatch):
    journal = Journal.create(path)
    sizes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: (sizes.append(len(data)), real(fd, data))[1])
    for number in range(100):
        journal.append(waited(float(number)))
    journal.flush()
    journal.flush()
    assert sizes == [path.stat().st_size]
    journal.close()


def test_the_file_is_forced_to_the_disk_once_an_interval(path, syncs):
    journal = Journal.create(path, sync_interval_s=2.0)
    assert len(syncs) == 1, "the folder"
    for now in (10.0, 10.5, 11.9, 12.0, 13.0):
        journal.append(waited(now))
        journal.sync(now)
    assert len(syncs) == 3
    assert len(seconds(path)) == 5
    journal.sync(20.0)
    journal.sync(30.0)
    assert len(syncs) == 4, "nothing new, nothing forced"
    journal.close()
    assert len(syncs) == 4


def test_closing_writes_and_forces_what_is_left_and_may_be_repeated(path, syncs):
    journal = Journal.create(path)
    journal.append(waited(1.0))
    journal.close()
    journal.close()
    assert len(syncs) == 2
    assert seconds(path) == [1.0]


def test_appending_to_a_closed_journal_is_an_error(written):
    journal = Journal.open(written)
    journal.close()
    journal.append(waited(3.0))
    with pytest.raises(SupervisorError, match="closed"):
        journal.flush()


def test_a_second_writer_is_refused(written):
    first, second = Journal.open(written), Journal.open(written)
    first.append(waited(3.0))
    first.flush()
    second.append(waited(4.0))
    with pytest.raises(SupervisorError, match="another process writes this journal"):
        second.close()
    first.append(waited(5.0))
    first.close()
    assert seconds(written) == [0.0, 1.0, 2.0, 3.0, 5.0]


def test_what_another_process_writes_during_the_opening_is_not_cut_off(written, monkeypatch):
    other = Journal.open(written)
    real = module._whole_lines

    def interrupted(file, path):
        yield from real(file, path)
        other.append(waited(3.0))
        other.close()

    monkeypatch.setattr(module, "_whole_lines", interrupted)
    with pytest.raises(SupervisorError, match="another process writes this journal"):
        Journal.open(written)
    monkeypatch.undo()
    assert seconds(written) == [0.0, 1.0, 2.0, 3.0]


def test_a_journal_that_was_deleted_is_an_error_and_not_a_loss(written):
    journal = Journal.open(written)
    written.unlink()
    journal.append(waited(3.0))
    with pytest.raises(SupervisorError, match="deleted"):
        journal.close()


@pytest.fixture
def full_disk(monkeypatch):
    """Let the next flush write a part and then find the disk full; yields the room left."""
    room = [0]
    real = os.write

    def short(fd, data):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = real(fd, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", short)
    return room


def test_a_full_disk_is_an_error_and_the_file_stays_whole(written, full_disk):
    whole = written.read_bytes()
    journal = Journal.open(written)
    journal.append(waited(3.0))
    full_disk[0] = 20
    with pytest.raises(SupervisorError, match=r"journal\.jsonl: cannot write.*No space") as caught:
        journal.flush()
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert written.read_bytes() == whole


def test_once_there_is_room_again_nothing_was_lost(written, full_disk):
    journal = Journal.open(written)
    journal.append(waited(3.0))
    full_disk[0] = 20
    with pytest.raises(SupervisorError):
        journal.flush()
    full_disk[0] = 10_000
    journal.append(waited(4.0))
    journal.close()
    assert seconds(written) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_full_disk_that_cannot_be_tidied_leaves_a_file_that_recovers(
    written, full_disk, monkeypatch
):
    def broken(fd, size):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal.open(written)
    journal.append(waited(3.0))
    full_disk[0] = 20
    with monkeypatch.context() as patched, pytest.raises(SupervisorError, match="No space"):
        patched.setattr(os, "ftruncate", broken)
        journal.flush()
    full_disk[0] = 10_000
    with pytest.raises(SupervisorError, match="another process"):
        journal.close()
    journal = Journal.open(written)
    assert "20 bytes" in journal.torn
    journal.close()
    assert seconds(written) == [0.0, 1.0, 2.0]


def test_a_disk_that_fails_is_an_error_with_its_cause(written, monkeypatch):
    def broken(fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal.open(written)
    journal.append(waited(3.0))
    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(SupervisorError, match=r"cannot write to the disk.*Input/output error"):
        journal.close()
    assert seconds(written) == [0.0, 1.0, 2.0, 3.0]


def test_an_event_of_a_later_version_is_an_error_that_keeps_the_line(path):
    body = b'{"event":"teleported","time_s":1.0}'
    line = body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body)
    path.write_bytes(line)
    with pytest.raises(SupervisorError, match=r"jsonl:1: not an event.*teleported"):
        list(read_journal(path))
    Journal.open(path).close()
    assert path.read_bytes() == line


def test_a_journal_of_a_later_format_is_refused(path):
    opened = Opened(
        version=FORMAT + 1, name="x", seed=1, metric=None, maximize=False,
        source="w.yaml", source_dir=".", time_s=0.0,
    )  # fmt: skip
    write(path, [opened])
    with pytest.raises(SupervisorError, match=f"jsonl:1: .*format {FORMAT + 1}"):
        list(read_journal(path))
