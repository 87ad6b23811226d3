"""Checks logs with TensorBoard itself.

    check.py values FOLDER EXPECTED   every tag and value comes back, and nothing else
    check.py pages FOLDER [IMAGES]    the pages show the runs; keeps pictures of them in the folder IMAGES

`requirements.txt` lists what this needs from PyPI. Without a Chromium the pages are not looked at, which is said.
"""

import collections
import contextlib
import io
import json
import pathlib
import re
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import DEFAULT_SIZE_GUIDANCE, EventAccumulator
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.plugins.hparams import plugin_data_pb2

import browser


def accumulators(folder):
    """What TensorBoard's reader has of each run."""
    everything = dict.fromkeys(DEFAULT_SIZE_GUIDANCE, 0)
    runs = {}
    for path in sorted({file.parent for file in pathlib.Path(folder).rglob("*tfevents*")}):
        name = path.relative_to(folder).as_posix()
        runs[name] = EventAccumulator(str(path), size_guidance=everything).Reload()
    return runs


# -- values ------------------------------------------------------------------------------------------------------------


def scalars(run):
    for tag in run.Tags()["scalars"]:
        for event in run.Scalars(tag):
            # By its bits: decimals are written in more than one way.
            yield "scalar", tag, event.step, struct.unpack("<I", struct.pack("<f", event.value))[0]


def histograms(run):
    for tag in run.Tags()["histograms"]:
        for event in run.Histograms(tag):
            h = event.histogram_value
            yield "histogram", tag, event.step, h.min, h.max, h.num, h.sum, h.sum_squares, *h.bucket


def images(run):
    for tag in run.Tags()["images"]:
        for event in run.Images(tag):
            image = Image.open(io.BytesIO(event.encoded_image_string))
            if (event.width, event.height) != image.size:
                raise SystemExit(f"image {tag}: {image.size} is announced as {event.width}, {event.height}")
            yield "image", tag, event.step, image.mode, event.width, event.height, *image.tobytes()


def tensors(run):
    for tag in run.Tags()["tensors"]:
        plugin = run.SummaryMetadata(tag).plugin_data
        for event in run.Tensors(tag):
            values = event.tensor_proto.string_val
            if plugin.plugin_name == "text":
                yield "text", tag, event.step, values[0].decode()
            elif plugin.plugin_name == "graph_run_metadata_graph":
                yield from nodes(tag, RunMetadata.FromString(values[0]).function_graphs[0].pre_optimization_graph)
            elif plugin.plugin_name == "graph_run_metadata":
                metadata = RunMetadata.FromString(values[0])
                yield from nodes(tag, metadata.function_graphs[0].pre_optimization_graph)
                for node in metadata.step_stats.dev_stats[0].node_stats:
                    yield "time", tag, node.node_name, node.all_start_micros, node.all_end_rel_micros
            elif plugin.plugin_name == "hparams":
                yield from session(plugin_data_pb2.HParamsPluginData.FromString(plugin.content))
            else:
                raise SystemExit(f"a tensor {tag} for {plugin.plugin_name}")


def session(data):
    if data.HasField("session_start_info"):
        for name, value in data.session_start_info.hparams.items():
            yield "hyperparameter", name, getattr(value, value.WhichOneof("kind"))
    else:
        yield "end", data.session_end_info.status


def graphs(run):
    if run.Tags()["graph"]:
        yield from nodes("", run.Graph())


def nodes(tag, graph):
    for node in graph.node:
        yield "node", tag, node.name, node.op, *node.input


def check_values(folder, expected):
    """The lines of `expected` are `run kind tag ...`, separated by tabs."""
    wanted = collections.Counter(pathlib.Path(expected).read_text().splitlines())
    found = collections.Counter()
    for name, run in accumulators(folder).items():
        for read in (scalars, histograms, images, tensors, graphs):
            for line in read(run):
                found["\t".join(map(word, (name, *line)))] += 1
    for line in (found - wanted).elements():
        print(f"not expected: {line}")
    for line in (wanted - found).elements():
        print(f"missing: {line}")
    if found != wanted:
        raise SystemExit(1)
    print(f"{sum(found.values())} values are as they were logged")


