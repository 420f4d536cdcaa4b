"""Data-parallel training on the ranks of one task: Horovod, and torch DistributedDataParallel.

``horovod_on`` and ``ddp_on`` give the same things: ``distribute`` for a model and its optimizer,
``average`` for metrics, and the fields of ``members.Members``. ``data`` says which samples a
member reads, ``rates`` how the learning rate grows with the members. None of these files imports
PyTorch or Horovod before it is used.
"""
