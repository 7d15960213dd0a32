"""Sound in: files, resampling, framing, the log-mel front end in numpy and its C."""

from seatool.audio.log_mel import LogMel
from seatool.audio.resample import resample
from seatool.audio.wav import frames, read_wav, to_int16

__all__ = ["LogMel", "frames", "read_wav", "resample", "to_int16"]
