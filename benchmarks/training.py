"""Training in numbers: the course's way, plain torch, ours, and the floor that this processor sets, side by side.

    python benchmarks/training.py [--turns 2] [--threads N] [--save]

Steps are forward, backward and Adam on a batch of 32 clips of 128 bands, random numbers that are in memory already;
what a loader does on top, padding and stacking, belongs to the step. Every way runs in processes of its own, the ways
in turn, since what flushes denormals, what malloc keeps and how threads wait hold for a process: the course's way and
plain torch run as torch comes, ours as labkit sets it up. The course's way at full length takes minutes a step: it
runs one.
Each criterion is printed with PASS or FAIL; the exit code is 1 when one fails. About 8 minutes on two quiet cores.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext

import numpy as np

BATCH, BANDS, UNITS, CLASSES = 32, 128, 128, 10
MAPS, POOLS = (32, 64, 128, 256), (2, 2, 4, 4)
WAYS = {"course": "the course's way", "torch": "plain torch", "ours": "ours"}
# (network, frames), and the steps of each way in each turn, after one that does not count; a beat step is an epoch's
CASES = {
    "lstm full": {"course": 1, "torch": 3, "ours": 5},
    "lstm beat": {"course": 3, "torch": 3, "ours": 5},
    "cnn 128": {"torch": 5, "ours": 5},
    "cnn 323": {"torch": 3, "ours": 5},
    "cnn 1293": {"torch": 1, "ours": 2},
}
NAMES = {
    "lstm full": "LSTM, 1291 to 1293 frames", "lstm beat": "LSTM, 26 to 129 beats, 58 on average",
    "cnn 128": "CNN, 128 frames", "cnn 323": "CNN, 323 frames", "cnn 1293": "CNN, 1293 frames",
}
BEATS = 10  # batches of an epoch of beat-synchronous clips


# --- the data -------------------------------------------------------------------------------------------------------

def frames(case: str) -> np.ndarray:
    """The lengths of the clips of an epoch."""
    rng = np.random.default_rng(0)
    if case == "lstm full":
        return rng.integers(1291, 1294, BATCH)
    if case == "lstm beat":
        found = np.clip(np.exp(rng.normal(np.log(55), 0.33, BEATS * BATCH)), 26, 129).astype(int)
        found[:2] = 26, 129
        return found
    return np.full(BATCH, int(case.split()[1]))


def clips(case: str) -> list:
    """(clip (T, 128) float32, label, length) of each clip of an epoch."""
    rng = np.random.default_rng(1)
    return [(rng.standard_normal((length, BANDS), np.float32), int(rng.integers(CLASSES)), int(length))
            for length in frames(case)]


# --- the ways, each in its own process ------------------------------------------------------------------------------

def loader_of(way: str, case: str):
    """Batches (x, labels, lengths) as each way makes them."""
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader

    items = clips(case)
    if way == "course":  # each item in float64, padded to the longest clip of all
        longest = max(length for _, _, length in items)

        class Course(torch.utils.data.Dataset):
            def __len__(self):
                return len(items)

            def __getitem__(self, index):
                clip, label, length = items[index]
                padded = np.zeros((longest, BANDS))
                padded[:length] = clip
                return padded, label, length

        return DataLoader(Course(), BATCH, shuffle=True)
    items = [(torch.from_numpy(clip), label, length) for clip, label, length in items]
    if way == "torch":
        def collate(batch):
            found, labels, lengths = zip(*batch, strict=True)
            return pad_sequence(found, batch_first=True), torch.tensor(labels), torch.tensor(lengths)

        return DataLoader(items, BATCH, shuffle=True, collate_fn=collate)
    from labkit.datasets import BucketSampler, collate_padded

    return DataLoader(items, batch_sampler=BucketSampler([length for _, _, length in items], BATCH),
                      collate_fn=collate_padded)


def plain_model(way: str, case: str):
    """The same networks without labkit: `model(x, lengths)` gives the outputs."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    class PlainLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(BANDS, UNITS, 2, batch_first=True, dropout=0.1)
            self.last = nn.Sequential(nn.Dropout(0.1), nn.Linear(UNITS, CLASSES))

        def forward(self, x, lengths):
            if way == "course":
                packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
                steps, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
            else:
                steps, _ = self.lstm(x)
            return self.last(steps[torch.arange(len(x)), lengths - 1])

    class PlainCNN(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(),
                       nn.MaxPool2d(pool, ceil_mode=True))
                      for before, after, pool in zip((1, *MAPS), MAPS, POOLS, strict=False)]
            self.blocks = nn.Sequential(*[layer for block in layers for layer in block])
            self.last = nn.Linear(MAPS[-1], CLASSES)

        def forward(self, x, lengths):
            return self.last(self.blocks(x[:, None]).mean((2, 3)))

    return PlainLSTM() if case.startswith("lstm") else PlainCNN()


