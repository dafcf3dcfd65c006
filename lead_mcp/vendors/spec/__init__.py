"""What a vendor is. Lowest first: ``http``, ``fields``, ``account``, ``events``, ``reading``, ``writing``, ``vendor``."""
