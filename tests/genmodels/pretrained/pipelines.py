"""Folders of tiny random pipelines in the format of `diffusers`, made by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tokenizers import pre_tokenizers
from transformers import CLIPTextConfig, CLIPTokenizer, T5Config

from tests.genmodels.pretrained.folders import save_tokenizer

#: Latents of 16 x 16, each of which is two pixels wide.
SIDE = 32
_WIDTH = 16


def _clip_tokenizer() -> Any:
    """Every byte is a token, alone or at the end of a word."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=32)


def _clip_config(tokenizer: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        intermediate_size=32,
        num_attention_heads=2,
        num_hidden_layers=2,
        max_position_embeddings=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _t5(folder: Path, *, width: int = 2 * _WIDTH) -> tuple[Any, Any]:
    """A tokenizer of bytes and an encoder with random weights."""
    size = save_tokenizer(folder / "tokenizer")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "tokenizer")
    tokenizer.model_max_length = 300
    sizes = {"d_model": width, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    return tokenizer, transformers.T5EncoderModel(T5Config(vocab_size=size, **sizes))


def _autoencoder(*, channels: int = 4, blocks: int = 2, **config: Any) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * blocks,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        latent_channels=channels,
        norm_num_groups=4,
        **config,
    )


def _parts_of_stable_diffusion() -> dict[str, Any]:
    torch.manual_seed(0)
    tokenizer = _clip_tokenizer()
    return {
        "vae": _autoencoder(),
        "unet": diffusers.UNet2DConditionModel(
            block_out_channels=(8, 16),
            layers_per_block=1,
            sample_size=SIDE // 2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=_WIDTH,
            attention_head_dim=4,
            norm_num_groups=4,
        ),
        "text_encoder": transformers.CLIPTextModel(_clip_config(tokenizer)),
        "tokenizer": tokenizer,
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def save_stable_diffusion(folder: Path, *, scheduler: Any = None) -> Path:
    """A U-Net with random weights, by the sampler that Stable Diffusion comes with."""
    chosen = scheduler or diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1)
    pipeline = diffusers.StableDiffusionPipeline(**_parts_of_stable_diffusion(), scheduler=chosen)
    pipeline.save_pretrained(folder)
    return folder


def save_stable_diffusion_3(folder: Path) -> Path:
    """A transformer taught by flow matching, with random weights and its three readers."""
    torch.manual_seed(1)
    tokenizer = _clip_tokenizer()
    third_tokenizer, third_reader = _t5(folder)
    readers = [transformers.CLIPTextModelWithProjection(_clip_config(tokenizer)) for _ in range(2)]
    pipeline = diffusers.StableDiffusion3Pipeline(
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=SIDE // 2,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_projection_dim=_WIDTH,
            joint_attention_dim=2 * _WIDTH,
            pooled_projection_dim=2 * _WIDTH,
            pos_embed_max_size=SIDE,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_autoencoder(
            channels=16, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06
        ),
        text_encoder=readers[0],
        tokenizer=tokenizer,
        text_encoder_2=readers[1],
        tokenizer_2=tokenizer,
        text_encoder_3=third_reader,
        tokenizer_3=third_tokenizer,
    )
    pipeline.save_pretrained(folder)
    return folder


def save_pixart(folder: Path) -> Path:
    """A diffusion transformer that reads a T5, of a class with the older way of telling steps."""
    torch.manual_seed(2)
    tokenizer, reader = _t5(folder, width=_WIDTH)
    pipeline = diffusers.PixArtSigmaPipeline(
        tokenizer=tokenizer,
        text_encoder=reader,
        # It draws at the sizes that it was taught, the least of which are 256 pixels wide.
        vae=_autoencoder(blocks=4),
        transformer=diffusers.PixArtTransformer2DModel(
            sample_size=32,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_channels=_WIDTH,
            in_channels=4,
            cross_attention_dim=_WIDTH,
            out_channels=8,
            norm_num_groups=4,
            use_additional_conditions=False,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )
    pipeline.save_pretrained(folder)
    return folder
