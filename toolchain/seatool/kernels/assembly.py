"""Functions in assembly that several kernels call, each with its bytes: layers share one copy (``Cost.shared``)."""

from __future__ import annotations

GEMM_2X4 = ("nn_gemm_2x4", 282)
"""firmware/nn/nn_gemm.h"""

GEMM_OVERREAD = 2
"""Words that nn_gemm_2x4 reads beyond the end of either operand (NN_GEMM_OVERREAD)."""

VECTOR_4 = ("nn_vector_4", 206)
"""firmware/nn/nn_vector.h"""
