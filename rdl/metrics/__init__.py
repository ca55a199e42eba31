"""Metrics beyond disentanglement_lib (MIG-sup, InfoMEC, DCI-ES), and all metrics on arrays."""
