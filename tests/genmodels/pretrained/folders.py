"""Folders of tiny random networks in the format of `transformers`, made by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXT = "a red house by the sea, and the ships that come to it from far away"
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}<|reply|>"
)


def save_tokenizer(folder: Path, *, template: str | None = None) -> int:
    """A byte-level tokenizer of a few hundred tokens; returns its size."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<end>", "<|user|>", "<|system|>", "<|reply|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>"
    )
    if template is not None:
        fast.chat_template = template
    fast.save_pretrained(folder)
    return len(fast)


def _sizes(size: int) -> dict[str, Any]:
    return {"vocab_size": size, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1}


def save_causal(folder: Path, *, context: int = 64, template: str | None = None) -> Path:
    """A GPT-2 with random weights."""
    size = save_tokenizer(folder, template=template)
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        n_positions=context, n_embd=16, n_layer=2, n_head=2, **_sizes(size)
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def save_seq2seq(folder: Path) -> Path:
    """A BART with random weights, whose texts begin with a token of their own."""
    size = save_tokenizer(folder)
    torch.manual_seed(2)
    config = transformers.BartConfig(
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        init_std=0.4,
        decoder_start_token_id=1,
        forced_eos_token_id=None,
        tie_word_embeddings=False,
        **_sizes(size),
    )
    network = transformers.BartForConditionalGeneration(config)
    network.generation_config.forced_bos_token_id = 70
    network.save_pretrained(folder)
    return folder


def save_without_cache(folder: Path) -> Path:
    """A Mamba, which keeps no keys and values, with random weights."""
    size = save_tokenizer(folder)
    torch.manual_seed(3)
    config = transformers.MambaConfig(
        hidden_size=16, state_size=4, num_hidden_layers=2, expand=2, **_sizes(size)
    )
    transformers.MambaForCausalLM(config).save_pretrained(folder)
    return folder
