"""Train the student that seatool ships, on generated sounds, towards the computed teacher.

    python -m seatool.sea.demo_student --out student2_synthetic.h5.gz --wav demo.wav

Needs TensorFlow (``pip install seatool[keras]``). With the defaults it takes about twenty minutes on one core; the
seeds are fixed and TensorFlow and numpy run on one thread, so one machine makes the same file every time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import soundfile

from seatool import audio
from seatool.audio import synthetic
from seatool.rounding import ceil_div
from seatool.sea import evaluation, h5, student, teacher
from seatool.threads import one_thread

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

EMBEDDING = 128
TRAINING_SEED, HELD_OUT_SEED, NETWORK_SEED, STREET_SEED = 1, 2, 3, 4
BATCH = 64
LEARNING_RATE = 1e-3


class Sounds:
    """Generated sounds as the network and the teacher see them.

    Attributes:
        images: float32 [count, 64, 50, 1], decibels, before normalisation.
        features: float64 [count, features] of the teacher.
        labels: Index of the main sound's class.
    """

    def __init__(self, count: int, seed: int) -> None:
        clips, self.labels = synthetic.labelled_clips(count, seed)
        clips = [_partly_silent(clip, index) for index, clip in enumerate(clips)]
        self.images = np.stack([teacher.COARSE.features(clip) for clip in clips])
        self.features = np.stack([teacher.features(clip) for clip in clips])


def _partly_silent(clip: Float32, index: int) -> Float32:
    """Every eighth clip begins or ends in silence, like the windows at the edges of a recording."""
    if index % 8:
        return clip
    cut = len(clip) * (1 + index // 8 % 7) // 10
    silence = np.zeros(cut, np.float32)
    return np.concatenate([silence, clip[cut:]] if index % 16 else [clip[:-cut], silence])


def build() -> Any:
    """The untrained Keras network, layer by layer as :func:`student.network` lists them."""
    import keras

    keras.utils.set_random_seed(NETWORK_SEED)
    kinds = {
        "BatchNormalization": lambda config: keras.layers.BatchNormalization(epsilon=student.EPSILON),
        "Conv2D": lambda config: keras.layers.Conv2D(
            config["filters"], 3, padding="same", kernel_initializer="he_normal"
        ),
        "Activation": lambda config: keras.layers.ReLU(),
        "MaxPooling2D": lambda config: keras.layers.MaxPooling2D(config["pool_size"]),
        "Flatten": lambda config: keras.layers.Flatten(),
    }
    layers = [keras.Input(teacher.COARSE.shape)]
    for layer in student.network(EMBEDDING):
        made = kinds[layer.kind](layer.config)
        made.name = layer.name
        layers.append(made)
    return keras.Sequential(layers)


def train(sounds: Sounds, target: Float64, epochs: int, progress: bool) -> Any:
    """The network after ``epochs`` of Adam on the mean squared error, with a cosine-shaped learning rate."""
    import keras

    network = build()
    steps = epochs * ceil_div(len(sounds.images), BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    network.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    network.fit(sounds.images, target, batch_size=BATCH, epochs=epochs, verbose=2 if progress else 0)
    return network


def pack(network: Any) -> bytes:
    """The network with its audio layers in front, as edgel3's .h5.gz."""
    weights = {layer.name: layer.get_weights() for layer in network.layers}
    layers = student.with_weights(student.network(EMBEDDING), weights)
    return h5.compress(h5.write("audio_model", [*student.audio_layers(teacher.COARSE), *layers]))


def report(network: Any, fitted: teacher.Teacher, sounds: Sounds, held_out: Sounds) -> list[str]:
    """Lines that say how well the student does on sounds it has not heard."""
    target = fitted.embed(held_out.features)
    known, heard = (network.predict(group.images, batch_size=BATCH, verbose=0) for group in (sounds, held_out))
    inputs = {
        "mean log-mel level, 64 bands": (sounds.images.mean(axis=(2, 3)), held_out.images.mean(axis=(2, 3))),
        "teacher": (fitted.embed(sounds.features), target),
        "student": (known, heard),
    }
    lines = [
        f"held-out sounds            {len(heard)}",
        f"R2 against the teacher     {evaluation.r_squared(target, heard):.3f}",
        f"mean cosine                {evaluation.mean_cosine(target, heard):.3f}",
        f"linear probe, {len(synthetic.SOUNDS)} classes   accuracy (chance {1 / len(synthetic.SOUNDS):.2f})",
    ]
    for name, (first, second) in inputs.items():
        accuracy = evaluation.probe_accuracy(first, sounds.labels, second, held_out.labels)
        lines.append(f"  {name:<29}{accuracy:.3f}")
    return lines


def _deterministic() -> None:
    """One thread, reproducible kernels; before TensorFlow starts."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


@click.command(help=__doc__.split("\n")[0])
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The student, .h5.gz.")
@click.option("--wav", type=click.Path(path_type=Path, dir_okay=False), help="Also write the demo's recording here.")
@click.option("--sounds", "count", default=12000, show_default=True, help="Generated training sounds.")
@click.option("--held-out", "held_out_count", default=1800, show_default=True, help="Generated test sounds.")
@click.option("--epochs", default=12, show_default=True)
@click.option("--quiet", is_flag=True)
@one_thread
def main(out: Path, wav: Path | None, count: int, held_out_count: int, epochs: int, quiet: bool) -> None:
    _deterministic()
    if wav:
        soundfile.write(wav, audio.to_int16(synthetic.street(STREET_SEED)), 16000, "PCM_16", format="WAV")
    sounds, held_out = Sounds(count, TRAINING_SEED), Sounds(held_out_count, HELD_OUT_SEED)
    fitted = teacher.Teacher.fit(sounds.features)
    network = train(sounds, fitted.embed(sounds.features), epochs, not quiet)
    out.write_bytes(pack(network))
    click.echo("\n".join(report(network, fitted, sounds, held_out)))


if __name__ == "__main__":
    main()
