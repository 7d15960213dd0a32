"""Sound in: files, resampling, framing, the log-mel front end in numpy and its C."""

from seatool.audio.log_mel import LogMel

__all__ = ["LogMel"]
