"""Code that was not written for ask and tell: generators, callbacks, queues, other languages."""
