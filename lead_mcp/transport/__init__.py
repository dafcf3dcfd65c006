"""What wraps an account's requests on their way out, in one chain: retried, signed, limited, bounded."""
