"""Learns the gains of the base model's RMSNorms (`norm-gains.safetensors`): a build step, run by hand, never by the tests.

    pip install torch tokenizers safetensors numpy
    npm run embedded -- --groups groups.jsonl        # the chosen groups, texts included: keep it out of the repository
    python src/cli/embedded/tune-norms.py groups.jsonl HF_FOLDER OUT.safetensors [--init FILE] [--stop STEP] ...

HF_FOLDER is the base model in the Hugging Face layout (`to_hf.py` beside it writes it: model.safetensors, tokenizer.json). Matrices stay frozen: only the two norms
of every layer learn, 23,040 numbers at 20 layers. Four linear heads on the last token's normalised feature give the loss and
are thrown away: a general one, safety and code by Bradley-Terry on the training split's pairs (is_safe ratings by cross-entropy), and
the logarithm of the length by least squares, so that the feature keeps it. Arithmetic is bfloat16 with f32 residuals.
"""

import argparse
import json
import math
import random
import time
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

HIDDEN, HEADS, KV_HEADS, HEAD, EPS, THETA = 576, 9, 3, 64, 1e-5, 100_000.0
GENERAL, SAFETY, CODE, LENGTH = range(4)
NORMS = ("input_layernorm", "post_attention_layernorm")
# Weight of a preference beside a built contrast, of a safety rating, of the length.
PREFERENCE_WEIGHT, RATING_WEIGHT, LENGTH_WEIGHT = 0.7, 0.5, 0.2


def pairs_of(group):
    """(head, good, other, kind) of a group; kinds that a second head should know too come twice."""
    code = any(c["kind"].startswith("code-") for c in group["contrasts"])
    for c in group["contrasts"]:
        kind, good, twin = c["kind"], c["good"], c["twin"]
        head = SAFETY if kind == "unsafe" else CODE if kind.startswith("code-") else GENERAL
        yield head, good, twin, kind + (" extra" if c.get("extra") else "")
        if kind in ("code-other-task", "code-talk", "code-cut"):
            yield GENERAL, good, twin, "second head"
        if code and kind in ("terse", "evasive", "off-topic"):
            yield CODE, good, twin, "second head"
        if kind == "rude":
            yield SAFETY, good, twin, "second head"
    for p in group["preferences"]:
        head = {"hh_harmless": SAFETY, "ilf_mbpp": CODE}.get(p["source"], GENERAL)
        yield head, p["chosen"], p["rejected"], "preference " + p["source"]


def load(path, tokenizer, longest):
    """Groups of the training split as (token ids by response, pairs, safety ratings); longer responses are left out."""
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    loaded = []
    for line in open(path):
        group = json.loads(line)
        if group["split"] != "train":
            continue
        pairs = list(pairs_of(group))
        ratings = [(r["response"], r["value"]) for r in group["ratings"] if r["name"].endswith("is_safe")]
        turns = [*group["prompt"], {"role": "assistant", "content": None}]
        head = "\n".join(
            f"<|im_start|>{t['role']}\n" + ("" if t["content"] is None else t["content"].strip() + "<|im_end|>")
            for t in turns
        )
        ids = {}
        for response in {r for p in pairs for r in p[1:3]} | {r for r, _ in ratings}:
            tokens = encode(head + group["responses"][response].strip() + "<|im_end|>")
            if len(tokens) <= longest:
                ids[response] = tokens
        pairs = [p for p in pairs if p[1] in ids and p[2] in ids]
        ratings = [r for r in ratings if r[0] in ids]
        if pairs or ratings:
            loaded.append((ids, pairs, ratings))
    return loaded


def batches(data, tokens):
    """Groups of about equal length together, each batch of at most `tokens` padded tokens."""
    longest = [max(map(len, ids.values())) for ids, _, _ in data]
    order = sorted(range(len(data)), key=lambda i: longest[i] + random.random() * 12)
    made, batch, width, rows = [], [], 0, 0
    for i in order:
        if batch and max(width, longest[i]) * (rows + len(data[i][0])) > tokens:
            made.append(batch)
            batch, width, rows = [], 0, 0
        batch.append(i)
        width, rows = max(width, longest[i]), rows + len(data[i][0])
    return [*made, batch]


