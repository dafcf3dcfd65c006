"""The one way out: everything a person or a model reads is rendered, masked, cleaned and fitted here."""