def word(value):
    # Rust writes 2 for 2.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# -- pages -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def served(folder):
    """Serves a folder on a port of its own choice; gives the address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield address.group()
                return
        raise SystemExit("TensorBoard does not start:\n" + "".join(lines))
    finally:
        server.kill()
        server.wait()


def fetch(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def wait_for_runs(address, runs):
    end = time.monotonic() + 60
    while set(json.loads(fetch(address + "data/runs"))) != set(runs):
        if time.monotonic() > end:
            raise SystemExit(f"the server does not know the runs {runs}")
        time.sleep(0.2)


def tagged_graphs(address):
    """For each run its graphs' tags with the names of their nodes, as the server gives them to the page."""
    graphs = {}
    for run, info in sorted(json.loads(fetch(address + "data/plugin/graphs/info")).items()):
        for tag in sorted(info["tags"]):
            query = urllib.parse.urlencode({"run": run, "tag": tag, "limit_attr_size": 1024, "large_attrs_key": "_large"})
            text = fetch(address + "data/plugin/graphs/graph?" + query)
            graphs[run, tag] = re.findall(r'^node \{\n  name: "(.*)"\n  op: "(.*)"', text, re.MULTILINE)
            if not graphs[run, tag]:
                raise SystemExit(f"the server has no graph {tag} of {run}")
    return graphs


# Cards are grouped by what stands before the slash in their tags. A page shows twelve of the first three groups.
OPEN_ALL = """
everything('tf-category-paginated-view').forEach(group => { group.opened = true; group._limit = 1000; }), """


def show_scalars(page, runs):
    """Each tag has a card, each run a line in it (and another, smoothed)."""
    tags = {tag for run in runs.values() for tag in run.Tags()["scalars"]}
    count = sum(len(run.Tags()["scalars"]) for run in runs.values())
    page.wait_for(f"{OPEN_ALL} everything('tf-scalar-card').length == {len(tags)}", f"a card for each of {tags}")
    lines = "everything('path.line').filter(line => (line.getAttribute('d') || '').includes('L')).length"
    page.wait_for(f"{lines} >= {count}", f"{count} curves")
    names = set(page.evaluate("everything('tf-scalar-card').map(card => card.tag)"))
    assert names == tags, names


def show_histograms(page, runs):
    """Each tag of each run has a card, each event an outline in it."""
    cards = {(name, tag) for name, run in runs.items() for tag in run.Tags()["histograms"]}
    outlines = sum(len(run.Histograms(tag)) for run in runs.values() for tag in run.Tags()["histograms"])
    drawn = "everything('path.outline').filter(line => (line.getAttribute('d') || '').includes('L')).length"
    page.wait_for(f"{OPEN_ALL} {drawn} == {outlines}", f"{outlines} outlines of histograms")
    found = page.evaluate("everything('tf-histogram-loader').map(card => [card.run, card.tag])")
    assert set(map(tuple, found)) == cards, found


DRAWN = "everything('g.node').map(node => node.getAttribute('data-name'))"


def missing(names):
    return f"(drawn => {json.dumps(sorted(names))}.filter(name => !drawn.includes(name)))({DRAWN})"


def draws(page, names, what):
    page.wait_for(f"{missing(names)}.length == 0", what, missing(names))


