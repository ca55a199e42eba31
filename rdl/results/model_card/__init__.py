"""The card of a model that is handed on, in the form that the Hugging Face hub documents."""

from rdl.results.model_card.text import written

__all__ = ["written"]