def pack(data, batch):
    sequences, pairs, ratings = [], [], []
    for i in batch:
        ids, own_pairs, own_ratings = data[i]
        row = {response: len(sequences) + k for k, response in enumerate(ids)}
        sequences += ids.values()
        pairs += [(head, row[good], row[other], kind) for head, good, other, kind in own_pairs]
        ratings += [(row[response], value) for response, value in own_ratings]
    padded = torch.zeros(len(sequences), max(map(len, sequences)), dtype=torch.long)
    for k, tokens in enumerate(sequences):
        padded[k, : len(tokens)] = torch.tensor(tokens)
    return padded, torch.tensor([len(tokens) - 1 for tokens in sequences]), pairs, ratings


class Backbone(torch.nn.Module):
    def __init__(self, path, layers, dtype=torch.bfloat16):
        super().__init__()
        weights = load_file(path)
        self.dtype = dtype
        self.embedding = weights["model.embed_tokens.weight"].to(dtype)
        self.norm = weights["model.norm.weight"].float()
        self.layers = []
        for i in range(layers):
            of = lambda name: weights[f"model.layers.{i}.{name}.weight"]
            self.layers.append(
                {
                    "norms": [of(name).float() for name in NORMS],
                    "qkv": torch.cat([of(f"self_attn.{name}_proj") for name in "qkv"]).to(dtype),
                    "out": of("self_attn.o_proj").to(dtype),
                    "up": torch.cat([of("mlp.gate_proj"), of("mlp.up_proj")]).to(dtype),
                    "down": of("mlp.down_proj").to(dtype),
                }
            )
        self.change = torch.nn.Parameter(torch.zeros(layers, 2, HIDDEN))

    @staticmethod
    def rms(x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * weight

    def forward(self, ids, last):
        """Normalised features [rows, hidden] of the tokens at `last`."""
        rows, width = ids.shape
        x = self.embedding[ids].float()
        angles = torch.arange(width)[:, None] / THETA ** (torch.arange(0, HEAD, 2) / HEAD)
        cos, sin = (torch.cat([f(angles)] * 2, -1).to(self.dtype) for f in (torch.cos, torch.sin))

        def heads(part, count, turned):
            part = part.view(rows, width, count, HEAD).transpose(1, 2)
            if turned:
                a, b = part.chunk(2, -1)
                part = part * cos + torch.cat([-b, a], -1) * sin
            return part.repeat_interleave(HEADS // count, 1)

        for layer, change in zip(self.layers, self.change):
            gains = [weight * (1 + own) for weight, own in zip(layer["norms"], change)]
            qkv = self.rms(x, gains[0]).to(self.dtype) @ layer["qkv"].T
            q, k, v = qkv.split([HIDDEN, KV_HEADS * HEAD, KV_HEADS * HEAD], -1)
            mixed = F.scaled_dot_product_attention(
                heads(q, HEADS, True), heads(k, KV_HEADS, True), heads(v, KV_HEADS, False), is_causal=True
            )
            x = x + (mixed.transpose(1, 2).reshape(rows, width, HIDDEN) @ layer["out"].T).float()
            gate, up = (self.rms(x, gains[1]).to(self.dtype) @ layer["up"].T).chunk(2, -1)
            x = x + ((F.silu(gate) * up) @ layer["down"].T).float()
        return self.rms(x[torch.arange(rows), last], self.norm)


def logistic(differences, weights, penalty):
    """Newton's method for the Bradley-Terry loss with an L2 penalty. [pairs, d] -> [d]"""
    x, w = torch.tensor(differences, dtype=torch.float64), torch.tensor(weights, dtype=torch.float64)
    b = torch.zeros(x.shape[1], dtype=torch.float64)
    for _ in range(12):
        p = torch.sigmoid(-x @ b)
        gradient = penalty * b - (x * (w * p)[:, None]).sum(0)
        curvature = (x * (w * p * (1 - p))[:, None]).T @ x + penalty * torch.eye(len(b), dtype=torch.float64)
        b = b - torch.linalg.solve(curvature, gradient)
    return b.float()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("groups")
    parser.add_argument("source")
    parser.add_argument("out")
    parser.add_argument("--init", help="gains to go on from")
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--steps", type=int, default=0, help="length of the cosine schedule; 0: one pass")
    parser.add_argument("--stop", type=int, default=0, help="stop early, in the middle of the schedule")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(2)
    data = load(arguments.groups, Tokenizer.from_file(f"{arguments.source}/tokenizer.json"), 400)
    counts = Counter(kind for _, pairs, _ in data for *_, kind in pairs)
    weight_of = {
        kind: 10 * max(n, 40) ** -0.5 * (PREFERENCE_WEIGHT if kind.startswith("preference") else 1)
        for kind, n in counts.items()
    }
    model = Backbone(f"{arguments.source}/model.safetensors", arguments.layers)
    names = [f"model.layers.{i}.{norm}.weight" for i in range(arguments.layers) for norm in NORMS]
    if arguments.init is not None:
        gains = load_file(arguments.init)
        model.change.data = torch.stack([gains[name] - 1 for name in names]).view_as(model.change)

    # The heads begin where they are best for the features as they are.
    part = random.sample(data, min(300, len(data)))
    features, lists = [], {head: ([], []) for head in (GENERAL, SAFETY, CODE)}
    with torch.no_grad():
        for batch in batches(part, 12_000):
            ids, last, pairs, _ = pack(part, batch)
            feature = model(ids, last)
            features.append(feature)
            for head, good, other, kind in pairs:
                lists[head][0].append((feature[good] - feature[other]).numpy())
                lists[head][1].append(weight_of[kind])
    centre, spread = torch.cat(features).mean(0), torch.cat(features).std(0) + 1e-3
    heads = torch.zeros(4, HIDDEN)
    for head, (differences, weights) in lists.items():
        heads[head] = logistic(np.stack(differences) / spread.numpy(), weights, 100.0)
    heads, offsets = torch.nn.Parameter(heads), torch.nn.Parameter(torch.zeros(2))

    optimiser = torch.optim.AdamW(
        [{"params": [model.change], "lr": arguments.rate}, {"params": [heads, offsets], "lr": 2e-3}],
        betas=(0.9, 0.98),
        weight_decay=0.02,
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    order = batches(data, 4500)
    random.shuffle(order)
    steps = arguments.steps or len(order)
    started, seen = time.time(), 0
    for step, batch in enumerate(order[: arguments.stop or steps]):
        factor = min(1, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group, rate in zip(optimiser.param_groups, rates):
            group["lr"] = rate * factor
        ids, last, pairs, ratings = pack(data, batch)
        seen += ids.numel()
        scores = (model(ids, last) - centre) / spread @ heads.T
        lengths = torch.log(last.float() + 1) - 4.8
        loss = LENGTH_WEIGHT * (scores[:, LENGTH] + offsets[0] - lengths).pow(2).sum()
        total = LENGTH_WEIGHT * len(last)
        if pairs:
            head, good, other = (torch.tensor([pair[i] for pair in pairs]) for i in range(3))
            weight = torch.tensor([weight_of[kind] for *_, kind in pairs])
            loss = loss + (weight * F.softplus(scores[other, head] - scores[good, head])).sum()
            total += weight.sum().item()
        if ratings:
            rows, safe = torch.tensor([r for r, _ in ratings]), torch.tensor([float(v) for _, v in ratings])
            logits = scores[rows, SAFETY] + offsets[1]
            loss = loss + RATING_WEIGHT * F.binary_cross_entropy_with_logits(logits, safe, reduction="sum")
            total += RATING_WEIGHT * len(ratings)
        optimiser.zero_grad()
        (loss / total).backward()
        torch.nn.utils.clip_grad_norm_([model.change], 1.0)
        optimiser.step()
        if step % 25 == 24:
            print(f"step {step + 1}: loss {loss.item() / total:.4f}, {seen / (time.time() - started):.0f} tokens/s", flush=True)
    save_file(dict(zip(names, (1 + model.change.detach()).reshape(-1, HIDDEN).contiguous().unbind())), arguments.out)


if __name__ == "__main__":
    main()
