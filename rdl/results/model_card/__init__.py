"""The model card of an exported model, in the form that the Hugging Face hub documents."""

from rdl.results.model_card.text import write_card

__all__ = ["write_card"]
