"""What a vendor is. Lowest first: ``http``, ``fields``, ``account``, ``reading``, ``writing``, ``vendor``."""
