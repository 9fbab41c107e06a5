"""How networks that read histories in order learn: packing, item vectors, sampled softmax, early stopping, scoring."""
