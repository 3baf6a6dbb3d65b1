"""How the reader that picks sentences was trained. Needs torch, which the product does not."""
