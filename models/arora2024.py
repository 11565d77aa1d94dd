"""Multi-query associative recall: accuracy against the bytes of the memory, by update rule (Arora et al. 2024).

A sequence shows pairs, key and value as two tokens each, then asks for every key once more, among other symbols.
A memory of fixed size holds fewer pairs than attention, whose memory grows with the sequence. How many depends on the
rule: a rule that corrects errors makes more of the same bytes than one that only adds.

As published (zoology): the task, with queries at gaps of a power law, key and value as separate tokens, answers that
are scored at the queries, several widths of the memory; a short convolution lets a layer see the token before.

Ours, since this runs on a CPU: shorter sequences, smaller vocabularies, one layer (published: two), one head, the
numbers of updates, Adam with a warm-up and a cosine, one learning rate for all (published: the best of four). The
published points come from sequences and nets of another size: they are not comparable one by one, and the order of
the rules at the same bytes is what is compared.

Cites: arora2024
"""
