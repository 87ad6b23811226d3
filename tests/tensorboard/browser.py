"""A headless Chromium, driven through the pipe that it offers for debugging: no package is needed."""

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]

# What a page shows lies in shadow trees, which selectors do not enter.
EVERYTHING = """
function everything(selector, root = document) {
  let found = [...root.querySelectorAll(selector)];
  for (const element of root.querySelectorAll('*')) {
    if (element.shadowRoot) found = found.concat(everything(selector, element.shadowRoot));
  }
  return found;
}
"""


def find():
    """The path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


class Browser:
    """A page of its own profile; to be used in a `with`."""

    def __init__(self, program, width, height):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        arguments = [program, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"]
        # It reads from 3 and writes to 4; our ends and the copies stand above those.
        ours_out, theirs_in = map(above, reversed(os.pipe()))
        theirs_out, ours_in = map(above, reversed(os.pipe()))
        silence = os.open(os.devnull, os.O_WRONLY)
        actions = [
            (os.POSIX_SPAWN_DUP2, silence, 2),
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
        ]
        self.process = os.posix_spawn(program, arguments, os.environ, file_actions=actions, setsid=True)
        for descriptor in (theirs_in, theirs_out, silence):
            os.close(descriptor)
        self.output, self.input = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self.buffer, self.number, self.session = b"", 0, None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.profile.cleanup()

    def send(self, method, **parameters):
        """Sends a command of the DevTools protocol and waits for its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.output.write(json.dumps(message).encode() + b"\0")
        self.output.flush()
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.input.fileno(), 1 << 16)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, address):
        # Addresses of one server differ behind the `#` only, which by itself loads nothing.
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=address)

    def evaluate(self, expression):
        """The value of a JavaScript expression, which may call `everything(selector)`."""
        result = self.send("Runtime.evaluate", expression=EVERYTHING + expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, expression, what, reason="'no reason'", seconds=60):
        """Waits until an expression is true. Another says why it is not."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise SystemExit(f"the page does not show {what}: {self.evaluate(reason)}")
            time.sleep(0.2)

    def screenshot(self):
        """What the page shows, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


def above(descriptor):
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return copy