def our_model(case: str):
    from labkit.models import Classifier, CNNBackbone, LSTMBackbone

    backbone = LSTMBackbone(BANDS, UNITS, 2) if case.startswith("lstm") else CNNBackbone(BANDS, MAPS, POOLS)
    return Classifier(backbone, CLASSES)


def passes(way: str, case: str, threads: int):
    """A function that trains through one epoch of `case`, and the number of its steps."""
    if way == "ours":
        import labkit.models  # noqa: F401, sets the process up, before torch does anything
        from labkit.machine import small_numbers_as_zero
    import torch

    torch.manual_seed(0)
    if threads:
        torch.set_num_threads(threads)
    loader = loader_of(way, case)
    model = our_model(case) if way == "ours" else plain_model(way, case)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def one() -> None:
        with small_numbers_as_zero() if way == "ours" else nullcontext():  # as labkit's own loop does
            for x, labels, lengths in loader:
                if way == "ours":
                    loss, _ = model(x, labels, lengths)
                else:
                    loss = torch.nn.functional.cross_entropy(model(x.float(), lengths), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss.item()

    return one, len(loader)


def timed(function, count: int, warm: bool = True) -> list[float]:
    """Seconds of `count` calls, after one that does not count."""
    if warm:
        function()
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        function()
        found.append(time.perf_counter() - begin)
    return found


def one_way(threads: int, way: str, case: str, count: str) -> list[float]:
    """Seconds a step."""
    function, steps = passes(way, case, threads)
    return [taken / steps for taken in timed(function, int(count), warm=(way, case) != ("course", "lstm full"))]


def evaluation(threads: int, case: str) -> dict:
    """Seconds a clip: with gradients recorded and without, in batches of 32, and without in batches of 128."""
    model = our_model(case).eval()  # sets the process up, before torch does anything
    import torch

    if threads:
        torch.set_num_threads(threads)
    x = torch.randn(4 * BATCH, 323 if case.startswith("lstm") else 128, BANDS)
    lengths = torch.full((len(x),), x.shape[1])

    def through(batch: int, gradients: bool):
        with torch.set_grad_enabled(gradients):
            for part, frames_of_part in zip(x.split(batch), lengths.split(batch), strict=True):
                model(part, None, frames_of_part)

    return {name: float(np.median(timed(lambda way=way: through(*way), 5))) / len(x)
            for name, way in (("recorded", (BATCH, True)), ("without", (BATCH, False)), ("large", (4 * BATCH, False)))}


def peaks(threads: int) -> dict:
    """The most floating-point operations a second, of a large matrix product and of the CNN's third convolution."""
    import torch

    import labkit.models  # noqa: F401, sets the process up

    if threads:
        torch.set_num_threads(threads)
    square = torch.randn(2048, 2048)
    x, weight = (torch.randn(shape).to(memory_format=torch.channels_last)
                 for shape in ((BATCH, MAPS[1], 32, 32), (MAPS[2], MAPS[1], 3, 3)))
    return {"matmul": 2 * 2048 ** 3 / min(timed(lambda: square @ square, 10)),
            "convolution": 2 * 9 * BATCH * MAPS[1] * MAPS[2] * 32 * 32
            / min(timed(lambda: torch.conv2d(x, weight, padding=1), 20)),
            "threads": torch.get_num_threads(), "torch": torch.__version__}


def operations(threads: int, case: str) -> float:
    """Floating-point operations of a step in matrix products and convolutions, on the clips' own frames."""
    if case.startswith("lstm"):  # two layers, four gates of input and state; the backward pass takes twice as many
        gates = 2 * 4 * UNITS * (BANDS + UNITS + 2 * UNITS)
        return 3 * gates * float(frames(case).sum()) / (len(frames(case)) / BATCH)
    from torch.utils.flop_counter import FlopCounterMode

    function, _ = passes("torch", case, threads)
    with FlopCounterMode(display=False) as counter:
        function()
    return float(counter.get_total_flops())


NEIGHBOUR = ("import sys, torch\nif sys.argv[1] == 'one core': torch.set_num_threads(1)\n"
             "a = torch.randn(1500, 1500)\nprint(flush=True)\nwhile True:\n    a @ a")
BUSY = ("one core", "all cores")  # what the process beside computes on


def busy(threads: int) -> dict:
    """Seconds of a step on beats, quiet and beside a process that computes on one core, and on all of them."""
    function, steps = passes("ours", "lstm beat", threads)
    seconds = {"quiet": timed(function, 5)}
    for cores in BUSY:
        with subprocess.Popen([sys.executable, "-c", NEIGHBOUR, cores], stdout=subprocess.PIPE) as neighbour:
            try:
                neighbour.stdout.readline()
                seconds[cores] = timed(function, 5)
            finally:
                neighbour.kill()
    return {where: float(np.median(taken)) / steps for where, taken in seconds.items()}


# --- the comparison -------------------------------------------------------------------------------------------------

def in_process(options: argparse.Namespace, *words: str):
    """What a fresh process prints for these words; how its threads wait is torch's own choice, or labkit's."""
    from labkit import WAITING  # not at the top, where it would set the children up that run as torch comes

    environment = {name: value for name, value in os.environ.items() if name not in WAITING}
    command = [sys.executable, __file__, "--threads", str(options.threads), "--run", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: argparse.Namespace) -> tuple[dict, dict]:
    """Seconds a step, (case, way) -> all of them; and the peaks, the most of two looks."""
    first, seconds = in_process(options, "peaks"), {}
    for turn in range(options.turns):
        for case, ways in CASES.items():
            for way, count in ways.items():
                if (way, case) != ("course", "lstm full") or not turn:
                    seconds.setdefault((case, way), []).extend(in_process(options, "way", way, case, str(count)))
                    print(f"turn {turn + 1} of {options.turns}: {NAMES[case]}, {WAYS[way]}", file=sys.stderr,
                          flush=True)
    second = in_process(options, "peaks")
    return seconds, first | {name: max(first[name], second[name]) for name in ("matmul", "convolution")}


def compare(options: argparse.Namespace) -> int:
    from _music import Report

    report = Report()
    seconds, peak = measure(options)
    report.section(f"A training step of {BATCH} clips: torch {peak['torch']}, {peak['threads']} threads")
    report.table("Peaks: the best of 10 and 20, in two processes", [
        {"operation": "product of two 2048 x 2048 matrices", "GFLOP/s": f"{peak['matmul'] / 1e9:.0f}"},
        {"operation": "3x3 convolution, 64 to 128 maps of 32 x 32", "GFLOP/s": f"{peak['convolution'] / 1e9:.0f}"}])
    mid = {key: float(np.median(found)) for key, found in seconds.items()}
    rows, times, share = [], {}, {}
    for case, ways in CASES.items():
        needed = in_process(options, "operations", case)
        floor = needed / peak["matmul" if case.startswith("lstm") else "convolution"]
        for way in ways:
            taken = mid[case, way]
            times[case, way], share[case, way] = taken / mid[case, "ours"], floor / taken
            rows.append({"network and input": NAMES[case], "way": WAYS[way], "a step (ms)": f"{1e3 * taken:.0f}",
                         "times ours": f"{times[case, way]:.1f}", "GFLOP/s": f"{needed / taken / 1e9:.1f}",
                         "share of the peak": f"{100 * share[case, way]:.1f} %", "steps": len(seconds[case, way])})
        rows.append({"network and input": NAMES[case], "way": "the floor", "a step (ms)": f"{1e3 * floor:.1f}",
                     "times ours": f"{floor / mid[case, 'ours']:.2f}", "GFLOP/s": f"{needed / floor / 1e9:.1f}",
                     "share of the peak": "100 %", "steps": "-"})
    report.table("Medians. 'steps' counts what was timed, of beats whole epochs of "
                 f"{BEATS} batches; the floor is the step's own operations at the peak", rows)
    print("The course's way at full length is the one step that its row says, without one before it.\n"
          "The CNN's plain way is nn.Conv2d, nn.BatchNorm2d, nn.ReLU and nn.MaxPool2d, as the course's code has them.")

    clip = {case: in_process(options, "evaluation", case) for case in ("lstm 323", "cnn 128")}
    report.table("Evaluation, ours: milliseconds a clip, medians of 5 passes through 128 clips", [
        {"network": {"lstm 323": "LSTM, 323 frames", "cnn 128": "CNN, 128 frames"}[case],
         "gradients recorded, 32 a batch": f"{1e3 * found['recorded']:.2f}",
         "without, 32 a batch": f"{1e3 * found['without']:.2f}",
         "without, 128 a batch": f"{1e3 * found['large']:.2f}"} for case, found in clip.items()])
    runs = [in_process(options, "busy") for _ in range(3)]
    slower = {cores: float(np.median([run[cores] / run["quiet"] for run in runs])) for cores in BUSY}
    report.table("Beside a busy process: an LSTM step on beats, ours", [
        {"process": number, "quiet (ms)": f"{1e3 * run['quiet']:.0f}"}
        | {f"beside one on {cores} (ms)": f"{1e3 * run[cores]:.0f}" for cores in BUSY}
        | {f"times, {cores}": f"{run[cores] / run['quiet']:.2f}" for cores in BUSY}
        for number, run in enumerate(runs, 1)])
    print("Two processes that compute on all cores have half of them each, so that twice the time is their fair share.")

    key = {case: case.replace(" ", "_") for case in CASES}
    report.facts |= {f"ms_{key[case]}_{way}": 1e3 * taken for (case, way), taken in mid.items()}
    report.facts |= {f"times_{key[case]}_{way}": value for (case, way), value in times.items() if way != "ours"}
    report.facts |= {f"share_{key[case]}": share[case, "ours"] for case in CASES}
    report.facts |= {"gflops_matmul": peak["matmul"] / 1e9, "gflops_convolution": peak["convolution"] / 1e9,
                     "threads": peak["threads"], "times_busy": slower["one core"],
                     "times_busy_all": slower["all cores"]}
    report.facts |= {f"ms_evaluation_{case.split()[0]}_{name}": 1e3 * value
                     for case, found in clip.items() for name, value in found.items()}
    for case, least, words in (("lstm full", 100, "LSTM at full length"), ("lstm beat", 6, "LSTM on beats")):
        report.check(times[case, "course"] >= least,
                     f"{words}: at least {least} times faster than the course's way: {times[case, 'course']:.1f}")
    for case in ("cnn 128", "cnn 323"):
        report.check(times[case, "torch"] >= 2,
                     f"{NAMES[case]}: at least twice as fast as plain torch: {times[case, 'torch']:.2f}")
        report.check(share[case, "ours"] >= 0.5, f"{NAMES[case]}: at least half of the convolution peak: "
                     f"{100 * share[case, 'ours']:.0f} %")
    report.check(slower["one core"] <= 2, "beside a process that keeps one core busy a step takes at most twice its "
                 f"quiet time, median of three processes: {slower['one core']:.2f}")
    return report.end("training" if options.save else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=2, help="processes of each way, the ways in turn")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 = as torch chooses")
    parser.add_argument("--save", action="store_true", help="keep the tables in results/benchmarks/")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, *words = options.run
        function = {"way": one_way, "evaluation": evaluation, "peaks": peaks, "operations": operations, "busy": busy}
        print(json.dumps(function[what](options.threads, *words)))
        return 0
    return compare(options)


if __name__ == "__main__":
    sys.exit(main())
