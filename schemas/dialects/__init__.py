"""How each sender shapes its callbacks: one file a dialect."""
