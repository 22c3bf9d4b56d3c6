"""Reports: what outsiders wrote is escaped, and a browser shows the page."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("ruptures")

from resnet_verify.bench.changes import levels
from resnet_verify.bench.fingerprint import differences, fingerprint
from resnet_verify.bench.history import histories
from resnet_verify.bench.interchange import (
    from_pytest_benchmark,
    to_github_action,
    to_pytest_benchmark,
)
from resnet_verify.bench.markdown import markdown
from resnet_verify.bench.page import page
from resnet_verify.bench.store import Store
from tests.bench.records import record

EVIL = "nets.py:<script>alert(1)</script>'\"|`x`"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

PROBE = """
<script>
const texts = document.title + [...document.querySelectorAll('h2')].map(h => h.innerText);
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
const first = document.querySelector('.point');
first.focus();
const facts = {wide, texts, scripts: document.scripts.length,
  points: document.querySelectorAll('.point').length,
  shifts: document.querySelectorAll('.shift').length,
  focused: document.activeElement === first, label: first.getAttribute('aria-label'),
  drawn: first.getBoundingClientRect().width > 0, width: innerWidth,
  outside: performance.getEntriesByType('resource').length};
document.body.innerHTML = '';
document.body.innerText = 'FACTS' + JSON.stringify(facts) + 'END';
</script>
"""


def ratios(count, shift_at, shift=1.05, seed=0):
    drawn = np.exp(np.random.default_rng(seed).normal(0, 0.005, count))
    drawn[shift_at:] *= shift
    return [float(ratio) for ratio in drawn]


@pytest.fixture
def store(tmp_path):
    with Store(str(tmp_path / "history.sqlite")) as store:
        for number, ratio in enumerate(ratios(40, 25)):
            store.add(record(number, target=EVIL, ratio=ratio, commit="<i>c0ffee</i>"))
        other = {**record().data, "environment": {"cpu": "<b>two</b>"}}
        store.add(record(99, target=EVIL, machine="b" * 16, data=other))
        yield store


def newest(store, found):
    return [store.find(history.points[-1].id) for history in found]


def test_a_shift_is_found_where_it_is():
    (before, after) = levels(ratios(40, 25))
    assert abs(after.start - 25) <= 1
    assert before.ratio == pytest.approx(1.0, abs=0.01)
    assert after.ratio == pytest.approx(1.05, abs=0.01)


def test_noise_and_a_bad_day_are_no_shift():
    shifted = [levels(ratios(40, 40, seed=seed)) for seed in range(40)]
    assert sum(len(found) > 1 for found in shifted) <= 1
    spiky = ratios(40, 40)
    spiky[20] = 2.0
    assert len(levels(spiky)) == 1


@pytest.mark.parametrize("count", [0, 1, 4])
def test_few_records_make_one_level(count):
    assert len(levels([1.0] * count)) == min(count, 1)


def test_states(store):
    shifted, lonely = sorted(histories(store), key=lambda history: -len(history.points))
    assert (shifted.state, lonely.state) == ("slower", "no baseline")
    store.accept(store.find(shifted.points[-1].id), 0.0, "wider <stem>")
    (shifted,) = (h for h in histories(store) if len(h.points) > 1)
    assert shifted.state == "accepted"


def test_the_page_is_escaped_and_self_contained(store):
    found = histories(store)
    html = page(found, newest(store, found))
    assert "<script" not in html
    assert "<i>" not in html
    assert "<b>two" not in html
    assert not re.search(r"(src|href)=(?!['\"]#)", html)
    assert "url(" not in html
    assert "&lt;script&gt;" in html


def test_the_comment_is_escaped(store):
    lines = markdown(histories(store)).splitlines()
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in lines)
    assert "<script>" not in "".join(lines)
    assert any("no baseline" in line for line in lines)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page(store, tmp_path, width):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("a browser is needed: apt-get install chromium-headless-shell")
    found = histories(store)
    html = page(found, newest(store, found))
    file = tmp_path / "page.html"
    file.write_text(html.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    facts = json.loads(
        re.search("FACTS(.*)END", shown)[1].replace("&lt;", "<").replace("&gt;", ">")
    )
    assert facts["width"] == width
    assert not facts["wide"], "the page scrolls sideways"
    assert facts["scripts"] == 1  # the probe itself
    assert facts["points"] == 41
    assert facts["shifts"] == 1
    assert facts["focused"]
    assert facts["drawn"]
    assert "1.0" in facts["label"] or "0.9" in facts["label"]
    assert "<script>alert(1)</script>" in facts["texts"]
    assert facts["outside"] == 0


def test_records_survive_the_way_through_pytest_benchmarks_json():
    records = [record(0), record(1, ratio=1.1)]
    report = json.loads(json.dumps(to_pytest_benchmark(records)))
    assert from_pytest_benchmark(report) == records
    assert report["benchmarks"][0]["stats"]["rounds"] == 20
    assert report["benchmarks"][0]["stats"]["median"] == pytest.approx(0.01)


def test_benchmarks_of_others_are_imported():
    stats = {"median": 0.5, "data": [0.4, 0.5, 0.6]}
    report = {
        "machine_info": {"node": "x"},
        "commit_info": {"id": "abc", "dirty": True},
        "datetime": "2026-01-02T03:04:05+00:00",
        "benchmarks": [{"fullname": "tests/t.py::test", "extra_info": {}, "stats": stats}],
    }
    (one,) = from_pytest_benchmark(report)
    assert (one.target, one.commit, one.images_per_second) == ("tests/t.py::test", "abc+", 2.0)
    assert [sample["wall"] for sample in one.data["samples"][0]] == [0.4, 0.5, 0.6]
    with pytest.raises(ValueError, match="no JSON of pytest-benchmark"):
        from_pytest_benchmark({"benchmarks": [{}]})


def test_what_github_action_benchmark_reads(store):
    entries = to_github_action([(h.series, h.points[-1]) for h in histories(store)])
    assert {"name", "unit", "value"} <= entries[0].keys()
    assert all(isinstance(entry["value"], float) for entry in entries)


def test_a_fingerprint_tells_environments_apart(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = fingerprint()
    assert fingerprint().key == one.key
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert fingerprint().key != one.key
    assert one.cores >= 1
    assert one.memory > 2**20


def test_differences_are_said():
    old = {"cpu": "a", "libraries": {"torch": "1", "numpy": "1"}}
    new = {"cpu": "b", "libraries": {"torch": "2", "numpy": "1"}}
    assert differences(old, new) == ["cpu: a became b", "libraries.torch: 1 became 2"]