def show_graphs(page, graphs):
    """Each graph of the first run is drawn; boxes open."""
    first = min(run for run, _ in graphs)
    tags = [tag for run, tag in graphs if run == first]
    choices = "(everything('tf-graph-controls')[0]?.datasets ?? [])[0]?.tags.map(tag => tag.displayName)"
    page.wait_for(f"{choices} != null", "a choice of graphs")
    # Last the first one, which then is what the picture shows.
    for tag in reversed(tags):
        index = page.evaluate(choices).index(tag)
        page.evaluate(f"everything('tf-graph-controls')[0]._selectedTagIndex = {index}")
        # Constants are drawn beside what uses them.
        inside = collections.defaultdict(set)
        for name, op in graphs[first, tag]:
            path = name.split("/")
            for depth in range(len(path)):
                if op != "Const" or depth + 1 < len(path):
                    inside["/".join(path[:depth])].add("/".join(path[: depth + 1]))
        draws(page, inside[""], f"the graph {tag}")
        boxes = sorted(name for name in inside[""] if name in inside)
        for box in boxes[:1]:
            node = f"everything('g.node').find(node => node.getAttribute('data-name') == '{box}')"
            click = "node.querySelector('.expandbutton').dispatchEvent(new MouseEvent('click', { bubbles: true }))"
            for _ in range(10):  # A page that draws its graph anew forgets the click.
                page.evaluate(f"(node => node.classList.contains('expanded') || {click})({node})")
                time.sleep(1)
                if not page.evaluate(missing(inside[box])):
                    break
            draws(page, inside[box], f"the inside of {box} in the graph {tag}")
        print(f"drawn: {tag}, {len(graphs[first, tag])} nodes")


def profiles(runs):
    """For each run its profiles' tags with how many nodes have a time."""
    found = {}
    for name, run in runs.items():
        for tag in run.Tags()["tensors"]:
            if run.SummaryMetadata(tag).plugin_data.plugin_name == "graph_run_metadata":
                metadata = RunMetadata.FromString(run.Tensors(tag)[0].tensor_proto.string_val[0])
                found[name, tag] = len(metadata.step_stats.dev_stats[0].node_stats)
    return found


def show_times(page, profiles):
    """The profiles of the first run that has one color their graphs."""
    first = min(run for run, _ in profiles)
    controls = "everything('tf-graph-controls')[0]"
    page.wait_for(f"({controls}?.datasets ?? []).length > 0", "a choice of graphs")
    run = page.evaluate(f"{controls}.datasets.map(run => run.name)").index(first)
    page.evaluate(f"{controls}._selectedRunIndex = {run}")
    for tag in sorted(tag for run, tag in profiles if run == first):
        index = page.evaluate(f"{controls}.datasets[{run}].tags.map(tag => tag.displayName)").index(tag)
        page.evaluate(f"{controls}._selectedTagIndex = {index}")
        page.evaluate(f"{controls}._selectedGraphType = 'profile'")
        count = f"{controls}.stats?.dev_stats?.flatMap(device => device.node_stats).length"
        page.wait_for(f"{count} == {profiles[first, tag]}", f"the times of {tag}", f"'times: ' + {count}")
        page.evaluate(f"{controls}.colorBy = 'compute_time'")
        fills = "new Set(everything('g.node .nodecolortarget').map(shape => shape.style.fill)).size"
        page.wait_for(f"{controls}._currentGradientParams != null && {fills} > 1", f"the colors of {tag}")
        print(f"colored: {tag}, {profiles[first, tag]} times")


def check_pages(folder, pictures=None):
    runs = accumulators(folder)
    with served(folder) as address:
        wait_for_runs(address, runs)
        graphs = tagged_graphs(address)
        print(f"served: {', '.join(runs)}")
        program = browser.find()
        if program is None:
            print("SKIPPED: there is no Chromium to look at the pages with")
            return
        with browser.Browser(program, 1200, 640) as page:
            for name, tab, show, argument in (
                ("scalars", "scalars", show_scalars, runs),
                ("histograms", "histograms", show_histograms, runs),
                ("graphs", "graphs", show_graphs, graphs),
                ("times", "graphs", show_times, profiles(runs)),
            ):
                if not argument:
                    print(f"not logged: {name}")
                    continue
                page.open(f"{address}?darkMode=false#{tab}")
                show(page, argument)
                print(f"shown: {name}")
                if pictures:
                    time.sleep(2)  # Boxes grow, curves settle.
                    save(page.screenshot(), pathlib.Path(pictures, f"tensorboard-{name}.png"))


def save(picture, path):
    """Few colours, small file."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    match sys.argv[1:]:
        case ["values", folder, expected]:
            check_values(folder, expected)
        case ["pages", folder, *pictures] if len(pictures) <= 1:
            check_pages(folder, *pictures)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
