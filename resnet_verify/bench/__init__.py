"""Throughput: measured in processes of their own, compared in pairs, kept, and shown.

`regress` judges numbers and knows nothing else; `measure` and `worker` take samples; `versus`
holds two networks against each other; `history` keeps records.
"""
