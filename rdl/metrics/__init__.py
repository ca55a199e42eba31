"""Metrics that are not part of disentanglement_lib: MIG-sup, InfoMEC and DCI-ES."""
