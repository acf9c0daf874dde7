"""Dead letters as a person handles them: found, read, sent again, or thrown away."""
