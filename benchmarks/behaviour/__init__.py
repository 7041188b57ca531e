"""How samplers behave where it is awkward: crashes, tiny or conditional spaces, many slots."""
