"""The campaign: asks an optimizer for points, submits them, records results, tells them."""
