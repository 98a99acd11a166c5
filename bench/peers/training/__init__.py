"""Contenders that train an adapter on the same chats: see `bench/finetune_throughput.py`."""
