"""seatool: trained neural networks become bit-exact int8 firmware for a Cortex-M7."""

__version__ = "0.1.0"
