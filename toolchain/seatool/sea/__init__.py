"""Specialised embedding approximation: the students, a stand-in teacher, and the student that seatool ships.

Source: Srivastava et al., "Specialized Embedding Approximation for Edge Intelligence", ICASSP 2021.
"""
