"""Sound in: files, resampling, framing, the log-mel front end in numpy and its C."""

from seatool.audio.emit import code_and_table_bytes, cost, emit, scratch_bytes
from seatool.audio.log_mel import LogMel
from seatool.audio.resample import resample
from seatool.audio.wav import frames, read_wav, to_int16

__all__ = [
    "LogMel",
    "code_and_table_bytes",
    "cost",
    "emit",
    "frames",
    "read_wav",
    "resample",
    "scratch_bytes",
    "to_int16",
]
