"""Every explorer of the lessons in one notebook, with small data, and how high each is."""

from pathlib import Path

from browser import SETTLED, write_notebook

MOST = 640  # pixels of height; the notebook's part of the window has about 647
TESTS = str(Path(__file__).parent)

SETUP = f"""
import sys
sys.path.insert(0, {TESTS!r})
import numpy as np
from labkit.explore.descent import DescentExplorer
rng = np.random.default_rng(0)"""

# lesson and explorer -> source, as the lesson shows it
EXPLORERS = {
    "00 start": """
from labkit.explore.start import StartExplorer
StartExplorer(learning_rate=0.01, steps=20)""",
    "01 rate": """
DescentExplorer(surface="article", learning_rate=0.1, steps=20,
                hide=["surface", "optimizer", "momentum", "limit", "presets"])""",
    "01 momentum": """
DescentExplorer(surface="ravine", optimizer="momentum", learning_rate=0.1, steps=60, momentum=0.9,
                kept=[{"optimizer": "sgd"}], hide=["surface"])""",
    "01 all controls": """
DescentExplorer(surface="rosenbrock", optimizer="adam", learning_rate=0.01, steps=500)""",
    "02 outlier": """
from labkit.explore.losses import OutlierExplorer, PredictionExplorer
OutlierExplorer()""",
    "02 predictions": "PredictionExplorer()",
    "02 neuron": """
from labkit.explore.neuron import NeuronExplorer
NeuronExplorer()""",
    "03 function": """
from labkit.explore.activations import ActivationExplorer, SignalExplorer
ActivationExplorer()""",
    "03 signal": "SignalExplorer()",
    "03 regions": """
from labkit.explore.regions import RegionsExplorer
RegionsExplorer(activation="relu", layers=3)""",
    "04 graph": """
from labkit.explore.backprop import GraphExplorer, TrainingExplorer
GraphExplorer(graph_step=8)""",
    "04 flow": """
from labkit.explore.flow import FlowExplorer
FlowExplorer()""",
    "04 folding": """
from labkit.explore.folding import FoldingExplorer
FoldingExplorer()""",
    "04 training": "TrainingExplorer()",
    "05 threshold": """
from labkit.explore.metrics import ThresholdExplorer
ThresholdExplorer()""",
    "10 watch": """
import keras
from labkit.explore.network import LiveTraining
from labkit.networks.models import mlp
model = mlp(hidden=16)
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = rng.random((640, 28, 28, 1)), rng.integers(0, 10, 640)
LiveTraining(model, x[:320], y[:320], (x[320:], y[320:]), epochs=2)""",
    "10 draw": """
from plain_network import plain_network
from labkit.data import load_mnist
from labkit.explore.digit import DigitExplorer
digits = load_mnist()
one_each = np.stack([digits.x_test[digits.y_test == d][0] for d in range(10)])
DigitExplorer(plain_network(), one_each)""",
    "11 window": """
from labkit.explore.convolution import FeatureMapExplorer, SlidingWindow
SlidingWindow()""",
    "11 features": """
from labkit.networks.models import small_cnn
FeatureMapExplorer(small_cnn(), one_each)""",
    "13 memory": """
from labkit.explore.recurrent import GatesExplorer, MemoryExplorer
MemoryExplorer()""",
    "13 gates": """
from labkit.maths import recurrent
series = [rng.normal(size=(frames, 12)) for frames in (9, 20, 29)]
lstm = recurrent.random_weights("lstm", 12, 6, radius=0.5)
GatesExplorer(lstm, (rng.normal(size=(6, 9)), rng.normal(size=9)), series, [0, 4, 8])""",
    "14 look": """
from labkit.explore.attention import LookExplorer
from labkit.networks.transformer import Decoder, random_weights
LookExplorer(Decoder(random_weights()))""",
    "15 transfer": """
from labkit.explore.transfer import TransferExplorer
found = {"scratch": rng.normal(90, 2, (3, 5))}
for source in ("digits 0 to 4", "shuffled pixels"):
    found |= {(source, frozen): rng.normal(91, 2, (3, 5)) for frozen in range(4)}
TransferExplorer([1, 20, 400], found)""",
    "16 write": """
from labkit.explore.language import WriteExplorer
from labkit.networks.tokens import train
tokens = train("the thing that the thinker thinks is a thing " * 3, 30)
WriteExplorer(random_weights(len(tokens), layers=2, heads=4), tokens, length=60, place=30)""",
    "21 collectives": """
from labkit.datacenter.links import Link
from labkit.explore.collectives import CollectivesExplorer
line = Link(bandwidth=20e6, latency=0.01)
found = {"method": "ring", "seconds": 0.22, "least": 0.21, "most": 0.25}
found |= {"size": 8, "size_in_bytes": 2**20}
CollectivesExplorer([found], line, workers=8)""",
    "21 pipeline": """
from labkit.datacenter import pipeline
from labkit.datacenter.workers import Workers
from labkit.explore.pipeline import PipelineExplorer
widths = (8, 12, 10, 4)
layers = [(rng.normal(size=pair), rng.normal(size=pair[1])) for pair in zip(widths, widths[1:])]
batch = rng.normal(size=(12, 8)), rng.integers(0, 4, 12)
with Workers(3) as workers:
    step = pipeline.measure(workers, layers, *batch, "1f1b", 4, forward=0.03, backward=0.06)
PipelineExplorer([step], kind="1f1b", stages=3, micro_batches=4)""",
    "21 feedback": """
from labkit.explore.compression import FeedbackExplorer
FeedbackExplorer()""",
    "17 devices": """
from labkit.explore.devices import DeviceExplorer
DeviceExplorer()""",
    "20 roofline": """
from labkit.explore.roofline import RooflineExplorer
RooflineExplorer()""",
    "20 scale": """
from labkit.datacenter import precision
from labkit.explore.faster import ScaleExplorer
stages = {0: precision.start([784, 16, 10]), 300: precision.start([784, 16, 10], seed=1)}
ScaleExplorer(stages, rng.random((32, 784)), rng.integers(0, 10, 32))""",
    "23 serving": """
from labkit.datacenter.serving.traffic import Answers
from labkit.explore.serving import ServingExplorer, row
planned = np.arange(9.0)
times = planned, planned, planned + 0.08, np.full(9, 200), np.ones(9)
ServingExplorer([row(Answers(*times), rate=10)])""",
    "24 balancing": """
from labkit.explore.balancing import BalancingExplorer
measured = {"policy": "random", "servers": 10, "utilization": 0.7, "mean": 3.4, "margin": 0.3}
BalancingExplorer([measured], utilization=0.7)""",
    "28 lifecycle": """
from labkit.explore.lifecycle import LifecycleExplorer
LifecycleExplorer(field="speech", trap="own", stage="monitor")""",
    "22 smaller": """
from labkit.datacenter.network import Images
from labkit.datacenter.smaller import pruning, tradeoff
from labkit.explore.smaller import SmallerExplorer
layers = [layer.get_weights() for layer in plain_network().layers]
versions = {share: pruning.prune(layers, share) for share in pruning.SHARES}
rows, labels = one_each.reshape(10, -1), np.arange(10)
found = tradeoff.measure(versions, rows, Images(rows, labels))
SmallerExplorer(found, tradeoff.latencies(versions, rows, seconds=0.1), tuned=found)""",
    "25 energy": """
from labkit.explore.energy import EnergyExplorer
EnergyExplorer()""",
    "26 privacy": """
from labkit.explore.privacy import PrivacyExplorer
noises, runs = (0.6, 1.0, 2.0, 4.0), rng.normal([[0.88], [0.865], [0.84], [0.77]], 0.01, (4, 5))
found = [
    {"sigma": sigma, "q": 0.04, "steps": 200, "accuracy": run} for sigma, run in zip(noises, runs)
]
PrivacyExplorer(found, plain=rng.normal(0.91, 0.005, 5))""",
    "27 monitoring": """
from labkit.explore.monitoring import MonitoringExplorer
MonitoringExplorer(others=True)""",
    "90 ledger": """
from labkit.explore.ledger import LedgerExplorer
LedgerExplorer()""",
    "91 results": """
import tempfile
from labkit import explore, results
from synthetic import write_runs
folder = tempfile.mkdtemp()
write_runs(folder, 40)
explore.results(results(folder=folder))""",
}


def write_gallery(path: Path) -> None:
    """Write a notebook whose first cell prepares, and whose every other cell is one explorer."""
    write_notebook(path, SETUP.strip(), *(source.strip() for source in EXPLORERS.values()))


# Height and overflow of every output; of all boxes inside, shadow roots too.
SIZES = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map((cell) => {
  const area = [...cell.querySelectorAll('.jp-OutputArea-output')].pop();
  if (!area) return null;
  let over = 0;
  const look = (node) => {
    const scrolls = /auto|scroll/.test(getComputedStyle(node).overflowX);
    if (scrolls && node.clientWidth) over = Math.max(over, node.scrollWidth - node.clientWidth);
    for (const child of [...node.children, ...(node.shadowRoot?.children ?? [])]) look(child);
  };
  look(area);
  const { width, height } = area.getBoundingClientRect();
  return { width: Math.round(width), height: Math.round(height), over };
})"""


def measure(page, width=1366, height=768):
    """Return width, height and overflow of each cell's last output in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => jupyterapp.shell.expandLeft()")
    page.wait_for_timeout(1000)  # pictures are laid out anew
    page.evaluate(SETTLED)
    return page.evaluate(SIZES)
