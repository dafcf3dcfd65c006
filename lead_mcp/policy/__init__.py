"""What wraps a request on its way out, and what wraps an answer on its way back to the model."""
