#!/usr/bin/env python3
"""Opens a report in headless Chromium, checks it and takes screenshots.

    check_page.py REPORT.html SCREENSHOTS [--chromium PATH] [--pictures N] [--expect TEXT]...

Checked: no error on the console, no request that leaves the page, every plot has a size and keeps its labels inside,
pictures load and can be enlarged, no page is wider than its window, tables sort (by mouse and by keyboard) and can be
searched, how large the file is, and how long loading and sorting take; and that there are at least N pictures and
every TEXT is on the page. Needs Python 3.9 and Chromium, nothing else: the browser is driven over a pipe.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

LARGEST_BYTES = 10_000_000
LOAD_SECONDS = 3.0
SORT_MILLISECONDS = 200.0
SCREENSHOTS = [
    ("light", 1280, 900, "light"),
    ("dark", 1280, 900, "dark"),
    ("narrow", 400, 800, "light"),
]
LONGEST_SCREENSHOT = 7000

OPEN_DETAILS = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

PLOT_PROBLEMS = """
(() => {
  const problems = [];
  const plots = document.querySelectorAll('svg.plot');
  if (!plots.length) problems.push('there is no plot');
  for (const plot of plots) {
    const name = plot.getAttribute('aria-label');
    const { width, height } = plot.getBoundingClientRect();
    if (!(width > 100 && height > 50)) problems.push(`${name}: ${width} x ${height}`);
    const view = plot.viewBox.baseVal;
    for (const text of plot.querySelectorAll('text')) {
      const box = text.getBBox();
      const inside = box.x >= -0.5 && box.y >= -0.5 && box.x + box.width <= view.width + 0.5
        && box.y + box.height <= view.height + 0.5;
      if (!inside) problems.push(`${name}: "${text.textContent}" is clipped`);
    }
  }
  for (const image of document.querySelectorAll('img')) {
    if (!(image.naturalWidth > 0)) problems.push(`${image.alt} is no image`);
  }
  return problems.slice(0, 20);
})()
"""

# Sorts every table by every column, twice, with a layout after each. Milliseconds of the slowest, and what is not sorted.
SORT_TABLES = """
(() => {
  let slowest = 0;
  const problems = [];
  for (const table of document.querySelectorAll('table.interactive')) {
    const buttons = table.querySelectorAll('thead button');
    if (!buttons.length) problems.push(`${table.caption.textContent} has no buttons`);
    buttons.forEach((button, column) => {
      for (let turn = 0; turn < 2; turn += 1) {
        const start = performance.now();
        button.click();
        table.getBoundingClientRect();
        slowest = Math.max(slowest, performance.now() - start);
      }
      const heading = button.closest('th');
      if (!heading.classList.contains('n')) return;
      const values = [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[column].dataset.v)).filter((v) => !isNaN(v));
      const sign = heading.getAttribute('aria-sort') === 'ascending' ? 1 : -1;
      if (values.some((value, at) => at && sign * (value - values[at - 1]) < 0)) {
        problems.push(`${table.caption.textContent} is not sorted by ${heading.textContent}`);
      }
    });
  }
  return { slowest, problems };
})()
"""

SORT_EXPLORER = """
(() => {
  const table = document.querySelector('#explorer table');
  let slowest = 0;
  const problems = [];
  table.querySelectorAll('thead button').forEach((button, column) => {
    for (let turn = 0; turn < 2; turn += 1) {
      const start = performance.now();
      button.click();
      table.getBoundingClientRect();
      slowest = Math.max(slowest, performance.now() - start);
    }
    if (column !== 4) return;
    const sign = button.closest('th').getAttribute('aria-sort') === 'ascending' ? 1 : -1;
    const values = [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[4].textContent));
    if (values.some((value, at) => at && sign * (value - values[at - 1]) < 0)) problems.push('scores are not sorted');
  });
  const search = document.querySelector('#explorer input');
  const state = () => document.querySelector('#explorer [role=status]').textContent;
  const before = state();
  const start = performance.now();
  search.value = document.querySelector('#explorer tbody td').textContent;
  search.dispatchEvent(new Event('input'));
  table.getBoundingClientRect();
  const searched = performance.now() - start;
  search.value = 'nothing is called like this';
  search.dispatchEvent(new Event('input'));
  if (state() !== 'nothing found') problems.push(`searching in vain says: ${state()}`);
  search.value = '';
  search.dispatchEvent(new Event('input'));
  if (state() !== before) problems.push(`after a search: ${state()}, before: ${before}`);
  return { slowest, searched, problems, state: before };
})()
"""


class Browser:
    """A page in headless Chromium, spoken to in the DevTools protocol over file descriptors 3 and 4."""

    def __init__(self, chromium, profile):
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()

        def arrange_descriptors():
            # Away from 3 and 4 first: either pipe may already have one of these numbers.
            incoming, outgoing = os.dup2(to_browser, 100), os.dup2(from_browser, 101)
            os.dup2(incoming, 3)
            os.dup2(outgoing, 4)

        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --remote-debugging-pipe"
        )
        self.process = subprocess.Popen(
            [chromium, *flags.split(), f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=arrange_descriptors,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.sent = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.reader, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has closed the connection")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.writer, text):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.sent:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while True:
            if self.events and any(event.get("method") == method for event in self.events):
                return
            self.events.append(self.receive())

    def open(self, address):
        """Loads a page; seconds until it is loaded and laid out."""
        self.events = [event for event in self.events if event.get("method") != "Page.loadEventFired"]
        start = time.monotonic()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")
        self.evaluate("document.body.getBoundingClientRect().height")
        return time.monotonic() - start

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def window(self, width, height, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key, code, text):
        for kind in ["keyDown", "keyUp"]:
            more = {"text": text} if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def screenshot(self, path, width):
        height = min(self.evaluate("document.documentElement.scrollHeight"), LONGEST_SCREENSHOT)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(image["data"]))

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def messages(events, address):
    """What the console said, and what was asked for beside the page and its own data."""
    for event in events:
        parameters = event.get("params", {})
        method = event.get("method")
        if method == "Runtime.exceptionThrown":
            yield f"exception: {parameters['exceptionDetails'].get('text')} {parameters['exceptionDetails'].get('exception', {}).get('description')}"
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            yield f"console: {parameters['args']}"
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            yield f"log: {parameters['entry']['text']}"
        elif method == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if asked.split("#")[0] != address and not asked.startswith("data:"):
                yield f"request: {asked}"


def keyboard_problems(browser):
    """Sorts the first table with the keyboard alone."""
    browser.evaluate("document.querySelector('table.interactive thead th:nth-child(2) button').focus()")
    state = "document.querySelector('table.interactive thead th:nth-child(2)').getAttribute('aria-sort')"
    before = browser.evaluate(state)
    browser.press("Enter", 13, "\r")
    after = browser.evaluate(state)
    return [] if after and after != before else [f"Enter on a heading: {before} became {after}"]


def switch_problems(browser):
    """Presses the switch between light and dark twice."""
    colour = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for _ in range(3):
        seen.append(browser.evaluate(colour))
        browser.evaluate("document.getElementById('theme').click()")
    browser.evaluate("localStorage.clear()")
    return [] if seen[0] == seen[2] != seen[1] else [f"the switch gives {seen}"]


def picture_problems(browser, least):
    """Presses the first picture twice, and counts all of them."""
    count = browser.evaluate("document.querySelectorAll('.gallery img').length")
    print(f"{count} pictures")
    if count < least:
        return [f"there are {count} pictures, at least {least} are expected"]
    if not count:
        return []
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    width = "document.querySelector('.gallery img').getBoundingClientRect().width"
    seen = []
    for _ in range(3):
        seen.append(browser.evaluate(width))
        browser.evaluate("document.querySelector('.gallery button').click()")
    return [] if seen[0] == seen[2] and seen[1] > 1.5 * seen[0] else [f"a picture that is pressed is {seen} wide"]


def text_problems(browser, expected):
    """Texts that are not on the page, however it is laid out."""
    text = " ".join(browser.evaluate("document.body.textContent").split())
    return [f"the page does not say: {wanted}" for wanted in expected if wanted not in text]


def check(browser, report, out, pictures, expected):
    address = report.as_uri()
    problems = []
    size = report.stat().st_size
    print(f"{size / 1e6:.2f} MB")
    if size > LARGEST_BYTES:
        problems.append(f"the file has {size} bytes, at most {LARGEST_BYTES} are allowed")
    browser.window(1280, 900, "light")
    seconds = browser.open(address)
    print(f"loaded in {seconds:.2f} s")
    if seconds > LOAD_SECONDS:
        problems.append(f"loading took {seconds:.2f} s, at most {LOAD_SECONDS} s are allowed")
    nodes = browser.evaluate("document.getElementsByTagName('*').length")
    print(f"{nodes} elements, {browser.evaluate('document.querySelectorAll(`svg.plot`).length')} plots")

    explorer = browser.evaluate(SORT_EXPLORER)
    print(f"{explorer['state']}: slowest sort {explorer['slowest']:.0f} ms, search {explorer['searched']:.0f} ms")
    tables = browser.evaluate(SORT_TABLES)
    print(f"other tables: slowest sort {tables['slowest']:.0f} ms")
    problems += explorer["problems"] + tables["problems"]
    for what in [explorer["slowest"], explorer["searched"], tables["slowest"]]:
        if what > SORT_MILLISECONDS:
            problems.append(f"sorting or searching took {what:.0f} ms, at most {SORT_MILLISECONDS:.0f} ms are allowed")
    problems += keyboard_problems(browser) + switch_problems(browser)
    problems += picture_problems(browser, pictures) + text_problems(browser, expected)

    for name, width, height, scheme in SCREENSHOTS:
        browser.window(width, height, scheme)
        browser.open(address)
        background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        if (background == "rgb(255, 255, 255)") != (scheme == "light"):
            problems.append(f"{name}: the background is {background} on a {scheme} system")
        browser.screenshot(out / f"{name}-top.png", width)
        category = "document.querySelector('details.category')"
        browser.evaluate(f"{category}.open = true; {category}.scrollIntoView()")
        top = browser.evaluate(f"{category}.getBoundingClientRect().top + scrollY")
        tall = browser.evaluate(f"{category}.getBoundingClientRect().height")
        clip = {"x": 0, "y": top, "width": width, "height": min(tall, LONGEST_SCREENSHOT), "scale": 1}
        image = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        (out / f"{name}-category.png").write_bytes(base64.b64decode(image["data"]))
        browser.evaluate(OPEN_DETAILS)
        problems += [f"{name}: {problem}" for problem in browser.evaluate(PLOT_PROBLEMS)]
        wide = browser.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            problems.append(f"{name}: the page is {wide} pixels wide in a window of {width}")
    return problems + sorted(set(messages(browser.events, address)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("screenshots", type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    arguments = parser.parse_args()
    if not arguments.chromium:
        parser.error("there is no chromium: install it, or give its path with --chromium")
    arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(arguments.chromium, profile)
        try:
            report = arguments.report.resolve()
            problems = check(browser, report, arguments.screenshots, arguments.pictures, arguments.expect)
        finally:
            browser.close()
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
